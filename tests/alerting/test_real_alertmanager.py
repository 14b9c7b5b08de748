"""What a real Alertmanager makes of what is pushed, beside a Prometheus that tells of the same alert."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.alerting.alerts import component_labels
from monitor.alerting.api import AlertmanagerApi, matcher
from monitor.clock import ManualClock, SystemClock, to_milliseconds
from tests.alerting.scenes import Scene, alerting, config_with, held_by, tell
from tests.alerting.servers import SILENT, alertmanager
from tests.monitor.test_metrics import HOSTILE

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with alertmanager(SILENT, tmp_path_factory.mktemp("alertmanager")) as address:
        yield address


@dataclass
class Talk:
    """One daemon's side of it, turn by turn. `site` keeps tests apart.

    The time between two turns passes by the monotonic clock alone: for Alertmanager it does not pass at all.
    """

    url: str
    site: str
    scene: Scene
    clock: ManualClock
    api: AlertmanagerApi

    async def turn(self, *keys: str, after: float = 0.0, since_ms: int | None = None) -> None:
        """Some time later these components are down; does what is due."""
        self.clock.advance(after)
        self.clock.step_wall_clock(-after)
        self.scene.holds(*keys, since_ms=since_ms)
        await self.scene.pushers[0].turn(self.api)

    def held(self) -> list[dict[str, Any]]:
        return held_by(self.url, matcher("site", self.site))

    def labels(self, key: str = "ingest") -> dict[str, str]:
        config = self.scene.config
        return component_labels(next(terms for terms in config.components if terms.key == key), config)

    def prometheus_tells(self, starts_ms: int, ends_ms: int, key: str = "ingest") -> None:
        tell(self.url, self.labels(key), starts_ms, ends_ms)


@asynccontextmanager
async def talk(url: str, site: str) -> AsyncIterator[Talk]:
    section = alerting(url, labels={"site": site}, resend="15s", settle="90s", outlive="15m", timeout="5s")
    clock = ManualClock(SystemClock().now())
    scene = Scene(config_with(section, "ingest", "api", "frontend"), clock)
    async with AlertmanagerApi(section.alertmanagers[0], section.timeout) as api:
        yield Talk(url, site, scene, clock, api)


def ms_of(text: str) -> int:
    return to_milliseconds(datetime.fromisoformat(text))


async def test_it_holds_exactly_what_was_pushed(url: str) -> None:
    async with talk(url, "pushed") as daemon:
        since_ms = daemon.scene.ago(30)
        await daemon.turn("ingest", since_ms=since_ms)
        (alert,) = daemon.held()
        assert alert["labels"] == {
            "alertname": "ComponentDown",
            "component": "ingest",
            "severity": "blocker",
            "site": "pushed",
        }
        assert ms_of(alert["startsAt"]) == since_ms
        assert ms_of(alert["endsAt"]) == daemon.scene.ago(-900)
        assert alert["annotations"]["summary"].startswith("Ingest is down since")
        assert daemon.scene.count("uptime_alertmanager_up", alertmanager=url.removeprefix("http://")) == 1


async def test_an_alertmanager_is_asked_before_anything_holds(url: str) -> None:
    async with talk(url, "nothing") as daemon:
        await daemon.turn()
        name = url.removeprefix("http://")
        assert daemon.scene.count("uptime_alertmanager_pushes_total", alertmanager=name, outcome="ok") == 1
        assert daemon.held() == []


async def test_with_prometheus_it_is_one_alert_since_the_earlier_start(url: str) -> None:
    async with talk(url, "merged") as daemon:
        since_ms = daemon.scene.ago(30)
        await daemon.turn("ingest", since_ms=since_ms)
        daemon.prometheus_tells(since_ms + 20_000, daemon.scene.ago(-240))
        assert [ms_of(alert["startsAt"]) for alert in daemon.held()] == [since_ms]
        await daemon.turn("ingest", after=15, since_ms=since_ms)
        assert [ms_of(alert["startsAt"]) for alert in daemon.held()] == [since_ms]


async def test_it_ends_when_nobody_has_told_of_it_for_a_while(url: str) -> None:
    async with talk(url, "ended") as daemon:
        await daemon.turn("ingest", "api")
        await daemon.turn("api", after=15)
        await daemon.turn("api", after=89)
        assert len(daemon.held()) == 2  # too early
        await daemon.turn("api", after=1.1)
        assert [alert["labels"]["component"] for alert in daemon.held()] == ["api"]


async def test_while_prometheus_tells_of_it_it_is_left_alone(url: str) -> None:
    async with talk(url, "upheld") as daemon:
        since_ms = daemon.scene.ago(30)
        await daemon.turn("ingest", since_ms=since_ms)
        await daemon.turn(after=15)
        for _ in range(3):  # longer than two of its own ends would take
            daemon.prometheus_tells(since_ms, daemon.scene.ago(-240))
            await daemon.turn(after=91)
            assert len(daemon.held()) == 1
        await daemon.turn(after=91)
        assert daemon.held() == []


async def test_what_prometheus_has_ended_stays_ended(url: str) -> None:
    async with talk(url, "over") as daemon:
        since_ms = daemon.scene.ago(30)
        await daemon.turn("ingest", since_ms=since_ms)
        await daemon.turn(after=1)
        daemon.prometheus_tells(since_ms, to_milliseconds(SystemClock().now()))
        assert daemon.held() == []
        for _ in range(3):
            await daemon.turn(after=91)
            assert daemon.held() == []


async def test_an_outage_soon_after_a_recovery_goes_on_as_one_alert(url: str) -> None:
    async with talk(url, "again") as daemon:
        since_ms = daemon.scene.ago(30)
        await daemon.turn("ingest", since_ms=since_ms)
        await daemon.turn(after=15)
        await daemon.turn("ingest", after=30, since_ms=since_ms + 40_000)
        await daemon.turn("ingest", after=91, since_ms=since_ms + 40_000)
        assert [ms_of(alert["startsAt"]) for alert in daemon.held()] == [since_ms]


@pytest.mark.parametrize("ahead", [-60.0, 60.0])
async def test_clocks_may_differ_by_a_minute(url: str, ahead: float) -> None:
    async with talk(url, f"clock{ahead:+.0f}") as daemon:
        daemon.clock.step_wall_clock(ahead - 91)
        await daemon.turn("ingest")
        await daemon.turn()
        assert len(daemon.held()) == 1
        daemon.clock.step_wall_clock(91)  # so that by Alertmanager's clock the outage ended 91 s ago, too
        await daemon.turn(after=91)
        assert daemon.held() == []


def assert_holds_for_a_quarter_of_an_hour(daemon: Talk) -> None:
    (alert,) = daemon.held()
    seconds = (ms_of(alert["endsAt"]) - to_milliseconds(SystemClock().now())) / 1000
    assert seconds == pytest.approx(900, abs=15)


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
async def test_a_clock_that_is_hours_wrong_neither_hides_an_outage_nor_prolongs_it(url: str, ahead: float) -> None:
    async with talk(url, f"wrong{ahead:+.0f}") as daemon:
        daemon.clock.step_wall_clock(ahead)
        await daemon.turn("ingest")
        assert_holds_for_a_quarter_of_an_hour(daemon)
        await daemon.turn(after=15)
        await daemon.turn(after=91)
        assert daemon.held() == []


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
async def test_a_clock_that_is_put_right_during_an_outage_neither_ends_nor_prolongs_it(url: str, step: float) -> None:
    async with talk(url, f"stepped{step:+.0f}") as daemon:
        daemon.clock.step_wall_clock(-step)
        await daemon.turn("ingest")
        daemon.clock.step_wall_clock(step)
        await daemon.turn("ingest", after=15)
        assert_holds_for_a_quarter_of_an_hour(daemon)
        daemon.clock.step_wall_clock(-step)  # and wrong again when it is over
        await daemon.turn(after=15)
        daemon.clock.step_wall_clock(step)
        await daemon.turn(after=91)
        assert daemon.held() == []


async def test_any_value_of_a_label_is_found_again(url: str) -> None:
    async with talk(url, HOSTILE) as daemon:
        await daemon.turn("ingest")
        assert len(daemon.held()) == 1
        await daemon.turn(after=1)
        await daemon.turn(after=91)
        assert daemon.held() == []


async def test_a_daemon_that_is_started_anew_goes_on_where_the_other_stopped(url: str) -> None:
    async with talk(url, "restarted") as before:
        since_ms = before.scene.ago(30)
        await before.turn("ingest", "api", since_ms=since_ms)
        was = {alert["labels"]["component"]: alert["startsAt"] for alert in before.held()}
    async with talk(url, "restarted") as daemon:
        await daemon.turn("ingest", since_ms=since_ms)  # the other outage ended meanwhile
        assert {alert["labels"]["component"]: alert["startsAt"] for alert in daemon.held()} == was
        await daemon.turn("ingest", after=91, since_ms=since_ms)
        assert [alert["labels"]["component"] for alert in daemon.held()] == ["ingest"]


async def test_alerts_that_are_not_ours_are_left_alone(url: str) -> None:
    async with talk(url, "others") as daemon:
        others = [
            {**daemon.labels(), "component": "elsewhere"},
            {**daemon.labels(), "instance": "a"},
            {**daemon.labels(), "alertname": "MonitorBlind"},
        ]
        for labels in others:
            tell(url, labels, daemon.scene.ago(30), daemon.scene.ago(-900))
        await daemon.turn()
        await daemon.turn(after=91)
        await daemon.turn(after=91)
        assert len(daemon.held()) == len(others)


async def test_one_that_was_restarted_is_told_again(tmp_path: Path) -> None:
    with alertmanager(SILENT, tmp_path) as address:
        async with talk(address, "forgetful") as daemon:
            since_ms = daemon.scene.ago(30)
            await daemon.turn("ingest", since_ms=since_ms)
            port = int(address.rpartition(":")[2])
    with alertmanager(SILENT, tmp_path, port=port) as address:
        assert held_by(address) == []
        async with AlertmanagerApi(daemon.scene.config.alerting.alertmanagers[0], 5.0) as daemon.api:
            await daemon.turn("ingest", after=15, since_ms=since_ms)
        assert [ms_of(alert["startsAt"]) for alert in held_by(address)] == [since_ms]
