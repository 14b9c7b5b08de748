"""Providers' webhooks: only what is authentic gets in, once, and is answered after it is on disk."""

import asyncio
import gzip
import hmac
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.config import WebhookSection
from monitor.inbound import routes
from probes.sms import Sms

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SECRET = "hunter2-hunter2"
BODY = json.dumps({"id": "7", "from": "Efento", "to": "+48500", "text": "private text"}).encode()
SMS = Sms("7", "Efento", "+48500", "private text")
WEBHOOKS = {
    "signed": WebhookSection(secret=SECRET),
    "open": WebhookSection(secret=SECRET, authentication="secret"),
    "strict": WebhookSection(secret=SECRET, authentication="secret", secret_parameter=None, secret_header="X-Key"),
    "renamed": WebhookSection(secret=SECRET, signature_header="X-Sig", timestamp_header="X-Time", tolerance=10),
    "twilio": WebhookSection(secret=SECRET, provider="twilio", url="https://uptime.example/inbound/sms/twilio"),
    "vonage": WebhookSection(secret=SECRET, provider="vonage"),
    "smsapi": WebhookSection(secret=SECRET, provider="smsapi"),
}


class Post:
    """A store behind the receiver: keeps what it is given once for each key, and fails when it is told to."""

    def __init__(self) -> None:
        self.messages: dict[tuple[str, str | None], bytes] = {}
        self.failing = False

    async def take(self, channel: str, content: bytes, key: str | None) -> bool:
        if self.failing:
            raise RuntimeError("the disk is full")
        is_new = (channel, key) not in self.messages
        self.messages[channel, key] = content
        return is_new

    def sms(self) -> list[Sms]:
        return [Sms.decoded(content) for content in self.messages.values()]


class World:
    def __init__(self, client: "TestClient[web.Request, web.Application]", post: Post, clock: ManualClock) -> None:
        self.client, self.post, self.clock = client, post, clock

    async def deliver(
        self, name: str, body: bytes = BODY, headers: Mapping[str, str] | None = None, query: str = ""
    ) -> int:
        async with self.client.post(f"/inbound/sms/{name}{query}", data=body, headers=headers) as response:
            self.answer = await response.text()
            return response.status

    def signature(
        self, body: bytes = BODY, age: float = 0.0, key: str = SECRET, names: str = "Signature Timestamp"
    ) -> dict[str, str]:
        timestamp = str(int((self.clock.now() - timedelta(seconds=age)).timestamp()))
        signature, time = names.split()
        digest = hmac.digest(key.encode(), timestamp.encode() + b"." + body, "sha256").hex()
        return {f"X-{signature}": f"sha256={digest}", f"X-{time}": timestamp}


@asynccontextmanager
async def _serving(body_seconds: float = 5.0) -> AsyncIterator[World]:
    post, clock = Post(), ManualClock(START)
    app = web.Application()
    app.add_routes(routes(WEBHOOKS, post.take, clock, body_seconds=body_seconds))
    async with TestClient(TestServer(app)) as client:
        yield World(client, post, clock)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with _serving() as serving:
        yield serving


async def test_a_signed_message_is_stored_and_then_answered(world: World) -> None:
    assert await world.deliver("signed", headers=world.signature()) == 204
    assert world.post.messages == {("signed", "7"): SMS.encoded()}


async def test_header_names_are_settings(world: World) -> None:
    assert await world.deliver("renamed", headers=world.signature(names="Sig Time")) == 204
    assert await world.deliver("renamed", headers=world.signature()) == 401


@pytest.mark.parametrize(("age", "status"), [(0, 204), (299, 204), (300, 204), (301, 401), (-300, 204), (-301, 401)])
async def test_a_signature_holds_for_the_tolerance_only(world: World, age: float, status: int) -> None:
    assert await world.deliver("signed", headers=world.signature(age=age)) == status
    assert len(world.post.messages) == (status == 204)


async def test_what_is_not_signed_by_the_key_is_refused(world: World) -> None:
    right = world.signature()
    wrong: list[dict[str, str]] = [
        {},
        {"X-Signature": right["X-Signature"]},
        {"X-Timestamp": right["X-Timestamp"]},
        world.signature(body=BODY + b" "),
        world.signature(key="another-secret"),
        {**right, "X-Timestamp": str(int(right["X-Timestamp"]) - 1)},
        {**right, "X-Timestamp": right["X-Timestamp"] + ".0"},
        {**right, "X-Timestamp": "9" * 400},
        {**right, "X-Timestamp": "²"},
        {**right, "X-Signature": right["X-Signature"].removeprefix("sha256=")},
        {**right, "X-Signature": "sha256="},
        {**right, "X-Signature": "sha256=\udcff"},
    ]
    assert [await world.deliver("signed", headers=headers) for headers in wrong] == [401] * len(wrong)
    assert not world.post.messages


@pytest.mark.parametrize(
    ("name", "headers", "query", "status"),
    [
        ("open", {"X-Webhook-Secret": SECRET}, "", 204),
        ("open", {"X-Webhook-Secret": f"Bearer {SECRET}"}, "", 204),
        ("open", {}, f"?secret={SECRET}", 204),
        ("open", {}, "", 401),
        ("open", {}, "?secret=", 401),
        ("open", {"X-Webhook-Secret": SECRET + "x"}, "", 401),
        ("open", {"X-Webhook-Secret": ""}, "?secret=hunter2", 401),
        ("strict", {"X-Key": SECRET}, "", 204),
        ("strict", {"X-Webhook-Secret": SECRET}, f"?secret={SECRET}", 401),
        ("twilio", {"X-Webhook-Secret": SECRET}, f"?secret={SECRET}", 401),
        ("vonage", {"Authorization": f"Bearer {SECRET}"}, "", 401),
    ],
)
async def test_a_secret_is_wanted_where_it_is_the_way(
    world: World, name: str, headers: dict[str, str], query: str, status: int
) -> None:
    assert await world.deliver(name, headers=headers, query=query) == status


