"""A real Alertmanager as a process of its own, and a receiver of the notifications that it sends."""

import asyncio
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from monitor.clock import SystemClock
from monitor.demo import HOST, free_port
from tests.real_servers import SERVERS, Command, command

CLOCK = SystemClock()
PAUSE_SECONDS = 0.02
# Notifies nobody: for tests that only look at what Alertmanager holds.
SILENT = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@contextmanager
def alertmanager(config_text: str, folder: Path, *, port: int | None = None) -> Iterator[str]:
    """Starts it, waits until it is ready, gives its address, and ends it in order.

    Entered anew with the same `folder` and `port` it is the same one, restarted: silences and the log of what was
    notified are kept in the folder, alerts are not.
    """
    port = free_port(HOST) if port is None else port
    config, log = folder / "alertmanager.yml", folder / "alertmanager.log"
    config.write_text(config_text)
    found = command("prometheus-alertmanager")
    arguments = [
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{port}"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_beginning(found), *arguments],
            env=_environment(found),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        finally:
            process.kill()


def _beginning(found: Command) -> list[str]:
    """Debian's build reads its templates from /usr/share/prometheus. Where it was unpacked only, it gets a view of the
    file system of its own, in which the unpacked ones are there; the time zones come from our own package then."""
    if not Path(found.argv[0]).is_relative_to(SERVERS):
        return found.argv
    show = f'mount --rbind "{SERVERS}/usr/share" /usr/share && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", show, "sh", *found.argv]


def _environment(found: Command) -> dict[str, str]:
    return {**found.env, "ZONEINFO": str(files("tzdata") / "zoneinfo")}


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 15.0) -> None:
    over = CLOCK.monotonic() + seconds
    while CLOCK.monotonic() < over and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(PAUSE_SECONDS)
    raise AssertionError(f"Alertmanager is not ready: {log.read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Notification:
    """What Alertmanager told the webhook, and when it arrived by the monotonic clock, in seconds."""

    path: str
    payload: dict[str, Any]
    arrived: float

    @property
    def status(self) -> str:
        """`firing` while any of its alerts is, else `resolved`."""
        return str(self.payload["status"])

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return list(self.payload["alerts"])

    @property
    def labels(self) -> list[dict[str, str]]:
        """Those of each alert."""
        return [dict(alert["labels"]) for alert in self.alerts]


class WebhookReceiver:
    """Takes notifications at any path of a port of its own while its `async with` block runs."""

    def __init__(self, port: int = 0) -> None:
        self.notifications: list[Notification] = []
        self._port = port
        self._arrived = asyncio.Event()
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def at(self, path: str) -> list[Notification]:
        """Those that came to this path, oldest first."""
        return [each for each in self.notifications if each.path == path]

    async def wait_for(
        self, predicate: Callable[[Sequence[Notification]], bool], seconds: float = 10.0
    ) -> Sequence[Notification]:
        """Waits until what came so far satisfies it, and returns that. When the time is over, fails with it."""
        try:
            async with asyncio.timeout(seconds):
                while not predicate(self.notifications):
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s; what came:\n{self.told()}") from None
        return list(self.notifications)

    def told(self) -> str:
        """What came and when, for people."""
        lines = [f"{each.arrived:.3f} {each.path} {json.dumps(each.payload)}" for each in self.notifications]
        return "\n".join(lines) or "nothing"

    async def _take(self, request: web.Request) -> web.Response:
        self.notifications.append(Notification(request.path, await request.json(), CLOCK.monotonic()))
        self._arrived.set()
        return web.Response()
