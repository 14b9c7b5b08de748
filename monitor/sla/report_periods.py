"""The periods that a report can be asked for, by their names, and the calendar months that they consist of."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from monitor.sla.periods import Period, day, local_date, month, year

YEARS = range(1970, 9999)  # what both the calendar and milliseconds since 1970 can tell
MOST_YEARS = 10  # of days: data are kept for six, and whoever asks for thousands keeps a processor busy for minutes
_YEAR, _MONTH, _DAY = (re.compile(text, re.ASCII) for text in (r"\d{4}", r"(\d{4})-(\d{2})", r"\d{4}-\d{2}-\d{2}"))


def named_period(name: str, zone: ZoneInfo) -> Period:
    """The period of a year (`2026`), a month (`2026-11`) or days (`2026-01-15..2026-03-01`, without the last one).

    Raises `ValueError` that says what is wrong with the name.
    """
    if _YEAR.fullmatch(name):
        return year(_possible(int(name), name), zone)
    if found := _MONTH.fullmatch(name):
        number = int(found[2])
        if not 1 <= number <= 12:
            raise ValueError(f"{name}: there is no month {found[2]}")
        return month(_possible(int(found[1]), name), number, zone)
    first, dots, following = name.partition("..")
    if not dots:
        raise ValueError(f"{name}: expected a year (2026), a month (2026-11) or days (2026-01-15..2026-03-01)")
    return _days(_date(first, name), _date(following, name), name, zone)


def months_within(period: Period, zone: ZoneInfo) -> list[Period]:
    """The calendar months of the period, the first and the last one as far as they lie in it; they sum to it."""
    on = local_date(period.start_ms, zone)
    found: list[Period] = []
    while not found or found[-1].end_ms < period.end_ms:
        whole = month(on.year, on.month, zone)
        start_ms, end_ms = max(whole.start_ms, period.start_ms), min(whole.end_ms, period.end_ms)
        found.append(Period(start_ms, end_ms, whole.name, zone.key))
        on = date(on.year + on.month // 12, on.month % 12 + 1, 1)
    return found


def is_year(period: Period) -> bool:
    """Whether the period is a whole calendar year, which is what yearly promises are about."""
    return _YEAR.fullmatch(period.name) is not None


def _days(first: date, following: date, name: str, zone: ZoneInfo) -> Period:
    for day_named in (first, following):
        _possible(day_named.year, name)
    if first >= following:
        raise ValueError(f"{name}: the first day must come before the day on which the period is over")
    if following > first + MOST_YEARS * timedelta(days=366):
        raise ValueError(f"{name}: expected at most {MOST_YEARS} years")
    period = Period(day(first, zone).start_ms, day(following, zone).start_ms, name, zone.key)
    if not period.length_ms:  # e.g. 2011-12-30 in Apia
        raise ValueError(f"{name}: the calendar of {zone.key} leaves this day out")
    return period


def _date(text: str, name: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no day; expected one like 2026-01-15") from None


def _possible(of_year: int, name: str) -> int:
    if of_year not in YEARS:
        raise ValueError(f"{name}: expected a year from {YEARS.start} to {YEARS.stop - 1}")
    return of_year
