"""Results as lines of JSON, out and in. A line that is not right is named; nothing is guessed."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import IO, Any

import orjson

from monitor.clock import iso, to_milliseconds
from monitor.config import Config
from monitor.results import Result
from monitor.sla.model import ProbeTerms, Verdict
from monitor.store import ImportRow, StoredResult
from monitor.store.records import Newcomer

Components = dict[tuple[str, str], str]
"""The component that a file names for a probe and location."""

REQUIRED = ("id", "probe", "location", "started_at", "finished_at", "verdict", "reason")
TEXTS = ("id", "probe", "location")
VERDICTS = frozenset(verdict.value for verdict in Verdict)
TEXT_CHARACTERS = 1000
LINE_BYTES = 65_536
BEGINNING_MS, END_MS = 0, 253_402_300_800_000  # 1970 and the year 10000
MAX_DURATION_MS = 2_147_000  # the longest that the store's column of microseconds holds


class BadLine(Exception):
    """A line that cannot be imported; `str` gives its number, key, and what was expected."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number}: {text}")


def result_line(result: StoredResult, component: str | None) -> str:
    """One result as a line of JSON, with what an import wants and what a person may ask."""
    return (
        orjson.dumps(
            {"id": result.text_id, **as_told(result, component)},
            option=orjson.OPT_APPEND_NEWLINE,
        )
    ).decode()


def as_told(result: Result | StoredResult, component: str | None) -> dict[str, Any]:
    """What programs are told of a result, whether it was just found or read from the store."""
    return {
        "probe": result.probe,
        "component": component,
        "location": result.location,
        "started_at": iso(result.started_ms),
        "finished_at": iso(result.finished_ms),
        "seconds": result.duration_us / 1_000_000,
        "verdict": result.verdict.value,
        "reason": result.reason or None,
        "step": result.step or None,
        "detail": result.detail or None,
    }


def read_results(lines: Iterable[bytes], config: Config, components: Components) -> Iterator[ImportRow]:
    """The results of a file, one after the other; the component of each goes into `components` before it is yielded.

    Raises `BadLine` at the first line that is wrong.
    """
    configured = {probe.id: probe.component for probe in config.probes}
    keys = [terms.key for terms in config.components]
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            row, component = _row(line)
        except ValueError as error:
            raise BadLine(number, str(error)) from None
        component = configured.get(row.probe, component)
        if component not in keys:
            raise BadLine(number, f"component: expected one of {', '.join(keys)}, because no probe has this id")
        components[row.probe, row.location] = component
        yield row


def lines_of(file: IO[bytes], on_read: Callable[[int], object] = lambda _bytes: None) -> Iterator[bytes]:
    """The lines of a file, whatever its size; `on_read` is told how many bytes each had. Raises `BadLine`."""
    number = 0
    while line := file.readline(LINE_BYTES + 1):
        number += 1
        if len(line) > LINE_BYTES:
            raise BadLine(number, f"longer than {LINE_BYTES} bytes; expected one result a line")
        on_read(len(line))
        yield line


def terms_for(config: Config, components: Mapping[tuple[str, str], str]) -> Callable[[Newcomer], ProbeTerms]:
    """How to read results of a probe that the store has not met: by the configuration, as far as it tells."""
    configured = {probe.id: probe for probe in config.probes}

    def terms(newcomer: Newcomer) -> ProbeTerms:
        probe = configured.get(newcomer.probe)
        every_ms = newcomer.every_ms or (round(probe.every_seconds * 1000) if probe else 30_000)
        stale_ms = round(every_ms * config.stale_factor)
        return ProbeTerms(
            probe=newcomer.probe,
            location=newcomer.location,
            from_ms=newcomer.first_ms,
            component=components[newcomer.probe, newcomer.location],
            every_ms=every_ms,
            stale_ms=stale_ms if probe is None else max(stale_ms, round(probe.stale_seconds * 1000)),
            confirm_after=probe.confirm_after if probe else config.confirm_after,
        )

    return terms


def time_argument(text: str | None, name: str, default_ms: int) -> int:
    """A time given on the command line, in UTC milliseconds. Raises `click.BadParameter`."""
    import click

    if text is None:
        return default_ms
    try:
        return _time(text, name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _row(line: bytes) -> tuple[ImportRow, str | None]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error}); expected one object a line") from None
    if not isinstance(found, dict):
        raise ValueError("expected an object")
    for key in REQUIRED:
        if key not in found:
            raise ValueError(f"{key}: missing; expected {', '.join(REQUIRED)}")
    for key in TEXTS:
        _text(found, key, required=True)
    started_ms, finished_ms = _time(found["started_at"], "started_at"), _time(found["finished_at"], "finished_at")
    if not 0 <= finished_ms - started_ms <= MAX_DURATION_MS:
        raise ValueError("finished_at: expected a time after started_at, by at most 35 minutes")
    if found["verdict"] not in VERDICTS:
        raise ValueError(f"verdict: expected one of {', '.join(sorted(VERDICTS))}")
    row = ImportRow(
        id=found["id"],
        probe=found["probe"],
        location=found["location"],
        started_ms=started_ms,
        finished_ms=finished_ms,
        verdict=Verdict(found["verdict"]),
        reason=_text(found, "reason"),
        step=_text(found, "step"),
        detail=_text(found, "detail"),
        every_ms=_milliseconds(found),
        duration_us=_microseconds(found, finished_ms - started_ms),
    )
    if row.verdict is Verdict.UP and row.reason:
        raise ValueError("reason: expected none (null) where the verdict is up")
    return row, _text(found, "component") or None


def _text(found: Mapping[str, Any], key: str, *, required: bool = False) -> str:
    value = found.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value) or len(value) > TEXT_CHARACTERS:
        raise ValueError(f"{key}: expected text")
    return value


def _time(value: Any, key: str) -> int:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{key}: expected a time such as 2026-11-23T12:00:00.000Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{key}: expected a time with its offset, e.g. Z for UTC")
    return to_milliseconds(moment)


def _microseconds(found: Mapping[str, Any], between_ms: int) -> int | None:
    seconds = found.get("seconds")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        raise ValueError("seconds: expected a number")
    duration_us = round(seconds * 1_000_000)
    if not 0 <= duration_us - between_ms * 1000 < 1000:
        raise ValueError("seconds: expected the time from started_at to finished_at")
    return duration_us


def _milliseconds(found: Mapping[str, Any]) -> int | None:
    seconds = found.get("every_seconds")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ValueError("every_seconds: expected the probe's interval in seconds")
    return round(seconds * 1000)
