"""Who is paged, and how often: with the real servers, whatever of the chain is stopped or restarted meanwhile.

Two tell Alertmanager of an outage, the daemon and Prometheus, and either may be missing: it is one page and one
all-clear all the same.
"""

import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from monitor.demo import HOST, free_port
from tests.e2e.configurations import Watch, http, write
from tests.e2e.daemons import DaemonProcess, StandIn, Status
from tests.e2e.listener import Listener, listening
from tests.e2e.paging import Alertmanager, Pager, Prometheus, alertmanager_config, paging, prometheus_config
from tests.e2e.processes import Keeper, run, until

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(60)]

JOB = "efento-uptime"
PACE = "500ms"  # of scrapes and evaluations
QUIET = 4  # so many evaluations, and looks of Alertmanager at what there is to tell, nothing else may come
FOR_EVER = 1_000_000
SITE = {"site": "test"}
HTTP = ("frontend", "reports", "recovery", "notifications")
"""Components that are watched by one HTTP probe each; `ingest` and `api` are watched through a stand-in."""

Story = dict[str, list[str]]
"""By component what the pager was told of its outages, in order; `PlatformDown` is by that name."""
PAGED, CLEARED = ["firing"], ["firing", "resolved"]


@dataclass
class Chain:
    """All of it, running. What a scenario stops or breaks, it starts and mends again."""

    folder: Path
    keep: Keeper
    pager: Pager
    alertmanager: Alertmanager
    prometheus: Prometheus
    standin: StandIn
    listeners: dict[str, Listener]
    port: int
    second_port: int
    daemon: DaemonProcess | None = None
    """The one that goes on from scenario to scenario, as long as it runs."""

    def config(self, name: str, port: int, *, push: bool) -> Path:
        watch = Watch(self.standin.addresses)
        pace: dict[str, Any] = {"every": "1s", "timeout": "1s", "recheck": "300ms"}
        alerting: dict[str, Any] = {"labels": SITE, "resend": "1s", "settle": "2s", "outlive": "1m"}
        if push:
            alerting["alertmanagers"] = [{"url": self.alertmanager.url}]
        probes = [watch.ingest_gateway(**pace), watch.api(**pace)]
        probes += [http(key, self.listeners[key].url(), key, **pace) for key in HTTP]
        return write(self.folder, probes, name, web={"port": port}, alerting=alerting)

    def start(self, name: str = "first", port: int | None = None, *, push: bool = True) -> DaemonProcess:
        """A daemon, all of whose components are up or down. Each name has a store of its own."""
        config = self.config(name, port or self.port, push=push)
        daemon = self.keep(DaemonProcess(config)).ready()
        daemon.shows(lambda status: "unknown" not in states(status).values(), "every component up or down")
        return daemon

    def fail(self, *keys: str) -> None:
        for key in keys:
            self.listeners[key].failures = FOR_EVER

    def mend(self, *keys: str) -> None:
        for key in keys:
            self.listeners[key].failures = 0

    def story(self) -> Story:
        found: Story = {}
        for alertname in ("ComponentDown", "PlatformDown"):
            for status, labels in self.pager.of(alertname):
                found.setdefault(labels.get("component", alertname), []).append(status)
        return found

    def tells(self, story: Story, seconds: float = 20.0) -> None:
        """Waits until the pager was told just this."""
        self.pager.tells(lambda: self.story() == story, f"the pager is told {story}", seconds)

    def only(self, story: Story) -> None:
        """Waits until the pager was told this, and then, as long as anything might still come, that nothing does."""
        self.tells(story)
        self.quiet()
        assert self.story() == story, self.pager.told()

    def quiet(self) -> None:
        """Waits as long as anything might still come."""
        conditions = [self.pager.hearing(QUIET)]
        if self.prometheus.running:
            conditions.append(self.prometheus.evaluating(QUIET))
        self.pager.tells(lambda: all(condition() for condition in conditions), "the chain goes on")

    def mend_all(self) -> None:
        """Whatever a scenario left, also one that failed."""
        self.mend(*HTTP)
        self.standin.send(signal.SIGCONT)
        self.standin.switch("DELETE")
        self.alertmanager.start()
        self.alertmanager.beat(SITE)
        if not self.prometheus.running:
            self.prometheus.start()
        if self.daemon is not None and not self.daemon.running:
            self.daemon = None
        if any(told[-1] == "firing" for told in self.story().values()):  # it failed, and may not spoil those after it
            with suppress(AssertionError):
                until(lambda: not self.alertmanager.alerts(severity="blocker"), "no outage")
                self.quiet()


