"""Results as lines of JSON, out and in. A line that is not right is named; nothing is guessed."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any

import orjson

from monitor.clock import iso, to_milliseconds
from monitor.config import Config
from monitor.results import Result
from monitor.sla.model import ProbeTerms, Verdict
from monitor.store import ImportRow, StoredResult
from monitor.store.records import Newcomer

if TYPE_CHECKING:
    import numpy as np

Components = dict[tuple[str, str], str]
"""The component that a file names for a probe and location."""

REQUIRED = ("id", "probe", "location", "started_at", "finished_at", "verdict", "reason")
TEXTS = ("id", "probe", "location")
VERDICTS = frozenset(verdict.value for verdict in Verdict)
_VERDICT_OF = {verdict.value: verdict for verdict in Verdict}
EXPORTED = (*REQUIRED, "component", "seconds", "step", "detail")
TEXT_CHARACTERS = 1000
PORTION = 10_000
BLOCK_BYTES = 1_048_576
LINE_BYTES = 65_536
BEGINNING_MS, END_MS = 0, 253_402_300_800_000  # 1970 and the year 10000
MAX_DURATION_MS = 2_147_000  # the longest that the store's column of microseconds holds


class BadLine(Exception):
    """A line that cannot be imported; `str` gives its number, key, and what was expected."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(f"{number}: {text}")


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
    reader = _Reader(config, components)
    before = 0
    for portion in _portions(lines):
        yield from reader.together(portion) or reader.one_by_one(portion, before)
        before += len(portion)


def lines_of(file: IO[bytes], on_read: Callable[[int], object] = lambda _bytes: None) -> Iterator[bytes]:
    """The lines of a file, whatever its size; `on_read` is told how many bytes more were read. Raises `BadLine`."""
    number, begun = 0, b""
    while block := file.read(BLOCK_BYTES):
        on_read(len(block))
        *lines, begun = (begun + block).split(b"\n")
        if max(map(len, (*lines, begun))) >= LINE_BYTES:
            yield from _short_lines([*lines, begun], number)
        yield from lines
        number += len(lines)
    if begun:
        yield begun


def _short_lines(lines: Iterable[bytes], before: int) -> Iterator[bytes]:
    """Those before the first that is too long, and that raises `BadLine`."""
    for number, line in enumerate(lines, start=before + 1):
        if len(line) >= LINE_BYTES:
            raise BadLine(number, f"longer than {LINE_BYTES} bytes; expected one result a line")
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


def _portions(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    portion: list[bytes] = []
    try:
        for line in lines:
            portion.append(line)
            if len(portion) == PORTION:
                yield portion
                portion = []
    except BadLine:
        yield portion  # there may be an earlier one among them
        raise
    yield portion


class _Reader:
    """Lines to results. What is the same for millions of them is done column by column; a line with anything that is
    unusual makes its whole portion go one by one, which names what is wrong."""

    def __init__(self, config: Config, components: Components) -> None:
        self._configured = {probe.id: probe.component for probe in config.probes}
        self._keys = [terms.key for terms in config.components]
        self._components = components

    def one_by_one(self, lines: Sequence[bytes], before: int) -> Iterator[ImportRow]:
        for number, line in enumerate(lines, start=before + 1):
            if not line or line.isspace():
                continue
            try:
                row, component = _row(line)
            except ValueError as error:
                raise BadLine(number, str(error)) from None
            component = self._configured.get(row.probe, component)
            if component not in self._keys:
                keys = ", ".join(self._keys)
                raise BadLine(number, f"component: expected one of {keys}, because no probe has this id")
            self._components[row.probe, row.location] = component
            yield row

    def together(self, lines: Sequence[bytes]) -> list[ImportRow] | None:
        """None where something is not as in a file that `export` wrote."""
        try:
            columns = _columns(lines)
            rows = _rows(columns)
        except (ValueError, KeyError, TypeError):
            return None
        places = set(zip(columns["probe"], columns["location"], columns["component"], strict=True))
        found = {(probe, place): self._configured.get(probe, component) for probe, place, component in places}
        if len(found) != len(places) or not set(found.values()) <= set(self._keys):
            return None
        self._components.update(found)
        return rows


def _columns(lines: Sequence[bytes]) -> dict[str, Sequence[Any]]:
    """The values of every key that is read. Raises `ValueError`, `KeyError` or `TypeError` for whatever is unusual."""
    found = [*map(orjson.loads, lines)]
    _expect(not any("every_seconds" in each for each in found))
    columns: dict[str, Sequence[Any]] = dict(
        zip(EXPORTED, zip(*map(itemgetter(*EXPORTED), found), strict=True), strict=True)
    )
    for key in TEXTS:
        _expect({*map(type, columns[key])} == {str} and min(map(len, columns[key])) > 0)
    for key in ("component", "reason", "step", "detail"):
        columns[key] = [each or "" for each in columns[key]]
        _expect({*map(type, columns[key])} == {str})
    for key in (*TEXTS, "reason", "step", "detail"):
        _expect(max(map(len, columns[key])) <= TEXT_CHARACTERS)
    return columns


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[ImportRow]:
    """Raises `ValueError`, `KeyError` or `TypeError` for whatever is unusual."""
    import numpy as np

    started_ms, finished_ms = _times(columns["started_at"]), _times(columns["finished_at"])
    _expect({*map(type, columns["seconds"])} <= {float, int})
    seconds = np.array(columns["seconds"], np.float64)
    _expect(float(np.abs(seconds).max()) <= MAX_DURATION_MS)
    duration_us = np.rint(seconds * 1_000_000).astype(np.int64)
    between_ms = finished_ms - started_ms
    below_ms_us = duration_us - between_ms * 1000
    verdicts = [_VERDICT_OF[each] for each in columns["verdict"]]
    _expect(between_ms.min() >= 0 and between_ms.max() <= MAX_DURATION_MS)
    _expect(below_ms_us.min() >= 0 and below_ms_us.max() < 1000)
    reasons = zip(verdicts, columns["reason"], strict=True)
    _expect(not any(verdict is Verdict.UP and reason for verdict, reason in reasons))
    values = [*(columns[key] for key in TEXTS), started_ms.tolist(), finished_ms.tolist(), verdicts]
    values += [*(columns[key] for key in ("reason", "step", "detail")), [None] * len(verdicts), duration_us.tolist()]
    return [*map(ImportRow._make, zip(*values, strict=True))]


def _times(texts: Sequence[Any]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Milliseconds of times as we write them. Raises `ValueError` for any other."""
    import numpy as np

    pattern = np.frombuffer(b"0000-00-00T00:00:00.000Z", np.uint8)
    _expect({*map(len, texts)} == {len(pattern)})
    letters = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(-1, len(pattern))
    digits = pattern == ord("0")
    _expect(bool((letters[:, ~digits] == pattern[~digits]).all() and (letters[:, digits] - ord("0") <= 9).all()))
    without_zone = np.ascontiguousarray(letters[:, :-1]).view(f"S{len(pattern) - 1}").ravel()
    return without_zone.astype("M8[ms]").astype(np.int64)


def _expect(usual: bool) -> None:
    if not usual:
        raise ValueError("unusual")


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
    if not isinstance(found["verdict"], str) or found["verdict"] not in VERDICTS:
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
