"""What reaches the pager and the team, and when: a real Alertmanager and a receiver of what it sends.

Support hours are those of the wall clock, so the configuration is varied: its hours are made to be always, or never.
Flushes of a known group are made to come every second, so that a test sees several of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.demo import HOST, free_port
from tests.alerting.servers import CLOCK, Notification, WebhookReceiver, alertmanager
from tests.alertmanager.contract import shipped
from tests.alertmanager.managers import Labels, post, state, wait_until

NEVER, ALWAYS = [{"years": ["1999"]}], [{"years": ["1999:2999"]}]
BLOCKER = {"alertname": "ComponentDown", "component": "api", "severity": "blocker"}
MAJOR = {"alertname": "ComponentDown", "component": "operations", "severity": "major"}
HOLIDAY = {"alertname": "OutsideSupportHours", "severity": "none"}
AT_ONCE_SECONDS = 2.0


def varied(hours: list[dict[str, Any]], webhooks: int, folder: Path, repeat: str | None = None) -> str:
    """The shipped configuration with other hours, a flush every second, its receivers at this port, and, if given,
    another repeat_interval."""
    token = folder / "token"
    token.write_text("0123456789abcdef")
    config = shipped()
    del config["templates"]
    config["time_intervals"][0]["time_intervals"] = hours
    if repeat is not None:
        config["route"]["repeat_interval"] = repeat
    for route in (config["route"], *config["route"]["routes"]):
        route["group_interval"] = "1s"
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", ()):
            webhook["url"] = f"http://127.0.0.1:{webhooks}/{receiver['name']}"
            if "http_config" in webhook:
                webhook["http_config"]["authorization"]["credentials_file"] = str(token)
    return yaml.safe_dump(config)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(HOST)


@pytest.fixture(scope="module")
def in_hours(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("in-hours")
    with alertmanager(varied(ALWAYS, port, folder), folder) as url:
        yield url


@pytest.fixture(scope="module")
def beyond_hours(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("beyond-hours")
    with alertmanager(varied(NEVER, port, folder), folder) as url:
        yield url


@pytest.fixture
async def webhooks(port: int) -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver(port) as receiver:
        yield receiver


def told(notifications: Sequence[Notification], receiver: str, labels: Labels, status: str = "firing") -> bool:
    return any(
        each.path == f"/{receiver}" and each.status == status and dict(labels) in each.labels for each in notifications
    )


async def begin_holiday(url: str) -> None:
    """Returns once it holds majors back."""
    held = {**MAJOR, "component": "nothing", "site": "canary"}
    post(url, [HOLIDAY, held], age_seconds=0)  # so young that it is not told of
    assert await asyncio.to_thread(wait_until, lambda: state(url, held) == "suppressed")
    post(url, [held], age_seconds=0, over=True)


async def has_flushed(webhooks: WebhookReceiver, url: str, site: str) -> None:
    """Returns after two flushes of a group that is told of both: others of the same age have had theirs."""
    bystander = {**BLOCKER, "component": "bystander", "site": site}
    post(url, [bystander])
    await webhooks.wait_for(lambda so_far: told(so_far, "pager", bystander))
    post(url, [bystander], over=True)
    await webhooks.wait_for(lambda so_far: told(so_far, "pager", bystander, "resolved"))


async def test_a_blocker_is_paged_at_once_at_any_time(beyond_hours: str, webhooks: WebhookReceiver) -> None:
    """Both as the daemon pushes it, from its first failed check on, and as Prometheus first raises it, from now on."""
    for age_seconds, site in ((20.0, "pushed"), (0.0, "raised")):
        blocker, posted = {**BLOCKER, "site": site}, CLOCK.monotonic()
        post(beyond_hours, [blocker], age_seconds=age_seconds)
        await webhooks.wait_for(lambda so_far, blocker=blocker: told(so_far, "pager", blocker))  # type: ignore[misc]
        assert webhooks.notifications[-1].arrived - posted < AT_ONCE_SECONDS


async def test_the_end_is_told_too(beyond_hours: str, webhooks: WebhookReceiver) -> None:
    blocker = {**BLOCKER, "component": "ended"}
    post(beyond_hours, [blocker])
    await webhooks.wait_for(lambda so_far: told(so_far, "pager", blocker))
    post(beyond_hours, [blocker], over=True)
    await webhooks.wait_for(lambda so_far: told(so_far, "pager", blocker, "resolved"))


async def test_a_major_is_told_in_support_hours(in_hours: str, webhooks: WebhookReceiver) -> None:
    major = {**MAJOR, "site": "in-hours"}
    post(in_hours, [major])
    await webhooks.wait_for(lambda so_far: told(so_far, "team", major))
    assert webhooks.at("/pager") == []


async def test_a_major_is_held_beyond_them(beyond_hours: str, webhooks: WebhookReceiver) -> None:
    post(beyond_hours, [MAJOR])
    await has_flushed(webhooks, beyond_hours, "beyond")
    assert webhooks.at("/team") == []


async def test_a_major_waits_for_the_end_of_a_public_holiday(in_hours: str, webhooks: WebhookReceiver) -> None:
    """While the hours themselves would let it pass."""
    major = {**MAJOR, "component": "held"}
    await begin_holiday(in_hours)
    post(in_hours, [major])
    await has_flushed(webhooks, in_hours, "holiday")
    assert webhooks.at("/team") == []
    post(in_hours, [HOLIDAY], over=True)
    await webhooks.wait_for(lambda so_far: told(so_far, "team", major))


async def test_the_end_of_what_is_held_is_not_told_nor_soon_after_its_return(
    in_hours: str, webhooks: WebhookReceiver
) -> None:
    """It is a limit of Alertmanager that the documentation tells of; if it ever goes, that has to be changed."""
    major = {**MAJOR, "component": "ended"}
    post(in_hours, [major])
    await webhooks.wait_for(lambda so_far: told(so_far, "team", major))
    await begin_holiday(in_hours)
    post(in_hours, [major], over=True)
    await has_flushed(webhooks, in_hours, "ended-in-holiday")
    post(in_hours, [HOLIDAY], over=True)
    await has_flushed(webhooks, in_hours, "ended-after-holiday")
    assert not told(webhooks.notifications, "team", major, "resolved")
    post(in_hours, [major])
    await has_flushed(webhooks, in_hours, "back-after-holiday")
    assert len(webhooks.at("/team")) == 1


async def test_what_ended_while_it_was_held_is_told_when_it_is_back_later_than_the_repeat(
    port: int, webhooks: WebhookReceiver, tmp_path: Path
) -> None:
    """As any next morning is: told in the afternoon, over in the night. Here the repeat is a second."""
    major = {**MAJOR, "component": "nightly"}
    with alertmanager(varied(ALWAYS, port, tmp_path, "1s"), tmp_path) as url:
        post(url, [major])
        await webhooks.wait_for(lambda so_far: told(so_far, "team", major))
        await begin_holiday(url)
        before = len(webhooks.at("/team"))
        post(url, [major], over=True)
        await has_flushed(webhooks, url, "night")
        assert len(webhooks.at("/team")) == before
        post(url, [HOLIDAY], over=True)
        post(url, [major])
        await webhooks.wait_for(lambda _so_far: len(webhooks.at("/team")) > before)
        assert webhooks.at("/team")[-1].status == "firing"


async def test_the_dead_mans_switch_is_called_and_nobody_hears_of_the_hours(
    beyond_hours: str, webhooks: WebhookReceiver
) -> None:
    switch = {"alertname": "DeadMansSwitch", "severity": "none"}
    post(beyond_hours, [HOLIDAY, switch], age_seconds=0)
    await webhooks.wait_for(lambda so_far: told(so_far, "dead-mans-switch", switch))
    await has_flushed(webhooks, beyond_hours, "switch")
    post(beyond_hours, [HOLIDAY], over=True)
    assert {each.path for each in webhooks.notifications} == {"/dead-mans-switch", "/pager"}


async def test_the_daemon_gets_an_acknowledgement_as_it_expects_it(
    beyond_hours: str, webhooks: WebhookReceiver
) -> None:
    given = {"alertname": "Acknowledged", "outage": "3eb9", "acknowledged_by": "anna"}
    post(beyond_hours, [given], age_seconds=0)
    await webhooks.wait_for(lambda so_far: told(so_far, "acknowledged", given))
    (notification,) = webhooks.at("/acknowledged")
    assert (notification.payload["version"], notification.payload["receiver"]) == ("4", "acknowledged")
    assert [alert["status"] for alert in notification.alerts] == ["firing"]
