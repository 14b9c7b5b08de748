"""The two ways that mails come to a probe: out of a mailbox by IMAP, or through the daemon's SMTP receiver."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from pydantic import Field, model_validator

from probes.contract import Blocked, Journey, Message, ProbeOptions
from probes.efento.alarm_channel import POSITION, Arrival, Channel, InboxChannel
from probes.mailbox.imap_session import IdleBroken, ImapOptions, ImapSession
from probes.mailbox.mail_text import mail_text

BACKLOG_MAILS = 50
TIDIED = "tidied"


class MailboxOptions(ProbeOptions):
    """Where the platform's mails arrive: `imap` or `receiver`."""

    imap: ImapOptions | None = Field(None, description="A mailbox that is read by IMAP")
    receiver: Literal["smtp"] | None = Field(None, description="The daemon's own SMTP receiver")
    component: str = Field("mailbox", description="Key under which failures of the mailbox stand; no component of ours")

    @model_validator(mode="after")
    def _one_way(self) -> "MailboxOptions":
        if (self.imap is None) == (self.receiver is None):
            raise ValueError("either imap or receiver")
        return self

    def channel(self, journey: Journey) -> Channel:
        if self.imap is not None:
            return ImapChannel(self.imap, self.component, journey)
        return ReceivedMails(journey, "smtp")


class ReceivedMails(InboxChannel):
    shared = True

    def arrival(self, message: Message) -> Arrival:
        return Arrival(str(message.number), mail_text(message.content), message.received_at.timestamp())


class ImapChannel:
    """Reads from where the last check stopped. Lets the server tell of mails, or looks every `poll` seconds.

    A connection that breaks in IDLE is made anew without it.
    """

    name = "mailbox"
    shared = True

    def __init__(self, options: ImapOptions, component: str, journey: Journey) -> None:
        self.component = component
        self._options = options
        self._journey = journey
        self._session: ImapSession | None = None
        self._idle = options.idle
        self._validity = 0
        self._next_uid = 0

    @property
    def resolution_seconds(self) -> float:
        idles = self._idle and self._session is not None and self._session.can_idle
        return 0.0 if idles else self._options.poll

    async def open(self) -> Sequence[Arrival]:
        session = await self._connect()
        self._validity, self._next_uid = session.validity, session.next_uid
        known = None if self._journey.one_shot else self._journey.recall(POSITION)
        validity, _, following = (known or "").partition(":")
        if validity == str(session.validity) and following.isdecimal():
            # After a long pause only the newest are of interest.
            self._next_uid = max(int(following), session.next_uid - BACKLOG_MAILS)
        return await self._look(session)

    async def wait(self, seconds: float) -> Sequence[Arrival]:
        until = self._journey.monotonic() + seconds
        while True:
            # A slow mailbox takes time that the platform does not answer for; only the waiting between looks is its.
            async with self._journey.step(self.name, self.component):
                session = self._session or await self._connect()
                arrivals = await self._look(session)
            left = until - self._journey.monotonic()
            if arrivals or left <= 0:
                return arrivals
            if not session.has_news:
                await self._pause(session, min(left, self._options.poll))

    async def require_room(self) -> None:
        if self._session is not None and await self._session.is_full():
            raise Blocked("our mailbox is full: mails cannot come in")

    async def tidy(self, own: Sequence[str]) -> None:
        session, days = self._session, self._options.delete_after
        if session is None or days is None or self._journey.one_shot:
            return
        if own:
            await session.mark([int(uid) for uid in own])
        today = self._journey.now().date()
        if self._journey.recall(TIDIED) != today.isoformat():
            self._journey.figure("mails_deleted", await session.delete_marked(today - timedelta(days=days)))
            self._journey.remember(TIDIED, today.isoformat())

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _connect(self) -> ImapSession:
        self._session = session = await ImapSession.open(self._options)
        if self._validity and session.validity != self._validity:
            raise Blocked("the mailbox was renumbered while mails were awaited")
        return session

    async def _look(self, session: ImapSession) -> list[Arrival]:
        session.next_uid = self._next_uid
        arrivals = []
        for uid in await session.new_uids():
            content, received_at = await session.fetch(uid)
            moment = received_at or self._journey.now()
            arrivals.append(Arrival(str(uid), mail_text(content), moment.timestamp()))
            self._next_uid = session.next_uid = uid + 1
            self._remember()
        self._remember()
        return arrivals

    def _remember(self) -> None:
        self._journey.remember(POSITION, f"{self._validity}:{self._next_uid}")

    async def _pause(self, session: ImapSession, seconds: float) -> None:
        if not (self._idle and session.can_idle):
            await asyncio.sleep(seconds)
            return
        try:
            await session.idle(seconds)
        except IdleBroken:
            self._journey.evidence("idle", "the server does not answer in IDLE; looking now and then instead")
            self._idle = False
            await self.close()