def states(status: Status) -> dict[str, str]:
    return {str(each["key"]): str(each["state"]) for each in status.content["components"]}


def end(daemon: DaemonProcess, number: signal.Signals = signal.SIGTERM) -> None:
    daemon.send(number)
    daemon.ended(20)
    daemon.close()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, keep_for_all: Keeper) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("paging")
    standin = keep_for_all(StandIn(folder / "standin")).ready()
    pager = keep_for_all.enter_context(paging())
    listeners = {key: keep_for_all.enter_context(listening()) for key in HTTP}
    alertmanager = Alertmanager(folder, alertmanager_config(pager.url, group_interval="500ms"))
    prometheus = Prometheus(folder)
    ports = (free_port(HOST), free_port(HOST))
    chain = Chain(folder, keep_for_all, pager, alertmanager, prometheus, standin, listeners, *ports)
    rules = run("config", "prometheus", "-c", str(chain.config("first", chain.port, push=True)), cwd=folder)
    assert rules.returncode == 0, rules.stderr
    (folder / "rules.yml").write_text(rules.stdout)
    targets = {JOB: [f"{HOST}:{port}" for port in ports]}
    prometheus.configure(prometheus_config(folder / "rules.yml", targets, alertmanager.address, SITE, PACE))
    with alertmanager, prometheus:
        alertmanager.beat(SITE)
        yield chain


@pytest.fixture
def first(chain: Chain) -> Iterator[DaemonProcess]:
    """The daemon, all being well."""
    daemon = chain.daemon = chain.daemon or chain.start()
    daemon.shows(lambda status: set(states(status).values()) == {"up"}, "all up")
    chain.pager.forget()
    yield daemon
    chain.mend_all()


def test_without_the_push(chain: Chain) -> None:
    daemon = chain.start("silent", push=False)
    chain.pager.forget()
    chain.fail("frontend")
    chain.only({"frontend": PAGED})
    chain.mend("frontend")
    chain.only({"frontend": CLEARED})
    end(daemon)


def test_an_outage_is_one_page_and_one_all_clear(chain: Chain, first: DaemonProcess) -> None:
    """Of a blip, meanwhile, nobody is told."""
    chain.standin.switch("PUT", "gateway", "wrong-status")
    chain.tells({"ingest": PAGED})
    until(lambda: chain.prometheus.firing("ComponentDown", component="ingest"), "Prometheus' rule holds")
    failures = partial(first.metric, "uptime_component_failures_total", component="frontend")
    before = failures()
    chain.listeners["frontend"].failures = 1
    first.shown(lambda: failures() == before + 1, "the blip")
    chain.only({"ingest": PAGED})
    (alert,) = chain.alertmanager.alerts(alertname="ComponentDown")
    assert alert["labels"] == {"alertname": "ComponentDown", "component": "ingest", "severity": "blocker", **SITE}
    assert [labels for _status, labels in chain.pager.of("ComponentDown")] == [alert["labels"]]
    chain.standin.switch("DELETE", "gateway", "wrong-status")
    chain.only({"ingest": CLEARED})
    assert chain.alertmanager.alerts(alertname="ComponentDown") == []


def test_without_prometheus(chain: Chain, first: DaemonProcess) -> None:
    chain.prometheus.stop()
    chain.fail("frontend")
    chain.only({"frontend": PAGED})
    chain.mend("frontend")
    chain.only({"frontend": CLEARED})


