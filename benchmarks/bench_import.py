"""How fast recorded results are imported, and the memory that this takes.

`efento-uptime import` of 200,000 lines of 8 probes into a new store, the whole process from its start to its end; the
median of three rounds, each with a store of its own. Memory is the process's greatest resident set.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.processes import COMMAND, work_folder
from benchmarks.scenario import agreement_terms, http_probe, results, write_config
from monitor.clock import SystemClock
from monitor.export.results import Ndjson
from monitor.results import Result
from monitor.store.columns import ResultColumns

LINES = 200_000
ROUNDS = 3
LIMIT_PER_SECOND = 200_000.0
LIMIT_MB = 300.0
SILENT = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)


def measure() -> list[Figure]:
    with work_folder() as folder:
        lines = folder / "results.ndjson"
        components = {(terms.probe, terms.location): terms.component for terms in agreement_terms()}
        with lines.open("wb") as out:
            Ndjson(out, components).write(_columns(results(LINES)))
        rounds = [_import(folder / str(number), lines) for number in range(ROUNDS)]
    seconds, peaks_mb = zip(*rounds, strict=True)
    return [
        Figure("results imported a second", LINES / median(seconds), "/s", LIMIT_PER_SECOND, more_is_better=True),
        Figure("greatest memory", median(peaks_mb), "MB", LIMIT_MB),
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


def _import(folder: Path, lines: Path) -> tuple[float, float]:
    """Seconds, and the greatest memory in MB."""
    folder.mkdir()
    config = write_config(folder, http_probe(1), count=8, every="30s")
    clock = SystemClock()
    began = clock.monotonic()
    arguments = [str(COMMAND), "import", str(lines), "-c", str(config)]
    # Not subprocess: it waits for the process itself, and then nobody can ask what the process used.
    pid = os.posix_spawn(COMMAND, arguments, os.environ, file_actions=[SILENT])
    _, status, usage = os.wait4(pid, 0)
    seconds = clock.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise CannotMeasure("the import failed")
    return seconds, usage.ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    measured(__doc__, measure)
