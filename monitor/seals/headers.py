"""A seal's header as it is read: what the seal covers, table by table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor.seals.canonical import FORMAT, TABLES, WITH_KEYS
from monitor.store.sealing import NUMBERED

Gap = tuple[int, int]  # the first and the last number that is not there


class BadHeader(Exception):
    """What is stored as a header is none."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table of one seal. `first` and `last` are of numbered tables; `ranges` is of results, by boot id.

    `missing` are numbers inside the range that no row was there of when it was sealed; for results, ids.
    """

    count: int
    sha256: str
    first: int = 0
    last: int = 0
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    missing: Sequence[Gap] = ()


@dataclass(frozen=True, slots=True)
class FrozenRuns:
    """The runs that began before `before_ms`, from before which results were deleted for their age."""

    before_ms: int
    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Header:
    """`results` has the ids of all results of each daemon's start that are covered by this seal and those before.

    `runs` is None as long as nothing was deleted for its age.
    """

    number: int
    sealed_at: str
    previous: str | None
    key: str
    rows: int
    leaves: str
    software: str
    results: Mapping[str, tuple[int, int]]
    open_lives: Mapping[int, tuple[str, int, int]]
    tables: Mapping[str, Section]
    runs: FrozenRuns | None = None

    def offset(self, table: str) -> int:
        """Where the table's leaves begin."""
        before = TABLES[: TABLES.index(table)]
        return sum(self.tables[name].count * width(name) for name in before)


def width(table: str) -> int:
    """How many bytes of leaves each row has."""
    return 12 if table in WITH_KEYS else 4


def parsed(content: bytes) -> Header:
    """Raises `BadHeader`."""
    try:
        found = json.loads(content)
        if found["format"] != FORMAT:
            raise BadHeader(f"it has format {found['format']}, which this version does not know")
        return Header(
            int(found["number"]),
            str(found["sealed_at"]),
            found["previous"],
            str(found["key"]),
            int(found["rows"]),
            str(found["leaves"]),
            str(found["software"]),
            {boot_id: _pair(ids) for boot_id, ids in found["results"].items()},
            {int(number): (str(life[0]), int(life[1]), int(life[2])) for number, life in found["open_lives"].items()},
            {table: _section(table, found["tables"][table]) for table in TABLES},
            _frozen(found.get("runs")),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BadHeader("it is no header of a seal") from error


def _section(table: str, content: Mapping[str, Any]) -> Section:
    count, digest = int(content["count"]), str(content["sha256"])
    if table == "results":
        ranges = {boot_id: _pair(ids) for boot_id, ids in content["ranges"].items()}
        return Section(count, digest, ranges=ranges, missing=[_pair(gap) for gap in content["missing"]])
    if table in NUMBERED:
        missing = [_pair(gap) for gap in content["missing"]]
        return Section(count, digest, int(content["first"]), int(content["last"]), missing=missing)
    return Section(count, digest)


def _frozen(content: Mapping[str, Any] | None) -> FrozenRuns | None:
    if content is None:
        return None
    return FrozenRuns(int(content["before_ms"]), int(content["count"]), str(content["sha256"]))


def _pair(given: Any) -> tuple[int, int]:
    first, last = given
    return int(first), int(last)
