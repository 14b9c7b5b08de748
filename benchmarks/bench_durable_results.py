"""How fast results become durable: many at once, and one alone.

Groups: 20,000 results of 8 probes, handed to the store 1,000 at a time; a result counts when `record` has returned;
the median of three rounds. Alone: one `record` at a time, in turn with an `fdatasync` of one overwritten page of a
file beside the store, and with a commit of one row by Python's own `sqlite3` at the same settings; the medians of 300
each.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, measured
from benchmarks.processes import work_folder
from benchmarks.scenario import results, writing
from monitor.clock import SystemClock

ROUNDS = 3
IN_GROUPS = 20_000
PORTION = 1_000
ALONE = 300
PAGE = b"x" * 4096
LIMIT_PER_SECOND = 5_000.0
ALLOWED = 2.0
CLOCK = SystemClock()


def measure() -> list[Figure]:
    with work_folder() as folder:
        per_second = median(asyncio.run(_in_groups(folder / f"groups-{number}.db")) for number in range(ROUNDS))
        alone_ms, fdatasync_ms, sqlite_ms = asyncio.run(_alone(folder))
    return [
        Figure("durable results a second, in groups", per_second, "/s", LIMIT_PER_SECOND, more_is_better=True),
        Figure("one alone", alone_ms, "ms", fdatasync_ms, "fdatasync, same run", ALLOWED),
        Figure("commit of one row by sqlite3 itself", sqlite_ms, "ms"),
    ]


async def _in_groups(file: Path) -> float:
    """Durable results a second."""
    history = list(results(IN_GROUPS))
    async with writing(file) as store:
        began = CLOCK.monotonic()
        for first in range(0, IN_GROUPS, PORTION):
            await asyncio.gather(*map(store.record, history[first : first + PORTION]))
        return IN_GROUPS / (CLOCK.monotonic() - began)


async def _alone(folder: Path) -> tuple[float, float, float]:
    """Milliseconds that `record`, an fdatasync and a bare commit take, by turns, so that all meet the same disk."""
    recorded, synced, inserted = [], [], []
    page = os.open(folder / "page", os.O_CREAT | os.O_RDWR)
    with closing(_bare(folder / "bare.db")) as bare:
        async with writing(folder / "alone.db") as store:
            for result in results(ALONE):
                began = CLOCK.monotonic()
                await store.record(result)
                recorded.append(CLOCK.monotonic() - began)
                synced.append(_seconds(lambda: _sync(page)))
                inserted.append(_seconds(lambda: bare.execute("INSERT INTO results VALUES (NULL, 1, 2, 3, 4, 5)")))
    os.close(page)
    return median(recorded) * 1000, median(synced) * 1000, median(inserted) * 1000


def _sync(file: int) -> None:
    os.pwrite(file, PAGE, 0)
    os.fdatasync(file)


def _bare(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE results (id INTEGER PRIMARY KEY, a, b, c, d, e)")
    return connection


def _seconds(work: Callable[[], object]) -> float:
    began = CLOCK.monotonic()
    work()
    return CLOCK.monotonic() - began


if __name__ == "__main__":
    measured(__doc__, measure)
