"""What a bundle holds, read into tables in memory: everything but results, which are too many for that.

Nothing is checked here but whether it can be read; what cannot is noted by the name of its file.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from monitor.clock import to_milliseconds
from monitor.reports.bundle import FORMAT, RUN_COLUMNS
from monitor.reports.bundle_file import EVIDENCE, MANIFEST, NAMES, RUNS, BundleError, BundleFile, seal_folder
from monitor.reports.bundle_rows import Malformed, rows_of
from monitor.seals.canonical import TABLES
from monitor.seals.headers import BadHeader, Header, parsed
from monitor.sla.agreement import Agreement, from_json
from monitor.sla.model import Run, Verdict
from monitor.store import StoreError
from monitor.store.sealing import NUMBERED, Row, SealRow
from monitor.store.unpacking import NAMED, Unpacking

# How many values a row has, of all tables but results. Of the last ones no figure depends.
WIDTHS = {
    "writers": 5,
    "probe_terms": 8,
    "lives": 5,
    "imports": 5,
    "windows": 12,
    "agreements": 4,
    "clock_events": 8,
    "prunings": 4,
    "seal_keys": 5,
    "schedule_events": 7,
}
UNSEALED = "unsealed"
_MOST_RUNS = 5_000_000
_MOST_ROWS = 5_000_000  # of all other tables but results together
_PORTION = 5_000
_RATIO = re.compile("[0-9]{1,20}(/[0-9]{1,20})?")
# What content that means ill, or has been damaged, makes of the code that reads it.
UNREADABLE = (
    *(ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(RecursionError, StoreError, csv.Error),
)


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GivenAgreement(_Given):
    from_ms: int = Field(ge=0, lt=2**48)
    content: str


class Manifest(_Given):
    """What `bundle.json` says: what the report is about, and what it was made with."""

    format: int
    period: str = Field(max_length=40)
    as_of: str = Field(max_length=40)
    software: str = Field(max_length=100)
    tzdata: str = Field(max_length=100)
    libraries: dict[str, str]
    agreement: GivenAgreement | None

    @property
    def as_of_ms(self) -> int:
        return to_milliseconds(datetime.fromisoformat(self.as_of))

    @property
    def default(self) -> Agreement | None:
        """The agreement of the configuration, where none was on record."""
        given = self.agreement
        return None if given is None else agreement_of(given.from_ms, given.content)


def manifest_of(bundle: BundleFile) -> Manifest:
    """Raises `BundleError`."""
    try:
        found = Manifest.model_validate(_json(bundle.needed(MANIFEST)))
        if found.format != FORMAT:
            raise BundleError(f"the bundle has format {found.format}, which this version does not know")
        if found.as_of_ms < 0:
            raise ValueError("before 1970")
    except (ValidationError, *UNREADABLE) as error:
        raise BundleError(f"{MANIFEST} cannot be read: {_short(error)}") from error
    return found


def agreement_of(from_ms: int, content: str) -> Agreement:
    """Raises what an agreement that is none raises; also for ratios that would take for ever to compute with."""
    for component in json.loads(content)["components"]:
        for ratio in (component["floor"], component["upper"]):
            if ratio is not None and not _RATIO.fullmatch(ratio):
                raise ValueError(f"{str(ratio)[:40]!r} is no ratio")
    return from_json(from_ms, content)


@dataclass(slots=True)
class Contents:
    """`headers` are those of the seals that have one, by number; `problems` says what could not be read."""

    bundle: BundleFile
    tables: Unpacking
    manifest: Manifest
    headers: dict[int, Header] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    unsealed: dict[str, int] = field(default_factory=dict)
    first_unsealed: dict[str, int] = field(default_factory=dict)  # the least number of rows that no seal covers
    runs: int = 0
    problems: list[str] = field(default_factory=list)
    _left: int = _MOST_ROWS

    def read(self) -> None:
        self._attempt(NAMES, self._names)
        for folder in [*map(seal_folder, self.seal_numbers()), UNSEALED]:
            for table in sorted(WIDTHS, key=TABLES.index):
                if table != "schedule_events" and f"{folder}/{table}.rows" in self.bundle:
                    self._attempt(f"{folder}/{table}.rows", self._rows, folder, table)
        for number in self.seal_numbers():
            self._attempt(f"{seal_folder(number)}/header.json", self._seal, number)
        self._attempt(RUNS, self._runs)
        self._attempt(EVIDENCE, self._evidence)

    def seal_numbers(self) -> list[int]:
        return sorted({int(name[6:12]) for name in self.bundle.names() if name.startswith("seals/")})

    def _attempt(self, name: str, read: Any, *given: Any) -> None:
        try:
            read(*given)
        except (Malformed, BundleError, *UNREADABLE) as error:
            self.problems.append(f"{name}: {_short(error)}")

    def _names(self) -> None:
        found = TypeAdapter(dict[str, list[str]]).validate_python(_json(self.bundle.needed(NAMES)), strict=True)
        self.tables.add_names({table: found[table] for table in NAMED})

    def _rows(self, folder: str, table: str) -> None:
        found = (row for row, _ in rows_of(self.bundle.blocks(f"{folder}/{table}.rows"), WIDTHS[table]))
        for portion in _portions(found):
            self._left -= len(portion)
            if self._left < 0:
                raise ValueError("there are too many rows")
            if table == "agreements":
                for row in portion:
                    agreement_of(0, str(row[3]))
            self.tables.add(table, portion)
            if folder == UNSEALED:
                self._count_unsealed(table, portion)

    def _count_unsealed(self, table: str, portion: Sequence[Row]) -> None:
        self.unsealed[table] = self.unsealed.get(table, 0) + len(portion)
        if table in NUMBERED and portion:
            least = min(int(row[0]) for row in portion)
            self.first_unsealed[table] = min(least, self.first_unsealed.get(table, least))

    def _seal(self, number: int) -> None:
        folder = seal_folder(number)
        content, signature = self.bundle.needed(f"{folder}/header.json"), self.bundle.needed(f"{folder}/signature")
        leaves = self.bundle.read(f"{folder}/leaves")
        try:
            header = parsed(content)
            key, sealed_ms = header.key, to_milliseconds(datetime.fromisoformat(header.sealed_at))
            self.headers[number] = header
        except (BadHeader, ValueError):
            key, sealed_ms = "", 0
        self.tables.add_seal(SealRow(number, sealed_ms, sha256(content).hexdigest(), key, signature, content, leaves))

    def _runs(self) -> None:
        lines = csv.reader(_lines(self.bundle.blocks(RUNS)), strict=True)
        if tuple(next(lines, ())) != RUN_COLUMNS:
            raise ValueError("its heading is another one")
        found: dict[tuple[str, str], list[Run]] = {}
        for probe, location, *values in lines:
            found.setdefault((probe, location), []).append(_run(values, self.manifest.as_of_ms))
            self.runs += 1
            if self.runs > _MOST_RUNS:
                raise ValueError("there are too many")
        for pair, runs in found.items():
            self.tables.add_runs(pair, runs)

    def _evidence(self) -> None:
        found = _json(self.bundle.needed(EVIDENCE))
        self.evidence = TypeAdapter(dict[str, str]).validate_python(found, strict=True)


def _run(values: list[str], as_of_ms: int) -> Run:
    verdict, *numbers, reason, step = values
    first_ms, last_ms, count, stale_ms, confirm_after = (int(number) for number in numbers)
    if not (0 <= first_ms <= last_ms <= as_of_ms and 1 <= count < 2**48 and 0 < stale_ms < 2**48):
        raise ValueError("a run has impossible times")
    if not 1 <= confirm_after < 2**31:
        raise ValueError("a run has impossible settings")
    return Run(Verdict(verdict), first_ms, last_ms, count, stale_ms, confirm_after, reason, step)


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """What comes before a row that is none is not lost."""
    portion: list[Row] = []
    try:
        for row in rows:
            portion.append(row)
            if len(portion) == _PORTION:
                yield portion
                portion = []
    except Malformed:
        yield portion
        raise
    yield portion


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (f"{line.decode()}\n" for line in lines)
    if rest:
        yield rest.decode()


def _json(content: bytes) -> Any:
    return json.loads(content)


def _short(error: Exception) -> str:
    """In a line, and not as much of what was read as somebody might have put there."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    return " ".join(str(error).split())[:200] or type(error).__name__
