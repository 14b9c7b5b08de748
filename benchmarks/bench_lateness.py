"""How late checks start with 1,000 HTTP probes at 30 s in one process.

The daemon's parts run in this process. Every probe notes the clock as its journey begins, and then goes on as the
kind `http` does. Lateness is the distance from the probe's turn on its grid; one turn of all probes counts, after the
first checks are over. At the same time, in a process of its own, a bare asyncio timer fires at the same pace: what it
is late, is the machine's doing.
"""

import asyncio
import os
import sys
from dataclasses import replace
from datetime import datetime
from statistics import quantiles
from typing import Any

from benchmarks import processes
from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import http_probe, loaded, with_journey, write_config
from monitor import logs
from monitor.clock import EPOCH, SystemClock
from monitor.config import Config
from monitor.daemon import Daemon
from monitor.redaction import Redactor
from monitor.schedule import FIRST_CHECKS_WITHIN_SECONDS, phases
from probes.contract import Journey

PROBES = 1_000
EVERY_SECONDS = 30
SETTLING_SECONDS = FIRST_CHECKS_WITHIN_SECONDS + 1
LIMIT_P99_MS = 5.0
LIMIT_MB = 400.0


class Starts:
    """When each probe's journey began, once `counting`; in the place of the journey that it then goes on with."""

    def __init__(self, config: Config) -> None:
        self._journey = config.probes[0].kind.run
        self._phases = phases(config.probes)
        self.counting = False
        self.late_ms: list[float] = []

    async def run(self, options: Any, journey: Journey) -> None:
        if self.counting:
            self.late_ms.append(self._late_ms(journey.probe, journey.now()))
        await self._journey(options, journey)

    def _late_ms(self, probe: str, began: datetime) -> float:
        since_epoch = (began - EPOCH).total_seconds()
        return (since_epoch - EVERY_SECONDS * self._phases[probe]) % EVERY_SECONDS * 1000


def measure() -> list[Figure]:
    with processes.work_folder() as folder, processes.http_target() as target:
        config = loaded(write_config(folder, http_probe(target), count=PROBES, every=f"{EVERY_SECONDS}s"))
        with (folder / "daemon.log").open("w") as log:
            logs.configure("info", "json", Redactor(set()), log)
            return asyncio.run(_figures(config))


async def _figures(config: Config) -> list[Figure]:
    starts = Starts(config)
    daemon = Daemon(with_journey(config, replace(config.probes[0].kind, run=starts.run)), SystemClock())
    ready, stop = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(daemon.run(stop, lambda _port: ready.set()), name="daemon")
        await ready.wait()
        await asyncio.sleep(SETTLING_SECONDS)
        cpu = processes.cpu_seconds(os.getpid())
        starts.counting = True
        bare_ms = await _bare_timer()
        starts.counting = False
        cpu = processes.cpu_seconds(os.getpid()) - cpu
        resident_mb = processes.resident_mb(os.getpid())
        stop.set()
    return _compared(starts.late_ms, bare_ms, cpu / EVERY_SECONDS, resident_mb)


def _compared(late_ms: list[float], bare_ms: list[float], cores: float, resident_mb: float) -> list[Figure]:
    if len(late_ms) < 0.9 * PROBES:
        raise CannotMeasure(f"only {len(late_ms)} of {PROBES} checks started within {EVERY_SECONDS} s")
    percentiles, bare = quantiles(late_ms, n=100), quantiles(bare_ms, n=100)
    return [
        Figure("lateness, median", percentiles[49], "ms"),
        Figure("lateness, 99th percentile", percentiles[98], "ms", LIMIT_P99_MS),
        Figure("lateness, greatest", max(late_ms), "ms"),
        Figure("bare asyncio timer, median", bare[49], "ms"),
        Figure("bare asyncio timer, 99th percentile", bare[98], "ms"),
        Figure("CPU, share of a core", cores, "cores", 1.0),
        Figure("memory", resident_mb, "MB", LIMIT_MB),
    ]


async def _bare_timer() -> list[float]:
    """How late timers of a loop that does nothing else fire, one after the other for one turn of the probes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bench_lateness", "--bare", cwd=processes.ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise CannotMeasure("the process with the bare timer failed")
    return [float(number) for number in out.split()]


async def _timers() -> list[float]:
    loop = asyncio.get_running_loop()
    began, pause = loop.time(), EVERY_SECONDS / PROBES
    late_ms = []
    for turn in range(1, PROBES + 1):
        due = began + turn * pause
        await asyncio.sleep(due - loop.time())
        late_ms.append((loop.time() - due) * 1000)
    return late_ms


if __name__ == "__main__":
    if "--bare" in sys.argv[1:]:
        sys.stdout.write(" ".join(map(str, asyncio.run(_timers()))))
    else:
        measured(__doc__, measure)
