"""Support time: when major and minor errors are worked on, and how much of it there is between two instants.

Hours are wall time of the support's own zone: where its clocks skip one, it is the instant of the jump, and where they
show it twice, the first of the two. Public holidays are handed in as a container of dates, e.g. a set: which days
these are is no arithmetic.
"""

from collections.abc import Container, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.sla.agreement import SupportHours
from monitor.sla.intervals import Interval
from monitor.sla.periods import local_date
from monitor.sla.recurring import instant_ms

Holidays = Container[date]

# A stretch that no real support hours need; where nothing is reached within it, nothing ever will be.
LONGEST_SEARCH_DAYS = 36_525
_DAY = timedelta(days=1)


def support_intervals(support: SupportHours, holidays: Holidays, interval: Interval) -> list[Interval]:
    """The support time inside the interval, a stretch a day, in order of time."""
    start, end = interval
    if start >= end:
        return []
    zone = ZoneInfo(support.zone)
    found = []
    for first, last in _days(support, holidays, local_date(start, zone), local_date(end - 1, zone)):
        if max(first, start) < min(last, end):
            found.append((max(first, start), min(last, end)))
    return found


def after_support_time(support: SupportHours, holidays: Holidays, from_ms: int, length_ms: int) -> int | None:
    """The first instant by which so much support time has passed since `from_ms`; None where that never comes.

    Eight hours from Monday 8:00 are over on Monday at 16:00, not on Tuesday at 8:00.
    """
    if length_ms <= 0:
        return from_ms
    first_day = local_date(from_ms, ZoneInfo(support.zone))
    left_ms = length_ms
    for first, last in _days(support, holidays, first_day, first_day + LONGEST_SEARCH_DAYS * _DAY):
        begin = max(first, from_ms)
        if begin + left_ms <= last:
            return begin + left_ms
        left_ms -= max(last - begin, 0)
    return None


def _days(support: SupportHours, holidays: Holidays, first: date, last: date) -> Iterator[Interval]:
    """The support time of each day from the first to the last; days without any are left out."""
    zone = ZoneInfo(support.zone)
    on = first if support.weekdays and support.start < support.end else last + _DAY
    while on <= last:
        if on.weekday() in support.weekdays and on not in holidays:
            start, end = _at_ms(on, support.start, zone), _at_ms(on, support.end, zone)
            if start < end:
                yield start, end
        on += _DAY


def _at_ms(on: date, minute: int, zone: ZoneInfo) -> int:
    """When the zone's clocks show that minute of the day; 1440 is the end of the day."""
    return instant_ms(datetime.combine(on, time()) + timedelta(minutes=minute), zone)
