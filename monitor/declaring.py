"""What people declare about windows and outages, checked in one place for the command line and the API alike.

Every mistake is named by the key of what was given, as `--KEY` of the command line and the key of the API's JSON.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monitor.clock import Clock, iso, to_milliseconds
from monitor.config import Config
from monitor.given import TEXT_CHARACTERS, DeclarationError, Given, Mistake, one_of
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.windows import ReasonClass, Window, WindowEntry, WindowKind, in_force
from monitor.store import Store, StoreError

WINDOW_KEYS = ("kind", "from", "to", "components", "text", "by", "announced", "class", "approver")


class Declaring:
    """Puts on record what is declared.

    Every method raises `DeclarationError`, and `StoreError` where the store itself fails.
    """

    def __init__(self, store: Store, config: Config, clock: Clock) -> None:
        self.config = config
        self._store = store
        self._clock = clock

    def now_ms(self) -> int:
        return to_milliseconds(self._clock.now())

    async def entries(self) -> list[WindowEntry]:
        return await self._store.windows()

    async def add(self, values: Mapping[str, Any]) -> WindowEntry:
        """A new window of what `WINDOW_KEYS` have; `to` of None is a window that goes on."""
        return await self._store.add_window(window_of(values, self.config, self.now_ms()))

    async def end(self, number: int, values: Mapping[str, Any]) -> WindowEntry:
        """Ends a window `at` an instant, now by default. It can only become shorter: more has to be declared anew."""
        now_ms = self.now_ms()
        given = Given(values, self.config, ("at", "by"))
        at_ms, by = given.instant("at"), given.line("by", required=False)
        window = await self._in_force(number, now_ms)
        ended = _ended(window, now_ms if at_ms is None else at_ms, by or window.author, given)
        given.finish()
        return await self._replace(number, replace(ended, recorded_ms=now_ms))

    async def revoke(self, number: int, values: Mapping[str, Any]) -> WindowEntry:
        """Takes a window back, as if it had never been declared; both stay on record."""
        now_ms = self.now_ms()
        given = Given(values, self.config, ("by", "text"))
        by, text = given.line("by"), given.line("text", longest=TEXT_CHARACTERS)
        given.finish()
        await self._in_force(number, now_ms)
        try:
            return await self._store.revoke_window(number, author=by, text=text, recorded_ms=now_ms)
        except StoreError as error:
            raise await self._lost(number, error) from error

    async def note(self, outage: str, values: Mapping[str, Any], *, via: str) -> ClockEvent:
        """Something that was done about an outage: `kind`, `by`, `at` (now by default) and a `note`."""
        from monitor.outage_log import OutageError, note_event

        now_ms = self.now_ms()
        given = Given(values, self.config, ("kind", "by", "at", "note"))
        kind = given.choice("kind", ClockEventKind)
        at_ms, by = given.instant("at"), given.line("by")
        note = given.line("note", required=False, longest=TEXT_CHARACTERS)
        given.finish()
        assert kind is not None, "or it would be a mistake"
        at_ms = now_ms if at_ms is None else at_ms
        try:
            return await note_event(
                self._store, self.config, outage, kind, by=by, at_ms=at_ms, note=note, via=via, now_ms=now_ms
            )
        except OutageError as error:
            if isinstance(error.__cause__, StoreError):
                raise error.__cause__ from None
            raise DeclarationError([Mistake("outage", str(error))]) from error

    async def is_acknowledged(self, outage: str) -> bool:
        """Whether the outage that an id, or the beginning of one, means was acknowledged."""
        named, events = outage.strip().lower(), await self._store.clock_events()
        return any(event.outage.startswith(named) and event.kind is ClockEventKind.ACKNOWLEDGED for event in events)

    async def _in_force(self, number: int, now_ms: int) -> Window:
        windows = in_force(await self._store.windows(), now_ms)
        found = next((window for window in windows if window.number == number), None)
        if found is None:
            raise _no_window(number)
        return found

    async def _replace(self, number: int, window: Window) -> WindowEntry:
        try:
            return await self._store.replace_window(number, window)
        except StoreError as error:
            raise await self._lost(number, error) from error

    async def _lost(self, number: int, error: StoreError) -> Exception:
        """What went wrong: somebody else was faster, or the store itself."""
        gone = any(entry.replaces == number for entry in await self._store.windows())
        return _no_window(number) if gone else error


def window_of(values: Mapping[str, Any], config: Config, now_ms: int) -> Window:
    """The window that is declared. Raises `DeclarationError` with every mistake.

    Time is excluded only with a class, and with an approver who is not the author; only a restore may be open.
    """
    given = Given(values, config, WINDOW_KEYS)
    kind = given.choice("kind", WindowKind)
    start_ms, end_ms = given.instant("from", required=True), given.instant("to")
    text, author = given.line("text", longest=TEXT_CHARACTERS), given.line("by")
    components = given.components()
    announced_ms, reason_class = given.instant("announced"), given.choice("class", ReasonClass, required=False)
    approver = given.line("approver", required=False)
    _check_end(kind, start_ms, end_ms, given)
    _check_announcement(kind, announced_ms, now_ms, given)
    _check_exclusion(kind, reason_class, author, approver, given)
    given.finish()
    assert kind is not None and start_ms is not None, "or they would be mistakes"
    return Window(kind, start_ms, end_ms, text, author, now_ms, components, announced_ms, reason_class, approver)


def _check_end(kind: WindowKind | None, start_ms: int | None, end_ms: int | None, given: "Given") -> None:
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        given.wrong("to", f"found {iso(end_ms)}; expected a time after `from`, {iso(start_ms)}")
    if end_ms is None and not given.is_wrong("to") and kind in (WindowKind.MAINTENANCE, WindowKind.EXCLUDED):
        given.wrong("to", f"missing; expected the end: only a restore may be open, no {kind} window")


def _check_announcement(kind: WindowKind | None, announced_ms: int | None, now_ms: int, given: "Given") -> None:
    if announced_ms is None:
        return
    if kind in (WindowKind.RESTORE, WindowKind.EXCLUDED):
        given.wrong("announced", f"found a time; expected none: a {kind} window needs no announcement")
    elif announced_ms > now_ms:
        given.wrong("announced", f"found {iso(announced_ms)}; expected a time that is not in the future")


def _check_exclusion(
    kind: WindowKind | None, reason_class: ReasonClass | None, author: str, approver: str, given: "Given"
) -> None:
    if kind is not WindowKind.EXCLUDED:
        if reason_class is not None and kind is not None:
            given.wrong("class", f"found {reason_class}; expected none: only excluded time has a class")
        return
    if reason_class is None and not given.is_wrong("class"):
        given.wrong("class", f"missing; expected {one_of(ReasonClass)}")
    if not approver and not given.is_wrong("approver"):
        given.wrong("approver", "missing; expected who approved that the time is excluded")
    elif approver and same_person(author, approver):
        given.wrong("approver", "found the author; expected another person")


def _ended(window: Window, at_ms: int, author: str, given: "Given") -> Window:
    if at_ms <= window.start_ms:
        given.wrong("at", f"found {iso(at_ms)}; expected a time after the window's start, {iso(window.start_ms)}")
    elif window.end_ms is not None and at_ms >= window.end_ms:
        given.wrong(
            "at", f"found {iso(at_ms)}; expected a time before its end, {iso(window.end_ms)}: declare more anew"
        )
    if window.approver and same_person(author, window.approver):
        given.wrong("by", "found the approver; expected another person")
    return replace(window, end_ms=at_ms, author=author)


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same in other letters or with other spaces."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _no_window(number: int) -> DeclarationError:
    return DeclarationError([Mistake("number", f"found {number}; expected the number of a window in force")])
