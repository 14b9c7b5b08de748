"""Half-open intervals `[start, end)` of integer milliseconds: the only set arithmetic that figures are made with.

An interval that ends where or before it starts is empty. Every result is sorted, disjoint and without empty intervals.
"""

from collections.abc import Iterable

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """All time that lies in at least one of the intervals; those that touch become one."""
    joined: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def subtract(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What is left of `intervals` without the time in `taken`."""
    left: list[Interval] = []
    holes = union(taken)
    first = 0
    for start, end in union(intervals):
        while first < len(holes) and holes[first][1] <= start:
            first += 1
        left += _around(start, end, holes, first)
    return left


def clip(intervals: Iterable[Interval], within: Interval) -> list[Interval]:
    """The parts of the intervals that lie inside `within`."""
    low, high = within
    return union((max(start, low), min(end, high)) for start, end in intervals)


def total(intervals: Iterable[Interval]) -> int:
    """Milliseconds in at least one of the intervals: time that two of them share counts once."""
    return sum(end - start for start, end in union(intervals))


def _around(start: int, end: int, holes: list[Interval], first: int) -> list[Interval]:
    parts: list[Interval] = []
    for index in range(first, len(holes)):
        hole_start, hole_end = holes[index]
        if hole_start >= end:
            break
        if start < hole_start:
            parts.append((start, hole_start))
        start = hole_end
    return [*parts, (start, end)] if start < end else parts
