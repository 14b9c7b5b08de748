"""An outage's deadlines, for programs and in words; the same on the pages, in the API and on the command line."""

from typing import Any

from monitor.clock import iso
from monitor.sla.deadlines import Clock, ClockName
from monitor.web.words import length


def clock_json(clock: Clock) -> dict[str, Any]:
    """Times are RFC 3339 in UTC; null where there is none, or none yet."""
    return {
        "name": clock.name.value,
        "allowed_milliseconds": clock.allowed_ms,
        "due": _iso(clock.due_ms),
        "met": _iso(clock.met_ms),
        "paused_milliseconds": clock.paused_ms,
        "remaining_milliseconds": clock.remaining_ms,
        "running": clock.running,
        "suspended": clock.suspended,
        "breached": clock.breached,
    }


def clock_text(clock: Clock) -> str:
    """How it stands, e.g. `running, 7 h 55 min left`."""
    left_ms = clock.remaining_ms
    left = f"{clock_length(clock, -left_ms)} over" if left_ms < 0 else f"{clock_length(clock, left_ms)} left"
    if clock.met_ms is not None:
        return f"met too late, {left}" if clock.breached else f"met with {left}"
    if clock.breached:
        return f"missed, {left}"
    return f"waiting for the customer, {left}" if clock.suspended else f"running, {left}"


def clock_length(clock: Clock, milliseconds: int) -> str:
    """A length of the clock's time: hours where they may be of support, which make no days."""
    if clock.name is ClockName.CORRECTION:
        return length(milliseconds)
    whole, minutes = divmod(milliseconds // 60_000, 60)
    return f"{whole} h {minutes:02d} min" if minutes else f"{whole} h"


def _iso(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso(milliseconds)
