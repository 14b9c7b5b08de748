"""Brings a store's tables up to date. Alembic is loaded only when there is something to do: a start is to be quick."""

from pathlib import Path

from sqlalchemy import Connection, inspect

from monitor.store.records import StoreError
from monitor.store.schema import HEAD

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
    if version != HEAD:
        _refuse_newer(version)
        _upgrade(connection)


def _version(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)
    if tables:
        raise StoreError("it is a database, but not one of this program")
    return None


def _refuse_newer(version: str | None) -> None:
    known = {file.name.partition("_")[0] for file in (_FOLDER / "versions").glob("[0-9]*.py")}
    if version is not None and version not in known:
        raise StoreError(f"it was made by a newer version of this program (its tables are {version}, known is {HEAD})")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
