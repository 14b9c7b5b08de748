"""What people declare: windows, the agreement in force, what was done about outages. Rows are only ever added.

Numbers are given by the database, and never twice. Every addition raises the ledger's generation, so that a running
daemon reads anew what its figures depend on.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, insert, select

from monitor.sla.agreement import Agreement, from_json, to_json
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.windows import ReasonClass, Window, WindowEntry, WindowKind
from monitor.store import schema
from monitor.store.counters import LEDGER_GENERATION, bump
from monitor.store.evidence import storable
from monitor.store.records import LATEST_MS, StoreError

_BETWEEN = ","


def add_window(connection: Connection, window: Window, replaces: int | None = None) -> WindowEntry:
    """Puts a window on record. Raises `StoreError` where it is impossible or what it replaces is not in force."""
    _check(window)
    return _add_entry(
        connection,
        replaces,
        window.author,
        window.text,
        window.recorded_ms,
        kind=window.kind.value,
        start_ms=window.start_ms,
        end_ms=window.end_ms,
        components=_BETWEEN.join(window.components),
        announced_ms=window.announced_ms,
        reason_class=None if window.reason_class is None else window.reason_class.value,
        approver=storable(window.approver),
    )


def revoke_window(connection: Connection, number: int, author: str, text: str, recorded_ms: int) -> WindowEntry:
    """Raises `StoreError` where no window of that number is in force."""
    return _add_entry(connection, number, author, text, recorded_ms, components="", approver="")


def windows(connection: Connection, as_of_ms: int = LATEST_MS) -> list[WindowEntry]:
    """All rows that were recorded by then, oldest first: also those that were replaced or revoked since."""
    table = schema.windows
    query = select(table).where(table.c.recorded_ms <= as_of_ms).order_by(table.c.number)
    return [_entry(row) for row in connection.execute(query)]


def record_agreement(connection: Connection, agreement: Agreement, recorded_ms: int) -> bool:
    """Puts the agreement on record if it differs from the newest one; returns whether it did.

    Where it would begin before the newest one did (the clock was set back), it begins just after it: else the one that
    it takes the place of would come into force again.
    """
    table = schema.agreements
    newest = connection.execute(_agreements().order_by(table.c.number.desc()).limit(1)).first()
    text = to_json(agreement)
    if newest is not None and newest.content == text:
        return False
    from_ms = agreement.from_ms if newest is None else max(agreement.from_ms, newest.from_ms + 1)
    _add(connection, table, {"from_ms": from_ms, "recorded_ms": recorded_ms, "content": text})
    return True


def agreements(connection: Connection, as_of_ms: int = LATEST_MS) -> list[Agreement]:
    """Those that were recorded by then, oldest first."""
    table = schema.agreements
    query = _agreements().where(table.c.recorded_ms <= as_of_ms).order_by(table.c.number)
    return [from_json(row.from_ms, row.content) for row in connection.execute(query)]


def add_clock_event(connection: Connection, event: ClockEvent) -> ClockEvent:
    """Puts it on record; its `number` is not used, the row gets one."""
    values = {
        "outage": storable(event.outage),
        "kind": event.kind.value,
        "at_ms": event.at_ms,
        "author": storable(event.author),
        "recorded_ms": event.recorded_ms,
        "note": storable(event.note),
        "via": event.via,
    }
    return replace(event, number=_add(connection, schema.clock_events, values))


def clock_events(connection: Connection, as_of_ms: int = LATEST_MS) -> list[ClockEvent]:
    """Those that were recorded by then, oldest first."""
    table = schema.clock_events
    names = ("number", "outage", "kind", "at_ms", "author", "recorded_ms", "note", "via")
    query = select(*(table.c[name] for name in names)).where(table.c.recorded_ms <= as_of_ms).order_by(table.c.number)
    return [
        ClockEvent(number, outage, ClockEventKind(kind), *rest)
        for number, outage, kind, *rest in connection.execute(query)
    ]


def _add_entry(
    connection: Connection, replaces: int | None, author: str, text: str, recorded_ms: int, **given: Any
) -> WindowEntry:
    if replaces is not None and not _in_force(connection, replaces):
        raise StoreError(f"there is no window {replaces} in force")
    own = {"recorded_ms": recorded_ms, "author": storable(author), "replaces": replaces, "text": storable(text)}
    number = _add(connection, schema.windows, {**given, **own})
    return _entry(connection.execute(select(schema.windows).where(schema.windows.c.number == number)).one())


def _in_force(connection: Connection, number: int) -> bool:
    """Whether the row declares a window and none has taken its place. Nobody else writes while this is asked."""
    table = schema.windows
    declared = select(table.c.number).where(table.c.number == number, table.c.kind.is_not(None))
    replaced = select(table.c.number).where(table.c.replaces == number)
    return connection.execute(declared).first() is not None and connection.execute(replaced.limit(1)).first() is None


def _entry(row: Row[Any]) -> WindowEntry:
    return WindowEntry(row.number, row.recorded_ms, row.author, _window(row), row.replaces, row.text)


def _window(row: Row[Any]) -> Window | None:
    if row.kind is None:
        return None
    return Window(
        kind=WindowKind(row.kind),
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        text=row.text,
        author=row.author,
        recorded_ms=row.recorded_ms,
        components=tuple(row.components.split(_BETWEEN)) if row.components else (),
        announced_ms=row.announced_ms,
        reason_class=None if row.reason_class is None else ReasonClass(row.reason_class),
        approver=row.approver,
        number=row.number,
    )


def _check(window: Window) -> None:
    times = [each for each in (window.start_ms, window.end_ms, window.announced_ms) if each is not None]
    ends_early = window.end_ms is not None and window.end_ms <= window.start_ms
    if ends_early or not all(0 <= each < LATEST_MS for each in times):
        raise StoreError("the window has impossible times")
    if any(not component or _BETWEEN in component for component in window.components):
        raise StoreError("the window names an impossible component")
    if window.rule:
        raise StoreError("a window of a recurring rule follows from the agreement, and is not recorded by itself")


def _agreements() -> Select[tuple[int, str]]:
    return select(schema.agreements.c.from_ms, schema.agreements.c.content)


def _add(connection: Connection, table: Table, values: dict[str, Any]) -> int:
    number = connection.execute(insert(table).values(values).returning(table.c.number)).scalar_one()
    bump(connection, LEDGER_GENERATION)
    return int(number)
