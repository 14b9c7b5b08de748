"""What the web application shows of the measurement points, as JSON. The shape is invented."""

from typing import Any

from standin.clock import from_unix, unix_milliseconds
from standin.fault_model import Interface
from standin.parts import Context
from standin.storage import Point, Row

_NEWEST_UNTIL = """
SELECT *, max(time) FROM samples WHERE point_id = ? AND copy = 0 AND visible_ms <= ? AND time <= ?
GROUP BY channel ORDER BY channel
"""
_OLDEST = """
SELECT *, min(time) FROM samples WHERE point_id = ? AND copy = 0 AND visible_ms <= ?
GROUP BY channel ORDER BY channel
"""


async def shown_points(context: Context) -> list[dict[str, Any]]:
    if context.faults.active(Interface.WEB, "no-data"):
        return []
    return [_shown(point, *await _current(context, point)) for point in await context.storage.points()]


async def _current(context: Context, point: Point) -> tuple[list[Row], int | None]:
    """The newest sample of each channel, and the time (Unix seconds) to show for them."""
    now = context.live.current.now()
    now_ms = unix_milliseconds(now)
    old = context.faults.active(Interface.WEB, "old-data")
    if not old:
        rows = await context.storage.current_values(point, now_ms)
        return rows, max((int(row["time"]) for row in rows), default=None)
    until = int(now.timestamp() - old.number("seconds"))
    rows = await context.storage.rows(_NEWEST_UNTIL, [point.id, now_ms, until])
    if rows:
        return rows, max(int(row["time"]) for row in rows)
    # A platform younger than that shows its oldest values as if they were so old.
    rows = await context.storage.rows(_OLDEST, [point.id, now_ms])
    return rows, until if rows else None


def _shown(point: Point, rows: list[Row], time: int | None) -> dict[str, Any]:
    channels = [{key: row[key] for key in ("channel", "type", "value", "status")} for row in rows]
    return {
        "id": point.id,
        "name": f"Sensor {point.serial}",
        "serial": point.serial,
        "value": channels[0]["value"] if channels else None,
        "measuredAt": None if time is None else from_unix(time).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "channels": channels,
    }
