"""Observations as recorded facts: runs, lives, and a year that has what it should."""

import pytest

from monitor.simulation.course import ClockStep, Session
from monitor.simulation.ledger import LOCATION, boots, ledger_of
from monitor.simulation.observing import observe
from monitor.simulation.recording import rows_of
from monitor.simulation.truth import truth
from monitor.sla.accounts import account
from monitor.sla.model import Cause, Life, Observation
from monitor.sla.record import Record
from monitor.sla.runs import runs_of
from tests.simulation.places import START_MS, agreement, busy, calm, period, with_sessions, with_steps

HOUR = 3_600_000


@pytest.mark.parametrize("seed", range(6))
def test_runs_of_whole_stretches_are_those_of_single_results(seed: int) -> None:
    """Also where the clock was set back, and results overlap in time."""
    course = busy(seed)
    ledger = ledger_of(course)
    for probe in course.probes:
        terms = sorted((each for each in ledger.terms if each.probe == probe.id), key=lambda each: each.from_ms)
        rows = rows_of(probe, observe(course, probe), LOCATION, course.interval, seed)
        singles = []
        for row in rows:
            held = [each for each in terms if each.from_ms <= row.started_ms] or terms[:1]
            seen = (row.started_ms, row.verdict, held[-1].stale_ms, held[-1].confirm_after, row.reason, row.step)
            singles.append(Observation(*seen))
        assert ledger.runs[probe.id, LOCATION] == runs_of(singles)


def test_a_stop_is_clean_and_a_kill_ends_with_the_last_heartbeat() -> None:
    course = with_sessions(
        calm(),
        Session(START_MS, START_MS + HOUR + 1_234, clean=True),
        Session(START_MS + 2 * HOUR, START_MS + 3 * HOUR + 1_234, clean=False),
    )
    assert boots(course) == [
        [Life(LOCATION, START_MS, START_MS + HOUR + 1_234, clean=True)],
        [Life(LOCATION, START_MS + 2 * HOUR, START_MS + 3 * HOUR, clean=False)],
    ]


@pytest.mark.parametrize(("offset_ms", "lives"), [(10_000, 1), (-10_000, 1), (60_000, 2), (-60_000, 2)])
def test_a_step_of_the_clock_looks_like_a_gap_beyond_three_heartbeats(offset_ms: int, lives: int) -> None:
    course = with_steps(calm(), ClockStep(START_MS + HOUR, offset_ms))
    ((*found,),) = boots(course)
    assert len(found) == lives
    assert found[-1].last_ms == course.interval[1] + offset_ms


def test_a_year_has_every_kind_of_not_knowing() -> None:
    course = busy(1)
    record = Record(course.interval[1], ledger_of(course), (agreement(),), ())
    ours = account(record, "ingest", period(course.interval))
    wanted = {Cause.DAEMON_STOPPED, Cause.DAEMON_KILLED, Cause.OFFLINE, Cause.BLOCKED}
    assert wanted <= {cause for cause, length in ours.classes.unknown.items() if length}
    assert ours.blips > 0
    assert (
        sum((ours.classes.up_ms, ours.classes.down_ms, *ours.classes.unknown.values()))
        == period(course.interval).length_ms
    )


def test_nothing_happens_on_a_calm_day() -> None:
    course = calm()
    ours = account(Record(course.interval[1], ledger_of(course), (agreement(),)), "api", period(course.interval))
    assert truth(course, "api").down_ms == ours.classes.down_ms == ours.certainly_down_ms == 0
