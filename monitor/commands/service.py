"""Runs the daemon in this process until a signal, a time limit, or its own failure ends it."""

import asyncio
import signal
import sys
from collections.abc import Callable

from monitor import logs
from monitor.clock import Clock
from monitor.commands.options import report_failures
from monitor.config import Config
from monitor.daemon import Daemon
from monitor.redaction import Redactor
from monitor.store import StoreError


def run_until_signal(config: Config, clock: Clock) -> None:
    """Returns after an orderly stop; exits with 1 and one line on standard error where the daemon cannot run."""
    logs.configure(config.log_level, config.log_format, Redactor(config.secrets()))
    try:
        asyncio.run(serve_until_signal(config, clock))
    except* (StoreError, OSError) as failures:
        report_failures(failures)
        sys.exit(1)


async def serve_until_signal(
    config: Config,
    clock: Clock,
    *,
    on_ready: Callable[[int], None] = lambda _port: None,
    for_seconds: float | None = None,
) -> None:
    """The daemon, until SIGINT or SIGTERM, or `for_seconds` after it was ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ready(port: int) -> None:
        on_ready(port)
        if for_seconds is not None:
            loop.call_later(for_seconds, stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        await Daemon(config, clock).run(stop, ready)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
