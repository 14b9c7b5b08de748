"""Bytes for each stored result, everything included.

100,000 results of 8 probes at 30 s, of which two in 500 fail with a detail, recorded as the daemon does; then the
store is closed, so that its file is complete, and weighed with all that lies beside it.
"""

import asyncio
from pathlib import Path

from benchmarks.figures import Figure, measured
from benchmarks.processes import work_folder
from benchmarks.scenario import results, writing

RESULTS = 100_000
PORTION = 1_000
LIMIT_BYTES = 40.0


def measure() -> list[Figure]:
    with work_folder() as folder:
        asyncio.run(_record(folder / "uptime.db"))
        total = sum(file.stat().st_size for file in folder.iterdir())
    return [
        Figure("bytes for each result", total / RESULTS, "B", LIMIT_BYTES),
        Figure("the same for a year of 8 probes at 30 s", total / RESULTS * 8 * 365 * 2880 / 1e6, "MB"),
    ]


async def _record(file: Path) -> None:
    history = list(results(RESULTS))
    async with writing(file) as store:
        for first in range(0, RESULTS, PORTION):
            await asyncio.gather(*map(store.record, history[first : first + PORTION]))


if __name__ == "__main__":
    measured(__doc__, measure)
