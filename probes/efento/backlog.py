"""Which samples a virtual sensor still has to send, and how they are cut into messages. Pure.

Like the real sensor it keeps 60 000 samples, sends the oldest unacknowledged first, and at most 60 in a message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from probes.efento.samples import SampleRun, SampleState

MEMORY_SAMPLES = 60_000
MESSAGE_SAMPLES = 60


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one message: `times` in Unix seconds, one step apart."""

    serial: str
    times: range

    @property
    def period(self) -> int:
        return self.times.step


def unsent(runs: Sequence[SampleRun], period: int, now: int) -> list[range]:
    """The gaps in what was acknowledged, from the first known sample up to now, on the grid of `period`.

    Nothing known: only the newest time on the grid. A run of another period covers its whole stretch, so that a change
    of the period does not send the past again.
    """
    newest = now - now % period
    if not runs:
        return [range(newest, newest + 1, period)]
    gaps = []
    cursor = max(_on_grid(runs[0].first, period), newest - (MEMORY_SAMPLES - 1) * period)
    for run in runs:
        if cursor < run.first:
            gaps.append(range(cursor, min(run.first, newest + 1), period))
        cursor = max(cursor, _on_grid(run.last + 1, period))
    gaps.append(range(cursor, newest + 1, period))
    return [gap for gap in gaps if gap]


def batches(serial: str, gaps: Sequence[range], limit: int) -> list[Batch]:
    """At most `limit` messages: the oldest samples, and last the newest, so that the present is always tested."""
    every = [
        Batch(serial, gap[start : start + MESSAGE_SAMPLES])
        for gap in gaps
        for start in range(0, len(gap), MESSAGE_SAMPLES)
    ]
    return every if len(every) <= limit else [*every[: limit - 1], every[-1]]


def pending(runs: Sequence[SampleRun], limit: int) -> list[int]:
    """The oldest samples, at most `limit`, that were acknowledged and not read back yet."""
    times: list[int] = []
    for run in runs:
        if run.state is SampleState.PENDING and len(times) < limit:
            times += run.times()[: limit - len(times)]
    return times


def in_state(runs: Sequence[SampleRun], state: SampleState, first: int, last: int) -> frozenset[int]:
    """The samples in this state from `first` to `last`, both included."""
    times: set[int] = set()
    for run in runs:
        if run.state is state and run.first <= last and run.last >= first:
            begin = run.first + max(0, -(-(first - run.first) // run.period)) * run.period
            times.update(range(begin, min(run.last, last) + 1, run.period))
    return frozenset(times)


def _on_grid(time: int, period: int) -> int:
    """The first time on the grid that is not before `time`."""
    return -(-time // period) * period
