"""A stand-in platform with a notification probe beside it: its mails come by SMTP, its SMS from the provider."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosmtpd.smtp

import probes.notification_email  # registers its kind
import probes.notification_sms  # noqa: F401  the same
from monitor.clock import SystemClock
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from probes.contract import KINDS, ProbeKind
from standin import StandIn, StandInSettings
from standin.notifications.settings import NotificationSettings
from tests.monitor.build import probe_config
from tests.probes.platform import START, Letterbox, Record

MAIL_SENSOR, SMS_SENSOR = "282C02FFFF21", "282C02FFFF22"
DEADLINE_SECONDS = 0.3

Deliver = Callable[[bytes], Awaitable[None]]


class TickingClock:
    """A wall clock that moves by a second whenever a journey reads it, so that no journey waits for the next one."""

    def __init__(self) -> None:
        self._seconds = itertools.count()
        self.moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=START)
        self.monotonic = SystemClock().monotonic

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def seen(self) -> datetime:
        """The time without moving it, for the platform."""
        return self.moment


class IntoLetterbox:
    """What the daemon's SMTP receiver does with a mail."""

    def __init__(self, letterbox: Letterbox, clock: TickingClock, deliver: Deliver | None) -> None:
        self._letterbox = letterbox
        self._clock = clock
        self._deliver = deliver

    async def handle_DATA(self, _server: object, _session: object, envelope: aiosmtpd.smtp.Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        if self._deliver is not None:
            await self._deliver(content)
        self._letterbox.put("smtp", content, self._clock.seen())
        return "250 OK"


@dataclass
class Alarms:
    """The platform, the clock, and what the daemon would keep between checks."""

    standin: StandIn
    clock: TickingClock
    record: Record = field(default_factory=Record)
    deadline: float = 4.0
    options: dict[str, Any] = field(default_factory=dict)

    def common(self) -> dict[str, Any]:
        places = self.standin.addresses
        return {
            "normal": [20, 58],
            "alarm": [61, 99],
            "gateway": {
                "url": places["gateway"]["url"],
                "token": "standin-gateway-token",
                "timeout": 0.3,
                "attempts": 2,
                "retry_pause": 0.01,
            },
            "api": {"url": places["api"]["url"], "token": "standin-api-token", "timeout": 0.5},
            "arrival_deadline": DEADLINE_SECONDS,
            "linger": 0.1,
        }

    def email_options(self) -> dict[str, Any]:
        mailbox = {"receiver": "smtp"}
        return {**self.common(), "sensor": MAIL_SENSOR, "rule": "uptime-email", "mailbox": mailbox, **self.options}

    def sms_options(self) -> dict[str, Any]:
        url = self.standin.addresses["sms"]["url"]
        provider = {"token": "standin-sms-token", "timeout": 0.5}
        return {
            **self.common(),
            "sensor": SMS_SENSOR,
            "rule": "uptime-sms",
            "sms": {"poll": {"url": f"{url}/messages", "every": 0.02, **provider}},
            "credit": {"url": f"{url}/balance", **provider},
            "daily_cap": 1000,
            **self.options,
        }

    async def check(self, kind: str, *, one_shot: bool = False) -> Result:
        """One check as the daemon runs it; what it found out is kept."""
        options = self.email_options() if kind == "notification_email" else self.sms_options()
        result = await run_kind(KINDS[kind], options, self.record, self.clock, self.deadline, one_shot=one_shot)
        if not one_shot:
            self.record.memory |= result.memory
        return result

    async def values(self, serial: str) -> list[float]:
        """What the platform has stored of the sensor, in order."""
        point = await self.standin.storage.point(serial)
        assert point is not None
        rows = await self.standin.storage.samples(point)
        return [row["value"] for row in rows]


async def run_kind(
    kind: ProbeKind, options: dict[str, Any], record: Record, clock: Any, deadline: float, *, one_shot: bool = False
) -> Result:
    chosen = kind.options.model_validate(options)
    config = probe_config(kind.run, component="notifications", timeout=deadline, options=chosen)
    return await run_check(
        config,
        location="frankfurt",
        clock=clock,
        facts=record,
        redactor=Redactor(),
        inbox=record.inbox,
        one_shot=one_shot,
    )


@asynccontextmanager
async def running_alarms(deliver: Deliver | None = None) -> AsyncIterator[Alarms]:
    """`deliver` takes each mail, too."""
    clock, record = TickingClock(), Record()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: aiosmtpd.smtp.SMTP(IntoLetterbox(record.inbox, clock, deliver), loop=loop), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    try:
        notifications = NotificationSettings(smtp_host="127.0.0.1", smtp_port=port)
        settings = StandInSettings(now=clock.seen, notifications=notifications)
        async with StandIn.start(settings) as standin:
            yield Alarms(standin, clock, record)
    finally:
        server.close()
        await server.wait_closed()
