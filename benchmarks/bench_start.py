"""How long `--help` takes, and `run` from its start to its first check.

Whole processes, by the wall clock, medians of ten and of five rounds. The first check is the moment at which the
server that is probed accepts a connection: once with a store that is yet to be made, once with the store of a run
before. Beside `--help`, a Python that does nothing: no program in Python can be faster.
"""

import socket
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.processes import COMMAND, running, work_folder
from benchmarks.scenario import http_probe, write_config
from monitor.clock import SystemClock

HELPS = 10
STARTS = 5
PATIENCE_SECONDS = 20.0
LIMIT_HELP_SECONDS = 0.15
LIMIT_START_SECONDS = 1.0
CLOCK = SystemClock()


def measure() -> list[Figure]:
    helping = [_seconds([COMMAND, "--help"]) for _ in range(HELPS)]
    bare = [_seconds([sys.executable, "-c", "pass"]) for _ in range(HELPS)]
    new, again = [], []
    with work_folder() as folder:
        for number in range(STARTS):
            (place := folder / str(number)).mkdir()
            new.append(_first_check(place))
            again.append(_first_check(place))
    return [
        Figure("--help", median(helping), "s", LIMIT_HELP_SECONDS),
        Figure("Python that does nothing", median(bare), "s"),
        Figure("start to first check, new store", median(new), "s", LIMIT_START_SECONDS),
        Figure("start to first check, store of a run before", median(again), "s", LIMIT_START_SECONDS),
    ]


def _seconds(command: list[str | Path]) -> float:
    began = CLOCK.monotonic()
    done = subprocess.run([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode:
        raise CannotMeasure(done.stderr.decode(errors="replace"))
    return CLOCK.monotonic() - began


def _first_check(folder: Path) -> float:
    """Seconds until the daemon connects to a server of our own, which then closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        # A short interval: no result of a run before may still speak for this moment.
        config = write_config(folder, http_probe(listener.getsockname()[1]), count=1, every="100ms")
        began = CLOCK.monotonic()
        with running([COMMAND, "run", "-c", config], folder / "daemon.log"):
            try:
                listener.accept()[0].close()
            except TimeoutError:
                raise CannotMeasure(f"no check within {PATIENCE_SECONDS:g} s") from None
            return CLOCK.monotonic() - began


if __name__ == "__main__":
    measured(__doc__, measure)
