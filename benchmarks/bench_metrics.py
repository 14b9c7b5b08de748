"""What a scrape of `/metrics` costs with 1,000 probes, and how long the loop stands still.

The daemon's parts run in this process. Every probe has been checked once, with two steps and four figures, and is not
due again. A client in a process of its own scrapes seven times, half a second apart; the time is the client's, from
request to last byte, the median. A stall is by how much a sleep of a millisecond in the loop took longer, at most;
beside it the same for as long a time without any scrape.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from dataclasses import replace
from statistics import median
from typing import Any, TypeVar

from benchmarks import processes
from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import http_probe, loaded, with_journey, write_config
from monitor import logs
from monitor.clock import SystemClock
from monitor.config import Config
from monitor.daemon import Daemon
from monitor.demo import HOST, free_port
from monitor.redaction import Redactor
from monitor.schedule import FIRST_CHECKS_WITHIN_SECONDS
from probes.contract import Journey

T = TypeVar("T")

PROBES = 1_000
EVERY = "1d"
SCRAPES = 7
PAUSE_SECONDS = 0.5
LIMIT_MS = 100.0
LIMIT_STALL_MS = 10.0
FIGURES = ("resolve_seconds", "connect_seconds", "first_byte_seconds", "transfer_seconds")
CLOCK = SystemClock()


async def check(_options: Any, journey: Journey) -> None:
    """Leaves behind what a check of kind `http` leaves behind."""
    for step in ("request", "answer"):
        async with journey.step(step):
            await asyncio.sleep(0)
    for number, figure in enumerate(FIGURES, start=1):
        journey.figure(figure, 0.00123 * number)


def measure() -> list[Figure]:
    with processes.work_folder() as folder:
        path = write_config(folder, http_probe(1), count=PROBES, every=EVERY, web_port=free_port(HOST))
        config = loaded(path)
        config = with_journey(config, replace(config.probes[0].kind, run=check))
        with (folder / "daemon.log").open("w") as log:
            logs.configure("info", "json", Redactor(set()), log)
            return asyncio.run(_figures(config))


async def _figures(config: Config) -> list[Figure]:
    ready, stop = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Daemon(config, CLOCK).run(stop, lambda _port: ready.set()), name="daemon")
        await ready.wait()
        await asyncio.sleep(FIRST_CHECKS_WITHIN_SECONDS + 1)
        (scraped_ms, kilobytes), stall_ms = await _watched(_scrapes(config.web_port))
        _, quiet_ms = await _watched(asyncio.sleep(SCRAPES * PAUSE_SECONDS))
        stop.set()
    return [
        Figure("one scrape", median(scraped_ms), "ms", LIMIT_MS),
        Figure("size of the answer", kilobytes, "kB"),
        Figure("longest stall of the loop, scraped", stall_ms, "ms", LIMIT_STALL_MS),
        Figure("longest stall of the loop, not scraped", quiet_ms, "ms"),
    ]


async def _watched(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """The work's outcome, and the longest stall of the loop meanwhile, in milliseconds."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    longest = 0.0
    while not task.done():
        began = loop.time()
        await asyncio.sleep(0.001)
        longest = max(longest, loop.time() - began - 0.001)
    return task.result(), longest * 1000


async def _scrapes(port: int) -> tuple[list[float], float]:
    """Milliseconds of each scrape, and the size of one in kB, both by the client's account."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.bench_metrics",
        "--scrape",
        str(port),
        cwd=processes.ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise CannotMeasure("the client could not scrape")
    *milliseconds, kilobytes = map(float, out.split())
    return milliseconds, kilobytes


def _scrape(port: int) -> str:
    """What the client's process does."""
    milliseconds, size = [], 0
    for _ in range(SCRAPES):
        time.sleep(PAUSE_SECONDS)
        began = CLOCK.monotonic()
        size = len(processes.fetch(port, "/metrics"))
        milliseconds.append((CLOCK.monotonic() - began) * 1000)
    return " ".join(map(str, [*milliseconds, size / 1000]))


if __name__ == "__main__":
    if "--scrape" in sys.argv[1:]:
        sys.stdout.write(_scrape(int(sys.argv[-1])))
    else:
        measured(__doc__, measure)
