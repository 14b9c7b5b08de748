"""The SMS provider, who is no part of the platform: takes SMS, and hands them to whoever owns the number.

It posts each SMS to the webhook of the settings, signed, until it is answered 2xx or the tries are used up; the body is
JSON with `id`, `from`, `to`, `text` and `sent_at` (RFC 3339). `X-Timestamp` is the Unix time of the try in seconds, and
`X-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 of `<timestamp>.<body>`. It also keeps what it was given for
`GET /messages?after=<id>`, which `interface` serves. Identifiers are decimal numbers that grow, also over a restart.
"""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import aiohttp

from standin.background import Background
from standin.clock import unix_milliseconds
from standin.fault_model import Interface
from standin.faults import Faults
from standin.settings import LiveSettings

KEPT_SMS = 1000
WEBHOOK_TIMEOUT_SECONDS = 5.0
_FORGED_KEY = b"not the key"


class SmsState(StrEnum):
    WAITING = "waiting"  # for its time
    NO_CREDIT = "no_credit"  # never handed to the provider
    KEPT = "kept"  # by the provider, who knows no webhook
    ON_THE_WAY = "on_the_way"  # to the webhook
    DELIVERED = "delivered"  # taken by the webhook
    UNDELIVERED = "undelivered"  # not taken by the webhook; still kept


@dataclass(slots=True)
class Sms:
    """One SMS of the platform. `id` and `sent_at` are set when the provider takes it."""

    sender: str
    recipient: str
    text: str
    created_at: datetime
    state: SmsState = SmsState.WAITING
    id: int = 0
    sent_at: datetime | None = None
    attempts: int = 0

    def as_json(self) -> dict[str, Any]:
        sent_at = self.sent_at.isoformat(timespec="seconds") if self.sent_at else None
        return {"id": str(self.id), "from": self.sender, "to": self.recipient, "text": self.text, "sent_at": sent_at}


class SmsProvider:
    def __init__(self, live: LiveSettings, faults: Faults, background: Background) -> None:
        self._live = live
        self._faults = faults
        self._background = background
        self._taken: deque[Sms] = deque(maxlen=KEPT_SMS)

    def take(self, sms: Sms) -> None:
        """Returns at once; the webhook is called in the background."""
        now = self._live.current.now()
        newest = self._taken[-1].id if self._taken else 0
        # From the clock, so that one who polls does not miss what comes after a restart.
        sms.id, sms.sent_at = max(newest + 1, unix_milliseconds(now)), now
        self._taken.append(sms)
        if self._live.current.notifications.sms_webhook_url is None:
            sms.state = SmsState.KEPT
            return
        sms.state = SmsState.ON_THE_WAY
        self._background.start(self._deliver(sms), "sms.deliver")

    def after(self, number: int) -> list[Sms]:
        return [sms for sms in self._taken if sms.id > number]

    async def _deliver(self, sms: Sms) -> None:
        settings = self._live.current.notifications
        pause_seconds = settings.retry_seconds
        body = json.dumps(sms.as_json()).encode()
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_SECONDS)
        # A session of its own, because nothing that outlives the task closes one in time.
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for left in reversed(range(settings.attempts)):
                headers = await self._headers(body)
                sms.attempts += 1
                if await self._is_posted(session, body, headers):
                    sms.state = SmsState.DELIVERED
                    await self._replay(session, body, headers)
                    return
                if left:
                    await asyncio.sleep(pause_seconds)
                    pause_seconds *= 2
        sms.state = SmsState.UNDELIVERED

    async def _headers(self, body: bytes) -> Mapping[str, str]:
        while down := self._faults.active(Interface.SMS, "provider-down"):
            await down.ended.wait()
        key = self._live.current.notifications.sms_secret.get_secret_value().encode()
        if self._faults.active(Interface.SMS, "forged-signature"):
            key = _FORGED_KEY
        timestamp = str(unix_milliseconds(self._live.current.now()) // 1000)
        signature = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Signature": f"sha256={signature}",
        }

    async def _is_posted(self, session: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str]) -> bool:
        url = self._live.current.notifications.sms_webhook_url
        if url is None:
            return False
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return 200 <= response.status < 300
        except (aiohttp.ClientError, OSError, ValueError):  # a time limit is an OSError, a bad address a ValueError
            return False

    async def _replay(self, session: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str]) -> None:
        if replayed := self._faults.active(Interface.SMS, "replayed"):
            await asyncio.sleep(replayed.number("seconds"))
            await self._is_posted(session, body, headers)
