"""Calendar periods in a zone: leap years, clock changes, odd zones, periods to date."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.periods import Period, day, local_date, month, months, rolling, standard_periods, to_date, year

from .timelines import DAY, HOUR

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [WARSAW, *map(ZoneInfo, ("UTC", "America/Havana", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"))]


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_year_begins_at_local_midnight() -> None:
    expected = Period(utc("2025-12-31T23:00"), utc("2026-12-31T23:00"), "2026", "Europe/Warsaw")
    assert year(2026, WARSAW) == expected


@pytest.mark.parametrize(("number", "days"), [(2023, 365), (2024, 366), (2000, 366), (2100, 365)])
def test_leap_years(number: int, days: int) -> None:
    assert year(number, WARSAW).length_ms == days * DAY


@pytest.mark.parametrize(
    ("on", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)]
)
def test_days_with_a_clock_change(on: str, hours: int) -> None:
    assert day(date.fromisoformat(on), WARSAW).length_ms == hours * HOUR


def test_a_month_with_a_clock_change_is_an_hour_off() -> None:
    assert month(2026, 3, WARSAW).length_ms == 31 * DAY - HOUR
    assert month(2026, 10, WARSAW).length_ms == 31 * DAY + HOUR


def test_a_day_begins_when_the_clock_jumps_over_its_midnight() -> None:
    """On 4 November 2018 São Paulo went from 23:59:59 to 01:00:00."""
    found = day(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
    assert (found.start_ms, found.length_ms) == (utc("2018-11-04T03:00"), 23 * HOUR)


def test_names() -> None:
    assert [day(date(2026, 2, 3), WARSAW).name, month(2026, 2, WARSAW).name, year(2026, WARSAW).name] == [
        "2026-02-03", "2026-02", "2026",
    ]  # fmt: skip


@given(st.integers(1975, 2100), st.sampled_from(ZONES))
def test_the_months_of_a_year_tile_it(number: int, zone: ZoneInfo) -> None:
    parts = months(number, zone)
    assert (parts[0].start_ms, parts[-1].end_ms) == year(number, zone).interval
    assert all(before.end_ms == after.start_ms for before, after in pairwise(parts))


@given(st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_every_instant_lies_in_its_own_day_month_and_year(moment: datetime, zone: ZoneInfo) -> None:
    at_ms = utc(moment.isoformat())
    on = local_date(at_ms, zone)
    for period in (day(on, zone), month(on.year, on.month, zone), year(on.year, zone)):
        assert period.start_ms <= at_ms < period.end_ms


def test_a_period_to_date_ends_now() -> None:
    whole = year(2026, WARSAW)
    assert to_date(whole, whole.start_ms + DAY).interval == (whole.start_ms, whole.start_ms + DAY)
    assert to_date(whole, whole.end_ms + DAY) == whole
    assert to_date(whole, whole.start_ms - DAY).length_ms == 0


def test_standard_periods_all_end_now() -> None:
    now_ms = utc("2026-03-31T22:30")  # 1 April, 00:30 in Warsaw
    found = standard_periods(now_ms, WARSAW)
    assert list(found) == ["day", "7d", "30d", "month", "year"]
    assert {period.end_ms for period in found.values()} == {now_ms}
    assert {key: period.start_ms for key, period in found.items()} == {
        "day": utc("2026-03-31T22:00"),
        "7d": now_ms - 7 * DAY,
        "30d": now_ms - 30 * DAY,
        "month": utc("2026-03-31T22:00"),
        "year": utc("2025-12-31T23:00"),
    }
    assert found["month"].name == "2026-04"


def test_rolling_days_are_24_hours_whatever_the_clocks_do() -> None:
    assert rolling(7, utc("2026-03-30T12:00"), WARSAW).length_ms == 7 * DAY
