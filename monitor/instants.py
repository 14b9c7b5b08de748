"""Instants as people write them: RFC 3339 with an offset, or wall time of a zone as long as it means one instant."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from monitor.clock import to_milliseconds

_DATE_AND_TIME = r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
_WRITTEN = re.compile(rf"{_DATE_AND_TIME}(?P<offset>[Zz]|[-+]\d{{2}}:\d{{2}})?", re.ASCII)
_YEARS = range(1971, 2200)  # far from where arithmetic on dates ends, whatever the offset


class NoInstant(ValueError):
    """The text means no instant; `expected` says in words what would."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected


def parse_instant(text: str, zone: ZoneInfo) -> int:
    """UTC milliseconds of `2026-11-23T02:00:00+01:00`, or of the zone's wall time `2026-11-23 02:00`.

    Raises `NoInstant`, also for a wall time that comes twice or never in the zone: then both instants are named that
    may be meant.
    """
    match = _WRITTEN.fullmatch(text.strip())
    try:
        moment = datetime.fromisoformat(text.strip().upper()) if match else None
    except ValueError:  # e.g. the 30th of February
        moment = None
    if match is None or moment is None or moment.year not in _YEARS:
        raise NoInstant(f"a time such as 2026-11-23T02:00:00Z, or wall time of {zone.key} such as 2026-11-23 02:00")
    return to_milliseconds(moment if match["offset"] else _of_wall_time(moment, zone))


def _of_wall_time(wall: datetime, zone: ZoneInfo) -> datetime:
    earlier, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier == later:
        return earlier
    # Across a jump forwards the two readings are an hour apart as well, and neither shows this wall time.
    is_shown = earlier.astimezone(zone).replace(tzinfo=None, fold=0) == wall
    what = "comes twice" if is_shown else "does not come: the clocks jump over it"
    first, second = (each.astimezone(zone).isoformat() for each in sorted((earlier, later)))
    raise NoInstant(f"either {first} or {second}: this wall time {what} in {zone.key}")
