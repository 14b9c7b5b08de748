"""What journeys and receivers put on record at once, and not with a result: on disk before they go on.

Memory that must survive a crash, what is spent of an allowance, and messages that came in. Each is one piece of work
with a number for an answer, so that those of many callers go into one commit.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, select, update

from monitor.clock import from_milliseconds
from monitor.store import samples, schema
from monitor.store.connect import insert_ignore
from monitor.store.evidence import storable
from monitor.store.names import Names

if TYPE_CHECKING:
    from probes.contract import Message


@dataclass(frozen=True, slots=True)
class Commit:
    """A probe's memory. The answer is 0."""

    probe: str
    key: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Spend:
    """The answer is 1 where the amount was added to what was spent, and 0 where that would exceed the limit."""

    probe: str
    key: str
    amount: int
    limit: int


@dataclass(frozen=True, slots=True)
class Take:
    """A message. The answer is its number, or 0 where it was there already."""

    channel: str
    received_ms: int
    content: bytes = field(repr=False)
    unique_key: str | None = field(repr=False)


AtOnce = Commit | Spend | Take


def write(connection: Connection, names: Names, work: AtOnce) -> int:
    """Does the work and returns its answer."""
    if isinstance(work, Commit):
        samples.remember(connection, names.probe(connection, work.probe), {storable(work.key): work.value})
        return 0
    if isinstance(work, Spend):
        return _spend(connection, names.probe(connection, work.probe), work)
    return _take(connection, work)


def newest(connection: Connection, channel: str) -> int:
    """The number of the channel's newest message that is still there; 0 without one."""
    table = schema.inbound_messages
    query = select(func.coalesce(func.max(table.c.number), 0)).where(table.c.channel == channel)
    return int(connection.execute(query).scalar_one())


def after(connection: Connection, channel: str, number: int, limit: int) -> "list[Message]":
    """The channel's messages with greater numbers, the smallest first, at most so many."""
    from probes.contract import Message

    table = schema.inbound_messages
    query = (
        select(table.c.number, table.c.received_ms, table.c.content)
        .where(table.c.channel == channel, table.c.number > number)
        .order_by(table.c.number)
        .limit(limit)
    )
    return [
        Message(row.number, channel, from_milliseconds(row.received_ms), row.content)
        for row in connection.execute(query)
    ]


def forget(connection: Connection, before_ms: int) -> int:
    """Deletes messages that came before; returns how many there were."""
    table = schema.inbound_messages
    return connection.execute(delete(table).where(table.c.received_ms < before_ms)).rowcount


def _spend(connection: Connection, probe: int, work: Spend) -> int:
    table, key = schema.allowances, storable(work.key)
    connection.execute(insert_ignore(connection, table), {"probe": probe, "key": key, "spent": 0})
    # One statement reads and adds: also where a database lets several transactions write, none gets in between.
    total = table.c.spent + work.amount
    of_it = (table.c.probe == probe) & (table.c.key == key)
    return connection.execute(update(table).where(of_it, total <= work.limit).values(spent=total)).rowcount


def _take(connection: Connection, work: Take) -> int:
    table = schema.inbound_messages
    row = {
        "channel": work.channel,
        "received_ms": work.received_ms,
        "unique_key": None if work.unique_key is None else storable(work.unique_key),
        "content": work.content,
    }
    number = connection.execute(insert_ignore(connection, table).values(row).returning(table.c.number)).scalar()
    return 0 if number is None else int(number)
