"""Whose time an alert is told in, where the two clocks do not agree."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from monitor.alerting.their_clock import TheirClock
from monitor.clock import ManualClock, to_milliseconds

NOW = datetime(2026, 11, 23, 4, 19, 0, 500_000, tzinfo=UTC)
HOUR_MS = 3_600_000


def date(clock: ManualClock) -> str:
    return format_datetime(clock.now().replace(microsecond=0), usegmt=True)


def test_clocks_that_agree_to_some_seconds_are_one() -> None:
    ours, other = ManualClock(NOW), ManualClock(NOW)
    theirs = TheirClock(ours)
    other.advance(9)
    assert not theirs.heard(date(other))
    assert theirs.now_ms() == to_milliseconds(NOW)


@pytest.mark.parametrize("hours", [-1, 1])
def test_what_was_heard_goes_on_with_our_clock_and_is_news_once(hours: int) -> None:
    ours, other = ManualClock(NOW), ManualClock(NOW)
    theirs = TheirClock(ours)
    other.advance(3600 * hours)
    assert theirs.heard(date(other))
    for clock in (ours, other):
        clock.advance(15)
    assert theirs.now_ms() == pytest.approx(to_milliseconds(other.now()), abs=1000)
    assert not theirs.heard(date(other))
    assert theirs.ahead_ms == pytest.approx(hours * HOUR_MS, abs=1000)


def test_once_our_clock_was_put_right_they_agree_again() -> None:
    ours, other = ManualClock(NOW), ManualClock(NOW)
    theirs = TheirClock(ours)
    other.advance(3600)
    theirs.heard(date(other))
    ours.step_wall_clock(3600)
    assert not theirs.is_known()
    assert theirs.heard(date(other))
    assert theirs.is_known()
    assert theirs.now_ms() == to_milliseconds(ours.now())


def test_before_the_first_answer_and_after_a_step_it_is_to_be_asked() -> None:
    ours = ManualClock(NOW)
    theirs = TheirClock(ours)
    assert not theirs.is_known()
    theirs.heard(date(ours))
    ours.advance(86_400)
    assert theirs.is_known()
    ours.step_wall_clock(-60)
    assert not theirs.is_known()


@pytest.mark.parametrize("unreadable", [None, "", "soon", "Mon, 23 Nov 2026 04:19:00", "Mon, 99 Nov 2026 04:19:00 GMT"])
def test_without_a_date_our_own_time_has_to_do(unreadable: str | None) -> None:
    ours = ManualClock(NOW)
    theirs = TheirClock(ours)
    theirs.heard(unreadable)
    assert theirs.is_known()
    assert theirs.now_ms() == to_milliseconds(NOW)
