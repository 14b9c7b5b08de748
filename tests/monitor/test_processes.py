"""The daemon and the one-shot check as processes: what they undo at their end, what they share, what they receive."""

import json
import signal
import smtplib
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest

from monitor.demo import HOST, free_port
from tests.e2e import daemons
from tests.e2e.configurations import Probe, probe, tcp, write
from tests.e2e.processes import CLOCK, Keeper, Process, run, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODULE = ["-m", "tests.monitor.open_journeys"]
PYTHON = Path(sys.executable)
RECIPIENT = "monitor@example.org"
SECRET = "a secret of a webhook"


@pytest.fixture
def keep() -> Any:
    with Keeper() as keeper:
        yield keeper


class Folder:
    """A place for configurations, one store, and the traces of journeys."""

    def __init__(self, folder: Path, keep: Keeper) -> None:
        self.path = folder
        self.store = folder / "shared.db"
        self._keep = keep

    def probe(self, kind: str, name: str | None = None, **options: Any) -> Probe:
        name = name or kind
        return probe(name, "operations", kind, {"trace": str(self.path / f"{name}.txt"), **options}, every="1h")

    def trace(self, name: str) -> list[str]:
        file = self.path / f"{name}.txt"
        return file.read_text().splitlines() if file.exists() else []

    def write(self, *probes: Probe, name: str = "monitor", **sections: Any) -> Path:
        return write(self.path, probes, name, store={"url": f"sqlite:///{self.store}"}, **sections)

    def start(self, verb: str, config: Path, *arguments: str) -> Process:
        return self._keep(Process([*MODULE, verb, "-c", str(config), *arguments], cwd=self.path, command=PYTHON))

    def daemon(self, config: Path) -> tuple[Process, dict[str, Any]]:
        """A running daemon and what it said of its ports."""
        process = self.start("run", config)
        return process, process.logged("daemon.started")

    def check(self, config: Path, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        """A check that ends by itself: its exit code, its results, and what it said on standard error."""
        done = run(*MODULE, "check", "--json", "-c", str(config), *arguments, cwd=self.path, command=PYTHON)
        return done.returncode, json.loads(done.stdout), done.stderr

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def folder(tmp_path: Path, keep: Keeper) -> Folder:
    return Folder(tmp_path, keep)


def receiving(smtp: int, web: int = 0) -> dict[str, Any]:
    webhook = {"provider": "json", "authentication": "secret", "secret": SECRET}
    return {
        "inbound": {"smtp": {"port": smtp, "recipients": [RECIPIENT]}, "webhooks": {"phone": webhook}},
        "web": {"port": web},
    }


def send_mail(port: int, text: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "platform@example.org", RECIPIENT, text
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as server:
        server.send_message(message)


def send_sms(port: int, number: str) -> int:
    body = {"id": number, "from": "+48600000001", "to": "+48600000002", "text": f"alarm {number}", "sent_at": ""}
    url = f"http://127.0.0.1:{port}/inbound/sms/phone"
    request = Request(url, json.dumps(body).encode(), {"X-Webhook-Secret": SECRET, "Content-Type": "application/json"})
    with daemons._OPENER.open(request, timeout=5) as answer:
        return int(answer.status)


def test_a_stop_of_the_daemon_undoes_what_an_open_journey_began(folder: Folder) -> None:
    daemon, _started = folder.daemon(folder.write(folder.probe("held"), stop={"drain": "100ms"}))
    until(lambda: folder.trace("held"), "the journey")
    daemon.send(signal.SIGTERM)
    assert daemon.ended(10) == 0
    assert folder.trace("held") == ["begun", "undone"]
    assert [entry["checks"] for entry in daemon.logs("checks.cut_off")] == [1]
    assert folder.rows("SELECT count(*) FROM results") == [(0,)]
    assert folder.rows("SELECT count(*) FROM lives WHERE stopped_ms IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 1), (signal.SIGTERM, 143)])
def test_a_check_that_is_interrupted_undoes_what_it_began(folder: Folder, number: signal.Signals, code: int) -> None:
    checking = folder.start("check", folder.write(folder.probe("held")))
    until(lambda: folder.trace("held"), "the journey")
    checking.send(number)
    assert checking.ended(10) == code
    assert folder.trace("held") == ["begun", "undone"]
    assert "Traceback" not in checking.said()
    assert not folder.store.exists()


def test_a_check_makes_no_store_unless_something_must_be_on_record(folder: Folder) -> None:
    config = folder.write(folder.probe("pictured"), folder.probe("costly", limit=4))
    assert folder.check(config, "pictured")[0] == 1
    assert not folder.store.exists()
    assert [folder.check(config, "costly")[0] for _ in range(3)] == [0, 0, 3]
    assert folder.trace("costly") == ["x", "xx"]
    assert folder.rows("SELECT spent FROM allowances") == [(4,)]
    assert folder.rows("SELECT count(*) FROM results") == [(0,)]


def test_a_check_and_a_daemon_spend_from_one_allowance(folder: Folder) -> None:
    config = folder.write(folder.probe("costly", limit=4))
    daemon, _started = folder.daemon(config)
    daemon.logged("check.finished")
    assert folder.check(config)[0] == 0
    code, (result,), _ = folder.check(config)
    assert (code, result["verdict"], result["reason"]) == (3, "unknown", "capped")
    assert folder.rows("SELECT spent FROM allowances") == [(4,)]


def test_pictures_of_a_check_are_files_only_where_they_are_asked_for(folder: Folder) -> None:
    config = folder.write(folder.probe("pictured"))
    assert folder.check(config)[0] == 1
    assert list(folder.path.rglob("*.png")) == []
    code, _results, said = folder.check(config, "--pictures", "shots")
    assert (code, said) == (1, "Picture: shots/check-pictured-page.png\n")
    assert (folder.path / "shots" / "check-pictured-page.png").read_bytes() == b"\x89PNG of a page"


def test_the_daemon_shows_pictures_of_failures(folder: Folder) -> None:
    daemon, started = folder.daemon(folder.write(folder.probe("pictured")))
    ((path,),) = {tuple(entry["pictures"]) for entry in [daemon.logged("check.finished")]}
    url = f"http://127.0.0.1:{started['web_port']}{path}"
    with daemons._OPENER.open(url, timeout=5) as answer:
        assert (answer.headers["Content-Type"], answer.read()) == ("image/png", b"\x89PNG of a page")
    assert daemons.fetch(url + "x").status == 404


Send = Callable[[int, int, str], object]
CHANNELS: list[tuple[str, Send]] = [
    ("smtp", lambda smtp, _web, text: send_mail(smtp, text)),
    ("phone", lambda _smtp, web, text: send_sms(web, text)),
]


@pytest.mark.parametrize(("channel", "send"), CHANNELS)
def test_the_daemon_receives_for_its_journeys(folder: Folder, channel: str, send: Send) -> None:
    daemon, started = folder.daemon(folder.write(folder.probe("waiting", channel=channel), **receiving(0)))
    until(lambda: folder.trace("waiting"), "the journey")
    send(started["smtp_port"], started["web_port"], "12345")
    assert daemon.logged("check.finished")["verdict"] == "up"
    assert "12345" in folder.trace("waiting")[1]
    daemon.send(signal.SIGTERM)
    assert daemon.ended(10) == 0


@pytest.mark.parametrize(("channel", "send"), CHANNELS)
def test_a_check_without_a_daemon_receives_by_itself(folder: Folder, channel: str, send: Send) -> None:
    smtp, web = free_port(HOST), free_port(HOST)
    checking = folder.start("check", folder.write(folder.probe("waiting", channel=channel), **receiving(smtp, web)))
    checking.shown(lambda: folder.trace("waiting"), "the journey")
    send(smtp, web, "12345")
    assert checking.ended(10) == 0
    assert "12345" in folder.trace("waiting")[1]
    assert folder.rows("SELECT channel FROM inbound_messages") == [(channel,)]


@pytest.mark.parametrize(("channel", "send"), CHANNELS)
def test_a_check_beside_a_daemon_finds_what_that_receives(
    folder: Folder, listener_port: int, channel: str, send: Send
) -> None:
    smtp, web = free_port(HOST), free_port(HOST)
    daemon, _started = folder.daemon(folder.write(tcp("door", listener_port, every="1h"), **receiving(smtp, web)))
    second = folder.write(folder.probe("waiting", channel=channel), name="second", **receiving(smtp, web))
    checking = folder.start("check", second)
    checking.shown(lambda: folder.trace("waiting"), "the journey")
    send(smtp, web, "12345")
    assert checking.ended(10) == 0
    assert "12345" in folder.trace("waiting")[1]
    assert [entry["channel"] for entry in daemon.logs("message.received")] == [channel]


@pytest.fixture
def listener_port() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(("reachable", "found"), [(False, ("unknown", "offline")), (True, ("down", "refused"))])
def test_a_daemon_whose_own_network_is_out_blames_nobody(
    folder: Folder, listener_port: int, reachable: bool, found: tuple[str, str]
) -> None:
    closed = free_port(HOST)
    targets = [closed, listener_port] if reachable else [closed, closed]
    references = [{"kind": "tcp", "options": {"host": "127.0.0.1", "port": port}} for port in targets]
    config = folder.write(tcp("door", closed), references=references)
    daemon, _started = folder.daemon(config)
    entry = daemon.logged("check.finished")
    assert (entry["verdict"], entry["reason"], entry["step"]) == (*found, "connect")
    _code, (result,), _ = folder.check(config)
    assert (result["verdict"], result["reason"]) == found


def test_a_taken_mail_port_is_one_clear_line_and_retires_no_probe(folder: Folder, listener_port: int) -> None:
    config = folder.write(tcp("door", listener_port), **receiving(listener_port))
    done = run("run", "-c", str(config), cwd=folder.path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("efento-uptime: ")
    assert str(listener_port) in line
    assert folder.rows("SELECT count(*) FROM probe_terms") == [(0,)]


def test_old_messages_are_forgotten(folder: Folder, listener_port: int) -> None:
    config = folder.write(tcp("door", listener_port, every="1h"), **receiving(0))
    daemon, _started = folder.daemon(config)
    daemon.kill()
    hours = [0.1, 24 * 8]
    now_ms = int(CLOCK.now().timestamp() * 1000)
    with closing(sqlite3.connect(folder.store, isolation_level=None)) as connection:
        rows = [(round(now_ms - each * 3_600_000),) for each in hours]
        sql = "INSERT INTO inbound_messages (channel, received_ms, content) VALUES ('smtp', ?, x'00')"
        connection.executemany(sql, rows)
    folder.daemon(config)
    left = until(lambda: folder.rows("SELECT received_ms FROM inbound_messages") == [rows[0]], "only the newer one")
    assert left
