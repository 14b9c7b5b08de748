"""Processes to measure: starts them, waits until they answer, tells what they cost, and stops them.

The data of a run lie in `build/` of the checkout, because a temporary folder may be in memory, where nothing is
durable.
"""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import CannotMeasure
from monitor.clock import SystemClock
from monitor.demo import HOST, free_port

ROOT = Path(__file__).resolve().parent.parent
COMMAND = Path(sys.executable).with_name("efento-uptime")
EXPORTER = "prometheus-blackbox-exporter"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder on the checkout's disk, removed afterwards."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "build") as folder:
        yield Path(folder)


@contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process while the block runs; both its outputs go to `log`. Stopped by SIGTERM, by SIGKILL if it must be."""
    with log.open("ab") as out, subprocess.Popen([*map(str, command)], stdout=out, stderr=out, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def http_target() -> Iterator[int]:
    """The server to be probed, in a process of its own; yields its port."""
    command = [sys.executable, "-m", "benchmarks.target"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def daemon(config: Path, port: int, log: Path) -> Iterator[int]:
    """The whole product, `efento-uptime run`, once its pages answer; yields its process id."""
    with running([COMMAND, "run", "-c", config], log) as process:
        try:
            wait_until(lambda: answers(port, "/healthz"), "the daemon did not start")
        except CannotMeasure as error:
            raise CannotMeasure(f"{error}: {log.read_text()[-500:]}") from None
        yield process.pid


@contextmanager
def server(name: str, options: Sequence[str], port: int, path: str, log: Path) -> Iterator[None]:
    """A server from Debian's packages, once this path of its port answers."""
    command = installed(name)
    if command is None:
        raise CannotMeasure(f"no {name} here: tools/get-servers gets it")
    with running([command, *options], log):
        try:
            wait_until(lambda: answers(port, path), f"{name} did not start")
        except CannotMeasure as error:
            raise CannotMeasure(f"{error}: {log.read_text()[-500:]}") from None
        yield


def installed(name: str) -> str | None:
    """Where such a command is, on this machine or unpacked beside the checkout's files."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{ROOT / '.servers/usr/bin'}")


def output(*arguments: str | Path) -> str:
    """What a command of the product prints."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise CannotMeasure(f"efento-uptime {arguments[0]}: {done.stderr[-500:]}")
    return done.stdout


@contextmanager
def blackbox_exporter(folder: Path) -> Iterator[tuple[int, int] | None]:
    """blackbox_exporter with a plain HTTP module: `(process id, port)`; None where it is not installed."""
    command = installed(EXPORTER)
    if command is None:
        yield None
        return
    config = folder / "blackbox.yml"
    config.write_text("modules: {http_2xx: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}}\n")
    port = free_port(HOST)
    arguments = [f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    with running([command, *arguments], folder / "blackbox.log") as process:
        wait_until(lambda: answers(port, "/-/healthy"), "blackbox_exporter did not start")
        yield process.pid, port


def exporter_path(target_port: int) -> str:
    """Asks blackbox_exporter for one probe of the target."""
    return f"/probe?module=http_2xx&target=http://127.0.0.1:{target_port}/"


def fetch(port: int, path: str) -> str:
    """The body of a page on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    try:
        fetch(port, path)
    except OSError:
        return False
    return True


def wait_until(ready: Callable[[], bool], otherwise: str, seconds: float = START_SECONDS) -> None:
    """Raises `CannotMeasure` with the text when it does not become ready in time."""
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    while not ready():
        if clock.monotonic() > deadline:
            raise CannotMeasure(otherwise)
        time.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, user and system; in steps of a clock tick, 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def resident_mb(pid: int) -> float:
    """The memory that the process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
