"""The product's commands as processes of their own: started, read all the time, waited for, and always ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from monitor.clock import SystemClock

COMMAND = Path(sys.executable).with_name("efento-uptime")
CLOCK = SystemClock()
PAUSE_SECONDS = 0.03
T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """Asks again and again until the answer is true, and returns it; fails with `what` when the time is over."""
    over = CLOCK.monotonic() + seconds
    while not (found := condition()):
        assert CLOCK.monotonic() < over, f"not within {seconds:g} s: {what}"
        time.sleep(PAUSE_SECONDS)
    return found


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would configure the product."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("EFENTO_", "STANDIN_"))}
    return {**kept, **more}


def run(
    *arguments: str, cwd: Path, command: Path = COMMAND, seconds: float = 30.0, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself; `variables` are added to its environment."""
    return subprocess.run(
        [str(command), *arguments],
        cwd=cwd,
        env=environment(COLUMNS="200", **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


class Process:
    """A command that runs until it is told to stop. `output` and `errors` have the lines that it has printed so far."""

    def __init__(self, arguments: Sequence[str], *, cwd: Path, command: Path = COMMAND) -> None:
        self._popen = subprocess.Popen(
            [str(command), *arguments],
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.output: list[str] = []
        self.errors: list[str] = []
        self._known_children: set[int] = set()
        self._readers = [_reader(self._popen.stdout, self.output), _reader(self._popen.stderr, self.errors)]

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def logs(self, event: str | None = None) -> list[dict[str, Any]]:
        """The whole lines of the log so far, or those of one event. A line that is no JSON is not from the log."""
        found = []
        for line in list(self.errors):
            if line.startswith("{") and line.endswith("\n"):
                entry = json.loads(line)
                if event in (None, entry["event"]):
                    found.append(entry)
        return found

    def logged(self, event: str, seconds: float = 20.0) -> dict[str, Any]:
        """Waits for the first such event."""
        return self.shown(lambda: self.logs(event), event, seconds)[0]

    def shown(self, condition: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
        """Waits like `until`, but fails at once when the process has ended."""

        def still_possible() -> T | None:
            found = condition()
            assert found or self.running, (
                f"the process ended with {self._popen.returncode} before {what}: {self.said()}"
            )
            return found

        return until(still_possible, what, seconds)

    def said(self) -> str:
        return "".join([*self.output, *self.errors])[-4000:]

    def children(self) -> set[int]:
        """The processes that it has started and that still run."""
        with suppress(OSError):
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            self._known_children |= {int(each) for each in text.split()}
        return {child for child in self._known_children if is_running(child)}

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def send_to_group(self, number: signal.Signals) -> None:
        """What a terminal does at Ctrl-C."""
        os.killpg(self.pid, number)

    def ended(self, seconds: float) -> int:
        """Waits for the end; returns the exit code, all output having been read."""
        code = self._popen.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def kill(self) -> None:
        """Ends it at this instant, as a power cut would."""
        self._popen.kill()
        self._popen.wait()

    def close(self) -> None:
        """Leaves nothing behind, whatever happened."""
        left = self.children()
        with suppress(ProcessLookupError):
            self.send_to_group(signal.SIGKILL)
        for child in left:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.ended(10.0)
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()


ProcessT = TypeVar("ProcessT", bound=Process)


class Keeper(ExitStack):
    """Ends with its block the processes that it was given."""

    def __call__(self, process: ProcessT) -> ProcessT:
        self.callback(process.close)
        return process


def command_of(pid: int) -> str:
    """How a process was started; empty where it has gone meanwhile."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that has ended and waits for its parent to notice does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _reader(stream: IO[str] | None, lines: list[str]) -> threading.Thread:
    assert stream is not None
    thread = threading.Thread(target=lambda: lines.extend(iter(stream.readline, "")), daemon=True)
    thread.start()
    return thread
