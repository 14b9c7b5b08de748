"""Where SMS providers deliver: `POST /inbound/sms/NAME`, a webhook by its name in the configuration.

| answer | why |
| --- | --- |
| the provider's own, 200 or 204 | the message is on disk, or was already: a retry counts once, and so does a replay |
| 400 | authentic, but not of the provider's format |
| 401 | no or a wrong secret or signature, or signed too long ago |
| 404 | there is no such webhook |
| 408, 413, 415 | too slow, too large, compressed |
| 503 | not stored: the provider is to try again |

Nothing that came, and nothing secret, is in an answer or a log line.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from monitor import logs
from monitor.clock import Clock
from monitor.config import WebhookSection
from monitor.inbound.take import Take
from probes.sms import Sms
from probes.sms.providers import PROVIDERS, Delivery, same, unique_keys

BODY_BYTES = 65_536
BODY_SECONDS = 10.0

_UNIX_TIME = re.compile("[0-9]{1,12}")


def routes(
    webhooks: Mapping[str, WebhookSection], take: Take, clock: Clock, *, body_seconds: float = BODY_SECONDS
) -> list[web.RouteDef]:
    """The routes to add to a web application; each SMS goes to the channel that is named as its webhook."""
    return [web.post("/inbound/sms/{name}", _handler(webhooks, take, clock, body_seconds))]


def _handler(
    webhooks: Mapping[str, WebhookSection], take: Take, clock: Clock, body_seconds: float
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def receive(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        webhook = webhooks.get(name)
        if webhook is None:
            return web.Response(status=404, text="no such webhook\n")
        try:
            messages = _messages(webhook, request, await _body(request, body_seconds), clock)
            await _store(name, messages, take)
        except _Refused as refused:
            logs.get().warning("sms.refused", webhook=name, status=refused.status, why=refused.why)
            return web.Response(status=refused.status, text=f"{refused.why}\n")
        answer = PROVIDERS[webhook.provider].answer
        return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)

    return receive


class _Refused(Exception):
    """`why` is one of our own texts: it is answered and logged."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


async def _body(request: web.Request, seconds: float) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Refused(415, "a compressed body")  # it would be signed, and limited, by another size
    if (request.content_length or 0) > BODY_BYTES:
        raise _Refused(413, "too large")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise _Refused(413, "too large")
    except TimeoutError:
        raise _Refused(408, "too slow") from None
    except (ClientError, HttpProcessingError, web.RequestPayloadError, OSError):
        raise _Refused(400, "a body that broke off") from None
    return bytes(body)


def _messages(webhook: WebhookSection, request: web.Request, body: bytes, clock: Clock) -> list[Sms]:
    now = int(clock.now().timestamp())
    delivery = Delivery(body, request.headers, webhook.url or "", now, webhook.tolerance)
    if not _is_authentic(webhook, delivery, request.query):
        raise _Refused(401, "not authentic")
    try:
        return PROVIDERS[webhook.provider].read(body)
    except ValueError:
        raise _Refused(400, "not of the provider's format") from None


def _is_authentic(webhook: WebhookSection, delivery: Delivery, query: Mapping[str, str]) -> bool:
    secret = webhook.secret.get_secret_value()
    key = secret.encode("utf-8", "surrogateescape")
    way = webhook.authenticates_by
    if way == "provider":
        is_authentic = PROVIDERS[webhook.provider].is_authentic
        return is_authentic is not None and is_authentic(delivery, key)
    if way == "hmac":
        return _is_signed(webhook, delivery, key)
    sent = delivery.headers.get(webhook.secret_header, "").removeprefix("Bearer ")
    in_query = query.get(webhook.secret_parameter, "") if webhook.secret_parameter else ""
    return same(sent, secret) | same(in_query, secret)  # always both, so that the time tells nothing


def _is_signed(webhook: WebhookSection, delivery: Delivery, key: bytes) -> bool:
    timestamp = delivery.headers.get(webhook.timestamp_header, "")
    if not _UNIX_TIME.fullmatch(timestamp) or abs(delivery.now - int(timestamp)) > delivery.tolerance_seconds:
        return False
    signature = hmac.digest(key, timestamp.encode() + b"." + delivery.body, "sha256").hex()
    return same(delivery.headers.get(webhook.signature_header, "").lower(), f"sha256={signature}")


async def _store(name: str, messages: list[Sms], take: Take) -> None:
    for message, key in zip(messages, unique_keys(messages), strict=True):
        try:
            is_new = await take(name, message.encoded(), key)
        except Exception as error:  # whatever it was, the message may not be on disk
            logs.get().error("sms.not_stored", webhook=name, error=type(error).__name__)
            raise _Refused(503, "not stored; try again later") from None
        logs.get().info("sms.received", webhook=name, new=is_new)
