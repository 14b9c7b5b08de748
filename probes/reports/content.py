"""What a report says: its period and its samples, out of rows or text. Pure.

The layout of the platform's reports is not public: columns and patterns are settings.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from probes.contract import ProbeFailed, ProbeOptions, Reason
from probes.efento.signal import CHANNEL_TYPES
from probes.efento.verification import ReturnedSample
from probes.reports.file import Opened


def _pattern(*groups: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            found = set(re.compile(text).groupindex)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if lacking := sorted(set(groups) - found):
            raise ValueError(f"the expression has no group named {', '.join(lacking)}")
        return text

    return AfterValidator(check)


_TIME = r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}"


class LayoutOptions(ProbeOptions):
    """How a report is laid out (assumption throughout)."""

    time: str = Field("Time", description="Heading of the column of times (assumption)")
    sensor: str = Field("Sensor", description="Heading of the column of serial numbers (assumption)")
    channel: str = Field("Channel", description="Heading of the column of channel types (assumption)")
    value: str = Field("Value", description="Heading of the column of values (assumption)")
    time_format: str = Field("%Y-%m-%d %H:%M:%S", description="How times are written, as in strptime (assumption)")
    pdf_row: Annotated[str, _pattern("time", "sensor", "channel", "value")] = Field(
        rf"(?P<time>{_TIME})\s+(?P<sensor>[0-9A-F]{{12}})\s+(?P<channel>[A-Z_]+)\s+(?P<value>[-\u2212]?\d+(\.\d+)?)",
        description="Regular expression of a sample in a PDF's text; groups time, sensor, channel, value (assumption)",
    )
    period: Annotated[str, _pattern("first", "last")] | None = Field(
        rf"(?P<first>{_TIME}) to (?P<last>{_TIME})",
        description="Regular expression of the period in the report's text, with groups first and last; "
        "none: the period is not looked at (assumption)",
    )


Samples = Mapping[str, list[ReturnedSample]]


def require_period(opened: Opened, layout: LayoutOptions, first: datetime, last: datetime, tolerance: float) -> None:
    """`first` and `last` are wall times as asked for; `tolerance` is in seconds.

    Raises `ProbeFailed` (content) where the report names no period, or another one.
    """
    if layout.period is None:
        return
    said = period(opened, layout)
    if said is None:
        raise ProbeFailed(Reason.CONTENT, "the report does not say of which period it is")
    off = [abs((found - wanted).total_seconds()) for found, wanted in zip(said, (first, last), strict=True)]
    if max(off) > tolerance:
        shown = f"{said[0]} to {said[1]}"
        raise ProbeFailed(Reason.CONTENT, f"the report is of another period: {shown}, asked for {first} to {last}")


def period(opened: Opened, layout: LayoutOptions) -> tuple[datetime, datetime] | None:
    """The first and last wall time that the report says it is of. Raises `ProbeFailed` for unreadable ones."""
    head = opened.text or "\n".join(" ".join(row) for row in opened.rows[:10])
    match = None if layout.period is None else re.search(layout.period, head)
    return None if match is None else (_time(match["first"], layout), _time(match["last"], layout))


def samples(opened: Opened, layout: LayoutOptions, channels: Sequence[str]) -> Samples:
    """The report's samples by serial number. Raises `ProbeFailed` (content) for a table without its columns."""
    values: dict[tuple[str, datetime], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for time, serial, channel, value in _cells(opened, layout):
        values[serial.upper(), _time(time, layout)][channel].append(_number(value))
    found: dict[str, list[ReturnedSample]] = defaultdict(list)
    for (serial, wall), by_channel in values.items():
        for copy in range(max(map(len, by_channel.values()))):
            raws = tuple(_raw(by_channel.get(name, []), copy, name) for name in channels)
            if any(raw is not None for raw in raws):
                found[serial].append(ReturnedSample(wall, raws))
    return found


def _cells(opened: Opened, layout: LayoutOptions) -> Iterator[tuple[str, str, str, str]]:
    if opened.text:
        for match in re.finditer(layout.pdf_row, opened.text):
            yield match["time"], match["sensor"], match["channel"], match["value"]
        return
    wanted = (layout.time, layout.sensor, layout.channel, layout.value)
    heading = next((index for index, row in enumerate(opened.rows) if set(wanted) <= set(row)), None)
    if heading is None:
        raise ProbeFailed(Reason.CONTENT, f"the report has no columns {', '.join(wanted)}")
    places = [opened.rows[heading].index(name) for name in wanted]
    for row in opened.rows[heading + 1 :]:
        if len(row) > max(places) and row[places[0]] and row[places[3]]:
            time, serial, channel, value = (row[place] for place in places)
            yield time, serial, channel, value


def _raw(values: Sequence[float], copy: int, channel: str) -> int | None:
    return CHANNEL_TYPES[channel].raw(values[copy]) if copy < len(values) else None


def _time(text: str, layout: LayoutOptions) -> datetime:
    try:
        return datetime.strptime(text.strip(), layout.time_format)  # noqa: DTZ007  # a wall time, without a zone
    except ValueError as error:
        raise ProbeFailed(Reason.CONTENT, f"the report has a time that cannot be read: {text[:40]!r}") from error


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ".").replace("\u2212", "-"))
    except ValueError as error:
        raise ProbeFailed(Reason.CONTENT, f"the report has a value that cannot be read: {text[:40]!r}") from error
