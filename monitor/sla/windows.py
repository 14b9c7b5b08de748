"""Declared stretches of time: what they are, which of them are in force, and what they take out of a period."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class WindowKind(StrEnum):
    MAINTENANCE = "maintenance"  # announced work of the platform's people
    RESTORE = "restore"  # a restore from backups is under way
    EXCLUDED = "excluded"  # both parties agree that this time is not measured


class ReasonClass(StrEnum):
    """Why time is excluded."""

    CUSTOMER = "customer"
    THIRD_PARTY = "third_party"
    FORCE_MAJEURE = "force_majeure"
    MONITOR_FAULT = "monitor_fault"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class Window:
    """A declared stretch of time. `end_ms` is None while it goes on; no `components` means all of them.

    `number` is that of its row on record, and names it for ever; a window of a recurring rule has none, and `rule` is
    the rule's name. `recorded_ms` is when it was put on record, `announced_ms` when the customers were told.
    """

    kind: WindowKind
    start_ms: int
    end_ms: int | None
    text: str
    author: str
    recorded_ms: int
    components: tuple[str, ...] = ()
    announced_ms: int | None = None
    reason_class: ReasonClass | None = None
    approver: str = ""
    number: int | None = None
    rule: str = ""

    @property
    def retroactive(self) -> bool:
        """Whether it was entered after it had begun."""
        return self.recorded_ms > self.start_ms

    def concerns(self, component: str) -> bool:
        return not self.components or component in self.components


@dataclass(frozen=True, slots=True)
class WindowEntry:
    """A row of the record of windows, which is only ever appended to.

    A row that `replaces` another one takes its place from then on; with no `window` it revokes it. `author` and
    `recorded_ms` are of this row, also where it revokes.
    """

    number: int
    recorded_ms: int
    author: str
    window: Window | None
    replaces: int | None = None
    text: str = ""


def in_force(entries: Sequence[WindowEntry], as_of_ms: int) -> list[Window]:
    """The windows that hold as of an instant, by their start: neither replaced nor revoked by then.

    The `recorded_ms` of one that was only shortened is that of the row that first declared it.
    """
    known = [entry for entry in entries if entry.recorded_ms <= as_of_ms]
    gone = {entry.replaces for entry in known}
    first = first_recorded_ms(known)
    found = [
        replace(entry.window, recorded_ms=first[entry.number])
        for entry in known
        if entry.window is not None and entry.number not in gone
    ]
    return sorted(found, key=lambda window: (window.start_ms, window.number or 0))


def first_recorded_ms(entries: Iterable[WindowEntry]) -> dict[int, int]:
    """When each window was first declared, by its number.

    One that ends earlier than declared is a new row, but nobody who announced it in time entered it after the fact.
    """
    windows: dict[int | None, Window | None] = {}
    first: dict[int, int] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        before, windows[entry.number] = windows.get(entry.replaces), entry.window
        shorter = before is not None and entry.window is not None and _is_shorter(entry.window, before)
        first[entry.number] = first[entry.replaces] if shorter and entry.replaces else entry.recorded_ms
    return first


def _is_shorter(window: Window, before: Window) -> bool:
    same = (window.kind, window.start_ms, window.components) == (before.kind, before.start_ms, before.components)
    return same and window.end_ms is not None and (before.end_ms is None or window.end_ms <= before.end_ms)
