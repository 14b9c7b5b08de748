"""A daemon as a process: what is promised is on record when it starts, and people can declare windows to it."""

import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from monitor.sla.agreement import from_json
from tests.e2e import daemons
from tests.e2e.configurations import tcp, write
from tests.e2e.daemons import DaemonProcess
from tests.e2e.processes import Keeper

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

TOKEN = "a-token-of-a-test"
WINDOW = {"kind": "restore", "from": "2026-11-23 02:00", "text": "From a backup"}


@pytest.fixture
def keep() -> Iterator[Keeper]:
    with Keeper() as keeper:
        yield keeper


def _rows(file: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute(sql)]


def _post(port: int, value: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    request = Request(f"http://127.0.0.1:{port}/api/v1/windows", json.dumps(value).encode(), headers)
    with daemons._OPENER.open(request, timeout=5) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def test_the_agreement_is_recorded_once_and_windows_are_taken(tmp_path: Path, keep: Keeper) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe = tcp("door", server.getsockname()[1], every="1h")
        web = {"port": 0, "tokens": {"tests": TOKEN}}
        for since in (None, None, "2026-01-01"):  # the second start says nothing new, the third one does
            components = {"api": {"floor": "99 %", "since": since}}
            daemon = keep(DaemonProcess(write(tmp_path, [probe], web=web, components=components)))
            port = int(daemon.logged("daemon.started")["web_port"])
            declared = _post(port, WINDOW)
            daemon.send(signal.SIGTERM)
            assert daemon.ended(20) == 0
            assert TOKEN not in daemon.said()
    agreements = [from_json(0, text) for text in _rows(tmp_path / "monitor.db", "SELECT content FROM agreements")]
    assert [list(agreement.since) for agreement in agreements] == [[], ["api"]]
    assert (declared["number"], declared["by"]) == (3, "tests")
    assert _rows(tmp_path / "monitor.db", "SELECT author FROM windows") == ["tests"] * 3
