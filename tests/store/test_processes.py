"""Processes that are killed, and processes that share a store."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.store import Store
from tests.store.histories import (
    EVERY_MS,
    START_MS,
    assert_results_are_found_through_runs,
    assert_runs_are_exact,
    history,
    import_rows,
    query,
    terms,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def start(url: str, boot_id: str, start_ms: int, results: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.endless_writer", url, boot_id, str(start_ms), str(results)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], acknowledged: int) -> set[int]:
    """Kills the process without warning once it has printed so many ids; returns all that it printed."""
    assert process.stdout is not None
    printed = [process.stdout.readline() for _ in range(acknowledged)]
    process.kill()
    printed += process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait()
    return {int(line) for line in printed if line.endswith("\n")}


async def test_a_killed_daemon_loses_nothing_that_it_acknowledged(url: str, file: Path) -> None:
    moments = random.Random(4)
    acknowledged: set[int] = set()
    for number in range(10):
        process = start(url, f"boot-{number}", START_MS + number * 10_000 * EVERY_MS)
        acknowledged |= await asyncio.to_thread(kill_after, process, moments.randrange(1, 600))
        assert query(file, "PRAGMA integrity_check") == [("ok",)]
        assert acknowledged <= {row[0] for row in query(file, "SELECT id FROM results")}
        async with await Store.open(url) as store:
            await assert_runs_are_exact(store)
            assert [life.clean for life in (await store.ledger()).lives] == [False] * (number + 1)
    assert_results_are_found_through_runs(file)
    gaps = "SELECT id >> 32 FROM results GROUP BY id >> 32 HAVING max(id & 4294967295) > count(*)"
    assert query(file, gaps) == []


async def test_two_daemons_write_into_one_new_store(url: str, file: Path) -> None:
    """Both at the same location with the same probes, the results of one always a little after the other's."""
    processes = [start(url, f"boot-{number}", START_MS + number * 9_000, 120) for number in range(2)]
    for process in processes:
        printed, _ = await asyncio.to_thread(process.communicate)
        assert process.returncode == 0
        assert len(printed.splitlines()) == 6 * 120
    async with await Store.open(url, read_only=True) as store:
        await assert_runs_are_exact(store)
    assert query(file, "SELECT count(*) FROM results") == [(2 * 6 * 120,)]
    assert_results_are_found_through_runs(file)


async def test_an_import_beside_a_daemon(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        process = start(url, "boot-1", START_MS)
        try:
            assert process.stdout is not None
            await asyncio.to_thread(process.stdout.readline)
            past = START_MS - 5_000 * EVERY_MS
            rows = import_rows(history("uuuuDD??uu" * 500, "probe-1", start_ms=past))
            done = await store.import_results(
                rows, file_name="x", sha256="", imported_ms=START_MS, terms_of=lambda newcomer: terms(newcomer.probe)
            )
            assert done.added == 5_000
        finally:
            await asyncio.to_thread(kill_after, process, 0)
        await assert_runs_are_exact(store)
        assert terms("probe-1") in (await store.ledger()).terms
    assert_results_are_found_through_runs(file)
