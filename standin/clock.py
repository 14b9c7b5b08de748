"""The stand-in's only reading of the machine's wall clock; everything else takes `StandInSettings.now`."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def system_now() -> datetime:
    return datetime.now(UTC)


def unix_milliseconds(moment: datetime) -> int:
    """Unix time in whole milliseconds, rounded down; exact, because it does not go through a float."""
    return (moment - EPOCH) // _MILLISECOND


def from_unix(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)
