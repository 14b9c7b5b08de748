"""How fast recorded results are imported, and the memory that this takes.

`efento-uptime import` of 200,000 lines of 8 probes into a new store, the whole process from its start to its end; the
median of three rounds, each with a store of its own. Memory is the process's greatest resident set.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, measured
from benchmarks.processes import work_folder
from benchmarks.scenario import agreement_terms, http_probe, results, write_config
from benchmarks.years import Used, used_by
from monitor.export.results import Ndjson
from monitor.results import Result
from monitor.store.columns import ResultColumns

LINES = 200_000
ROUNDS = 3
LIMIT_PER_SECOND = 200_000.0
LIMIT_MB = 300.0


def measure() -> list[Figure]:
    with work_folder() as folder:
        lines = folder / "results.ndjson"
        components = {(terms.probe, terms.location): terms.component for terms in agreement_terms()}
        with lines.open("wb") as out:
            Ndjson(out, components).write(_columns(results(LINES)))
        rounds = [_import(folder / str(number), lines) for number in range(ROUNDS)]
    each_second = LINES / median(each.seconds for each in rounds)
    return [
        Figure("results imported a second", each_second, "/s", LIMIT_PER_SECOND, more_is_better=True),
        Figure("the same for a second of processor time", LINES / median(each.cpu_seconds for each in rounds), "/s"),
        Figure("greatest memory", max(each.peak_mb for each in rounds), "MB", LIMIT_MB),
    ]


def _columns(found: Iterator[Result]) -> ResultColumns:
    told = [
        (
            f"old-{number}",
            result.probe,
            result.location,
            result.started_ms,
            result.duration_us,
            result.verdict.value,
            result.reason,
            result.step,
            result.detail,
        )
        for number, result in enumerate(found)
    ]
    return ResultColumns(*zip(*told, strict=True))


def _import(folder: Path, lines: Path) -> Used:
    folder.mkdir()
    config = write_config(folder, http_probe(1), count=8, every="30s")
    return used_by(["import", str(lines), "-c", str(config)])


if __name__ == "__main__":
    measured(__doc__, measure)
