"""What people did about outages, put on record: the one place that says whether it can be, for all who ask."""

import asyncio
from collections.abc import Sequence

from monitor.clock import iso
from monitor.config import Config
from monitor.redaction import Redactor
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.deadlines import waiting_at
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.story import all_outages, components_ever, events_of, named, nearest
from monitor.store import Store, StoreError

AUTHOR_CHARACTERS = 200
NOTE_CHARACTERS = 2000


class OutageError(Exception):
    """The outage is not known, or the event cannot be; the text says why, and nothing was recorded."""


async def note_event(
    store: Store,
    config: Config,
    outage_text: str,
    kind: ClockEventKind,
    *,
    by: str,
    at_ms: int,
    note: str = "",
    via: str = "cli",
    now_ms: int,
) -> ClockEvent:
    """Puts on record what somebody did about the outage that an id, or the beginning of one, means.

    Raises `OutageError` where there is no such outage, where the time is in the future or before the outage, where
    nobody is named, and for a wait within a wait or the end of none.
    """
    author, text = _words(config, by, "who", AUTHOR_CHARACTERS), _words(config, note, "the note", NOTE_CHARACTERS)
    if not author:
        raise OutageError("it must be said who did it")
    if at_ms > now_ms:
        raise OutageError(f"{iso(at_ms)} is in the future")
    record = await record_of(store, config, now_ms)
    outage = await find_outage(record, outage_text)
    if at_ms < outage.start_ms:
        raise OutageError(f"{iso(at_ms)} is before outage {outage.id}, which began at {iso(outage.start_ms)}")
    _check_waiting(kind, events_of(record, outage), at_ms)
    try:
        return await store.add_clock_event(
            outage.id, kind, at_ms, author=author, recorded_ms=now_ms, note=text, via=via
        )
    except StoreError as error:
        raise OutageError(str(error)) from error


async def record_of(store: Store, config: Config, now_ms: int) -> Record:
    """All recorded facts as of now; where no agreement is on record yet, that of the configuration holds."""
    return await store.facts(now_ms, default=config.agreement(0))


async def find_outage(record: Record, text: str) -> Outage:
    """The outage that an id, or the beginning of one, means.

    Raises `OutageError`: with the nearest ids where none begins like this, with all that do where several do.
    """
    known: list[Outage] = []
    for component in components_ever(record):
        known += all_outages(record, component)
        await asyncio.sleep(0)  # each may have years of history, and in a daemon others wait
    found = named(known, text)
    if len(found) == 1:
        return found[0]
    if found:
        raise OutageError(f"{text} may be each of {_listed(found)}")
    near = nearest(known, text)
    raise OutageError(
        f"there is no outage {text!r}; " + (f"the nearest: {_listed(near)}" if near else "no outage is on record")
    )


def _listed(outages: Sequence[Outage]) -> str:
    return ", ".join(f"{outage.id} ({outage.component}, {iso(outage.start_ms)})" for outage in outages)


def _words(config: Config, text: str, name: str, longest: int) -> str:
    """The text without secrets that somebody pasted into it: it is kept for ever."""
    cleaned = Redactor(config.secrets()).clean(text).strip()
    if len(cleaned) > longest:
        raise OutageError(f"{name}: expected at most {longest} characters")
    if any(not (character.isprintable() or character in "\n\t") for character in cleaned):
        raise OutageError(f"{name}: expected text without control characters")
    return cleaned


def _check_waiting(kind: ClockEventKind, events: Sequence[ClockEvent], at_ms: int) -> None:
    waiting = waiting_at(events, at_ms)
    if kind is ClockEventKind.WAITING and waiting:
        raise OutageError(f"the customer is waited for already at {iso(at_ms)}")
    if kind is ClockEventKind.RESUMED and not waiting:
        raise OutageError(f"nobody waits for the customer at {iso(at_ms)}")
