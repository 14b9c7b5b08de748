"""Journeys that change something, cost money, or wait for messages, in a whole daemon.

What becomes of an alarm when the daemon is killed or stopped, how many SMS are sent, and what our own network explains.
"""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.demo import HOST, free_port
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.e2e.configurations import Probe, probe, write
from tests.e2e.daemons import DaemonProcess, Demo, StandIn, Status, asked
from tests.e2e.processes import CLOCK, Keeper, run
from tests.e2e.records import query, stored_checks

ALARM_SENSORS = {"email": "282C02FFFF21", "sms": "282C02FFFF22"}
CONFIG = str(Path(__file__).parents[2] / "config" / "demo.yaml")
DRAIN_SECONDS, UNDO_SECONDS = 1.0, 8.0
DAILY_CAP = 5  # SMS: a first round may cause three, every other one two
SEEN_DIRECTLY = {"ingest", "reports", "api", "frontend", "recovery", "operations"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@dataclass(frozen=True, slots=True)
class Scene:
    """A platform that sends its messages to a daemon, which can be started again and again at the same ports."""

    platform: StandIn
    folder: Path
    web_port: int
    smtp_port: int

    def config(self, kind: str, name: str, **pace: Any) -> Path:
        """A configuration with a store of its own for each name."""
        inbound = {
            "smtp": {"port": self.smtp_port, "recipients": ["@uptime.example"]},
            "webhooks": {"standin": {"provider": "json", "secret": "standin-sms-secret"}},
        }
        extra = {"inbound": inbound, "web": {"port": self.web_port}, "stop": {"drain": DRAIN_SECONDS}}
        return write(self.folder, [self._probe(kind, **pace)], name, **extra)

    def _probe(self, kind: str, **pace: Any) -> Probe:
        places = self.platform.addresses
        options = {
            "sensor": ALARM_SENSORS[kind],
            "rule": f"uptime-{kind}",
            "normal": [20, 50],
            "alarm": [60.1, 80.0],
            "gateway": {"url": places["gateway"]["url"], "token": "standin-gateway-token", "timeout": 2},
            "arrival_deadline": 10,
            "linger": 0.1,
            "api": {"url": places["api"]["url"], "token": "standin-api-token", "timeout": 2},
            **({"mailbox": {"receiver": "smtp"}} if kind == "email" else {}),
            **({"sms": {"webhook": "standin"}, "daily_cap": DAILY_CAP} if kind == "sms" else {}),
        }
        return probe(kind, "notifications", f"notification_{kind}", options, **pace)

    def alerts(self, kind: str) -> list[tuple[int, int | None]]:
        """The beginnings and ends, in milliseconds, of all alerts of the probe's sensor."""
        return query(
            self.platform.folder / "standin.db",
            "SELECT alerts.created_ms, neutralized_ms FROM alerts JOIN points ON points.id = point_id "
            f"WHERE serial = '{ALARM_SENSORS[kind]}' ORDER BY alerts.id",
        )

    def open_alerts(self, kind: str) -> int:
        return sum(end is None for _begin, end in self.alerts(kind))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    web_port, smtp_port = free_port(HOST), free_port(HOST)
    webhook = f"http://{HOST}:{web_port}/inbound/sms/standin"
    platform = StandIn(folder / "platform", "--smtp", f"{HOST}:{smtp_port}", "--sms-webhook", webhook)
    return Scene(keep_for_all(platform).ready(), folder, web_port, smtp_port)


@pytest.fixture
def alarmed(scene: Scene, keep: Keeper, request: pytest.FixtureRequest) -> DaemonProcess:
    """A daemon that has raised an alarm, whose mail the platform holds back."""
    scene.platform.switch("PUT", "mail", "late-message", seconds=60.0)
    daemon = keep(DaemonProcess(scene.config("email", request.node.name, every="30s", timeout="25s"))).ready()
    daemon.shown(lambda: scene.open_alerts("email"), "an alarm")
    return daemon


def up_checks(daemon: DaemonProcess) -> int:
    return [entry["verdict"] for entry in daemon.logs("check.finished")].count("up")


def test_after_a_kill_the_next_check_clears_the_alarm_first(scene: Scene, alarmed: DaemonProcess, keep: Keeper) -> None:
    before = len(scene.alerts("email"))
    alarmed.kill()
    assert scene.open_alerts("email") == 1
    scene.platform.switch("DELETE")
    config = scene.config("email", alarmed.config.stem, every="3s", timeout="3s")
    daemon = keep(DaemonProcess(config)).ready()
    daemon.shown(lambda: up_checks(daemon) >= 2, "two rounds that are up")
    assert {entry["verdict"] for entry in daemon.logs("check.finished")} == {"up"}
    assert scene.open_alerts("email") == 0
    alerts = scene.alerts("email")
    assert len(alerts) >= before + 2
    end, next_begin = alerts[before - 1][1], alerts[before][0]
    assert end is not None and end <= next_begin


def test_a_stop_clears_the_alarm_before_the_daemon_ends(scene: Scene, alarmed: DaemonProcess) -> None:
    recorded = len(stored_checks(alarmed.config.with_suffix(".db")))
    began = CLOCK.monotonic()
    alarmed.send(signal.SIGTERM)
    assert alarmed.ended(DRAIN_SECONDS + UNDO_SECONDS + 2) == 0
    assert CLOCK.monotonic() - began < DRAIN_SECONDS + UNDO_SECONDS + 1
    assert scene.open_alerts("email") == 0
    assert alarmed.logs("check.left_behind") == []
    assert len(stored_checks(alarmed.config.with_suffix(".db"))) == recorded  # what we cut off is nobody's failure


def test_no_more_sms_a_day_than_the_cap_whoever_asks_for_them(scene: Scene, keep: Keeper) -> None:
    """Over a kill of the daemon, and with checks that people run beside it."""
    config = scene.config("sms", "sms", every="3s", timeout="3s")
    first = keep(DaemonProcess(config)).ready()
    first.shown(lambda: up_checks(first) >= 1, "a round")
    first.kill()
    second = keep(DaemonProcess(config)).ready()
    second.shows(lambda status: status.verdict("sms")[:2] == ("unknown", "capped"), "the cap")
    asked_for = run("check", "--json", "-c", str(config), cwd=config.parent)
    (result,) = json.loads(asked_for.stdout)
    assert (asked_for.returncode, result["verdict"], result["reason"]) == (3, "unknown", "capped")
    sent = asked(scene.platform.addresses, "/notifications")["sms"]
    assert 0 < len(sent) <= DAILY_CAP
    assert scene.open_alerts("sms") == 0
    assert json.loads(run("outages", "--json", "-c", str(config), cwd=config.parent).stdout) == []


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Demo:
    """A demo that was up and then could reach nothing any more."""
    demo = keep_for_all(Demo(tmp_path_factory.mktemp("offline") / "data")).ready()
    demo.shows(lambda status: states(status) == {"up"}, "all up", 40)
    refusing = CATALOGUE["refuse"].interfaces
    # First what would tell that the network is there.
    for interface in (Interface.REFERENCE, *(each for each in refusing if each is not Interface.REFERENCE)):
        demo.switch("PUT", interface, "refuse")
    return demo


def states(status: Status) -> set[str]:
    return {component["state"] for component in status.content["components"]}


def outages_of(demo: Demo) -> set[str]:
    store = f"sqlite:///{demo.folder / 'uptime.db'}"
    done = run("outages", "--json", "-c", CONFIG, cwd=demo.folder, DEMO_STORE=store)
    return {outage["component"] for outage in json.loads(done.stdout)}


def test_with_our_network_out_nothing_is_known_and_nobody_is_blamed(cut_off: Demo) -> None:
    def all_offline(status: Status) -> bool:
        assert "down" not in states(status)
        seen = [each for each in status.content["probes"] if each["id"] not in ("browser", "report-mailed")]
        return states(status) == {"unknown"} and {each["reason"] for each in seen} == {"offline"}

    cut_off.shows(all_offline, "everything offline", 30)
    assert outages_of(cut_off) == set()


def test_with_our_network_there_the_same_is_an_outage_of_the_platform(cut_off: Demo) -> None:
    cut_off.switch("DELETE", Interface.REFERENCE, "refuse")

    def down(status: Status) -> bool:
        return {key for key in SEEN_DIRECTLY if status.state(key) == "down"} == SEEN_DIRECTLY

    status = cut_off.shows_or_last(down, 20)
    assert {key: status.state(key) for key in SEEN_DIRECTLY} == dict.fromkeys(SEEN_DIRECTLY, "down")
    assert status.state("notifications") == "unknown"  # no alarm can be raised where nothing is received
    assert outages_of(cut_off) == SEEN_DIRECTLY
