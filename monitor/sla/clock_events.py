"""What people did about an outage, as far as its deadlines depend on it. Recorded facts, only ever appended."""

from dataclasses import dataclass
from enum import StrEnum


class ClockEventKind(StrEnum):
    ACKNOWLEDGED = "acknowledged"  # the response: somebody works on it
    WAITING = "waiting"  # for the customer; stops the clocks
    RESUMED = "resumed"  # the customer answered
    WORKED_AROUND = "worked_around"  # the customer can work again, before or without a final correction
    CORRECTED = "corrected"  # the cause is mended for good


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """`at_ms` is when it happened, `recorded_ms` when it was put on record. `via`: `cli`, `api` or `alertmanager`."""

    number: int
    outage: str
    kind: ClockEventKind
    at_ms: int
    author: str
    recorded_ms: int
    note: str = ""
    via: str = "cli"
