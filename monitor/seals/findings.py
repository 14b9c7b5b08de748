"""What verification says: what was looked at, and everything that does not hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from monitor.clock import iso
from monitor.seals.canonical import IMPORTED
from monitor.store.ids import text_id, writer_of

# Of the values of a row, which one is its time; and which its probe, where it has one.
TIME_OF = {
    "writers": 4,
    "schedule_events": 3,
    "imports": 4,
    "windows": 1,
    "agreements": 2,
    "clock_events": 5,
    "prunings": 1,
    "probe_terms": 2,
    "lives": 2,
    "seal_keys": 2,
}
PROBE_OF = {"schedule_events": 1, "probe_terms": 0}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. `kind`: changed, removed, added, backdated, reordered or gap, of rows; seal, key
    or run.

    `row` names the row as it is named outside, `at` is its time, `more` how many others the same is true of.
    """

    kind: str
    text: str
    seal: int | None = None
    table: str = ""
    row: str = ""
    at: str = ""
    probe: str = ""
    more: int = 0


@dataclass(slots=True)
class Verified:
    """`notes` say what could not be looked at, or what to know; nothing of it is wrong.

    `unsealed` counts rows by table that came after the newest seal, `pruned` results that were deleted for their age.
    `newest` is the newest seal's number, digest and time.
    """

    seals: int = 0
    rows: int = 0
    runs: int = 0
    pruned: int = 0
    newest: dict[str, Any] | None = None
    unsealed: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        return {"holds": self.holds, **asdict(self)}

    def count_unsealed(self, table: str, count: int) -> None:
        if count:
            self.unsealed[table] = self.unsealed.get(table, 0) + count


@dataclass(frozen=True, slots=True)
class Named:
    """A row as a person finds it."""

    row: str
    at: str = ""
    probe: str = ""

    @property
    def text(self) -> str:
        return self.row + (f" of {self.probe}" if self.probe else "") + (f", {self.at}" if self.at else "")


def named(table: str, values: Sequence[Any]) -> Named:
    """A row of any table but results."""
    row = f"{values[0]} at {values[1]}" if table == "probe_terms" else f"{values[0]}"
    probe = str(values[PROBE_OF[table]]) if table in PROBE_OF else ""
    return Named(row, instant(values[TIME_OF[table]]), probe)


def result_name(number: int, boot_ids: dict[int, str]) -> str:
    """How the result with this id is named outside, also where its writer is not on record."""
    return text_id(number, {writer_of(number): f"#{writer_of(number)}", **boot_ids})


def instant(value: Any) -> str:
    """A time in milliseconds for people; whatever else stands there, as it is."""
    try:
        return iso(value)
    except (TypeError, ValueError, OverflowError):
        return str(value)


def shown_table(table: str) -> str:
    return "results" if table == IMPORTED else table
