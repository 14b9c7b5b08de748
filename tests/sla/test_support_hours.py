"""Support hours: wall time of their zone, public holidays left out, against a count minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.calendars import public_holidays
from monitor.sla.agreement import SupportHours
from monitor.sla.intervals import total
from monitor.sla.support_hours import after_support_time, support_intervals

from .timelines import HOUR, MINUTE

POLISH = SupportHours()
NONE: frozenset[date] = frozenset()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str, zone: str = "Europe/Warsaw") -> int:
    """Wall time, e.g. `2026-11-23 08:00`, as UTC milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def hours(support: SupportHours, start: str, end: str, holidays: frozenset[date] = NONE) -> list[tuple[int, int]]:
    return support_intervals(support, holidays, (at(start, support.zone), at(end, support.zone)))


def test_a_working_week_has_forty_hours() -> None:
    assert total(hours(POLISH, "2026-11-23 00:00", "2026-11-30 00:00")) == 40 * HOUR
    assert hours(POLISH, "2026-11-28 00:00", "2026-11-30 08:00") == []  # a weekend
    assert hours(POLISH, "2026-11-23 15:00", "2026-11-24 09:30") == [
        (at("2026-11-23 15:00"), at("2026-11-23 16:00")),
        (at("2026-11-24 08:00"), at("2026-11-24 09:30")),
    ]


def test_nothing_is_in_an_empty_interval() -> None:
    assert hours(POLISH, "2026-11-23 10:00", "2026-11-23 10:00") == []
    assert hours(POLISH, "2026-11-23 11:00", "2026-11-23 10:00") == []


@pytest.mark.parametrize(
    "holiday", ["2026-01-06", "2026-04-06", "2026-06-04", "2026-11-11", "2026-12-24", "2026-12-25"]
)
def test_polish_public_holidays_are_no_support_days(holiday: str) -> None:
    on = date.fromisoformat(holiday)
    assert on.weekday() < 5
    start = at(f"{holiday} 00:00")
    assert support_intervals(POLISH, public_holidays("PL"), (start, start + 24 * HOUR)) == []
    assert total(support_intervals(POLISH, NONE, (start, start + 24 * HOUR))) == 8 * HOUR


def test_christmas_eve_is_a_holiday_only_since_2025() -> None:
    assert date(2024, 12, 24) not in public_holidays("PL")
    assert date(2025, 12, 24) in public_holidays("PL")


def test_a_polish_holiday_on_a_sunday_moves_nowhere() -> None:
    assert date(2026, 5, 3) in public_holidays("PL")  # a Sunday
    assert date(2026, 5, 4) not in public_holidays("PL")


def test_a_year_without_its_holidays() -> None:
    assert total(
        support_intervals(POLISH, public_holidays("PL"), (at("2026-01-01 00:00"), at("2027-01-01 00:00")))
    ) == (
        (261 - 8) * 8 * HOUR  # weekdays of 2026, less the holidays that fall on one
    )


def test_parts_of_a_country_no_country_and_an_unknown_one() -> None:
    assert date(2026, 1, 6) in public_holidays("DE-BY")
    assert date(2026, 1, 6) not in public_holidays("DE-BE")
    assert date(2026, 1, 1) not in public_holidays("")
    with pytest.raises(ValueError, match="no public holidays are known of 'XX'; expected"):
        public_holidays("XX")
    with pytest.raises(ValueError, match="'DE-XX'"):
        public_holidays("DE-XX")


@pytest.mark.parametrize(
    ("zone", "start", "end", "day", "expected"),
    [
        ("Europe/Warsaw", 0, 1440, "2026-03-29", 23),
        ("Europe/Warsaw", 0, 1440, "2026-10-25", 25),
        ("Europe/Warsaw", 480, 960, "2026-03-29", 8),  # the change comes before 8:00
        ("Europe/Warsaw", 0, 480, "2026-03-29", 7),
        ("Europe/Warsaw", 150, 240, "2026-03-29", 1),  # from 2:30, which is skipped: from 3:00 on
        ("Europe/Warsaw", 150, 240, "2026-10-25", 2.5),  # from the first 2:30 to 4:00
        ("Europe/Warsaw", 0, 150, "2026-10-25", 2.5),  # to the first 2:30
        ("Europe/Warsaw", 130, 170, "2026-03-29", 0),  # skipped as a whole
        ("America/New_York", 60, 240, "2026-03-08", 2),
        ("Australia/Lord_Howe", 0, 1440, "2026-04-05", 24.5),  # changes by half an hour
    ],
)
def test_a_day_on_which_the_clocks_change(zone: str, start: int, end: int, day: str, expected: float) -> None:
    sundays = SupportHours(zone, (6,), start, end)
    noon = at(f"{day} 12:00", zone)
    assert total(support_intervals(sundays, NONE, (noon - 30 * HOUR, noon + 30 * HOUR))) == expected * HOUR


