"""What was reckoned once gives for each part what a reckoning of that part alone gives."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sla.accounts import Day, Reckoned, account
from monitor.sla.periods import Period

from . import test_differential
from .timelines import SECOND, T0

LENGTH = 3600


def part_of(first: int, last: int) -> Period:
    return Period(T0 + first * SECOND, T0 + last * SECOND, "part", "UTC")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, LENGTH), st.integers(0, LENGTH), st.integers(LENGTH // 2, LENGTH))
def test_parts_of_a_period(seed: int, one: int, other: int, now: int) -> None:
    """Also of one that is not over: windows, changes of the agreement and of probes fall anywhere in it."""
    course = test_differential.Course(seed, LENGTH)
    known = replace(course.record(), as_of_ms=T0 + now * SECOND)
    first, last = sorted((one, other))
    for windows in (True, False):
        reckoned = Reckoned(known, course.key, part_of(0, LENGTH), windows=windows)
        for part in (part_of(0, first), part_of(first, last), part_of(last, LENGTH)):
            assert reckoned.account(part) == account(known, course.key, part, windows=windows)


@pytest.mark.parametrize("part", [(-10, 10), (LENGTH - 10, LENGTH + 10), (-10, LENGTH + 10)])
def test_what_is_no_part_is_refused(part: tuple[int, int]) -> None:
    course = test_differential.Course(1, LENGTH)
    known = replace(course.record(), as_of_ms=T0 + 2 * LENGTH * SECOND)
    with pytest.raises(ValueError, match="part is no part of part"):
        Reckoned(known, course.key, part_of(0, LENGTH)).account(part_of(*part))


def test_days_are_the_accounts_of_days() -> None:
    course = test_differential.Course(5, LENGTH)
    known = course.record()
    whole = part_of(0, LENGTH)
    reckoned = Reckoned(known, course.key, whole)
    assert (
        sum((each.classes for each in reckoned.days()[1:]), reckoned.days()[0].classes)
        == reckoned.account(whole).classes
    )
    assert all(isinstance(each, Day) for each in reckoned.days())
