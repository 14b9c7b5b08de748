"""A pusher among servers that fail in every way: it tells what it can, waits for nobody, and leaves nothing behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from monitor.alerting.api import LONGEST_ANSWER, AlertmanagerApi, Failed
from monitor.clock import Clock, ManualClock, SystemClock, iso, to_milliseconds
from tests.alerting.scenes import CLOCK, Impostor, Scene, alerting, config_with, impostor, status, until
from tests.probes.servers import (
    Handler,
    answering_then_silent,
    closed_port,
    endless,
    garbage,
    http_answer,
    open_sockets,
    silent,
    slamming,
    tcp_server,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SECRET = "hunter2-hunter2"


def scene_of(*urls: str, clock: Clock = CLOCK, **settings: Any) -> Scene:
    return Scene(config_with(alerting(*urls, **settings), "ingest", "api", "frontend"), clock)


def name(url: str) -> str:
    return url.removeprefix("http://")


def events(captured: Any, event: str) -> list[dict[str, Any]]:
    return [dict(entry) for entry in captured if entry["event"] == event]


async def test_a_change_is_told_within_milliseconds_not_at_the_next_resend() -> None:
    async with impostor() as server, scene_of(server.url, resend="20s", settle="30s").running() as scene:
        await until(lambda: server.posts, "the first push")
        began = CLOCK.monotonic()
        scene.holds("ingest")
        await until(lambda: len(server.posts) == 2, "a push of the change")
        assert CLOCK.monotonic() - began < 0.5  # on a busy machine; it takes some 3 ms
        assert server.labels() == [[], ["ingest"]]


async def test_what_holds_is_told_again_and_again() -> None:
    async with impostor() as server, scene_of(server.url).running() as scene:
        scene.holds("ingest")
        await until(lambda: server.labels().count(["ingest"]) >= 3, "three pushes")
        first, last = server.told[0][0], server.told[-1][0]
        assert first["startsAt"] == last["startsAt"]
        assert first["endsAt"] < last["endsAt"]


async def test_an_outage_is_logged_once_when_it_was_told_and_once_when_it_is_over() -> None:
    with capture_logs() as captured:
        async with impostor() as server, scene_of(server.url).running() as scene:
            scene.holds("ingest")
            await until(lambda: len(server.told) >= 3, "some pushes")
            scene.holds()
            await until(lambda: events(captured, "alert.ended"), "the end")
    (alert,) = server.told[0]
    told = {"alert": "ComponentDown", "component": "ingest", "alertmanager": name(server.url)}
    outage = events(captured, "alert.pushed")[0]["outage"]
    assert captured == [
        {"event": "alert.pushed", "log_level": "warning", "outage": outage, **told},
        {"event": "alert.ended", "log_level": "info", "outage": outage, **told},
    ]
    assert alert["labels"]["component"] == "ingest"


def held_alert(component: str, updated_at: str) -> dict[str, Any]:
    labels = {"alertname": "ComponentDown", "component": component, "severity": "blocker"}
    return {"labels": labels, "startsAt": iso(0), "updatedAt": updated_at}


async def test_a_recovery_is_told_when_nobody_upholds_the_alert() -> None:
    async with impostor() as server, scene_of(server.url).running() as scene:
        server.held = [held_alert("ingest", "a")]
        scene.holds("ingest")
        await until(lambda: ["ingest"] in server.labels(), "the push")
        scene.holds()
        began = iso(scene.ago(-0.002))  # as exact as milliseconds of two clocks are
        await until(lambda: server.labels()[-1] == [], "a push without it")
        await until(lambda: server.labels()[-1] == ["ingest"], "its end")
        (alert,) = server.posts[-1]
        assert alert["endsAt"] <= began
        assert alert["endsAt"] < iso(scene.ago(0.2))  # and not now: by another clock that may be to come


async def test_an_outage_that_is_back_before_the_end_was_told_has_none() -> None:
    async with impostor() as server, scene_of(server.url).running() as scene:
        server.held = [held_alert("ingest", "a")]  # as if no push of ours had ever arrived after that
        scene.holds("ingest")
        await until(lambda: ["ingest"] in server.labels(), "the push")
        scene.holds()
        await until(lambda: server.labels()[-1] == [], "a push without it")
        scene.holds("ingest")
        await until(lambda: len(server.posts) >= 8, "pushes for twice as long as an end takes")
    told = [alert for post in server.posts for alert in post if alert["labels"].get("component") == "ingest"]
    assert all(alert["endsAt"] > iso(scene.ago(0)) for alert in told)


async def test_a_stop_ends_nothing() -> None:
    async with impostor() as server:
        async with scene_of(server.url).running() as scene:
            scene.holds("ingest")
            await until(lambda: ["ingest"] in server.labels(), "the push")
        told = len(server.posts)
        await asyncio.sleep(0)
        assert len(server.posts) == told
        assert all(post[0]["endsAt"] > iso(scene.ago(0)) for post in server.posts if post)


async def test_a_refusal_is_logged_once_counted_and_not_repeated_sooner() -> None:
    clock = ManualClock(SystemClock().now())
    with capture_logs() as captured:
        async with impostor(status(400, f'"no: {"x" * 500}\n<b>"')) as server:
            scene = scene_of(server.url, clock=clock, resend="15s", settle="90s")
            (pusher,), (entry,) = scene.pushers, scene.config.alerting.alertmanagers
            async with AlertmanagerApi(entry, 1.0) as api:
                scene.holds("ingest")
                waits = []
                for _ in range(3):
                    waits.append(await pusher.turn(api))
                    clock.advance(15)
    assert waits == [15, 15, 15]
    (refused,) = events(captured, "alertmanager.refused")
    assert refused["why"].startswith('400 "no: xxx')
    assert len(refused["why"]) <= 201
    assert "\n" not in refused["why"]
    assert scene.count("uptime_alertmanager_pushes_total", alertmanager=name(server.url), outcome="refused") == 3
    assert scene.count("uptime_alertmanager_up", alertmanager=name(server.url)) == 0


async def test_a_server_that_fails_is_tried_again_soon_and_logged_once() -> None:
    async def failing(_request: web.Request) -> web.StreamResponse:
        return web.json_response([], status=500 if len(server.posts) < 3 else 200)

    with capture_logs() as captured:
        async with impostor(failing) as server, scene_of(server.url, resend="20s", settle="30s").running() as scene:
            scene.holds("ingest")
            await until(lambda: events(captured, "alertmanager.back"), "its return")
    assert [entry["event"] for entry in captured] == ["alertmanager.unreachable", "alertmanager.back", "alert.pushed"]
    counted = [
        scene.count("uptime_alertmanager_pushes_total", alertmanager=name(server.url), outcome=outcome)
        for outcome in ("ok", "refused", "failed")
    ]
    assert counted == [1, 0, 2]
    assert scene.count("uptime_alertmanager_up", alertmanager=name(server.url)) == 1


async def test_pauses_grow_up_to_the_resend_interval() -> None:
    port = await closed_port()
    clock = ManualClock(SystemClock().now())
    scene = scene_of(f"http://127.0.0.1:{port}", clock=clock, resend="5s", settle="30s")
    waits = []
    async with AlertmanagerApi(scene.config.alerting.alertmanagers[0], 1.0) as api:
        for _ in range(6):
            waits.append(await scene.pushers[0].turn(api))
            clock.advance(waits[-1])
    assert waits == pytest.approx([0.5, 1, 2, 4, 5, 5])


@pytest.mark.parametrize(
    "handler",
    [
        silent,
        garbage,
        slamming,
        answering_then_silent(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
        answering_then_silent(http_answer(b"", "Location: http://127.0.0.1:1/", status="307 Temporary Redirect")),
        answering_then_silent(http_answer(b"busy", status="429 Too Many Requests")),
    ],
    ids=["silent", "garbage", "slamming", "half", "endless", "headers", "redirect", "busy"],
)
async def test_whatever_does_not_answer_as_an_alertmanager_is_a_failure_in_time(handler: Handler) -> None:
    sockets = open_sockets()
    with capture_logs() as captured:
        async with tcp_server(handler) as port, scene_of(f"http://127.0.0.1:{port}").running() as scene:
            scene.holds("ingest")
            at = f"127.0.0.1:{port}"
            await until(
                lambda: scene.count("uptime_alertmanager_pushes_total", alertmanager=at, outcome="failed"),
                "a failure",
                3,
            )
    (entry,) = events(captured, "alertmanager.unreachable")
    assert 0 < len(entry["why"]) <= 201
    assert not events(captured, "alert.pushed")
    await until(lambda: open_sockets() <= sockets, "all sockets closed")


async def test_a_redirect_is_not_followed_with_our_credentials() -> None:
    async with impostor() as elsewhere:
        answer = http_answer(b"", f"Location: {elsewhere.url}/api/v2/alerts", status="307 Temporary Redirect")
        async with tcp_server(answering_then_silent(answer)) as port:
            (entry,) = alerting(f"http://127.0.0.1:{port}").alertmanagers
            async with AlertmanagerApi(entry, 2.0) as api:
                with pytest.raises(Failed, match="307"):
                    await api.post([])
        assert elsewhere.asked == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[1]", b'[{"labels": {"a": {}}}]', b"\xff\xfe", b"[" * 100_000, b'{"labels": []}'],
)
async def test_a_list_of_alerts_that_cannot_be_read_is_a_failure(body: bytes) -> None:
    async with tcp_server(answering_then_silent(http_answer(body))) as port:
        (entry,) = alerting(f"http://127.0.0.1:{port}").alertmanagers
        async with AlertmanagerApi(entry, 2.0) as api:
            with pytest.raises(Failed, match="cannot be read"):
                await api.held(["ComponentDown"], {})


async def test_an_answer_beyond_all_measure_is_not_read_to_its_end() -> None:
    async with tcp_server(answering_then_silent(http_answer(b" " * (LONGEST_ANSWER + 1)))) as port:
        (entry,) = alerting(f"http://127.0.0.1:{port}").alertmanagers
        async with AlertmanagerApi(entry, 5.0) as api:
            with pytest.raises(Failed, match="too long"):
                await api.held(["ComponentDown"], {})


async def test_where_alerts_cannot_be_looked_at_they_run_out() -> None:
    async def unreadable(request: web.Request) -> web.StreamResponse:
        return web.Response(status=200 if request.method == "POST" else 403)

    with capture_logs() as captured:
        async with impostor(unreadable) as server, scene_of(server.url).running() as scene:
            scene.holds("ingest")
            await until(lambda: ["ingest"] in server.labels(), "the push")
            scene.holds()
            await until(lambda: len(server.posts) >= 4, "more pushes")
    assert server.labels()[-1] == []
    assert len(events(captured, "alertmanager.unreadable")) == 1
    assert scene.count("uptime_alertmanager_up", alertmanager=name(server.url)) == 1


async def test_one_that_comes_back_is_told_what_holds() -> None:
    port = await closed_port()
    url = f"http://127.0.0.1:{port}"
    with capture_logs() as captured:
        async with scene_of(url).running() as scene:
            since_ms = scene.ago(100)
            scene.holds("ingest", since_ms=since_ms)
            await until(lambda: events(captured, "alertmanager.unreachable"), "that it is away")
            async with impostor(port=port) as server:
                await until(lambda: ["ingest"] in server.labels(), "the push")
    assert server.told[0][0]["startsAt"] == iso(since_ms)
    assert [entry["event"] for entry in captured][:3] == [
        "alertmanager.unreachable",
        "alertmanager.back",
        "alert.pushed",
    ]


async def test_one_that_is_away_does_not_delay_the_other() -> None:
    async with tcp_server(silent) as port, impostor() as server:
        scene = scene_of(f"http://127.0.0.1:{port}", server.url, timeout="20s", resend="20s", settle="30s")
        async with scene.running():
            await until(lambda: server.posts, "the first push")
            began = CLOCK.monotonic()
            scene.holds("ingest")
            await until(lambda: ["ingest"] in server.labels(), "the push")
            assert CLOCK.monotonic() - began < 0.5


async def test_an_outage_of_which_nobody_was_told_is_said_and_counted() -> None:
    port = await closed_port()
    with capture_logs() as captured:
        async with scene_of(f"http://127.0.0.1:{port}").running() as scene:
            scene.holds("ingest")
            await until(lambda: events(captured, "alertmanager.unreachable"), "that it is away")
            scene.holds()
            await until(lambda: events(captured, "alert.untold"), "that it was not told")
            async with impostor(port=port):
                await until(lambda: events(captured, "alertmanager.back"), "its return")
                await until(lambda: scene.pushers[0].quiet, "that nothing is left to be done")
    (entry,) = events(captured, "alert.untold")
    assert (entry["component"], entry["log_level"]) == ("ingest", "error")
    assert entry["since"] < entry["until"]
    assert scene.count("uptime_alerts_untold_total", alertmanager=f"127.0.0.1:{port}") == 1


@dataclass
class Turns:
    """A pusher, turn by turn, and what its Alertmanager was told to be over."""

    scene: Scene
    clock: ManualClock
    server: Impostor
    api: AlertmanagerApi

    async def turn(self, *keys: str, after: float = 0.0) -> None:
        self.clock.advance(after)
        self.clock.step_wall_clock(-after)
        self.scene.holds(*keys)
        await self.scene.pushers[0].turn(self.api)

    def over(self) -> set[str]:
        """By its own clock; `-` is the platform. From now on others."""
        now = iso(to_milliseconds(SystemClock().now()))
        found = {
            alert["labels"].get("component", "-")
            for post in self.server.posts
            for alert in post
            if alert["endsAt"] <= now
        }
        self.server.posts.clear()
        return found


@asynccontextmanager
async def turns(server: Impostor) -> AsyncIterator[Turns]:
    clock = ManualClock(SystemClock().now())
    scene = scene_of(server.url, clock=clock, resend="15s", settle="90s", outlive="15m")
    async with AlertmanagerApi(scene.config.alerting.alertmanagers[0], 1.0) as api:
        yield Turns(scene, clock, server, api)


EVERYTHING = {"ingest", "api", "frontend", "-"}


async def test_a_recovery_is_told_also_to_one_that_has_forgotten_the_alert() -> None:
    """It was restarted; whoever it told that it began waits for the end."""
    async with impostor() as server, turns(server) as daemon:
        await daemon.turn("ingest")
        await daemon.turn("ingest", after=91)
        assert daemon.over() == EVERYTHING - {"ingest"}
        await daemon.turn(after=15)
        await daemon.turn(after=89)
        assert daemon.over() == set()
        await daemon.turn(after=1)
        assert daemon.over() == {"ingest"}


async def test_what_may_be_taken_for_going_on_is_ended_at_first_and_now_and_then() -> None:
    """Both were away when it ended, or a crash took the end from its log. Nobody is told of that."""
    with capture_logs() as captured:
        async with impostor() as server, turns(server) as daemon:
            await daemon.turn()
            await daemon.turn(after=89)
            assert daemon.over() == set()
            await daemon.turn(after=1)
            assert daemon.over() == EVERYTHING
            await daemon.turn("ingest", after=809)
            assert daemon.over() == set()
            await daemon.turn("ingest", after=1)
            await daemon.turn("ingest", after=90)
            assert daemon.over() == EVERYTHING - {"ingest"}
    assert {entry["event"] for entry in captured} == {"alert.pushed"}
    assert daemon.scene.count("uptime_alerts_untold_total", alertmanager=name(server.url)) == 0


async def test_what_was_doubted_and_is_told_by_another_is_not_ended() -> None:
    async with impostor() as server, turns(server) as daemon:
        await daemon.turn()
        server.held = [held_alert("ingest", "a")]
        await daemon.turn(after=90)
        assert daemon.over() == EVERYTHING - {"ingest"}
        for _ in range(3):
            await daemon.turn(after=91)
        assert daemon.over() == set()


async def test_after_an_absence_it_is_doubted_anew() -> None:
    """Its log is written now and then, and when it stops in order; not when it is killed."""
    async with impostor() as server, turns(server) as daemon:
        await daemon.turn()
        await daemon.turn(after=90)
        server.answer = status(503)
        await daemon.turn(after=15)
        server.answer = None
        await daemon.turn(after=15)
        daemon.over()
        await daemon.turn(after=90)
        assert daemon.over() == EVERYTHING


async def test_a_new_outage_soon_after_the_platforms_is_hidden_no_longer() -> None:
    async with impostor() as server, turns(server) as daemon:
        await daemon.turn("ingest", "api", "frontend")
        told = [[alert["labels"]["alertname"] for alert in post] for post in server.told]
        assert told == [["PlatformDown", *3 * ["PlatformDownNow"]], 3 * ["ComponentDown"]]
        await daemon.turn(after=15)
        assert daemon.over() == set()
        await daemon.turn("api", after=15)
        ended = [alert["labels"] for alert in server.posts[-1]]
        assert ended == [{"alertname": "PlatformDownNow", "component": "api", "severity": "none"}]


async def test_what_came_and_went_during_one_request_is_untold_too() -> None:
    asked = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and len(server.posts) == 1:
            await asked.wait()
        return web.json_response([])

    with capture_logs() as captured:
        async with impostor(slow) as server, scene_of(server.url, timeout="10s").running() as scene:
            await until(lambda: server.posts, "the first push")
            scene.holds("ingest")
            scene.holds()
            asked.set()
            await until(lambda: events(captured, "alert.untold"), "that it was not told")
    assert ["ingest"] not in server.labels()


async def test_cancelled_in_the_middle_of_a_request_it_leaves_nothing() -> None:
    sockets = open_sockets()
    connected = asyncio.Event()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        await silent(reader, writer)

    async with tcp_server(note) as port:
        before = asyncio.all_tasks()
        async with scene_of(f"http://127.0.0.1:{port}", timeout="20s").running():
            await connected.wait()
        assert {task for task in asyncio.all_tasks() - before if "serve" not in repr(task)} == set()
    await until(lambda: open_sockets() <= sockets, "all sockets closed")


@pytest.mark.parametrize("code", [401, 503])
@pytest.mark.parametrize("dots", [0, 170], ids=["whole", "cut"])
@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        ({"token": SECRET}, f"Bearer {SECRET}"),
        ({"user": "anna", "password": SECRET}, "Basic YW5uYTpodW50ZXIyLWh1bnRlcjI="),
        ({}, None),
    ],
    ids=["token", "password", "none"],
)
async def test_credentials_are_sent_and_said_nowhere(
    credentials: dict[str, str], header: str | None, dots: int, code: int
) -> None:
    """Also where a proxy shows what it was sent, and where the line ends within it."""

    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=f"{'.' * dots} sent: {request.headers.get('Authorization')} ...")

    with capture_logs() as captured:
        async with impostor(echo) as server:
            section = alerting(alertmanagers=[{"url": server.url, **credentials}])
            async with Scene(config_with(section, "ingest", "api")).running():
                await until(lambda: captured, "that it was said")
    assert server.headers[0].get("Authorization") == header
    said = json.dumps(captured, default=str)
    assert "sent: " in said
    assert SECRET[:6] not in said
    assert "YW5uYT" not in said


async def test_pushes_keep_coming_when_the_wall_clock_is_set_back() -> None:
    async with impostor() as server:
        clock = ManualClock(SystemClock().now())
        scene = scene_of(server.url, clock=clock, resend="1s", settle="90s")
        async with AlertmanagerApi(scene.config.alerting.alertmanagers[0], 1.0) as api:
            scene.holds("ingest")
            await scene.pushers[0].turn(api)
            clock.step_wall_clock(-7200)
            clock.advance(1)
            await scene.pushers[0].turn(api)
    assert len(server.told) == 2
    (alert,) = server.told[-1]
    assert alert["startsAt"] < alert["endsAt"]
