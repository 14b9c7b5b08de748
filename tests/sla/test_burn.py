"""Which burn rates are alerted of, for every floor and pace that may be configured."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.burn import BUDGET_SECONDS, SHORT_PARTS, BurnWindow, burn_windows, greatest_rate

USUAL = (Fraction(2, 100), Fraction(5, 100), Fraction(10, 100))
FLOORS = st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(99999, 100000), max_denominator=100_000)
PACES = st.floats(min_value=0.1, max_value=7 * 86_400, allow_nan=False)
SHARE = st.fractions(min_value=Fraction(1, 1000), max_value=Fraction(999, 1000), max_denominator=1000)
SHARES = st.tuples(SHARE, SHARE, SHARE)
CHECKS = st.integers(min_value=2, max_value=100)

HOUR, DAY = 3_600, 86_400


def _told(floor: Fraction, every: float) -> list[tuple[int, int, Fraction]]:
    return [(each.long_seconds, each.short_seconds, each.rate) for each in burn_windows(floor, every, USUAL, 3)]


@pytest.mark.parametrize("floor", [Fraction(995, 1000), Fraction(99, 100)])
def test_at_a_quick_pace_the_windows_are_the_usual_ones(floor: Fraction) -> None:
    usual = [
        (HOUR, 300, Fraction("14.4")),
        (6 * HOUR, 1_800, Fraction(6)),
        (3 * DAY, 6 * HOUR, Fraction(1)),
    ]
    assert _told(floor, 30) == _told(floor, 100) == usual


def test_windows_are_stretched_until_they_hold_enough_checks() -> None:
    """Three checks every five minutes take a quarter of an hour: 2 % in three hours are 4.8 times too fast. The usual
    six hours would have waited for 6 times, of which that has told already."""
    assert _told(Fraction(99, 100), 300) == [(3 * HOUR, 900, Fraction("4.8")), (3 * DAY, 6 * HOUR, Fraction(1))]


def test_a_stretched_window_that_would_ask_for_less_than_what_is_allowed_is_left_out() -> None:
    assert _told(Fraction(99, 100), HOUR) == [(36 * HOUR, 3 * HOUR, Fraction(1))]
    assert _told(Fraction(995, 1000), 6 * HOUR) == []


def test_a_rate_that_nothing_can_reach_is_left_out() -> None:
    """At 93 % all can be down, and the budget burns 14.3 times as fast as it may: never 14.4 times."""
    assert [rate for _, _, rate in _told(Fraction(93, 100), 30)] == [6, 1]
    assert [rate for _, _, rate in _told(Fraction(50, 100), 30)] == [1]


def test_what_takes_longer_than_a_day_is_not_urgent() -> None:
    assert [each.urgent for each in burn_windows(Fraction(995, 1000), 30, USUAL, 3)] == [True, True, False]
    assert [each.urgent for each in burn_windows(Fraction(99, 100), HOUR, USUAL, 3)] == [False]


@given(floor=FLOORS, every=PACES, shares=SHARES, checks=CHECKS)
def test_whatever_is_configured_every_window_means_something(
    floor: Fraction, every: float, shares: tuple[Fraction, Fraction, Fraction], checks: int
) -> None:
    windows = burn_windows(floor, every, shares, checks)
    for each in windows:
        assert 1 <= each.rate < greatest_rate(floor)
        assert 0 < each.rate * (1 - floor) < 1  # the error ratio that is compared with
        assert each.short_seconds >= checks * every
        assert each.long_seconds == SHORT_PARTS * each.short_seconds
        assert each.rate * each.long_seconds / BUDGET_SECONDS in shares
    assert _slower_and_stricter(windows)


def _slower_and_stricter(windows: tuple[BurnWindow, ...]) -> bool:
    """No window tells only what a quicker one has told before, and no two have the same name."""
    return all(one.long_seconds < next_.long_seconds and one.rate > next_.rate for one, next_ in pairwise(windows))


@given(every=PACES, checks=CHECKS)
def test_a_slower_pace_never_shortens_a_window(every: float, checks: int) -> None:
    floor = Fraction(995, 1000)
    slow, quick = burn_windows(floor, every, USUAL, checks), burn_windows(floor, every / 2, USUAL, checks)
    assert not slow or quick[0].short_seconds <= slow[0].short_seconds
