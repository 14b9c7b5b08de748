"""The samples that a restoring command prints: a line for each value of each channel, as JSON or CSV. Pure."""

import asyncio
import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from probes.contract import ProbeFailed, Reason
from probes.efento.recovery_manifest import moment
from probes.efento.recovery_options import CommandOptions, OutputFields
from probes.efento.signal import CHANNEL_TYPES
from probes.efento.verification import ReturnedSample

LINES_AT_ONCE = 500
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall time in UTC, as a returned sample has it
Values = dict[int, float | None]


@dataclass(slots=True)
class PrintedHistory:
    """Samples by sensor and time; a value that comes again belongs to a further copy of the sample."""

    channels: tuple[str, ...]
    zone: str = "UTC"
    _copies: dict[tuple[str, int], list[Values]] = field(default_factory=dict)

    def add(self, serial: str, time: int, channel: int, value: float | None) -> None:
        copies = self._copies.setdefault((serial, time), [])
        for copy in copies:
            if channel not in copy:
                copy[channel] = value
                return
        copies.append({channel: value})

    async def samples(self, serial: str, first: int, last: int) -> Sequence[ReturnedSample]:
        return [
            ReturnedSample(_EPOCH + timedelta(seconds=time), self._raws(copy))
            for (owner, time), copies in self._copies.items()
            if owner == serial and first <= time <= last
            for copy in copies
        ]

    def _raws(self, copy: Values) -> tuple[int | None, ...]:
        values = ((name, copy.get(number)) for number, name in enumerate(self.channels, start=1))
        return tuple(None if value is None else CHANNEL_TYPES[name].raw(value) for name, value in values)


async def read_output(
    output: bytes, options: CommandOptions, channels: tuple[str, ...], serials: Iterable[str]
) -> PrintedHistory:
    """Keeps the samples of these sensors. In small pieces, so that nothing else of the daemon waits for it.

    Raises `ProbeFailed` (protocol, schema) for what is not as configured.
    """
    history, wanted = PrintedHistory(channels), frozenset(serials)
    for number, row in enumerate(_rows(output, options), start=1):
        serial = str(row.get(options.fields.serial, "")).upper()
        if serial in wanted:
            history.add(serial, *_sample(row, options.fields, number))
        if number % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)
    return history


def _rows(output: bytes, options: CommandOptions) -> Iterator[Mapping[str, Any]]:
    text = io.TextIOWrapper(io.BytesIO(output), "utf-8", newline="")
    number = 0
    try:
        if options.output == "csv":
            yield from csv.DictReader(text)
            return
        for number, line in enumerate(text, start=1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ProbeFailed(Reason.SCHEMA, f"line {number} of the command's output: not an object")
                yield row
    except (ValueError, RecursionError, csv.Error) as error:
        raise ProbeFailed(Reason.PROTOCOL, f"line {number + 1} of the command's output: not as configured") from error


def _sample(row: Mapping[str, Any], fields: OutputFields, number: int) -> tuple[int, int, float | None]:
    time = moment(_number(row.get(fields.time)))
    channel, value = _number(row.get(fields.channel)), _number(row.get(fields.value))
    if time is None or time % 1 or not isinstance(channel, int | float) or channel % 1 or isinstance(value, str):
        raise ProbeFailed(Reason.SCHEMA, f"row {number} of the command's output: time, channel or value is wrong")
    return int(time), int(channel), value


def _number(value: object) -> float | str | None:
    """A number also where it stands as text, as in CSV; other texts as they are; nothing for an empty one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value in ("", "null"):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return str(value)
    return number if math.isfinite(number) else str(value)
