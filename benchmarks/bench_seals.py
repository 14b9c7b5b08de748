"""How long sealing a year takes, and verifying it, beside what fetching its rows takes.

`efento-uptime seal` of a year that was never sealed, and `efento-uptime verify` of it all: whole processes, of
verifying the medians of three rounds. Fetching is Python's own `sqlite3` reading every column of every result, in the
order of their ids and fifty thousand at a time, in a process that does nothing else; in turn with verifying. Probes
that asked every two minutes; `--every 30` measures the whole year of 8.4 million.
"""

import sys
from statistics import median

from benchmarks.figures import Figure, measured
from benchmarks.processes import work_folder
from benchmarks.years import every_seconds_asked, make_year, used_by

ROUNDS = 3
EVERY_SECONDS = 120.0  # starting the process would weigh too much in a smaller year
ALLOWED = 2.5
FETCH = """
import sqlite3, sys
rows = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("SELECT * FROM results ORDER BY id")
while rows.fetchmany(50_000):
    pass
"""


def measure() -> list[Figure]:
    with work_folder() as folder:
        year = make_year(folder, every_seconds_asked(EVERY_SECONDS))
        bytes_each = sum(file.stat().st_size for file in folder.glob("uptime.db*")) / year.results
        config = ["-c", str(year.config_file)]
        sealing = used_by(["seal", *config])
        fetched, verified = [], []
        for _ in range(ROUNDS):
            fetched.append(used_by(["-c", FETCH, str(year.file)], command=sys.executable))
            verified.append(used_by(["verify", *config]))
        sealed_bytes = sum(file.stat().st_size for file in folder.glob("uptime.db*")) / year.results
    fetching, verifying = (median(each.cpu_seconds for each in rounds) for rounds in (fetched, verified))
    return [
        Figure("verifying, processor time", verifying, "s", fetching, "fetching the rows, same run", ALLOWED),
        Figure("verifying, by the wall clock", median(each.seconds for each in verified), "s"),
        Figure("sealing, by the wall clock", sealing.seconds, "s"),
        Figure("greatest memory, verifying", max(each.peak_mb for each in verified), "MB"),
        Figure("greatest memory, sealing", sealing.peak_mb, "MB"),
        Figure("results verified a second", year.results / verifying, "/s"),
        Figure("bytes for each result, everything included", bytes_each, "B", 40.0),
        Figure("the same with the seals", sealed_bytes, "B", 40.0),
        Figure("results in the year", year.results, ""),
    ]


if __name__ == "__main__":
    measured(__doc__, measure)
