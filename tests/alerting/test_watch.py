"""From a stored result to the push: at once where it decides, and not at all where it cannot matter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.alerting.alerts import Alert
from monitor.alerting.watch import Alerting
from monitor.calendars import public_holidays
from monitor.config import Config
from monitor.metrics import AlertSeries
from monitor.picture import Standing
from monitor.sla.model import Verdict
from probes.contract import Journey, ProbeFailed, Reason
from tests.alerting.scenes import CLOCK, Impostor, alerting, impostor, running, until
from tests.monitor.boards import Recorded, watching
from tests.monitor.build import config_of, probe_config

UP, DOWN, UNKNOWN = Verdict.UP, Verdict.DOWN, Verdict.UNKNOWN


@dataclass
class Watched:
    """A board with its alerting; nobody is pushed to: what would be is what `names` says."""

    config: Config
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recorded = Recorded(self.config)
        self.registry = CollectorRegistry()
        series = AlertSeries(self.config, self.registry)
        self.alerting = Alerting(self.config, self.recorded.clock, self._standing, series)
        self.alerting.look()
        self.asked.clear()

    def _standing(self, component: str) -> Standing:
        self.asked.append(component)
        return self.recorded.board.standing(component)

    def check(self, number: int, verdict: Verdict, after: float = 0.1) -> None:
        """A check's result is stored; by then its start is over for a moment."""
        result = self.recorded.add(number, verdict)
        self.recorded.wait(after)
        self.recorded.board.then(partial(self.alerting.stored, result))
        self.alerting.look()

    def fail(self, *numbers: int) -> None:
        """Twice, which confirms it."""
        for _ in range(2):
            for number in numbers:
                self.check(number, DOWN)

    @property
    def names(self) -> list[str]:
        """The alerts that hold, as the only pusher has them."""
        return [f"{alert.labels['alertname']} {alert.labels.get('component', '')}".strip() for alert in self.alerts]

    @property
    def alerts(self) -> list[Alert]:
        return list(self.alerting.pushers[0].wanted)

    @property
    def counted(self) -> float | None:
        return self.registry.get_sample_value("uptime_alerts_pushed")


def watched(*components: str) -> Watched:
    # A pace of its own, so that no look of the clock's hides one that a result should have brought about.
    section = alerting("http://127.0.0.1:9", resend="5m", settle="6m", outlive="15m")
    return Watched(replace(watching(*components), alerting=section))


def test_a_failure_pages_once_it_is_confirmed_and_from_its_start() -> None:
    scene = watched("ingest", "api")
    scene.check(1, UP)
    start_ms = scene.recorded.now_ms
    scene.check(0, DOWN)
    assert scene.names == []
    scene.check(0, DOWN)
    assert scene.names == ["ComponentDown ingest"]
    assert scene.alerts[0].starts_ms == start_ms
    assert scene.counted == 1


def test_a_blip_pages_nobody() -> None:
    scene = watched("ingest", "api")
    for verdict in (DOWN, UP, DOWN, UP):
        scene.check(0, verdict)
    assert scene.names == []


def test_the_first_success_ends_it() -> None:
    scene = watched("ingest", "api")
    scene.check(1, UP)
    scene.fail(0)
    scene.check(0, UP)
    assert scene.names == []
    assert scene.counted == 0


def test_not_knowing_ends_nothing() -> None:
    scene = watched("ingest", "api")
    scene.check(1, UP)
    scene.fail(0)
    scene.check(0, UNKNOWN)
    scene.recorded.wait(3600)
    scene.alerting.look()
    assert scene.names == ["ComponentDown ingest"]


def test_results_that_say_what_is_known_already_cost_nothing() -> None:
    scene = watched("ingest", "api")
    for number in (0, 1):
        scene.check(number, UP)
    scene.asked.clear()
    for _ in range(5):
        scene.check(0, UP)
    assert scene.asked == []
    scene.fail(0)
    scene.asked.clear()
    for _ in range(5):
        scene.check(0, DOWN)
        scene.check(1, UP)
    assert scene.asked == []
    scene.check(0, UP)
    assert scene.asked == ["ingest"]


