"""Asks an SMS provider over HTTP: which SMS came to our number, and how many the prepaid pool still holds.

The provider is ours, not the platform's: nothing that fails here is the platform's failure.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath

from probes.bounded_http import Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason
from probes.efento.alarm_channel import POSITION, Arrival
from probes.option_types import HeaderSecret, HttpUrl, Seconds
from probes.sms import Sms

COMPONENT = "sms-provider"
KEPT_IDS = 200
ANSWER_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Format:
    """How a provider's answer names things: the list of SMS, and the members of each."""

    messages: str
    id: str
    sender: str
    recipient: str
    text: str
    sent_at: str


FORMATS = {
    "json": Format("messages", "id", "from", "to", "text", "sent_at"),
    "twilio": Format("messages", "sid", "from", "to", "body", "date_sent"),
}


class ProviderOptions(ProbeOptions):
    """An HTTP interface of the provider, asked by GET."""

    url: HttpUrl = Field(description="What to ask, with a query where there is one")
    token: HeaderSecret = Field(description="Secret that is sent in the header Authorization")
    scheme: str = Field("Bearer", description="Word before the token in that header; empty: none", pattern=r"^\w*$")
    timeout: Seconds = Field(5.0, description="Seconds to wait for an answer")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    component: str = Field(
        COMPONENT, description="Key under which failures of the provider stand; no component of ours"
    )

    async def ask(self) -> Any:
        """The answer's JSON. Raises `ProbeFailed`."""
        authorization = f"{self.scheme} {self.token.get_secret_value()}".strip()
        headers = {"Accept": "application/json", "Authorization": authorization}
        request = Request("GET", self.url, headers, ca_file=str(self.ca_file) if self.ca_file else None)
        answer = await exchange(request, Bounds(self.timeout, ANSWER_BYTES))
        require_status(answer, 200)
        return answer.json()

    def place(self) -> str:
        """For details: without the query, which may hold a secret."""
        return urlsplit(self.url)._replace(query="").geturl()


class PollOptions(ProviderOptions):
    """A provider that lists the SMS which came to our number."""

    format: Literal["json", "twilio"] = Field("json", description="How the provider words its answer")
    sender: str | None = Field(None, description="Only SMS of this sender are looked at; none: all")
    every: Seconds = Field(2.0, description="Seconds between two looks")


class CreditOptions(ProviderOptions):
    """Where the balance of the organisation's prepaid pool can be asked."""

    field: str = Field("sms", description="Member of the answer that is the number of SMS left, e.g. account.balance")
    minimum: int = Field(2, description="SMS that must be left, or no alarm is raised", ge=1)

    async def left(self) -> float:
        """Raises `ProbeFailed`."""
        value = await self.ask()
        for name in self.field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        try:
            credit = float(value)
        except (TypeError, ValueError, OverflowError):
            credit = float("nan")
        if isinstance(value, bool) or not 0 <= credit < 1e12:
            raise ProbeFailed(Reason.SCHEMA, f"GET {self.place()}: {self.field} is no number of SMS")
        return credit


class PolledSms:
    """A `probes.efento.alarm_channel.Channel`. What the provider lists when nothing is remembered is old."""

    name = "inbox"
    shared = False

    def __init__(self, options: PollOptions, journey: Journey) -> None:
        self.component = options.component
        self.resolution_seconds = options.every
        self._options = options
        self._journey = journey
        self._known: list[str] = []

    async def open(self) -> Sequence[Arrival]:
        remembered = None if self._journey.one_shot else self._journey.recall(POSITION)
        if remembered:
            self._known = _ids(remembered)
            return await self._look()
        await self._look()
        return ()

    async def wait(self, seconds: float) -> Sequence[Arrival]:
        until = self._journey.monotonic() + seconds
        while True:
            arrivals = await self._look()
            left = until - self._journey.monotonic()
            if arrivals or left <= 0:
                return arrivals
            await asyncio.sleep(min(left, self._options.every))

    async def require_room(self) -> None:
        """The provider keeps what came."""

    async def tidy(self, own: Sequence[str]) -> None:
        """The provider's list is the provider's."""

    async def close(self) -> None:
        """Each look has a connection of its own."""

    async def _look(self) -> list[Arrival]:
        async with self._journey.step(self.name, self.component):
            listed = self._read(await self._options.ask())
        known, shown = set(self._known), dict.fromkeys(sms.id for sms in listed)
        fresh = [sms for sms in listed if sms.id not in known]
        # All that is listed, however long the list is, or it would be new again at the next look.
        self._known = [*[each for each in self._known if each not in shown][-KEPT_IDS:], *shown]
        self._journey.remember(POSITION, json.dumps(self._known))
        moment = self._journey.now().timestamp()
        wanted = self._options.sender
        return [Arrival(sms.id, sms.text, moment) for sms in fresh if wanted in (None, sms.sender)]

    def _read(self, body: object) -> list[Sms]:
        names = FORMATS[self._options.format]
        listed = body.get(names.messages) if isinstance(body, dict) else None
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise ProbeFailed(Reason.SCHEMA, f"GET {self._options.place()}: no list {names.messages} in the answer")
        return [_sms(item, names) for item in listed]


def _sms(item: dict[str, object], names: Format) -> Sms:
    """An SMS without an id is known by its content."""
    sender, recipient, text, sent_at = (
        str(item.get(name) or "") for name in (names.sender, names.recipient, names.text, names.sent_at)
    )
    identity = str(item.get(names.id) or "")
    if not identity:
        identity = hashlib.blake2s("\0".join((sender, sent_at, text)).encode(), digest_size=8).hexdigest()
    return Sms(identity, sender, recipient, text, sent_at)


def _ids(remembered: str) -> list[str]:
    try:
        known = json.loads(remembered)
    except ValueError:
        return []
    return [str(each) for each in known] if isinstance(known, list) else []
