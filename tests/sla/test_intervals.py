"""Set arithmetic of half-open intervals, against sets of single milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.intervals import Interval, clip, subtract, total, union

any_intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def points(intervals: list[Interval]) -> set[int]:
    return {point for start, end in intervals for point in range(start, end)}


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ([], []),
        ([(3, 3), (5, 4)], []),
        ([(4, 6), (1, 2)], [(1, 2), (4, 6)]),
        ([(1, 3), (3, 5)], [(1, 5)]),
        ([(1, 9), (2, 3)], [(1, 9)]),
    ],
)
def test_union_is_sorted_and_disjoint(intervals: list[Interval], expected: list[Interval]) -> None:
    assert union(intervals) == expected


def test_subtract_leaves_both_sides_of_a_hole() -> None:
    assert subtract([(0, 10), (20, 30)], [(3, 5), (8, 22)]) == [(0, 3), (5, 8), (22, 30)]


def test_the_end_of_an_interval_is_outside_it() -> None:
    assert clip([(0, 5)], (5, 9)) == []


@given(any_intervals, any_intervals)
def test_agrees_with_sets_of_points(some: list[Interval], others: list[Interval]) -> None:
    assert points(union(some)) == points(some)
    assert points(subtract(some, others)) == points(some) - points(others)
    assert total(some) == len(points(some))


@given(any_intervals, st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_clip_agrees_with_sets_of_points(some: list[Interval], within: Interval) -> None:
    assert points(clip(some, within)) == points(some) & set(range(*within))
    assert clip(some, within) == union(clip(some, within))
