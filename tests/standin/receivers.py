"""Whoever the platform's messages go to: a mail server, a receiver of webhooks. And a sensor that makes it hot."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, Envelope, Session

from standin.clock import from_unix
from tests.standin.world import DEADLINE_SECONDS, World, gateway_item

MAIL_SENSOR = "282C02FFFF21"
SMS_SENSOR = "282C02FFFF22"
SECRET = b"standin-sms-secret"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110  the condition is anything a test can see, not an event
            await asyncio.sleep(0.005)


@dataclass
class Mailbox:
    """A mail server. `answers` are given to the recipients, in turn and by what they begin with; then all is taken."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    asked: int = 0

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.asked += 1
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    @property
    def mails(self) -> list[EmailMessage]:
        return [BytesParser(EmailMessage, policy=default).parsebytes(content) for content in self.raw]

    @asynccontextmanager
    async def open(self, port: int = 0) -> "AsyncIterator[Mailbox]":
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(self, hostname="mail.test", enable_SMTPUTF8=False), "127.0.0.1", port
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


@dataclass
class Phone:
    """A receiver of the SMS provider's webhooks that answers by `statuses` in turn, then by 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def _take(self, request: web.Request) -> web.Response:
        self.received.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 204)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.received]

    @property
    def texts(self) -> list[str]:
        return [message["text"] for message in self.messages]

    @asynccontextmanager
    async def open(self) -> "AsyncIterator[Phone]":
        application = web.Application()
        application.router.add_post("/sms", self._take)
        async with TestServer(application, host="127.0.0.1") as server:
            self.url = str(server.make_url("/sms"))
            yield self


def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
    expected = hmac.new(SECRET, headers["x-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return headers["x-signature"] == f"sha256={expected}"


_handles: Iterator[int] = itertools.count(1)


async def send_value(world: World, serial: str, value: float, moment: int | None = None) -> int:
    """Through the gateway, which must take it; returns the sample's time."""
    time = world.next_moment() if moment is None else moment
    item = gateway_item(from_unix(time).strftime("%Y-%m-%d %H:%M:%S"), value, serial=serial, handle=next(_handles))
    headers = {"X-Api-Token": world.platform.live.current.gateway_token}
    async with world.http.post(world.url("gateway"), json={"measurements": [item]}, headers=headers) as response:
        assert response.status == 201, await response.text()
    return time


async def configure(world: World, **notifications: Any) -> None:
    await world.control("PUT", "/settings", {"notifications": notifications})


async def sent(world: World) -> dict[str, Any]:
    """What the control interface says of mails, SMS and the pool."""
    shown: dict[str, Any] = await world.control("GET", "/notifications")
    return shown


@asynccontextmanager
async def mail_server(world: World) -> AsyncIterator[Mailbox]:
    """A mail server that the platform's mails go to."""
    async with Mailbox().open() as box:
        await configure(world, smtp_host="127.0.0.1", smtp_port=box.port, retry_seconds=0.02)
        yield box
        await configure(world, smtp_host=None)
