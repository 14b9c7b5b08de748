"""From a store's address to engines, and all that differs between databases.

SQLite: WAL, so that readers never wait and never make the writer wait; `synchronous=FULL`, so that a commit is on disk
when it returns; and a transaction that is going to write says so at its beginning, because one that starts as a reader
could not go on after another process has written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.dml import Insert

from monitor.store.records import StoreError

# How long a transaction waits at a time for another process's. An import holds the store for longer: see `is_busy`.
BUSY_TIMEOUT_MS = 500
# A reader only waits while another process recovers the log of one that was killed.
RECOVERY_TIMEOUT_MS = 10_000
READERS = 4
# Ids of imported results are scattered over the whole table: without a cache, each would write a page of its own.
CACHE_KIB = 65_536


@dataclass(frozen=True, slots=True)
class Engines:
    """`write` has one connection, whose transactions lock out other writers; None where the store is only read."""

    write: Engine | None
    read: Engine


def file_of(address: str) -> Path:
    """The database file of an address such as `sqlite:///uptime.db`. Raises `StoreError` for any other address."""
    try:
        url = make_url(address)
    except ArgumentError:
        # What is not an address may be a mistyped one with a password in it: it is not repeated here.
        raise StoreError("the store's address cannot be read; sqlite:///FILE was expected") from None
    if url.get_backend_name() != "sqlite" or url.drivername not in ("sqlite", "sqlite+aiosqlite"):
        raise StoreError(f"a store in {url.drivername} is not supported; sqlite:///FILE was expected")
    if not url.database or url.database == ":memory:":
        raise StoreError("the store must be a file; sqlite:///FILE was expected")
    return Path(url.database)


def engines(file: Path, *, read_only: bool) -> Engines:
    if read_only:
        place = f"file:{quote(str(file.absolute()))}"
        return Engines(None, _reading(URL.create("sqlite", database=place, query={"mode": "ro", "uri": "true"})))
    url = URL.create("sqlite", database=str(file))
    return Engines(_writing(url), _reading(url))


def _writing(url: URL) -> Engine:
    # A transaction that writes is always ended by its block: the pool has nothing to end.
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_reset_on_return=None)
    durable = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size={-CACHE_KIB}")
    _prepare(engine, "BEGIN IMMEDIATE", (f"busy_timeout={BUSY_TIMEOUT_MS}", *durable))
    return engine


def _reading(url: URL) -> Engine:
    # Without a limit: whoever waited for a connection would keep those waiting who are to give theirs back.
    engine = create_engine(url, pool_size=READERS, max_overflow=-1)
    _prepare(engine, "BEGIN", (f"busy_timeout={RECOVERY_TIMEOUT_MS}", "query_only=ON"))
    return engine


def _prepare(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _record: object) -> None:
        connection.isolation_level = None  # else the driver begins transactions by rules of its own
        try:
            cursor = connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()
        except BaseException:  # the pool does not know of the connection yet
            connection.close()
            raise

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns the database's errors into a `StoreError` that says what could not be done."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"{what}: {reason_of(error)}") from error


def reason_of(error: SQLAlchemyError) -> str:
    """The database's own words, without the statement and its values."""
    return str(error.orig) if isinstance(error, DatabaseError) else type(error).__name__


def is_busy(error: SQLAlchemyError) -> bool:
    """Whether another process was writing all the time, so that nothing but patience is needed."""
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def insert_ignore(connection: Connection, table: Table) -> Insert:
    """An INSERT that leaves out rows of which there is already one where only one may be."""
    from sqlalchemy.dialects import postgresql, sqlite

    dialects: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    insert: Insert = dialects[connection.dialect.name](table).on_conflict_do_nothing()
    return insert
