"""Run-length form: what breaks a run, that arrival changes nothing, and that folding one by one equals the whole."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.model import Observation, Run, Verdict
from monitor.sla.runs import extend, runs_deciding, runs_of

from .timelines import HOUR, MINUTE, STALE, T0, any_observations, observation, observations


def shape(runs: list[Run]) -> list[tuple[str, int, int, int]]:
    """Verdict, first and last minute, count."""
    return [(run.verdict.value, (run.first_ms - T0) // MINUTE, (run.last_ms - T0) // MINUTE, run.count) for run in runs]


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ("", []),
        ("uuu", [("up", 0, 2, 3)]),
        ("uuDDu", [("up", 0, 1, 2), ("down", 2, 3, 2), ("up", 4, 4, 1)]),
        ("u.u", [("up", 0, 2, 2)]),
        ("u..u", [("up", 0, 0, 1), ("up", 3, 3, 1)]),
    ],
)
def test_a_run_breaks_on_another_verdict_and_on_a_gap(timeline: str, expected: list[tuple[str, int, int, int]]) -> None:
    assert shape(runs_of(observations(timeline))) == expected


def test_a_run_breaks_on_changed_settings() -> None:
    slower = observation(T0 + MINUTE, Verdict.UP, stale_ms=HOUR)
    stricter = observation(T0 + 2 * MINUTE, Verdict.UP, stale_ms=HOUR, confirm_after=3)
    assert [run.count for run in runs_of([observation(T0, Verdict.UP), slower, stricter])] == [1, 1, 1]


def test_the_reason_breaks_a_run_of_unknown_results_only() -> None:
    unknown = [observation(T0 + n * MINUTE, Verdict.UNKNOWN, reason=f"reason{n}") for n in range(2)]
    down = [observation(T0 + n * MINUTE, Verdict.DOWN, reason=f"reason{n}", step=f"step{n}") for n in range(2)]
    assert [run.reason for run in runs_of(unknown)] == ["reason0", "reason1"]
    assert [(run.reason, run.step, run.count) for run in runs_of(down)] == [("reason0", "step0", 2)]


def test_the_gap_is_measured_with_the_earlier_results_limit() -> None:
    """The limit in force when a result was made says how long it speaks, whatever the limit is later."""
    patient = observation(T0, Verdict.DOWN, stale_ms=HOUR)
    hasty = observation(T0 + HOUR, Verdict.DOWN, stale_ms=MINUTE)
    later = replace(hasty, started_ms=hasty.started_ms + 2 * MINUTE)
    assert [run.count for run in runs_of([patient, hasty, later])] == [1, 1, 1]


def test_of_results_at_the_same_time_the_worst_speaks_last() -> None:
    together = [observation(T0, verdict) for verdict in (Verdict.DOWN, Verdict.UNKNOWN, Verdict.UP)]
    assert [run.verdict for run in runs_of(together)] == [Verdict.UP, Verdict.UNKNOWN, Verdict.DOWN]


def test_an_earlier_result_opens_a_run_with_its_own_time() -> None:
    """A clock that once showed a far future must not swallow all that comes after it is set right."""
    _, future = extend(None, observation(T0 + 9999 * HOUR, Verdict.UP))
    closed, current = extend(future, observation(T0, Verdict.UP))
    assert (closed, current.first_ms, current.last_ms) == (future, T0, T0)


@given(any_observations, st.randoms())
def test_order_of_arrival_changes_nothing(results: list[Observation], random: Random) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)
    assert runs_of(shuffled) == runs_of(results)


@given(any_observations)
def test_folding_one_by_one_equals_the_whole_at_every_prefix(results: list[Observation]) -> None:
    """Results in order of time (those of one time in any fixed order: here, times are made different)."""
    in_order = [
        replace(each, started_ms=each.started_ms + place)
        for place, each in enumerate(sorted(results, key=lambda each: each.started_ms))
    ]
    closed: list[Run] = []
    current: Run | None = None
    for count, each in enumerate(in_order, start=1):
        ended, current = extend(current, each)
        closed += [ended] if ended else []
        assert [*closed, current] == runs_of(in_order[:count])


@given(any_observations)
def test_a_run_keeps_what_its_results_were(results: list[Observation]) -> None:
    runs = runs_of(results)
    assert sum(run.count for run in runs) == len(results)
    for run in runs:
        alike = [each for each in results if run.first_ms <= each.started_ms <= run.last_ms]
        assert run.count <= len(alike)
        assert run.verdict in {each.verdict for each in alike}


def test_only_the_runs_that_decide_a_period_are_looked_at() -> None:
    runs = runs_of(observations("uDDuDDuDDuDDu"))
    deciding = runs_deciding(runs, (T0 + 4 * MINUTE, T0 + 5 * MINUTE))
    assert list(deciding) == runs[2:5]
    assert deciding[0].stale_ms == STALE


def test_runs_after_a_period_are_looked_at_until_a_success() -> None:
    """The failure in the period's last minute is confirmed only after an unknown result that lies beyond it."""
    runs = runs_of(observations("uuD?DDuu"))
    assert list(runs_deciding(runs, (T0, T0 + 3 * MINUTE))) == runs
