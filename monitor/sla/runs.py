"""Results in run-length form: a year of 30 s checks without a failure is one run, not a million rows.

The store keeps runs with `extend` as results come in; `runs_of` makes the same runs out of recorded results.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from monitor.sla.intervals import Interval
from monitor.sla.model import Observation, Run, Verdict

# Of results that carry the same time the worst comes last and speaks for the time that follows.
_RANK = {Verdict.UP: 0, Verdict.UNKNOWN: 1, Verdict.DOWN: 2}


def extend(run: Run | None, observation: Observation) -> tuple[Run | None, Run]:
    """Takes one more result in: `(closed, current)`, where `closed` is the run that ended with it, or None.

    Results are to come in order of their time. One that is earlier than the newest of `run` (the clock was set back,
    or a result was late) opens a run of its own; then only `runs_of` over the results from that time on makes the
    runs exact again.
    """
    if run is not None and _continues(run, observation):
        return None, _extended(run, observation)
    return run, _opened(observation)


def runs_of(observations: Iterable[Observation]) -> list[Run]:
    """The runs of one probe at one location, whatever order its results are given in."""
    runs: list[Run] = []
    current: Run | None = None
    for observation in sorted(observations, key=_order):
        closed, current = extend(current, observation)
        if closed is not None:
            runs.append(closed)
    return runs if current is None else [*runs, current]


def silent_between(run: Run, following: Run) -> bool:
    """Whether nothing spoke for some of the time between two consecutive runs."""
    return following.first_ms - run.last_ms > run.stale_ms


def runs_deciding(runs: Sequence[Run], interval: Interval) -> Sequence[Run]:
    """The runs that the states inside the interval depend on; found by bisection, so that a day of a long history
    costs no more than a day.

    That is more than the runs inside: a failure may have been confirmed before or after, so that runs are added on
    both sides as far as the nearest success, which settles everything beyond it.
    """
    start, end = interval
    first = max(bisect_right(runs, start, key=_first_ms) - 1, 0)
    while first > 0 and runs[first].verdict is not Verdict.UP:
        first -= 1
    stop = bisect_left(runs, end, lo=first, key=_first_ms)
    while stop < len(runs) and runs[stop].verdict is not Verdict.UP:
        stop += 1
    return runs[first : stop + 1]


def _continues(run: Run, observation: Observation) -> bool:
    return (
        0 <= observation.started_ms - run.last_ms <= run.stale_ms
        and (run.verdict, run.stale_ms, run.confirm_after)
        == (observation.verdict, observation.stale_ms, observation.confirm_after)
        and (run.verdict is not Verdict.UNKNOWN or run.reason == observation.reason)
    )


def _extended(run: Run, observation: Observation) -> Run:
    # Not `dataclasses.replace`, which takes nearly twice as long: a year of results extends runs millions of times.
    return Run(
        verdict=run.verdict,
        first_ms=run.first_ms,
        last_ms=observation.started_ms,
        count=run.count + 1,
        stale_ms=run.stale_ms,
        confirm_after=run.confirm_after,
        reason=run.reason,
        step=run.step,
    )


def _opened(observation: Observation) -> Run:
    return Run(
        verdict=observation.verdict,
        first_ms=observation.started_ms,
        last_ms=observation.started_ms,
        count=1,
        stale_ms=observation.stale_ms,
        confirm_after=observation.confirm_after,
        reason=observation.reason,
        step=observation.step,
    )


def _order(observation: Observation) -> tuple[int, int, str, str, int, int]:
    """By time; what two results of one time differ in decides between them, so that their arrival does not."""
    return (
        observation.started_ms,
        _RANK[observation.verdict],
        observation.reason,
        observation.step,
        observation.stale_ms,
        observation.confirm_after,
    )


def _first_ms(run: Run) -> int:
    return run.first_ms