async def test_each_provider_gets_the_answer_it_wants(world: World) -> None:
    body = b"MsgId=m1&sms_from=48500&sms_to=48600&sms_text=a+b&sms_date=1"
    assert await world.deliver("smsapi", body, query=f"?secret={SECRET}") == 200
    assert world.answer == "OK"
    assert world.post.sms() == [Sms("m1", "48500", "48600", "a b", "1")]


async def test_a_retry_is_answered_well_and_counts_once(world: World) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            assert await world.deliver("signed", headers=world.signature()) == 204
            world.clock.advance(5)
    assert [entry["new"] for entry in logs] == [True, False]
    assert len(world.post.messages) == 1


async def test_a_replay_counts_at_no_time(world: World) -> None:
    recorded = world.signature()
    await world.deliver("signed", headers=recorded)
    for seconds in (1, 298, 2, 86_400):
        world.clock.advance(seconds)
        assert await world.deliver("signed", headers=recorded) in (204, 401)
    assert len(world.post.messages) == 1


async def test_what_cannot_be_stored_comes_again(world: World) -> None:
    world.post.failing = True
    with capture_logs() as logs:
        assert await world.deliver("signed", headers=world.signature()) == 503
    assert [entry["event"] for entry in logs] == ["sms.not_stored", "sms.refused"]
    assert "disk" not in world.answer + repr(logs)
    world.post.failing = False
    assert await world.deliver("signed", headers=world.signature()) == 204
    assert world.post.sms() == [SMS]


async def test_of_several_messages_each_counts_once_though_some_came_before(world: World) -> None:
    both = json.dumps({"messages": [json.loads(BODY), {**json.loads(BODY), "id": "8"}]}).encode()
    await world.deliver("signed", headers=world.signature())
    assert await world.deliver("signed", both, world.signature(both)) == 204
    assert [sms.id for sms in world.post.sms()] == ["7", "8"]


async def test_unknown_names_and_other_methods(world: World) -> None:
    assert await world.deliver("nothing", headers=world.signature()) == 404
    assert await world.deliver("sig%6Eed", headers=world.signature()) == 204
    async with world.client.get("/inbound/sms/signed") as response:
        assert response.status == 405


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_refused_however_it_comes(world: World, chunked: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield b"x" * 1024

    data: Any = pieces() if chunked else b"x" * 80 * 1024
    try:
        async with world.client.post("/inbound/sms/signed", data=data) as response:
            assert response.status == 413
    except aiohttp.ClientOSError:  # answered and closed while the rest was still being sent
        assert chunked
    assert await world.deliver("open", b"y" * 65_536, query=f"?secret={SECRET}") == 400


async def test_a_compressed_body_is_refused(world: World) -> None:
    body = gzip.compress(BODY)
    for content in (body, b"no gzip at all"):
        headers = {**world.signature(content), "Content-Encoding": "gzip"}
        assert await world.deliver("signed", content, headers) == 415


async def test_an_authentic_body_that_is_no_message_is_refused(world: World) -> None:
    for body in (b"", b"{", b"[" * 60_000, b"\xff"):
        assert await world.deliver("signed", body, world.signature(body)) == 400
    assert not world.post.messages


async def test_a_body_that_stays_away_ends_by_the_time_limit() -> None:
    async with _serving(body_seconds=0.05) as world:
        reader, writer = await asyncio.open_connection(world.client.host, world.client.port)
        writer.write(b"POST /inbound/sms/signed HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == b"408"
        writer.transport.abort()


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 10\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ],
)
@pytest.mark.parametrize("abrupt", [False, True])
async def test_a_body_that_breaks_off_hurts_nobody(
    world: World, rest: bytes, abrupt: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection(world.client.host, world.client.port)
    writer.write(b"POST /inbound/sms/signed HTTP/1.1\r\nHost: x\r\n" + rest)
    await writer.drain()
    if abrupt:
        writer.transport.abort()
    else:
        writer.write_eof()
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
    assert await world.deliver("signed", headers=world.signature()) == 204
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_nothing_that_came_and_nothing_secret_is_said(world: World) -> None:
    with capture_logs() as logs:
        said = ""
        for name in WEBHOOKS:
            for body in (BODY, b"private text"):
                await world.deliver(name, body, world.signature(body), f"?secret={SECRET}")
                said += world.answer
    assert logs
    assert "hunter2" not in said + repr(logs) and "private" not in said + repr(logs)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from([*WEBHOOKS, "nothing", "%00", "..%2f"]),
    body=st.binary() | st.just(BODY),
    signed=st.booleans(),
    headers=st.dictionaries(
        st.sampled_from(["X-Signature", "X-Timestamp", "Authorization", "X-Twilio-Signature", "Content-Type", "X-Key"]),
        st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])),
    ),
    secret=st.booleans(),
)
def test_whatever_comes_is_never_our_mistake(
    name: str, body: bytes, signed: bool, headers: dict[str, str], secret: bool
) -> None:
    async def deliver() -> int:
        async with _serving() as world:
            all_headers = {**headers, **(world.signature(body) if signed else {})}
            return await world.deliver(name, body, all_headers, f"?secret={SECRET}" if secret else "?%ff&&=;")

    assert asyncio.run(deliver()) in (200, 204, 400, 401, 404)
