"""Runs a command so that nothing of it can stay behind: no process, however it detached itself, and no file.

`python cage.py COMMAND…`. The command begins with the first byte on the standard input, which it is then given. When
the standard input is closed at its other end, or the command ends, every process below this one is killed and the
folder that the command had for its temporary files (TMPDIR) is removed. So whoever started this has only to go away.
Linux only. Imports nothing of ours and little else: it must start fast and must not fail.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PREFIX = "efento-uptime-"  # short: Chromium puts sockets below it, whose paths may have 107 characters
_BECOME_SUBREAPER = 36  # prctl(2), PR_SET_CHILD_SUBREAPER
_LOOK_AGAIN_SECONDS = 0.003


class _Ended(Exception):
    """We are asked to stop."""


def main(command: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, _end)
    if not _first_byte_came():
        return 0
    # From here on the orphans below us become our children, whatever session they made themselves: we can find them.
    if ctypes.CDLL(None, use_errno=True).prctl(_BECOME_SUBREAPER, 1, 0, 0, 0) != 0:
        return 1
    folder = tempfile.mkdtemp(prefix=PREFIX)
    try:
        _run(command, folder)
    except _Ended:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _kill_everything_below()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _end(_signal: int, _frame: object) -> None:
    raise _Ended


def _first_byte_came() -> bool:
    """False where the other end was closed before anything came."""
    watch = select.poll()
    watch.register(0, select.POLLIN)
    try:
        return any(event & select.POLLIN for _, event in watch.poll()) and not _is_at_end()
    except _Ended:
        return False


def _is_at_end() -> bool:
    """A closed socket is readable, too. Looks without taking anything."""
    watch = select.poll()
    watch.register(0, 0)
    return any(event & select.POLLHUP for _, event in watch.poll(0))


def _run(command: Sequence[str], folder: str) -> None:
    """Returns when the command has ended or the other end of the standard input is closed."""
    alive, held = os.pipe()  # closed on exec and held by the command's process alone: it ends with it
    pid = os.fork()
    if pid == 0:
        os.environ["TMPDIR"] = folder
        os.set_inheritable(held, True)
        with contextlib.suppress(OSError):
            os.execv(command[0], list(command))
        os._exit(127)
    os.close(held)
    watch = select.poll()
    watch.register(0, 0)  # only that it is closed
    watch.register(alive, 0)
    while not any(event & (select.POLLHUP | select.POLLERR) for _, event in watch.poll()):
        pass
    os.close(alive)


def _kill_everything_below() -> None:
    """Until there is no child left: one that forks meanwhile leaves an orphan, which becomes ours."""
    while True:
        for pid in _below(os.getpid()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_LOOK_AGAIN_SECONDS)


def _below(ancestor: int) -> list[int]:
    """All descendants of the process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name stands in brackets and may hold anything; behind it: state, parent.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    rest = [ancestor]
    while rest:
        offspring = children.get(rest.pop(), [])
        found += offspring
        rest += offspring
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
