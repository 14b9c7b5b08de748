"""Calendar periods in the contract's zone, as half-open intervals of UTC.

The only place with local time. A day of it has 23, 24 or 25 hours; lengths come out of subtraction in UTC alone.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.sla.intervals import Interval

DAY_MS = 24 * 60 * 60 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that figures are made for. `name` is `2026`, `2026-11`, `2026-11-23` or `30d`."""

    start_ms: int
    end_ms: int
    name: str
    zone: str

    @property
    def interval(self) -> Interval:
        return self.start_ms, self.end_ms

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


def day(on: date, zone: ZoneInfo) -> Period:
    return _calendar(on, on + timedelta(days=1), on.isoformat(), zone)


def month(of_year: int, number: int, zone: ZoneInfo) -> Period:
    following = date(of_year + number // 12, number % 12 + 1, 1)
    return _calendar(date(of_year, number, 1), following, f"{of_year:04d}-{number:02d}", zone)


def year(number: int, zone: ZoneInfo) -> Period:
    return _calendar(date(number, 1, 1), date(number + 1, 1, 1), f"{number:04d}", zone)


def months(of_year: int, zone: ZoneInfo) -> list[Period]:
    """The twelve months that a year is the sum of."""
    return [month(of_year, number, zone) for number in range(1, 13)]


def local_date(at_ms: int, zone: ZoneInfo) -> date:
    """The date that the zone's calendars show at an instant."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()


def rolling(days: int, now_ms: int, zone: ZoneInfo) -> Period:
    """The last so many times 24 hours, whatever the clocks in the zone did."""
    return Period(now_ms - days * DAY_MS, now_ms, f"{days}d", zone.key)


def to_date(period: Period, now_ms: int) -> Period:
    """The part of the period that is over at `now_ms`; empty before it begins."""
    end_ms = max(period.start_ms, min(period.end_ms, now_ms))
    return Period(period.start_ms, end_ms, period.name, period.zone)


def standard_periods(now_ms: int, zone: ZoneInfo) -> dict[str, Period]:
    """The periods that figures are shown for, all ending now: running day, month and year, and 7 and 30 days."""
    today = local_date(now_ms, zone)
    return {
        "day": to_date(day(today, zone), now_ms),
        "7d": rolling(7, now_ms, zone),
        "30d": rolling(30, now_ms, zone),
        "month": to_date(month(today.year, today.month, zone), now_ms),
        "year": to_date(year(today.year, zone), now_ms),
    }


def _calendar(first: date, following: date, name: str, zone: ZoneInfo) -> Period:
    return Period(_midnight_ms(first, zone), _midnight_ms(following, zone), name, zone.key)


def _midnight_ms(on: date, zone: ZoneInfo) -> int:
    # To UTC first: two local times of one zone subtract as wall time, and the day of a clock change would be wrong.
    # Where clocks jump over midnight this gives the instant of the jump, which is when that day begins.
    midnight = datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)
    return (midnight - _EPOCH) // _MILLISECOND
