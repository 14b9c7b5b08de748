"""The windows that were declared, as lists for people and programs; the same for the command line and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monitor.clock import iso
from monitor.config import Config
from monitor.sla.windows import Window, WindowEntry, first_recorded_ms

DAYS_AHEAD = 30
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A window as it is shown. `state`: `in force`, `replaced`, `revoked`, or `recurring`; `by_row` is the row that
    replaced or revoked it. `retroactive`: it was entered after it had begun."""

    window: Window
    state: str
    retroactive: bool = False
    by_row: WindowEntry | None = None


def listed(entries: Sequence[WindowEntry], config: Config, now_ms: int, *, everything: bool = False) -> list[Listed]:
    """Windows by their start: those in force and those that come by a rule in the next 30 days; `everything`: also
    those that were replaced or revoked."""
    replaced_by = {entry.replaces: entry for entry in entries if entry.replaces is not None}
    first = first_recorded_ms(entries)
    found = [
        Listed(entry.window, _state(by_row), first[entry.number] > entry.window.start_ms, by_row)
        for entry in entries
        if entry.window is not None and ((by_row := replaced_by.get(entry.number)) is None or everything)
    ]
    found += [Listed(window, "recurring") for window in upcoming(config, now_ms)]
    return sorted(found, key=lambda each: (each.window.start_ms, each.window.number or 0))


def upcoming(config: Config, now_ms: int) -> list[Window]:
    """The windows of the configuration's rules that go on now or begin within the next 30 days."""
    if not config.rules.recurring:
        return []
    from monitor.sla.recurring import windows_of

    ahead = (now_ms, now_ms + DAYS_AHEAD * DAY_MS)
    return [window for rule in config.rules.recurring for window in windows_of(rule, config.zone, ahead)]


def window_json(each: Listed) -> dict[str, Any]:
    """Times are RFC 3339 in UTC; `to` is null while it goes on, no `components` means all of them."""
    window, row = each.window, each.by_row
    return {
        "number": window.number,
        "state": each.state,
        "kind": window.kind.value,
        "from": iso(window.start_ms),
        "to": _time(window.end_ms),
        "components": list(window.components),
        "text": window.text,
        "by": window.author,
        "recorded": None if window.rule else iso(window.recorded_ms),
        "retroactive": each.retroactive,
        "announced": _time(window.announced_ms),
        "class": None if window.reason_class is None else window.reason_class.value,
        "approver": window.approver or None,
        "rule": window.rule or None,
        "superseded": None
        if row is None
        else {"number": row.number, "by": row.author, "recorded": iso(row.recorded_ms), "text": row.text},
    }


def entry_json(entry: WindowEntry) -> dict[str, Any]:
    """A row that was just recorded."""
    own = {"number": entry.number, "recorded": iso(entry.recorded_ms), "by": entry.author, "replaces": entry.replaces}
    window = None if entry.window is None else {"from": iso(entry.window.start_ms), "to": _time(entry.window.end_ms)}
    return {**own, "window": window}


def _state(by_row: WindowEntry | None) -> str:
    if by_row is None:
        return "in force"
    return "revoked" if by_row.window is None else "replaced"


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso(milliseconds)
