"""The values that go into the store and come out of it, beside those of `monitor.sla.model`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.sla.model import ProbeTerms, Run, Verdict
from monitor.store.ids import text_id, writer_of

if TYPE_CHECKING:  # pydantic comes with these, and a process that only reads does not need it
    from monitor.results import Result
    from probes.contract import StepTiming


LATEST_MS = 2**48  # far beyond any year that is meant


class StoreError(Exception):
    """The store could not do what was asked for; nothing of it was done."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A result that is on disk, and the run that it made or extended (`closed`: the run that ended with it).

    `rebuilt` tells that the result did not come in order of time and changed earlier runs of its probe and location,
    so that a ledger in memory is to be read again.
    """

    id: int
    result: "Result"
    closed: Run | None
    current: Run
    rebuilt: bool = False

    def text_id(self, boot_id: str) -> str:
        """How the result is named outside the store; `boot_id` is that of the daemon that recorded it."""
        return text_id(self.id, {writer_of(self.id): boot_id})


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result as it was recorded. `text_id` is how it is named outside, `detail` is empty unless it was kept."""

    id: int
    text_id: str
    probe: str
    location: str
    started_ms: int
    duration_us: int
    verdict: Verdict
    reason: str
    step: str
    detail: str

    @property
    def finished_ms(self) -> int:
        return self.started_ms + self.duration_us // 1000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was kept of a check for an engineer to look at."""

    detail: str
    steps: "Sequence[StepTiming]" = ()
    items: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """A start that was late or did not take place. `event` is `late`, `skipped` or `overrun`."""

    probe: str
    location: str
    scheduled_ms: int
    event: str
    cause: str
    late_ms: int


class ImportRow(NamedTuple):
    """A result from elsewhere; a tuple, because there are millions of them.

    `id` is a text of its own; `every_ms` the probe's interval, where it is known.

    `duration_us`, where it is known, is more exact than the difference of the times, and agrees with it.
    """

    id: str
    probe: str
    location: str
    started_ms: int
    finished_ms: int
    verdict: Verdict
    reason: str = ""
    step: str = ""
    detail: str = ""
    every_ms: int | None = None
    duration_us: int | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: rows that are new, and rows that were on record already."""

    added: int
    already_there: int


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A probe and location that an import brings and the store has no terms for at that time.

    `first_ms` is the start of its earliest result, `every_ms` the interval that its rows give, if any does.
    """

    probe: str
    location: str
    first_ms: int
    every_ms: int | None


TermsOf = Callable[[Newcomer], ProbeTerms]
