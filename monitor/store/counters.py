"""Numbers that tell other processes that something changed."""

from sqlalchemy import Connection, ScalarSelect, select, update

from monitor.store.schema import meta

# Raised when history changed other than by a daemon's own new results: what is in memory is to be read again.
LEDGER_GENERATION = "ledger_generation"
TERMS_VERSION = "terms_version"


def query(key: str) -> ScalarSelect[int]:
    return select(meta.c.value).where(meta.c.key == key).scalar_subquery()


def counter(connection: Connection, key: str) -> int:
    return int(connection.execute(select(query(key))).scalar_one())


def bump(connection: Connection, key: str) -> None:
    connection.execute(update(meta).where(meta.c.key == key).values(value=meta.c.value + 1))
