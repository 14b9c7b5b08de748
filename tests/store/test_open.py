"""Opening a store, or being told clearly why not."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from monitor.store import Store, StoreError
from tests.store.conftest import Recording
from tests.store.histories import START_MS, execute, history, query


async def test_a_new_store_is_made_and_opened_again(url: str, file: Path) -> None:
    for _ in range(2):
        async with await Store.open(url) as store:
            assert (await store.ledger()).runs == {}
    assert query(file, "PRAGMA journal_mode") == [("wal",)]


async def test_the_drivers_own_name_is_accepted(file: Path) -> None:
    async with await Store.open(f"sqlite+aiosqlite:///{file}"):
        assert file.exists()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://user:hunter2@db/uptime", "a store in postgresql is not supported"),
        ("sqlite://", "the store must be a file"),
        ("sqlite:///:memory:", "the store must be a file"),
        ("hunter2", "the store's address cannot be read"),
    ],
)
async def test_an_address_that_is_no_file(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refused:
        await Store.open(url)
    assert "hunter2" not in str(refused.value)


async def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder"):
        await Store.open(f"sqlite:///{tmp_path}/nowhere/uptime.db")


async def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open database file"):
        await Store.open(f"sqlite:///{tmp_path}")


async def test_a_file_that_is_no_database(url: str, file: Path) -> None:
    file.write_text("# just a text, but a long one\n" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        await Store.open(url)
    with pytest.raises(StoreError, match="file is not a database"):
        await Store.open(url, read_only=True)


async def test_a_database_of_something_else(url: str, file: Path) -> None:
    execute(file, "CREATE TABLE recipes (id INTEGER)")
    with pytest.raises(StoreError, match="not one of this program"):
        await Store.open(url)
    assert query(file, "SELECT name FROM sqlite_master") == [("recipes",)]


async def test_a_newer_version(url: str, file: Path) -> None:
    await (await Store.open(url)).close()
    execute(file, "UPDATE alembic_version SET version_num = '9999'")
    for read_only in (False, True):
        with pytest.raises(StoreError, match=r"newer version of this program.*9999"):
            await Store.open(url, read_only=read_only)


async def test_reading_makes_no_file(url: str, file: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        await Store.open(url, read_only=True)
    assert not file.exists()


async def test_reading_an_empty_file(url: str, file: Path) -> None:
    file.touch()
    with pytest.raises(StoreError, match="older version"):
        await Store.open(url, read_only=True)


async def test_reading_beside_a_writer(url: str, recording: Recording) -> None:
    async with recording() as writer, await Store.open(url, read_only=True) as reader:
        for result in history("uuD"):
            await writer.record(result)
            assert (await reader.ledger()).runs == (await writer.ledger()).runs
        with pytest.raises(StoreError, match="opened for reading only"):
            await reader.begin("frankfurt", "boot-2", "1.0", START_MS)


async def test_odd_characters_in_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "50% off #1 łódź"
    folder.mkdir()
    await (await Store.open(f"sqlite:///{folder}/uptime.db")).close()
    async with await Store.open(f"sqlite:///{folder}/uptime.db", read_only=True) as store:
        assert (await store.ledger()).runs == {}


async def test_a_commit_is_on_the_disk_when_it_returns(url: str) -> None:
    """What killing a process cannot show and a power failure would: 2 is FULL, a sync at every commit."""

    def settings(connection: Connection) -> tuple[object, object]:
        pragmas = ("PRAGMA synchronous", "PRAGMA journal_mode")
        synchronous, journal = (connection.exec_driver_sql(pragma).scalar() for pragma in pragmas)
        return synchronous, journal

    async with await Store.open(url) as store:
        assert await store._transact(settings) == (2, "wal")


async def test_nothing_is_recorded_before_begin(url: str) -> None:
    async with await Store.open(url) as store:
        with pytest.raises(StoreError, match="begin"):
            await store.heartbeat(START_MS)


def test_heavy_imports_are_left_to_those_who_need_them(url: str) -> None:
    """Neither a new store needs them, nor one that is up to date."""
    code = """
import asyncio, sys
from monitor.store import Store

async def main():
    for _ in range(2):
        await (await Store.open(sys.argv[1])).close()

asyncio.run(main())
print([name for name in ("alembic", "pydantic", "sqlalchemy.orm", "sqlalchemy.ext.asyncio") if name in sys.modules])
"""
    assert subprocess.check_output([sys.executable, "-c", code, url], text=True).strip() == "[]"
