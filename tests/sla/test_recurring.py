"""Recurring maintenance: rules into windows, wall time over clock changes, and rules that are refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.sla.agreement import RecurringMaintenance
from monitor.sla.recurring import check_rule, windows_of
from monitor.sla.windows import WindowKind

from .timelines import DAY, HOUR, T0


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def rule(text: str, starts: str, *, length_ms: int = HOUR, notice_ms: int = 0) -> RecurringMaintenance:
    return RecurringMaintenance("patches", text, starts, length_ms, "monthly patches", ("api",), notice_ms)


def starts(text: str, first: str, start: str, end: str, zone: str = "Europe/Warsaw") -> list[str]:
    found = windows_of(rule(text, first), zone, (ms(start), ms(end)))
    return [datetime.fromtimestamp(each.start_ms / 1000, UTC).isoformat()[:16] for each in found]


def test_a_window_has_all_that_the_rule_says() -> None:
    weekly = rule("FREQ=WEEKLY;BYDAY=WE", "2026-01-07T02:00:00", notice_ms=7 * DAY)
    (found,) = windows_of(weekly, ZoneInfo("Europe/Warsaw"), (T0, T0 + 8 * DAY), recorded_ms=T0 - 30 * DAY)
    assert (found.kind, found.start_ms) == (WindowKind.MAINTENANCE, ms("2026-01-07T01:00:00Z"))
    assert found.end_ms == found.start_ms + HOUR
    assert (found.announced_ms, found.recorded_ms) == (found.start_ms - 7 * DAY, T0 - 30 * DAY)
    assert (found.rule, found.text, found.components, found.number) == ("patches", "monthly patches", ("api",), None)
    assert not found.retroactive


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("FREQ=DAILY", "2026-03-28T02:30:00", ["03-28T01:30", "03-29T01:00", "03-30T00:30"]),  # 02:30 is left out
        ("FREQ=DAILY", "2026-03-28T03:00:00", ["03-28T02:00", "03-29T01:00", "03-30T01:00"]),
        ("FREQ=DAILY", "2026-03-28T01:59:59", ["03-28T00:59", "03-29T00:59", "03-29T23:59"]),
    ],
)
def test_a_wall_time_that_is_left_out_is_the_instant_of_the_change(text: str, first: str, expected: list[str]) -> None:
    found = starts(text, first, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z")
    assert [each[5:] for each in found] == expected


def test_a_wall_time_that_comes_twice_is_the_first_one() -> None:
    found = starts("FREQ=DAILY", "2026-10-24T02:30:00", "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z")
    assert found == ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]


def test_an_hourly_rule_over_a_clock_change_has_each_instant_once() -> None:
    found = starts("FREQ=HOURLY", "2026-03-29T00:00:00", "2026-03-28T23:00:00Z", "2026-03-29T03:00:00Z")
    assert found == ["2026-03-28T23:00", "2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"]


def test_windows_that_touch_the_interval_are_whole() -> None:
    long = rule("FREQ=DAILY", "2026-01-01T00:00:00", length_ms=3 * HOUR)
    found = windows_of(long, "UTC", (T0 + 3 * HOUR - 1, T0 + DAY + 1))
    assert [(each.start_ms, each.end_ms) for each in found] == [
        (T0, T0 + 3 * HOUR),
        (T0 + DAY, T0 + DAY + 3 * HOUR),
    ]
    assert windows_of(long, "UTC", (T0 + 3 * HOUR, T0 + DAY)) == []
    assert windows_of(long, "UTC", (T0 + DAY, T0 + DAY)) == []


def test_until_in_utc_is_an_instant() -> None:
    """23:30 UTC is half past midnight in Warsaw: the window of that night at 00:15 still comes."""
    until = "FREQ=DAILY;UNTIL=20260102T233000Z"
    assert len(starts(until, "2026-01-01T00:15:00", "2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z")) == 3
    until = "FREQ=DAILY;UNTIL=20260102T231000Z"
    assert len(starts(until, "2026-01-01T00:15:00", "2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z")) == 2


def test_a_year_of_hours_is_fine_but_not_endless_ones() -> None:
    hourly = rule("FREQ=HOURLY", "2026-01-01T00:00:00")
    assert len(windows_of(hourly, "UTC", (T0, T0 + 365 * DAY))) == 8760
    with pytest.raises(ValueError, match=r"comes more than 100,000 times: let it begin later"):
        windows_of(hourly, "UTC", (T0 + 5000 * DAY, T0 + 5001 * DAY))


@pytest.mark.parametrize(
    "text", ["FREQ=WEEKLY;BYDAY=WE", "freq=monthly;byday=-1SU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=HOURLY"]
)
def test_good_rules_pass(text: str) -> None:
    check_rule(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no rule for maintenance"),
        ("every Wednesday", "is no rule for maintenance"),
        ("FREQ=WEEKLY;BYDAY=XX", "is no rule of RFC 5545"),
        ("FREQ=WEEKLY;BYDAY=WE\nRDATE:20260101T000000", "is no rule for maintenance"),
        ("DTSTART=20260101;FREQ=DAILY", "'DTSTART'"),
        ("BYDAY=WE", "FREQ must be one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"),
        ("FREQ=MINUTELY", "FREQ must be one of"),
        ("FREQ=DAILY;FREQ=WEEKLY", "has FREQ more than once"),
        ("FREQ=WEEKLY;INTERVAL=0", "INTERVAL must be a whole number from 1"),
        ("FREQ=WEEKLY;COUNT=x", "COUNT must be a whole number from 1"),
        ("FREQ=WEEKLY;UNTIL=20261231", "UNTIL must be a date and time"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20261231T000000", "has both COUNT and UNTIL"),
        ("FREQ=DAILY;BYSETPOS=5", "BYSETPOS goes with YEARLY and MONTHLY only"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never comes"),
        ("FREQ=DAILY;BYMONTH=13", "months are 1 to 12"),
        ("FREQ=HOURLY;BYMINUTE=0,20,40", "comes more than 10,000 times a year"),
    ],
)
def test_bad_rules_are_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_rule(text)


def test_a_start_with_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="is to be a wall time"):
        check_rule("FREQ=DAILY", "2026-01-01T02:00:00+01:00")