def test_alertmanager_is_away_for_a_while(chain: Chain, first: DaemonProcess) -> None:
    """What went on is not told twice; what began and what ended meanwhile is told once it is back."""
    chain.fail("frontend", "reports")
    chain.tells({"frontend": PAGED, "reports": PAGED})
    chain.alertmanager.stop()
    chain.mend("reports")
    chain.fail("recovery")
    meanwhile = {"frontend": "down", "reports": "up", "recovery": "down"}
    first.shows(lambda status: meanwhile.items() <= states(status).items(), "what changed meanwhile")
    chain.alertmanager.start()
    chain.alertmanager.beat(SITE)
    chain.only({"frontend": PAGED, "reports": CLEARED, "recovery": PAGED})
    chain.mend("frontend", "recovery")
    chain.only({"frontend": CLEARED, "reports": CLEARED, "recovery": CLEARED})


def test_the_daemon_is_killed_during_an_outage(chain: Chain, first: DaemonProcess) -> None:
    """The next one goes on with the outage as of its beginning, and ends the one that is over; what was well pages
    nobody."""
    chain.fail("frontend", "notifications")
    chain.tells({"frontend": PAGED, "notifications": PAGED})
    begun = began(chain, "frontend")
    end(first, signal.SIGKILL)
    chain.mend("notifications")
    second = chain.start()
    until(lambda: second.metric("uptime_alertmanager_pushes_total", outcome="ok") > 1, "it pushes")
    chain.only({"frontend": PAGED, "notifications": CLEARED})
    assert began(chain, "frontend") == begun
    chain.mend("frontend")
    chain.only({"frontend": CLEARED, "notifications": CLEARED})
    chain.daemon = second


def began(chain: Chain, key: str) -> object:
    (alert,) = chain.alertmanager.alerts(alertname="ComponentDown", component=key)
    return alert["startsAt"]


def test_two_daemons(chain: Chain, first: DaemonProcess) -> None:
    """Of the same components, with a store each; also when one of them is stopped during the outage."""
    second = chain.start("second", chain.second_port)
    chain.fail("frontend")
    chain.only({"frontend": PAGED})
    end(second)
    chain.only({"frontend": PAGED})
    chain.mend("frontend")
    chain.only({"frontend": CLEARED})


def test_down_again_at_once(chain: Chain, first: DaemonProcess) -> None:
    """Two outages are two pages at most, and the last word is the all-clear."""
    chain.fail("frontend")
    chain.tells({"frontend": PAGED})
    chain.mend("frontend")
    first.shows(lambda status: status.state("frontend") == "up", "up")
    chain.fail("frontend")
    first.shows(lambda status: status.state("frontend") == "down", "down again")
    chain.quiet()
    told = chain.story()["frontend"]
    assert told in (PAGED, [*CLEARED, *PAGED]), chain.pager.told()
    chain.mend("frontend")
    chain.only({"frontend": [*told, "resolved"]})


def test_the_whole_platform(chain: Chain, first: DaemonProcess) -> None:
    """One more page and no storm: a component pages at most once, before the rest of the platform has failed too."""
    chain.fail("frontend")
    chain.tells({"frontend": PAGED})
    chain.fail(*HTTP)
    chain.standin.send(signal.SIGSTOP)
    chain.pager.tells(lambda: "PlatformDown" in chain.story(), "the platform is down")
    first.shows(lambda status: "up" not in states(status).values(), "nothing up")
    chain.quiet()
    paged = chain.story()
    assert set(map(tuple, paged.values())) == {("firing",)}, chain.pager.told()
    chain.standin.send(signal.SIGCONT)
    chain.mend(*HTTP)
    first.shows(lambda status: set(states(status).values()) == {"up"}, "all up")
    chain.only(dict.fromkeys(paged, CLEARED))
    chain.pager.forget()
    chain.fail("frontend")  # that it was told of while it could not be seen does not hide it now
    chain.tells({"frontend": PAGED})
    chain.mend("frontend")
    chain.tells({"frontend": CLEARED})
