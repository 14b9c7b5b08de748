"""How a daemon ends: in order when it is told to, and at once, with a clear word, where it cannot run."""

import signal
from datetime import datetime
from pathlib import Path

import pytest

from monitor.clock import to_milliseconds
from tests.e2e.configurations import http, tcp, write
from tests.e2e.daemons import DaemonProcess
from tests.e2e.listener import Listener
from tests.e2e.processes import CLOCK, Keeper, run
from tests.e2e.records import ledger_of, lives_of, stored_checks

DRAIN_SECONDS = 1.0

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(60)]


@pytest.fixture
def busy(tmp_path: Path, listener: Listener, keep: Keeper) -> DaemonProcess:
    """A daemon with a quick probe, and with a check in flight that ends when the listener's `release` is set."""
    probes = [
        http("held", listener.url("/held"), "frontend", every="30s", timeout="25s"),
        tcp("quick", listener.port, every="100ms"),
    ]
    probes[0]["options"]["timeout"] = 20
    config = write(tmp_path, probes, stop={"drain": DRAIN_SECONDS})
    daemon = keep(DaemonProcess(config)).ready()
    assert listener.waiting.acquire(timeout=10), "the check is in flight"
    daemon.shown(lambda: len(daemon.logs("check.finished")) > 2, "quick checks")
    return daemon


def stopped(daemon: DaemonProcess) -> list[tuple[str, int]]:
    """Waits for the end that SIGTERM was to bring; returns what is on record."""
    began = CLOCK.monotonic()
    assert daemon.ended(DRAIN_SECONDS + 3) == 0
    assert CLOCK.monotonic() - began < DRAIN_SECONDS + 3
    file = daemon.config.with_suffix(".db")
    assert [life.clean for life in lives_of(file)] == [True]
    assert daemon.logs()[-1]["event"] == "daemon.stopped"
    return stored_checks(file)


def test_a_check_that_the_stop_cuts_off_is_not_recorded_as_a_failure(busy: DaemonProcess) -> None:
    busy.send(signal.SIGTERM)
    recorded = stopped(busy)
    assert {probe for probe, _ in recorded} == {"quick"}
    assert [(entry["checks"], entry["drain_seconds"]) for entry in busy.logs("checks.cut_off")] == [(1, DRAIN_SECONDS)]
    assert {entry["probe"] for entry in busy.logs("check.finished")} == {"quick"}


def test_a_check_that_ends_in_time_is_recorded(busy: DaemonProcess, listener: Listener) -> None:
    busy.send(signal.SIGTERM)
    busy.logged("daemon.stopping")
    listener.release.set()
    assert {probe for probe, _ in stopped(busy)} == {"quick", "held"}
    assert busy.logs("checks.cut_off") == []
    assert [entry["verdict"] for entry in busy.logs("check.finished") if entry["probe"] == "held"] == ["up"]


def test_no_check_begins_after_the_stop(busy: DaemonProcess) -> None:
    """The drain is ten intervals of the quick probe long."""
    busy.send(signal.SIGTERM)
    recorded = stopped(busy)
    (stopping,) = busy.logs("daemon.stopping")
    at_ms = to_milliseconds(datetime.fromisoformat(stopping["timestamp"]))
    assert recorded and [check for check in recorded if check[1] > at_ms] == []
    life = ledger_of(busy.config.with_suffix(".db")).lives[0]
    assert life.last_ms >= max(at for _, at in recorded)


def test_a_taken_port_is_one_clear_line(tmp_path: Path, listener: Listener) -> None:
    config = write(tmp_path, [tcp("quick", listener.port)], web={"port": listener.port})
    done = run("run", "-c", str(config), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("efento-uptime: ")
    assert str(listener.port) in line
    assert "address already in use" in line.lower()


def test_a_second_daemon_that_cannot_have_the_port_leaves_the_first_alone(
    tmp_path: Path, listener: Listener, keep: Keeper
) -> None:
    """Nothing of it is on record: its configuration was never in force, and it never looked."""
    config = write(tmp_path, [tcp("quick", listener.port, every="200ms")])
    first = keep(DaemonProcess(config)).ready()
    taken = {"port": first.logged("daemon.started")["web_port"]}
    store = {"url": f"sqlite:///{config.with_suffix('.db')}"}
    second = write(tmp_path / "second", [tcp("other", listener.port)], web=taken, store=store)
    assert run("run", "-c", str(second), cwd=tmp_path).returncode == 1
    seen = len(first.logs("check.finished"))
    first.shown(lambda: len(first.logs("check.finished")) > seen + 2, "further checks")
    assert first.status().state("api") == "up"
    ledger = ledger_of(config.with_suffix(".db"))
    assert [terms.probe for terms in ledger.terms] == ["quick"]
    assert len(ledger.lives) == 1


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere/monitor.db", "there is no folder"),
        ("folder", "unable to open database file"),
        ("text", "file is not a database"),
    ],
)
def test_a_store_that_cannot_be_written_is_one_clear_line(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("This is no database, and too long to be an empty one. " * 20)
    config = write(tmp_path, [tcp("quick", 9)], store={"url": f"sqlite:///{tmp_path / place}"})
    done = run("run", "-c", str(config), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"efento-uptime: cannot open the store {tmp_path / place}: ")
    assert words in line


def test_every_mistake_of_a_configuration_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "zone: Europe/Warschau\n"
        "components:\n"
        "  ingest: {floor: 99.5}\n"
        "probes:\n"
        "  - id: door\n"
        "    component: inngest\n"
        "    kind: tcp\n"
        "    every: 30s\n"
        "    timeout: 60s\n"
        "    options: {hots: door.example.net, host: door.example.net, port: 443}\n"
    )
    done = run("run", "-c", "wrong.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert [line.split(": ", 2)[:2] for line in lines] == [
        ["wrong.yaml:1", "zone"],
        ["wrong.yaml:3", "components.ingest.floor"],
        ["wrong.yaml:6", "probes[0].component"],
        ["wrong.yaml:9", "probes[0].timeout"],
        ["wrong.yaml:10", "probes[0].options.hots"],
    ]
    assert all("expected" in line for line in lines)
    assert list(tmp_path.iterdir()) == [tmp_path / "wrong.yaml"]
