"""Brings a store's tables up to date. Alembic is loaded only for those of an older version: a start is to be quick."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, select

from monitor.store.counters import LEDGER_GENERATION, TERMS_VERSION
from monitor.store.records import StoreError
from monitor.store.schema import HEAD, meta, metadata

# Alembic's own table, which says what version the others are. It is read, and first made, without loading Alembic.
_version_table = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
_FOLDER = Path(__file__).with_name("migrations")


def check(connection: Connection) -> None:
    """Raises `StoreError` unless the tables are exactly those of this version."""
    version = _version(connection)
    if version != HEAD:
        _refuse_newer(version)
        raise StoreError("it was made by an older version of this program, which has to be brought up to date first")


def bring_up_to_date(connection: Connection) -> None:
    """Makes or alters the tables inside the open transaction."""
    version = _version(connection)
    if version is None:
        _make(connection)
    elif version != HEAD:
        _refuse_newer(version)
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Carries out all migrations that the tables have not had; of an empty database, all there are."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make(connection: Connection) -> None:
    """What all migrations together make of an empty database, at a fraction of the time."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(meta), [{"key": key, "value": 0} for key in (LEDGER_GENERATION, TERMS_VERSION)])
    _version_table.create(connection, checkfirst=False)
    connection.execute(insert(_version_table), {"version_num": HEAD})


def _version(connection: Connection) -> str | None:
    """None for a database without any tables."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    query = select(_version_table.c.version_num)
    version = connection.execute(query).scalar() if _version_table.name in tables else None
    if version is None:
        raise StoreError("it is a database, but not one of this program")
    return str(version)


def _refuse_newer(version: str | None) -> None:
    known = {file.name.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise StoreError(f"it was made by a newer version of this program (its tables are {version}, known is {HEAD})")
