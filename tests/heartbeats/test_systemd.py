"""What the service manager is told, over a real socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.heartbeats import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def environ(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def test_ready_and_stopping(manager: socket.socket) -> None:
    told = ServiceManager(environ(manager))
    told.ready("7 probes")
    told.stopping()
    assert manager.recv(1000) == b"READY=1\nSTATUS=7 probes"
    assert manager.recv(1000).startswith(b"STOPPING=1\n")


def test_an_abstract_socket() -> None:
    name = f"efento-uptime-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        listening.setblocking(False)
        ServiceManager({"NOTIFY_SOCKET": "@" + name}).ready("7 probes")
        assert listening.recv(1000) == b"READY=1\nSTATUS=7 probes"


def test_a_manager_that_does_not_listen_is_no_problem(tmp_path: Path) -> None:
    for socket_name in ("", "@nobody-listens-here", str(tmp_path / "nothing"), "x" * 500, "vsock:2:1234"):
        told = ServiceManager({"NOTIFY_SOCKET": socket_name})
        told.ready("7 probes")
        told.stopping()


async def test_the_watchdog_is_fed_until_the_daemon_is_stuck(manager: socket.socket) -> None:
    told = ServiceManager(environ(manager, WATCHDOG_USEC="15000", WATCHDOG_PID=str(os.getpid())))
    stuck, asked = False, asyncio.Event()

    def is_stuck() -> bool:
        asked.set()
        return stuck

    loop = asyncio.get_running_loop()
    with capture_logs() as logged:
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(told.feed(is_stuck))
            for _ in range(3):
                assert await loop.sock_recv(manager, 100) == b"WATCHDOG=1"
            stuck = True
            for _ in range(2):
                asked.clear()
                await asked.wait()
            with pytest.raises(BlockingIOError):
                manager.recv(100)
            stuck = False
            assert await loop.sock_recv(manager, 100) == b"WATCHDOG=1"
            feeding.cancel()
    assert logged == [{"event": "daemon.stuck", "watchdog_seconds": 0.015, "log_level": "error"}]


@pytest.mark.parametrize(
    "variables",
    [{}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "5000", "WATCHDOG_PID": "1"}],
)
async def test_without_a_watchdog_of_ours_nothing_is_fed(manager: socket.socket, variables: dict[str, str]) -> None:
    await ServiceManager(environ(manager, **variables)).feed(lambda: False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
