"""Time in each state, summed up over a whole history, so that a year costs no more than an hour to add up."""

from array import array
from bisect import bisect_right
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from monitor.sla.model import Cause, Span, State

Status = tuple[State, Cause | None, bool]
"""What a span says, without its time: state, cause of not knowing, blip."""


K = TypeVar("K", bound=Hashable)


class Sums(Generic[K]):
    """Stretches of time put end to end, of which only the sums are kept: for each boundary the time in each status
    before it."""

    def __init__(self, start_ms: int) -> None:
        self._bounds = array("q", [start_ms])
        self._sums: dict[K, array[int]] = {}
        self._last: K | None = None

    @property
    def end_ms(self) -> int:
        return self._bounds[-1]

    def add(self, status: K, start_ms: int, end_ms: int) -> None:
        """Adds the stretch that follows. Raises `ArithmeticError` where it leaves a hole or overlaps."""
        if start_ms != self.end_ms or end_ms < start_ms:
            raise ArithmeticError(f"a hole or an overlap at {self.end_ms}: {start_ms} to {end_ms}, {status}")
        self._add(status, end_ms)

    def between(self, start_ms: int, end_ms: int) -> dict[K, int]:
        """Milliseconds in each status between two instants of the history; only those that occur."""
        first, last = self._place(start_ms), self._place(end_ms)
        found = {
            status: self._before(sums, last, end_ms) - self._before(sums, first, start_ms)
            for status, sums in self._sums.items()
        }
        return {status: length for status, length in found.items() if length}

    def _add(self, status: K, end_ms: int) -> None:
        length = end_ms - self.end_ms
        if status not in self._sums:
            self._sums[status] = array("q", bytes(8 * len(self._bounds)))
        if len(self._bounds) > 1 and status == self._last:
            self._bounds[-1] = end_ms
        else:
            self._bounds.append(end_ms)
            for sums in self._sums.values():
                sums.append(sums[-1])
        self._sums[status][-1] += length
        self._last = status

    def _place(self, at_ms: int) -> int:
        """The number of the last boundary that is not after the instant."""
        return max(bisect_right(self._bounds, at_ms) - 1, 0)

    def _before(self, sums: "array[int]", place: int, at_ms: int) -> int:
        if place + 1 == len(sums) or sums[place + 1] == sums[place]:
            return sums[place]
        return sums[place] + at_ms - self._bounds[place]


class StateSums(Sums[Status]):
    """The same of a component's or a probe's spans."""

    def extend(self, spans: Iterable[Span]) -> None:
        """Adds the spans that follow. Raises `ArithmeticError` where they leave a hole or overlap."""
        for span in spans:
            self.add((span.state, span.cause, span.blip), span.start_ms, span.end_ms)
