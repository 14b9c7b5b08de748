"""Heartbeats as stretches of time in which a daemon was running: what tells later when nobody looked, and why."""

from sqlalchemy import Connection, insert, select, update

from monitor.sla.model import Life
from monitor.store import schema

MISSED_BEATS = 3
LONGEST_INTERVAL_MS = 60_000  # the longest that can be configured


def beat(connection: Connection, writer: int, now_ms: int, interval_ms: int) -> None:
    """Extends the daemon's life to now, or begins another after more than three intervals without a heartbeat.

    Then the machine was suspended, or the clock was set; in between, nobody looked.
    """
    table = schema.lives
    newest = select(table).where(table.c.writer == writer).order_by(table.c.id.desc()).limit(1)
    life = connection.execute(newest).first()
    if life is None or abs(now_ms - life.last_ms) > MISSED_BEATS * interval_ms:
        connection.execute(insert(table), {"writer": writer, "first_ms": now_ms, "last_ms": now_ms})
    elif now_ms > life.last_ms:
        connection.execute(update(table).where(table.c.id == life.id).values(last_ms=now_ms))


def stop(connection: Connection, writer: int, now_ms: int, interval_ms: int) -> None:
    """The last heartbeat: the daemon is being stopped properly."""
    beat(connection, writer, now_ms, interval_ms)
    table = schema.lives
    newest = select(table.c.id).where(table.c.writer == writer).order_by(table.c.id.desc()).limit(1).scalar_subquery()
    connection.execute(update(table).where(table.c.id == newest).values(stopped_ms=now_ms))


def all_lives(connection: Connection) -> list[Life]:
    """In order of their beginning."""
    return [
        Life(place, first_ms, last_ms, stopped_ms is not None)
        for place, first_ms, last_ms, stopped_ms in _rows(connection)
    ]


def lives_as_of(connection: Connection, as_of_ms: int) -> list[Life]:
    """What was known at that instant of the lives that had begun.

    When the last heartbeat before it came is not on record any more. So one that may still have been going on, by the
    longest time that there can be between two heartbeats, is taken to have gone on until the instant itself.
    """
    return [_life_as_of(as_of_ms, *row) for row in _rows(connection) if row[1] <= as_of_ms]


def _life_as_of(as_of_ms: int, place: str, first_ms: int, last_ms: int, stopped_ms: int | None) -> Life:
    if stopped_ms is not None and stopped_ms <= as_of_ms:
        return Life(place, first_ms, min(last_ms, as_of_ms), True)
    alive = last_ms >= as_of_ms - MISSED_BEATS * LONGEST_INTERVAL_MS
    return Life(place, first_ms, as_of_ms if alive else last_ms, False)


def _rows(connection: Connection) -> list[tuple[str, int, int, int | None]]:
    table = schema.lives
    query = (
        select(schema.locations.c.location, table.c.first_ms, table.c.last_ms, table.c.stopped_ms)
        .join(schema.writers, schema.writers.c.id == table.c.writer)
        .join(schema.locations, schema.locations.c.id == schema.writers.c.location)
        .order_by(table.c.first_ms, table.c.id)
    )
    return [
        (place, first_ms, last_ms, stopped_ms) for place, first_ms, last_ms, stopped_ms in connection.execute(query)
    ]
