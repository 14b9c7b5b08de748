"""What the REST API says of stored rows: JSON shapes, wall-clock times, and the faults that lie in the contents."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from standin.channels import Sample
from standin.clock import from_unix
from standin.fault_model import Interface
from standin.faults import Faults
from standin.intake import altered
from standin.storage import Point, Row

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def wall_time(moment: datetime, zone: ZoneInfo) -> str:
    """The time on a wall clock of the zone; in the hour that autumn repeats it does not tell which of the two."""
    return moment.astimezone(zone).strftime(TIME_FORMAT)


def window(first: str, last: str, zone: ZoneInfo) -> tuple[int, int]:
    """The Unix seconds from the earliest meaning of `first` to the latest meaning of `last`, both included.

    Raises `ValueError` for texts that are not of the form `YYYY-MM-DD HH:MM:SS`.
    """
    earliest = datetime.strptime(first, TIME_FORMAT).replace(tzinfo=zone, fold=0)
    latest = datetime.strptime(last, TIME_FORMAT).replace(tzinfo=zone, fold=1)
    return int(earliest.timestamp()), int(latest.timestamp())


def sample(row: Row) -> Sample:
    return Sample(row["channel"], row["type"], row["time"], row["value"], row["period"], row["status"], row["copy"])


def answered_samples(rows: Sequence[Row], faults: Faults, now: datetime) -> list[Sample]:
    """The samples as the API's faults would have them; what is stored stays as it is."""
    if faults.active(Interface.API, "empty"):
        return []
    samples = [sample(row) for row in rows]
    if lost := faults.active(Interface.API, "lost-history"):
        age = lost.number("older_than_seconds")
        oldest = now.timestamp() - age if age else math.inf
        samples = [each for each in samples if each.time >= oldest]
    if alter := faults.active(Interface.API, "alter"):
        samples = [altered(each, alter.number("amount")) for each in samples]
    if shift := faults.active(Interface.API, "shift"):
        seconds = round(shift.number("seconds"))
        samples = [replace(each, time=each.time + seconds) for each in samples]
    if faults.active(Interface.API, "double"):
        samples += [replace(each, copy=each.copy + 2) for each in samples]
    return sorted(samples, key=lambda each: (each.time, each.copy, each.channel))


def current_samples(rows: Sequence[Row], faults: Faults) -> list[Sample]:
    alter = faults.active(Interface.API, "alter")
    amount = alter.number("amount") if alter else 0.0
    return [altered(sample(row), amount) for row in rows]


def measurements(samples: Sequence[Sample], zone: ZoneInfo) -> list[dict[str, Any]]:
    """One entry for each moment; doubles are entries of their own."""
    entries = []
    for (time, _copy), group in groupby(samples, key=lambda each: (each.time, each.copy)):
        together = list(group)
        entries.append(
            {
                "measuredAt": wall_time(from_unix(time), zone),
                "period": together[0].period,
                "channels": [{"number": each.channel, "value": each.value, "status": each.status} for each in together],
            }
        )
    return entries


def device(point: Point, current: Sequence[Sample]) -> dict[str, Any]:
    channels = [{"number": each.channel, "type": each.type} for each in current]
    return {"serialNumber": point.serial, "channels": channels}


def measurement_point(point: Point, current: Sequence[Sample], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": point.id,
        "name": f"Sensor {point.serial}",
        "createdAt": wall_time(from_unix(point.created_ms // 1000), zone),
        "device": device(point, current),
        "measurements": {
            "channels": [
                {"number": each.channel, "type": each.type, "value": each.value, "status": each.status}
                for each in current
            ]
        },
    }


def alert(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    ended = row["neutralized_ms"]
    return {
        "id": 9000 + row["id"],
        "serialNumber": row["serial"],
        "measurement": row["measurement"],
        "createdAt": wall_time(from_unix(row["created_ms"] // 1000), zone),
        "neutralizedAt": None if ended is None else wall_time(from_unix(ended // 1000), zone),
        "confirmedAt": None,
        "rule": {
            "name": row["rule"],
            "condition": row["condition"],
            "parameter": row["parameter"],
            "threshold": row["threshold"],
        },
    }
