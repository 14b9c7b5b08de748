"""All recorded facts that a report is made from, as of an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from monitor.sla.agreement import Agreement
from monitor.sla.clock_events import ClockEvent
from monitor.sla.model import Ledger
from monitor.sla.windows import WindowEntry


@dataclass(frozen=True, slots=True)
class SealSummary:
    """A seal as a report names it. `digest` is its SHA-256 in hexadecimal; `rows` how many rows it covers."""

    number: int
    sealed_ms: int
    digest: str
    key: str  # the public key's fingerprint
    rows: int


@dataclass(frozen=True, slots=True)
class Record:
    """Nothing in it is later than `as_of_ms`: results that ended, rows that were recorded by then.

    So a report as of an instant is the same whenever it is made.
    """

    as_of_ms: int
    ledger: Ledger
    agreements: Sequence[Agreement]
    windows: Sequence[WindowEntry] = field(default_factory=tuple)
    clock_events: Sequence[ClockEvent] = field(default_factory=tuple)
    seals: Sequence[SealSummary] = field(default_factory=tuple)
