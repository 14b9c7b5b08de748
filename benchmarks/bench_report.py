"""How long a yearly report takes, process start included, and the memory for it.

`efento-uptime report 2025` of 7 components and 8 probes with 240 failures each, a quarter of them outages; the medians
of five rounds. From what is on record alone (`--store`), which is what an auditor has, and once as an operator asks,
whose configuration is read and checked, too. Then a half of the results is deleted for its age, and the report made
again: it has to be the same to the byte.
"""

import asyncio
from pathlib import Path
from statistics import median

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.processes import work_folder
from benchmarks.scenario import START_MS, YEAR_MS
from benchmarks.years import Used, Year, every_seconds_asked, make_year, used_by
from monitor.clock import iso
from monitor.store import Store

ROUNDS = 5
LIMITS = {"json": 0.5, "pdf": 0.8, "html": None, "csv": None}  # seconds
AS_OF_MS = START_MS + YEAR_MS + 86_400_000


def measure() -> list[Figure]:
    with work_folder() as folder:
        year = make_year(folder, every_seconds_asked())
        by_store = ["--store", year.url]
        first = {each: _rounds(each, by_store, folder) for each in LIMITS}
        by_config = _rounds("json", ["-c", str(year.config_file)], folder)
        reports = {each: _file(folder, each).read_bytes() for each in LIMITS}
        deleted = asyncio.run(_prune(year))
        for each in LIMITS:
            _rounds(each, by_store, folder, rounds=1)
            if _file(folder, each).read_bytes() != reports[each]:
                raise CannotMeasure(f"the {each} differs after results were deleted")
    return [
        *(Figure(f"{each}, from the record", _seconds(first[each]), "s", limit) for each, limit in LIMITS.items()),
        Figure("json, by the configuration", _seconds(by_config), "s", LIMITS["json"]),
        *(Figure(f"{each}: processor time of it", _cpu_seconds(first[each]), "s") for each in ("json", "pdf")),
        *(Figure(f"{each}: greatest memory", max(one.peak_mb for one in first[each]), "MB") for each in LIMITS),
        Figure("results in the year", year.results, ""),
        Figure("of them deleted, without a byte of the report changing", deleted, ""),
    ]


def _rounds(kind: str, source: list[str], folder: Path, rounds: int = ROUNDS) -> list[Used]:
    arguments = ["report", "2025", *source, "--as-of", iso(AS_OF_MS), "--format", kind, "-o", str(_file(folder, kind))]
    return [used_by(arguments) for _ in range(rounds)]


def _seconds(rounds: list[Used]) -> float:
    return median(each.seconds for each in rounds)


def _cpu_seconds(rounds: list[Used]) -> float:
    return median(each.cpu_seconds for each in rounds)


def _file(folder: Path, kind: str) -> Path:
    return folder / f"report.{kind}"


async def _prune(year: Year) -> int:
    async with await Store.open(year.url) as store:
        return await store.prune(START_MS + YEAR_MS // 2, AS_OF_MS, sealed_only=False)


if __name__ == "__main__":
    measured(__doc__, measure)
