"""What became of a virtual sensor's samples, in run-length form. Pure: no clock, no store.

A sensor samples on a grid: at every multiple of its period (Unix seconds). A sample that the platform acknowledged is
`pending` until it was read back; then it is `seen`; one that could not be read back as it was sent, within its
deadline, is `lost` and never asked for again. A sample in no run was not acknowledged and is to be sent again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class SampleState(StrEnum):
    PENDING = "pending"
    SEEN = "seen"
    LOST = "lost"


@dataclass(frozen=True, slots=True, order=True)
class SampleRun:
    """The samples at `first`, `first + period`, … `last` (Unix seconds, both included), all in one state."""

    first: int
    last: int
    period: int
    state: SampleState

    def __post_init__(self) -> None:
        if self.period < 1 or self.last < self.first or (self.last - self.first) % self.period:
            raise ValueError(f"not a run of samples: {self}")

    def times(self) -> range:
        return range(self.first, self.last + 1, self.period)


def marked(runs: Sequence[SampleRun], period: int, state: SampleState, times: Iterable[int]) -> list[SampleRun]:
    """The runs after the samples at `times` (on the grid of `period`) have been put into `state`.

    Earlier knowledge of the same samples is replaced. The result is sorted, and runs that continue each other are one.
    """
    for stretch in _stretches(sorted(set(times)), period, state):
        kept = [part for run in runs for part in _without(run, stretch)]
        runs = _merged(sorted([*kept, stretch]))
    return list(runs)


def _stretches(times: Sequence[int], period: int, state: SampleState) -> list[SampleRun]:
    return _merged([SampleRun(time, time, period, state) for time in times])


def _merged(runs: Sequence[SampleRun]) -> list[SampleRun]:
    merged: list[SampleRun] = []
    for run in runs:
        before = merged[-1] if merged else None
        if before and (before.period, before.state, before.last + run.period) == (run.period, run.state, run.first):
            merged[-1] = SampleRun(before.first, run.last, run.period, run.state)
        else:
            merged.append(run)
    return merged


def _without(run: SampleRun, taken: SampleRun) -> list[SampleRun]:
    """What is left of `run` when the times of `taken` are removed from it."""
    if taken.last < run.first or run.last < taken.first:
        return [run]
    if run.period == taken.period:
        if (run.first - taken.first) % run.period:
            return [run]  # two grids that never meet
        parts = [(run.first, taken.first - run.period), (taken.last + run.period, run.last)]
        return [SampleRun(first, last, run.period, run.state) for first, last in parts if first <= last]
    gone = taken.times()
    return _stretches([time for time in run.times() if time not in gone], run.period, run.state)
