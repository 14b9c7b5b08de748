"""The tables that the migrations make are those that the program works with."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

import monitor.store.migrate as migrate
from monitor.store import Store, StoreError
from monitor.store.schema import HEAD, metadata
from tests.store.conftest import Recording
from tests.store.histories import START_MS, all_results, execute, query, result


@contextmanager
def connected(file: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def migrated(file: Path) -> None:
    with connected(file) as connection:
        migrate.upgrade(connection)


def contents(file: Path) -> list[object]:
    """The statements that make the tables, and all rows that are in them."""
    tables = [str(name) for (name,) in query(file, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    made = query(file, "SELECT name, sql FROM sqlite_master ORDER BY name")
    return [
        [(name, sql and re.sub(r"\s+", " ", str(sql))) for name, sql in made],
        *((name, sorted(query(file, f"SELECT * FROM {name}"))) for name in tables),
    ]


async def test_an_empty_store_gets_exactly_the_tables_of_the_schema(url: str, file: Path) -> None:
    await (await Store.open(url)).close()
    with connected(file) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD


async def test_a_new_store_is_what_all_migrations_make_of_an_empty_one(url: str, file: Path, tmp_path: Path) -> None:
    await (await Store.open(url)).close()
    await asyncio.to_thread(migrated, tmp_path / "migrated.db")
    assert contents(file) == contents(tmp_path / "migrated.db")


# What each version of the tables added to the one before it.
ADDED = {
    "0002": ("allowances", "inbound_messages", "pictures"),
    "0003": ("agreements", "clock_events", "prunings", "seals", "seal_keys", "windows"),
}


@pytest.mark.parametrize("version", ["0001", "0002"])
async def test_a_store_of_a_former_version_gets_the_new_tables_and_keeps_its_rows(
    url: str, file: Path, recording: Recording, version: str
) -> None:
    async with recording() as store:
        await store.record(replace(result("D"), memory={"turn": "1"}))
    for table in (name for added, names in ADDED.items() if added > version for name in names):
        execute(file, f"DROP TABLE {table}")
    execute(file, f"UPDATE alembic_version SET version_num = '{version}'")
    with pytest.raises(StoreError, match="older version"):
        await Store.open(url, read_only=True)
    async with await Store.open(url) as store:
        assert await store.spend("web", "today", 1, 1)
        assert await store.record_message("smtp", START_MS, b"x") == 1
        assert await store.windows() == []
        assert await store.memory() == {("web", "turn"): "1"}
        assert len(await all_results(store)) == 1
    with connected(file) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
