"""Maintenance that comes by a rule, as windows: RFC 5545, section 3.3.10, in wall time of the agreement's zone.

Only rules in steps of an hour or more, and only what says when by months, days and hours. What comes more often than
`MOST` times is refused.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from monitor.sla.agreement import RecurringMaintenance
from monitor.sla.intervals import Interval
from monitor.sla.windows import Window, WindowKind

MOST = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
_PARTS = frozenset(
    ["FREQ", "UNTIL", "COUNT", "INTERVAL", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"]
)
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # days of the months that have no 31
_CONTENT = re.compile(r"[A-Z0-9,+-]+")
_UNTIL = re.compile(r"\d{8}T\d{6}Z?")
_UNTIL_UTC = re.compile(r"UNTIL=(\d{8}T\d{6})Z")


def windows_of(
    rule: RecurringMaintenance, zone: str | ZoneInfo, interval: Interval, *, recorded_ms: int | None = None
) -> list[Window]:
    """The windows of the rule that share time with the interval, each whole, by their start.

    A wall time that a clock change leaves out is the instant of the change, one that comes twice the first of the two.
    `recorded_ms` is when the rule was put on record; without it, when each window was announced. Raises `ValueError`
    for a rule that is none, and for one that has come more than `MOST` times by the end of the interval.
    """
    start, end = interval
    until_year = min((_EPOCH + timedelta(milliseconds=end)).year + 1, 9999)
    starts = _starts_ms(rule.rule, rule.starts, str(zone), until_year)
    first, stop = bisect_left(starts, start - rule.length_ms + 1), bisect_left(starts, end)
    return [_window(rule, start_ms, recorded_ms) for start_ms in starts[first:stop]] if start < end else []


def check_rule(text: str, starts: str = "2024-01-01T00:00:00") -> None:
    """Raises `ValueError` with a text for people where this is no rule that maintenance can have."""
    first = _wall_time(starts)
    occurring = takewhile(lambda wall: wall < first + timedelta(days=40 * 366), _wall_times(text, first, None))
    earliest = next(iter(occurring), None)
    if earliest is None:
        raise ValueError(f"{text!r} never comes")
    a_year = takewhile(lambda wall: wall < earliest + timedelta(days=366), occurring)
    if sum(1 for _ in islice(a_year, MOST)) > MOST // 10:
        raise ValueError(f"{text!r} comes more than {MOST // 10:,} times a year")


def instant_ms(wall: datetime, zone: ZoneInfo) -> int:
    """The instant at which the zone's clocks show this wall time, in milliseconds.

    The first one where they show it twice; where they never do, the instant at which they jump over it.
    """
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return (at - _EPOCH) // _MILLISECOND
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), at
    offset_after = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):  # the jump lies after `before`, at the latest at `after`
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return (after - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=256)
def _starts_ms(text: str, starts: str, zone_name: str, until_year: int) -> list[int]:
    """When the rule's windows begin, up to the end of that year. Only read it: it is kept for the next one who asks."""
    zone = ZoneInfo(zone_name)
    last = _wall_time(f"{until_year:04d}-12-31T23:59:59")
    occurring = takewhile(lambda wall: wall <= last, _wall_times(text, _wall_time(starts), zone))
    walls = list(islice(occurring, MOST + 1))
    if len(walls) > MOST:
        raise ValueError(f"{text!r} from {starts} on comes more than {MOST:,} times: let it begin later")
    return sorted({instant_ms(wall, zone) for wall in walls})


def _wall_time(starts: str) -> datetime:
    first = datetime.fromisoformat(starts)
    if first.tzinfo is not None:
        raise ValueError(f"{starts!r} has an offset from UTC, but is to be a wall time, e.g. 2026-01-07T02:00:00")
    return first


def _wall_times(text: str, first: datetime, zone: ZoneInfo | None) -> Iterable[datetime]:
    """All wall times of the rule from `first` on. An `UNTIL` in UTC is an instant of that zone."""
    from dateutil.rrule import rrulestr

    _check_parts(text)
    local = _UNTIL_UTC.sub(lambda found: f"UNTIL={_in_wall_time(found[1], zone)}", text.upper())
    try:
        return rrulestr(local, dtstart=first)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as exc:
        raise ValueError(f"{text!r} is no rule of RFC 5545: {exc}") from exc


def _check_parts(text: str) -> None:
    parts: dict[str, str] = {}
    for name, _, content in (part.partition("=") for part in text.upper().split(";")):
        if name not in _PARTS or not _CONTENT.fullmatch(content):
            raise ValueError(f"{text!r} is no rule for maintenance, e.g. FREQ=WEEKLY;BYDAY=WE: not {name!r}")
        if name in parts:
            raise ValueError(f"{text!r} has {name} more than once")
        if name in ("INTERVAL", "COUNT") and (not content.isdecimal() or not 1 <= int(content) <= MOST // 10):
            raise ValueError(f"{text!r}: {name} must be a whole number from 1 to {MOST // 10:,}")
        if name == "UNTIL" and not _UNTIL.fullmatch(content):
            raise ValueError(f"{text!r}: UNTIL must be a date and time, e.g. 20261231T235959")
        parts[name] = content
    if parts.get("FREQ") not in _FREQUENCIES:
        raise ValueError(f"{text!r}: FREQ must be one of {', '.join(_FREQUENCIES)}")
    _check_together(text, parts)


def _check_together(text: str, parts: Mapping[str, str]) -> None:
    """What dateutil would warn of, or look for until the year 9999."""
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError(f"{text!r} has both COUNT and UNTIL")
    if "BYSETPOS" in parts and parts["FREQ"] not in ("YEARLY", "MONTHLY"):
        raise ValueError(f"{text!r}: BYSETPOS goes with YEARLY and MONTHLY only")
    months, days = (_numbers(parts.get(name, "")) for name in ("BYMONTH", "BYMONTHDAY"))
    if not all(1 <= month <= 12 for month in months) or not all(1 <= abs(day) <= 31 for day in days):
        raise ValueError(f"{text!r}: months are 1 to 12, days of the month 1 to 31, or -1 to -31 from its end")
    longest = max((_LONGEST.get(month, 31) for month in months), default=31)
    if days and min(abs(day) for day in days) > longest:
        raise ValueError(f"{text!r} never comes")


def _numbers(content: str) -> list[int]:
    return [int(each) for each in content.split(",") if each.lstrip("+-").isdecimal()]


def _in_wall_time(stamp: str, zone: ZoneInfo | None) -> str:
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return at.astimezone(zone or UTC).strftime("%Y%m%dT%H%M%S")


def _window(rule: RecurringMaintenance, start_ms: int, recorded_ms: int | None) -> Window:
    announced_ms = start_ms - rule.notice_ms
    return Window(
        kind=WindowKind.MAINTENANCE,
        start_ms=start_ms,
        end_ms=start_ms + rule.length_ms,
        text=rule.text,
        author="",
        recorded_ms=announced_ms if recorded_ms is None else recorded_ms,
        components=rule.components,
        announced_ms=announced_ms,
        rule=rule.name,
    )