def test_the_platform_is_down_as_soon_as_the_second_is_and_until_the_first_is_back() -> None:
    scene = watched("ingest", "api")
    scene.fail(0, 1)
    hidden = [f"{name} {key}" for name in ("PlatformDownNow", "ComponentDown") for key in ("ingest", "api")]
    assert scene.names == ["PlatformDown", *hidden]
    assert scene.counted == 3  # that of which somebody is told
    scene.check(1, UP)
    assert scene.names == ["ComponentDown ingest"]


def test_what_was_not_asked_yet_is_no_sign_that_the_platform_is_down() -> None:
    """After a start, and a long silence before it, nothing is known of what was up."""
    scene = watched("ingest", "api", "frontend")
    scene.fail(0, 1)
    assert "PlatformDown" not in scene.names
    scene.check(2, UNKNOWN)
    assert "PlatformDown" in scene.names


def test_what_changes_by_mere_time_is_seen_at_the_next_resend() -> None:
    scene = watched("ingest", "api", "frontend")
    scene.check(2, UP)
    scene.fail(0, 1)
    assert "PlatformDown" not in scene.names
    scene.recorded.wait(299)  # the one that was up is silent: it is unknown
    scene.alerting.look()
    assert "PlatformDown" not in scene.names
    scene.recorded.wait(1)
    scene.alerting.look()
    assert "PlatformDown" in scene.names


async def test_what_comes_while_a_scrape_is_made_is_seen_after_it() -> None:
    scene = watched("ingest", "api")
    scene.check(1, UP)
    scene.check(0, DOWN)
    picture = asyncio.ensure_future(scene.recorded.board.picture_in_pieces())
    await asyncio.sleep(0)
    scene.check(0, DOWN)
    assert scene.names == []
    await picture
    scene.recorded.wait(0.1)
    scene.alerting.look()
    assert scene.names == ["ComponentDown ingest"]


async def test_without_an_alertmanager_nothing_is_done() -> None:
    scene = Watched(watching("ingest"))
    scene.fail(0)
    assert scene.asked == []
    await scene.alerting.run()


# A whole daemon.


@pytest.fixture(scope="module")
def _holidays_are_known() -> None:
    """A library that is read from the disk once; it may block a loop that watches nothing yet, but no test's."""
    public_holidays("PL")


@dataclass
class Service:
    """What the probe asks."""

    works: bool = True

    async def __call__(self, _options: Any, _journey: Journey) -> None:
        if not self.works:
            raise ProbeFailed(Reason.REFUSED, "127.0.0.1:1")


@asynccontextmanager
async def daemon(store: Path, service: Service, server: Impostor, **settings: Any) -> AsyncIterator[None]:
    probes = [probe_config(service, name=key, component=key, every=0.2, recheck=0.05) for key in ("ingest", "api")]
    section = alerting(server.url, **settings)
    async with running(replace(config_of(probes, store=store), alerting=section)):
        yield


@pytest.mark.usefixtures("_holidays_are_known")
async def test_a_daemon_tells_of_an_outage_at_once_and_a_new_one_goes_on_with_it(tmp_path: Path) -> None:
    service = Service(works=False)
    with capture_logs() as captured:
        async with impostor() as server:
            slow = {"resend": "20s", "settle": "30s"}
            async with daemon(tmp_path / "uptime.db", service, server, **slow):
                await until(lambda: any({"ingest", "api"} <= {*each} for each in server.labels()), "both")
            server.posts.clear()
            async with daemon(tmp_path / "uptime.db", service, server, **slow):
                await until(lambda: server.told, "the first push")
                told = {alert["labels"].get("component") for alert in server.told[0]}
                assert {"ingest", "api"} <= told  # before any check of its own
    ends = [entry for entry in captured if entry["event"] == "alert.ended"]
    assert not ends


@pytest.mark.usefixtures("_holidays_are_known")
async def test_the_push_follows_the_deciding_result_within_milliseconds(tmp_path: Path) -> None:
    service = Service()
    async with impostor() as server, daemon(tmp_path / "uptime.db", service, server, resend="20s", settle="30s"):
        await until(lambda: server.posts, "the first push")
        service.works = False
        began = CLOCK.monotonic()
        await until(lambda: any("ingest" in each for each in server.labels()), "the push")
        # 0.2 s at most until the next check, 0.05 s until its repetition; the rest is ours.
        assert CLOCK.monotonic() - began < 1.0
