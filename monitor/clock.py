"""The two clocks: aware UTC for when, monotonic for how long. Nothing else in the project reads the time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to, for tests and for simulated time.

    Its monotonic reading starts at an odd number, so that code which mixes up the two clocks shows at once.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("the time must be aware")
        self._now = now.astimezone(UTC)
        self._monotonic = 123_456.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step_wall_clock(self, seconds: float) -> None:
        """What a time server's correction does: the wall clock jumps, the monotonic one does not."""
        self._now += timedelta(seconds=seconds)


def to_milliseconds(moment: datetime) -> int:
    """Unix time in whole milliseconds, rounded down; exact, because it does not go through a float.

    Raises `ValueError` for a time without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("the time must be aware")
    return (moment - EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def iso(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds, e.g. `2026-11-23T04:19:00.000Z`."""
    return from_milliseconds(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