def test_support_in_another_zone_than_the_agreements() -> None:
    indian = SupportHours("Asia/Kolkata", (0,), 9 * 60, 17 * 60, "IN")
    assert hours(indian, "2026-11-22 00:00", "2026-11-25 00:00") == [(at("2026-11-23 04:30"), at("2026-11-23 12:30"))]


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        ("2026-11-23 08:00", 8, "2026-11-23 16:00"),  # the end of the day, not the beginning of the next
        ("2026-11-23 10:00", 8, "2026-11-24 10:00"),
        ("2026-11-27 15:00", 8, "2026-11-30 15:00"),  # Friday to Monday
        ("2026-11-28 12:00", 1, "2026-11-30 09:00"),  # begun at the weekend
        ("2026-11-23 06:00", 24, "2026-11-25 16:00"),
        ("2026-12-23 12:00", 8, "2026-12-28 12:00"),  # over Christmas, which begins on the 24th
        ("2026-03-27 12:00", 8, "2026-03-30 12:00"),  # over the change of the clocks
        ("2026-11-23 12:00", 0, "2026-11-23 12:00"),
    ],
)
def test_adding_support_hours(start: str, length: int, expected: str) -> None:
    assert after_support_time(POLISH, public_holidays("PL"), at(start), length * HOUR) == at(expected)


@pytest.mark.parametrize("never", [SupportHours(weekdays=()), SupportHours(start=600, end=600), SupportHours(end=0)])
def test_what_never_comes(never: SupportHours) -> None:
    assert after_support_time(never, NONE, at("2026-11-23 08:00"), 1) is None
    assert hours(never, "2026-01-01 00:00", "2027-01-01 00:00") == []


ZONES = ["Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "America/St_Johns"]
AROUND_A_CHANGE = [at("2026-03-27 00:00"), at("2026-10-23 00:00"), at("2026-04-03 00:00"), at("2026-12-23 00:00")]

supports = st.builds(
    SupportHours,
    zone=st.sampled_from(ZONES),
    weekdays=st.sets(st.integers(0, 6)).map(lambda days: tuple(sorted(days))),
    # Hours that no clock change cuts: there the count by wall minutes is no interval, and the rule is another.
    start=st.integers(4, 12).map(lambda hour: hour * 60 + 15),
    end=st.integers(13, 23).map(lambda hour: hour * 60 + 45),
)
holiday_sets = st.sets(st.integers(0, 8)).map(
    lambda days: frozenset(date(2026, month, 25) + timedelta(days=each) for month in (3, 10, 12) for each in days)
)


def is_support(support: SupportHours, holidays: frozenset[date], at_ms: int) -> bool:
    wall = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(support.zone))
    minute = wall.hour * 60 + wall.minute
    return wall.weekday() in support.weekdays and wall.date() not in holidays and support.start <= minute < support.end


@settings(max_examples=40)
@given(supports, holiday_sets, st.sampled_from(AROUND_A_CHANGE), st.integers(0, 3000), st.integers(0, 4000))
def test_against_a_count_minute_by_minute(
    support: SupportHours, holidays: frozenset[date], base: int, offset: int, length: int
) -> None:
    start = base + offset * MINUTE
    minutes = [start + minute * MINUTE for minute in range(length)]
    counted = sum(is_support(support, holidays, at_ms) for at_ms in minutes)
    assert total(support_intervals(support, holidays, (start, start + length * MINUTE))) == counted * MINUTE
    if counted:
        due = after_support_time(support, holidays, start, counted * MINUTE)
        last = max(at_ms for at_ms in minutes if is_support(support, holidays, at_ms))
        assert due == last + MINUTE
