"""How honest a measured duration is.

A check's own figure beside what a blocking socket needs for the same. Kinds `tcp` (connect) and `http` (connect, ask,
read to the end), taken in turn with a blocking socket that does the same with the same server of this machine, a few
milliseconds apart; the difference of the medians of 300 each. For `http` also what blackbox_exporter says of itself,
where it is installed.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import processes
from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import LOCATION, http_probe, loaded, write_config
from monitor.clock import SystemClock
from monitor.config import ProbeConfig
from monitor.facts import RecordedFacts
from monitor.redaction import Redactor
from monitor.runner import run_check
from monitor.sla.model import Verdict

ROUNDS = 300
PAUSE_SECONDS = 0.01
LIMIT_MS = 1.0
CLOCK = SystemClock()


def measure() -> list[Figure]:
    with processes.work_folder() as folder, processes.http_target() as target:
        tcp: dict[str, Any] = {"kind": "tcp", "options": {"host": "127.0.0.1", "port": target}}
        with processes.blackbox_exporter(folder) as exporter:
            tcp_ms, connect_ms, _ = asyncio.run(_medians(_probe(folder, tcp), lambda: _connect(target), None))
            asked = (lambda: _exporter(exporter[1], target)) if exporter else None
            http_ms, fetch_ms, exporter_ms = asyncio.run(
                _medians(_probe(folder, http_probe(target)), lambda: _fetch(target), asked)
            )
    return [
        Figure("tcp: beyond a blocking socket", tcp_ms - connect_ms, "ms", LIMIT_MS),
        Figure("http: beyond a blocking socket", http_ms - fetch_ms, "ms", LIMIT_MS),
        *([Figure("blackbox_exporter: beyond a blocking socket", exporter_ms - fetch_ms, "ms")] if exporter else []),
        Figure("blocking socket, http", fetch_ms, "ms"),
    ]


def _probe(folder: Path, probe: dict[str, Any]) -> ProbeConfig:
    return loaded(write_config(folder, probe, count=1, every="30s")).probes[0]


async def _medians(
    probe: ProbeConfig, blocking: Callable[[], None], exporter: Callable[[], float] | None
) -> tuple[float, float, float]:
    """Milliseconds: the check's own account, the blocking socket's, the exporter's own account."""
    ours, bare, theirs = [], [], [0.0]
    for _ in range(ROUNDS):
        await asyncio.sleep(PAUSE_SECONDS)
        ours.append(await _own_account(probe))
        await asyncio.sleep(PAUSE_SECONDS)
        began = CLOCK.monotonic()
        blocking()
        bare.append((CLOCK.monotonic() - began) * 1000)
        if exporter:
            theirs.append(exporter())
    return median(ours), median(bare), median(theirs)


async def _own_account(probe: ProbeConfig) -> float:
    result = await run_check(probe, location=LOCATION, clock=CLOCK, facts=RecordedFacts(), redactor=Redactor(set()))
    if result.verdict is not Verdict.UP:
        raise CannotMeasure(f"the local server was not up: {result.reason}: {result.detail}")
    return result.duration_us / 1000


def _connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port)).close()


def _fetch(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while connection.recv(65_536):
            pass


def _exporter(port: int, target: int) -> float:
    found = re.search(
        r"^probe_duration_seconds (\S+)", processes.fetch(port, processes.exporter_path(target)), re.MULTILINE
    )
    if found is None:
        raise CannotMeasure("blackbox_exporter told no duration")
    return float(found[1]) * 1000


if __name__ == "__main__":
    measured(__doc__, measure)
