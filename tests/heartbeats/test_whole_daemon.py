"""Real daemons: what they tell the outer world, each other and the service manager, and what shows when they cannot."""

import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.configurations import tcp, write
from tests.e2e.daemons import DaemonProcess
from tests.e2e.listener import Listener, listening
from tests.e2e.processes import Keeper, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

SECRET = "5ecret-5ecret-5ecret"
QUICK: dict[str, Any] = {"every": "1s", "retry": "1s", "timeout": "2s"}


class Service(ThreadingHTTPServer):
    """Notes who calls: what follows the secret part of the address, and the text that came along."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Notes)
        self.calls: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{SECRET}"

    def told(self, path: str, after: int = 0) -> str | None:
        """The text of the first such call after so many."""
        return next((text or "no text" for called, text in self.calls[after:] if called == path), None)


class _Notes(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.calls.append((self.path.replace(f"/{SECRET}", "", 1), text))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def served() -> Iterator[Service]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


@pytest.fixture
def platform() -> Iterator[Listener]:
    with listening() as server:
        yield server


@pytest.fixture
def keep() -> Iterator[Keeper]:
    with Keeper() as keeper:
        yield keeper


def daemon_of(folder: Path, platform: Listener, keep: Keeper, **sections: Any) -> DaemonProcess:
    probe = tcp("gate", platform.port, every="300ms", timeout="250ms", stale_after="5s")
    return keep(DaemonProcess(write(folder, [probe], **sections)))


def test_a_service_is_told_of_start_trouble_and_its_end(tmp_path: Path, platform: Listener, keep: Keeper) -> None:
    """Trouble is a store that cannot be written. A stop is not told; the address shows nowhere."""
    with served() as service:
        daemon = daemon_of(tmp_path, platform, keep, ping={"url": service.url, **QUICK}).ready()
        daemon.shown(lambda: service.told(""), "that all is well")
        assert service.calls[0] == ("/start", "")
        assert service.told("/fail") is None
        with closing(sqlite3.connect(tmp_path / "monitor.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            reasons = daemon.shown(lambda: service.told("/fail"), "that it is not well")
            assert "the store has not been writable for" in reasons
            trouble = len(service.calls)
        daemon.shown(lambda: service.told("", trouble), "that all is well again")
        assert daemon.metric("uptime_ping_up") == 1
        assert daemon.metric("uptime_pings_total", outcome="ok") >= 4
        pages = daemon.fetch("/metrics").text + daemon.fetch("/readyz").text + daemon.fetch("/").text
        daemon.send(signal.SIGTERM)
        assert daemon.ended(10.0) == 0
        assert {path for path, _ in service.calls} == {"/start", "", "/fail"}
        assert [entry["event"] for entry in daemon.logs() if entry["event"] in ("daemon.unwell", "daemon.well")] == [
            "daemon.unwell",
            "daemon.well",
        ]
        assert SECRET not in pages + daemon.said()


def test_two_daemons_watch_each_other(tmp_path: Path, platform: Listener, keep: Keeper) -> None:
    """One is killed: the other says so. It is started again: the other takes it back."""
    peers = {"first": {"token": SECRET, "every": "1s", "grace": "1s"}}
    second = daemon_of(tmp_path / "second", platform, keep, peers=peers).ready()
    ping = {"url": second.url(f"/ping/{SECRET}"), **QUICK}
    first = daemon_of(tmp_path / "first", platform, keep, ping=ping).ready()

    def silent() -> float | None:
        found = [line for line in second.fetch("/metrics").text.splitlines() if line.startswith("uptime_peer_silent{")]
        return float(found[0].rpartition(" ")[2]) if found else None

    until(lambda: silent() == 0, "a call")
    called = second.metric("uptime_peer_last_ping_timestamp_seconds", peer="first")
    first.kill()
    until(lambda: silent() == 1, "silence")
    assert second.logged("peer.silent")["peer"] == "first"
    daemon_of(tmp_path / "first", platform, keep, ping=ping).ready()
    until(lambda: silent() == 0, "another call")
    assert second.logged("peer.back")["peer"] == "first"
    assert second.metric("uptime_peer_last_ping_timestamp_seconds", peer="first") > called
    assert SECRET not in second.said() + first.said()
    assert second.fetch("/ping/another-another-another").status == second.fetch("/nothing").status == 404


def test_the_service_manager_is_told(
    tmp_path: Path, platform: Listener, keep: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the pages answer, then regularly, then once when the stop begins; nothing by a process that it starts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        daemon = daemon_of(tmp_path, platform, keep)
        told: list[str] = []

        def next_told() -> str:
            told.append(manager.recv(1000).decode())
            return told[-1]

        while not next_told().startswith("READY=1\n"):
            assert told[-1] == "WATCHDOG=1"
        assert daemon.ready().fetch("/healthz").status == 200
        assert (
            told[-1] == f"READY=1\nSTATUS=probes: 1, port of the pages: {daemon.logged('daemon.started')['web_port']}"
        )
        for _ in range(3):
            assert next_told() == "WATCHDOG=1"
        daemon.send(signal.SIGTERM)
        while not next_told().startswith("STOPPING=1\n"):
            assert told[-1] == "WATCHDOG=1"
        assert daemon.ended(10.0) == 0
