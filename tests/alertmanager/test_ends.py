"""Whoever was told that it began is told that it is over, and is told of the next one: whatever hid it, or forgot it.

The daemon's pusher with the shipped configuration in a real Alertmanager; Prometheus is played.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from monitor.alerting.alerts import hider_of
from monitor.clock import SystemClock, to_milliseconds
from monitor.demo import HOST, free_port
from tests.alerting.scenes import tell
from tests.alerting.servers import WebhookReceiver, alertmanager
from tests.alerting.test_real_alertmanager import Talk, talk
from tests.alertmanager.test_told import ALWAYS, has_flushed, varied

pytestmark = pytest.mark.timeout(60)
ALL = ("ingest", "api", "frontend")
FIRST, LAST = "firing", "resolved"


def config(webhooks: int, folder: Path) -> str:
    """`site` keeps tests apart."""
    found = yaml.safe_load(varied(ALWAYS, webhooks, folder))
    for rule in found["inhibit_rules"]:
        rule["equal"] = [*rule.get("equal", ()), "site"]
    found["route"]["group_by"] = [*found["route"]["group_by"], "site"]
    return yaml.safe_dump(found)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(HOST)


@pytest.fixture(scope="module")
def url(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ends")
    with alertmanager(config(port, folder), folder) as address:
        yield address


@pytest.fixture
async def webhooks(port: int) -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(port) as receiver:
        yield receiver


def stories(webhooks: WebhookReceiver, site: str) -> dict[str, list[str]]:
    """By component what was told of it, in order; that of the platform is by its alert's name."""
    found: dict[str, list[str]] = {}
    for notification in webhooks.at("/pager"):
        for alert in notification.alerts:
            labels = alert["labels"]
            if labels["site"] == site and labels.get("component") != "bystander":
                found.setdefault(labels.get("component", labels["alertname"]), []).append(alert["status"])
    return found


async def told(webhooks: WebhookReceiver, site: str, story: dict[str, list[str]]) -> None:
    await webhooks.wait_for(lambda _so_far: stories(webhooks, site) == story)


async def only(webhooks: WebhookReceiver, daemon: Talk, story: dict[str, list[str]]) -> None:
    """It is told this and, as long as anything may still come, nothing else."""
    await told(webhooks, daemon.site, story)
    await has_flushed(webhooks, daemon.url, daemon.site)
    assert stories(webhooks, daemon.site) == story, webhooks.told()


def prometheus_ends(daemon: Talk, key: str) -> None:
    now_ms = to_milliseconds(SystemClock().now())
    daemon.prometheus_tells(now_ms - 60_000, now_ms, key)


async def test_a_platform_that_was_down_by_push_alone(url: str, webhooks: WebhookReceiver) -> None:
    """What had paged gets its all-clear, what had not pages only if it is still down, and what is down next pages."""
    async with talk(url, "push") as daemon:
        await daemon.turn("ingest")
        await told(webhooks, "push", {"ingest": [FIRST]})
        await daemon.turn(*ALL)
        await only(webhooks, daemon, {"ingest": [FIRST], "PlatformDown": [FIRST]})
        await daemon.turn("frontend", after=15)
        await daemon.turn(after=60)  # the last part is back, and has still to be ended
        await daemon.turn(after=31)
        await only(webhooks, daemon, {"ingest": [FIRST, LAST], "PlatformDown": [FIRST, LAST]})
        await daemon.turn(after=60)
        await only(webhooks, daemon, {"ingest": [FIRST, LAST], "PlatformDown": [FIRST, LAST]})
        assert daemon.held() == []
        await daemon.turn("ingest", "frontend", after=15)
        again = {"ingest": [FIRST, LAST, FIRST], "PlatformDown": [FIRST, LAST], "frontend": [FIRST]}
        await told(webhooks, "push", again)


async def test_a_part_that_stays_down_is_paged_once_the_platform_is_back(url: str, webhooks: WebhookReceiver) -> None:
    async with talk(url, "part") as daemon:
        await daemon.turn(*ALL)
        await told(webhooks, "part", {"PlatformDown": [FIRST]})
        await daemon.turn("frontend", after=15)
        await only(webhooks, daemon, {"PlatformDown": [FIRST]})
        await daemon.turn("frontend", after=91)
        await told(webhooks, "part", {"PlatformDown": [FIRST, LAST], "frontend": [FIRST]})


async def test_a_part_that_prometheus_ended_while_the_push_hid_it(url: str, webhooks: WebhookReceiver) -> None:
    async with talk(url, "both") as daemon:
        await daemon.turn("ingest")
        await told(webhooks, "both", {"ingest": [FIRST]})
        await daemon.turn(*ALL)
        await told(webhooks, "both", {"ingest": [FIRST], "PlatformDown": [FIRST]})
        await daemon.turn(after=15)
        for key in ALL:
            prometheus_ends(daemon, key)
        await only(webhooks, daemon, {"ingest": [FIRST], "PlatformDown": [FIRST]})
        await daemon.turn(after=91)
        await daemon.turn(after=91)
        await only(webhooks, daemon, {"ingest": [FIRST, LAST], "PlatformDown": [FIRST, LAST]})
        await daemon.turn("ingest")
        await told(webhooks, "both", {"ingest": [FIRST, LAST, FIRST], "PlatformDown": [FIRST, LAST]})


async def test_a_part_that_prometheus_alone_hid_and_ended(url: str, webhooks: WebhookReceiver) -> None:
    """It tells them in the order of its rules."""
    async with talk(url, "rules") as daemon:
        now_ms = to_milliseconds(SystemClock().now())
        hiding = dict(hider_of(frozenset(daemon.labels().items())))
        daemon.prometheus_tells(now_ms - 60_000, now_ms + 240_000)
        await told(webhooks, "rules", {"ingest": [FIRST]})
        tell(url, hiding, now_ms, now_ms + 240_000)
        await has_flushed(webhooks, url, "rules")
        now_ms = to_milliseconds(SystemClock().now())
        tell(url, hiding, now_ms - 1000, now_ms)
        daemon.prometheus_tells(now_ms - 60_000, now_ms)
        await told(webhooks, "rules", {"ingest": [FIRST, LAST]})


async def test_an_outage_that_ended_while_daemon_and_alertmanager_were_both_away(
    port: int, webhooks: WebhookReceiver, tmp_path: Path
) -> None:
    text, own = config(port, tmp_path), free_port(HOST)
    with alertmanager(text, tmp_path, port=own) as address:
        async with talk(address, "away") as daemon:
            await daemon.turn("ingest")
            await told(webhooks, "away", {"ingest": [FIRST]})
    with alertmanager(text, tmp_path, port=own) as address:
        async with talk(address, "away") as daemon:
            await daemon.turn()
            await daemon.turn(after=90)
            await only(webhooks, daemon, {"ingest": [FIRST, LAST]})
            await daemon.turn("ingest", after=15)
            await told(webhooks, "away", {"ingest": [FIRST, LAST, FIRST]})
