"""CPU of a whole HTTP check, 20 a second.

The daemon as an operator runs it: scheduled, fresh connection, timed steps, judged, stored with fsync, logged,
exported. Beside it, at the same time, at the same pace and against the same server of this machine, blackbox_exporter
for its probe alone. Both processes' CPU time, user and system, from `/proc`; the median of three rounds of 12 s, with
one scrape of `/metrics` in each. Where blackbox_exporter is not installed, its figure on another day stands in.
"""

import http.client
import re
import time
from statistics import median

from benchmarks import processes
from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import http_probe, write_config
from monitor.clock import SystemClock
from monitor.demo import HOST, free_port

PER_SECOND = 20
ROUNDS = 3
ROUND_SECONDS = 12
WARM_UP_SECONDS = 3
EXPORTER_ELSEWHERE_MS = 1.75


def measure() -> list[Figure]:
    with processes.work_folder() as folder, processes.http_target() as target:
        port = free_port(HOST)
        config = write_config(folder, http_probe(target), count=PER_SECOND, every="1s", web_port=port)
        with (
            processes.blackbox_exporter(folder) as exporter,
            processes.daemon(config, port, folder / "daemon.log") as pid,
        ):
            time.sleep(WARM_UP_SECONDS)
            rounds = [_round(pid, port, exporter, target) for _ in range(ROUNDS)]
            resident_mb = processes.resident_mb(pid)
    return _figures(rounds, exporter is not None, resident_mb)


def _round(pid: int, port: int, exporter: tuple[int, int] | None, target: int) -> tuple[float, float]:
    """CPU per check in milliseconds: the daemon's, the exporter's."""
    exporter_pid = exporter[0] if exporter else pid
    checks, ours, theirs = _stored(port), processes.cpu_seconds(pid), processes.cpu_seconds(exporter_pid)
    probes = _drive(exporter[1] if exporter else None, target)
    ours, theirs = processes.cpu_seconds(pid) - ours, processes.cpu_seconds(exporter_pid) - theirs
    checks = _stored(port) - checks
    if checks < 0.9 * PER_SECOND * ROUND_SECONDS:
        raise CannotMeasure(f"the daemon stored {checks} results in {ROUND_SECONDS} s")
    return ours / checks * 1000, theirs / probes * 1000


def _drive(port: int | None, target: int) -> int:
    """Asks the exporter at an even pace over one connection, as Prometheus does; returns how often it did."""
    clock = SystemClock()
    began = clock.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10) if port else None
    for turn in range(PER_SECOND * ROUND_SECONDS):
        time.sleep(max(0.0, began + turn / PER_SECOND - clock.monotonic()))
        if connection:
            connection.request("GET", processes.exporter_path(target))
            if b"probe_success 1" not in connection.getresponse().read():
                raise CannotMeasure("blackbox_exporter does not reach the local server")
    return PER_SECOND * ROUND_SECONDS


def _stored(port: int) -> int:
    found = re.search(r"^uptime_results_stored_total (\S+)", processes.fetch(port, "/metrics"), re.MULTILINE)
    if found is None:
        raise CannotMeasure("the daemon does not export uptime_results_stored_total")
    return int(float(found[1]))


def _figures(rounds: list[tuple[float, float]], has_peer: bool, resident_mb: float) -> list[Figure]:
    ours, theirs = (median(side) for side in zip(*rounds, strict=True))
    peer = "blackbox_exporter, same run" if has_peer else "blackbox_exporter, not installed here"
    return [
        Figure("CPU per check", ours, "ms", theirs if has_peer else EXPORTER_ELSEWHERE_MS, peer),
        Figure("memory of the daemon", resident_mb, "MB"),
    ]


if __name__ == "__main__":
    measured(__doc__, measure)
