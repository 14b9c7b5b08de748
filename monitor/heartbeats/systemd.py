"""Tells the service manager how its service does: sd_notify(3), a datagram to the socket that `$NOTIFY_SOCKET` names.

Nothing is told where there is no such socket. A manager that does not listen is none of the daemon's problems.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from monitor import logs

FEEDINGS = 3  # so many within the watchdog's time: one may be missed


class ServiceManager:
    """`feed` is to be a task of the daemon; it ends at once where no watchdog waits for it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = _watchdog_seconds(environ) if address else 0.0

    @classmethod
    def of_process(cls) -> "ServiceManager":
        return cls(os.environ)

    def ready(self, status: str) -> None:
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        self._tell("STOPPING=1\nSTATUS=waiting for the checks that are under way")

    async def feed(self, is_stuck: Callable[[], bool]) -> None:
        """Keeps the watchdog quiet, as long as this loop turns and the daemon is not stuck."""
        was_stuck = False
        while self._watchdog_seconds:
            stuck = is_stuck()
            if not stuck:
                self._tell("WATCHDOG=1")
            elif not was_stuck:
                logs.get().error("daemon.stuck", watchdog_seconds=self._watchdog_seconds)
            was_stuck = stuck
            await asyncio.sleep(self._watchdog_seconds / FEEDINGS)

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(state.encode(), self._address)


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """0 where none waits for this very process."""
    microseconds, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() and process == str(os.getpid()) else 0.0
