"""The daemon's rules in virtual time: when checks take place, and what they find."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor import schedule
from monitor.clock import from_milliseconds, to_milliseconds
from monitor.simulation.course import ClockStep, Course, Fault, Session
from monitor.simulation.observing import FIRST_CHECKS_WITHIN_MS, Looks, Overrun, looks_only, observe
from monitor.simulation.parameters import DAY_MS
from monitor.simulation.recording import rows_of
from monitor.sla.model import Verdict
from monitor.store import ImportRow
from tests.simulation.places import EVERY_MS, START_MS, busy, calm, with_faults, with_sessions, with_steps

HOUR = 3_600_000
NOON = START_MS + 12 * HOUR


def found(course: Course, probe: str = "api") -> list[Looks | Overrun]:
    return observe(course, course.probe(probe))


def rows(course: Course, probe: str = "api") -> list[ImportRow]:
    return list(rows_of(course.probe(probe), found(course, probe), "here", course.interval, course.seed))


def failures(course: Course) -> list[tuple[float, str]]:
    """Seconds after noon, and the reason."""
    return [((row.started_ms - NOON) / 1000, row.reason) for row in rows(course) if row.verdict is not Verdict.UP]


def starts(course: Course, since: int, until: int) -> list[float]:
    return [(row.started_ms - NOON) / 1000 for row in rows(course) if since <= row.started_ms - NOON <= until]


def test_a_calm_day_is_two_stretches_however_many_checks() -> None:
    looks = list(looks_only(found(calm())))
    assert len(looks) <= 3
    assert sum(each.count for each in looks) == DAY_MS // EVERY_MS


def test_a_refusal_is_repeated_at_the_pace_of_rechecks_until_the_first_success() -> None:
    down = with_faults(calm(), Fault(NOON + 1_000, NOON + 42_000))
    assert starts(down, 0, 70_000) == [0, 30, 35.04, 40.08, 45.12, 60]
    assert failures(down) == [(30, "refused"), (35.04, "refused"), (40.08, "refused")]


def test_no_answer_takes_the_whole_timeout_and_a_turn_in_its_middle_is_an_overrun() -> None:
    down = with_faults(calm(), Fault(NOON, NOON + 100_000, hangs=True))
    assert failures(down) == [(0, "deadline"), (25, "deadline"), (50, "deadline"), (75, "deadline")]
    assert [each for each in found(down) if isinstance(each, Overrun)] == [Overrun(NOON + 90_000, 15_000)]


def test_a_lost_packet_is_one_failure_and_its_recheck_succeeds() -> None:
    lost = replace(calm(), lost={"api": (NOON - 10_000,)})
    assert failures(lost) == [(0, "deadline")]
    assert starts(lost, 0, 60_000) == [0, 25, 30, 60]


def test_what_was_lost_while_nobody_looked_hits_no_later_check() -> None:
    course = replace(calm(), lost={"api": (NOON + 60_000,)})
    away = with_sessions(
        course, Session(START_MS, NOON, clean=True), Session(NOON + 2 * HOUR, course.interval[1], clean=False)
    )
    assert failures(away) == []


def test_our_own_network_out_is_unknown_and_not_repeated() -> None:
    out = replace(with_faults(calm(), Fault(NOON, NOON + 60_000)), offline=((NOON - 5_000, NOON + 40_000),))
    assert failures(out) == [(0, "offline"), (30, "offline")]


def test_a_component_that_cannot_be_asked_for_another_one_s_outage_is_blocked() -> None:
    course = busy(1)
    api = course.faults_of("api")
    blocked = [row for row in rows(course, "coap") if row.reason == "blocked"]
    assert blocked
    offsets = {step.offset_ms for step in course.clock_steps} | {0}
    for row in blocked:
        assert any(a <= row.started_ms - offset < b for a, b in api for offset in offsets)


def test_a_check_that_is_cut_off_leaves_no_result() -> None:
    course = with_faults(calm(), Fault(NOON, NOON + HOUR, hangs=True))
    killed = with_sessions(course, Session(START_MS, NOON + 10_000, clean=False))
    assert failures(killed) == []
    assert rows(killed)[-1].started_ms == NOON - EVERY_MS


@pytest.mark.parametrize("offset_ms", [-40_000, 40_000])
def test_after_a_step_of_the_clock_the_grid_is_that_of_the_clock(offset_ms: int) -> None:
    stepped = with_steps(calm(), ClockStep(NOON + 1_000, offset_ms))
    looks = list(looks_only(found(stepped)))
    assert all((each.shown_ms - START_MS) % EVERY_MS == 0 for each in looks)
    assert {each.shown_ms - each.true_ms for each in looks} == {0, offset_ms}
    true = sorted(at_ms for each in looks for at_ms in range(each.true_ms, each.last_true_ms + 1, each.every_ms))
    assert max(b - a for a, b in pairwise(true)) <= EVERY_MS + 10_000


@pytest.mark.parametrize("seed", range(4))
def test_taking_many_at_once_finds_what_taking_one_by_one_finds(seed: int) -> None:
    course = with_steps(busy(seed, days=3))
    middles = [ClockStep((each.start_ms + each.end_ms) // 2, 0) for each in course.sessions]
    one_by_one = with_steps(course, *middles, ClockStep(course.interval[1] + 1, 10 * 365 * DAY_MS))
    for probe in ("api", "coap", "gateway"):
        assert _counts(found(one_by_one, probe)) == {1}
        assert max(_counts(found(course, probe))) > 100
        assert rows(course, probe) == rows(one_by_one, probe)


def _counts(looks: Sequence[Looks | Overrun]) -> set[int]:
    return {each.count for each in looks if isinstance(each, Looks)}


@pytest.mark.parametrize(("every_ms", "phase"), [(30_000, 0.0), (30_000, 0.618), (300_000, 0.236), (7_000, 0.9)])
def test_the_grid_is_that_of_the_schedule(every_ms: int, phase: float) -> None:
    course = calm()
    (probe,) = course.probes
    settings = replace(probe.settings[0], every_ms=every_ms, stale_ms=3 * every_ms)
    looked = rows(replace(course, probes=(replace(probe, phase=phase, settings=(settings,)),)))
    grid = schedule.GridTrigger(every_ms / 1000, every_ms * phase / 1000)
    due = grid.get_next_fire_time(None, from_milliseconds(looked[2].started_ms) - timedelta(milliseconds=2))
    for row in looked[2:20]:
        assert abs(to_milliseconds(due) - row.started_ms) <= 1
        due = grid.get_next_fire_time(due, due)


def test_first_checks_are_spread_as_the_schedule_spreads_them() -> None:
    assert FIRST_CHECKS_WITHIN_MS == schedule.FIRST_CHECKS_WITHIN_SECONDS * 1000


def test_a_turn_of_the_grid_that_comes_sooner_is_the_recheck() -> None:
    course = replace(calm(), lost={"api": (NOON - 10_000,)})
    (probe,) = course.probes
    patient = replace(probe, settings=(replace(probe.settings[0], timeout_ms=28_000),))
    assert starts(replace(course, probes=(patient,)), 0, 90_000) == [0, 30, 60, 90]


def test_results_in_portions_are_all_of_them_once() -> None:
    course = busy(1, days=1)
    start, end = course.interval
    cuts = [start, start + 1_234_567, start + 20 * HOUR, end]
    observed = found(course)
    portions = [row for cut in pairwise(cuts) for row in rows_of(course.probe("api"), observed, "here", cut, 1)]
    assert portions == rows(course)
