"""How fast recorded results are imported, and the memory that this takes.

`efento-uptime import` of 200,000 lines of 8 probes into a new store, the whole process from its start to its end; the
median of three rounds, each with a store of its own. Memory is the process's greatest resident set.
"""

import os
from pathlib import Path
from statistics import median

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.processes import COMMAND, work_folder
from benchmarks.scenario import http_probe, results, write_config
from monitor.clock import SystemClock
from monitor.exchange import result_line
from monitor.results import Result
from monitor.store import StoredResult

LINES = 200_000
ROUNDS = 3
LIMIT_PER_SECOND = 200_000.0
LIMIT_MB = 300.0
SILENT = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)


def measure() -> list[Figure]:
    with work_folder() as folder:
        lines = folder / "results.ndjson"
        with lines.open("w") as out:
            out.writelines(_line(number, result) for number, result in enumerate(results(LINES)))
        rounds = [_import(folder / str(number), lines) for number in range(ROUNDS)]
    seconds, peaks_mb = zip(*rounds, strict=True)
    return [
        Figure("results imported a second", LINES / median(seconds), "/s", LIMIT_PER_SECOND, more_is_better=True),
        Figure("greatest memory", median(peaks_mb), "MB", LIMIT_MB),
    ]


def _line(number: int, result: Result) -> str:
    stored = StoredResult(
        id=number,
        text_id=f"old-{number}",
        probe=result.probe,
        location=result.location,
        started_ms=result.started_ms,
        duration_us=result.duration_us,
        verdict=result.verdict,
        reason=result.reason,
        step=result.step,
        detail=result.detail,
    )
    return result_line(stored, result.component)


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
