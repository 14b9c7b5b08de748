"""Where messages come from, as a round sees it: a channel that is opened, waited on and closed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from probes.contract import MONITOR, Journey, Message, ProbeFailed

POSITION = "position"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came. `key` names it in its channel; `received_at` in Unix seconds, by the receiver's clock."""

    key: str
    text: str
    received_at: float


class Channel(Protocol):
    """Our side of the way that messages take: none of its failures is the platform's."""

    @property
    def name(self) -> str:
        """Of the step in which it is made ready."""

    @property
    def shared(self) -> bool:
        """Whether other messages than those of rules come here as a matter of course."""

    @property
    def component(self) -> str:
        """The key that answers for its failures, and for the time that it needs beyond waiting."""

    @property
    def resolution_seconds(self) -> float:
        """How much later than it came a message may be seen."""

    async def open(self) -> Sequence[Arrival]:
        """Returns what came since the last check. Raises `ProbeFailed` or `Blocked`."""

    async def wait(self, seconds: float) -> Sequence[Arrival]:
        """What is new; empty only after the whole time and a look that proves that nothing is there.

        Raises `ProbeFailed` or `Blocked`.
        """

    async def require_room(self) -> None:
        """Raises `Blocked` where messages cannot come in, e.g. because a mailbox is full, or `ProbeFailed`."""

    async def tidy(self, own: Sequence[str]) -> None:
        """Sees to it that messages, of which these are known to be ours, do not pile up. Raises `ProbeFailed`."""

    async def close(self) -> None:
        """Leaves neither socket nor task."""


@asynccontextmanager
async def opened(channel: Channel, journey: Journey) -> AsyncIterator[Sequence[Arrival]]:
    try:
        async with journey.step(channel.name, channel.component):
            waiting = await channel.open()
        yield waiting
    finally:
        await channel.close()


async def news(channel: Channel, journey: Journey, seconds: float) -> Sequence[Arrival]:
    """What comes within the time. The time belongs to the step around; only a failure is the channel's own."""
    try:
        return await channel.wait(seconds)
    except ProbeFailed:
        async with journey.step(channel.name, channel.component):
            raise


@dataclass
class InboxChannel:
    """Messages that the daemon's own receivers take: mails by SMTP, SMS by webhook."""

    journey: Journey
    channel: str
    _number: int = 0

    name = "inbox"
    shared = False
    component = MONITOR
    resolution_seconds = 0.0

    async def open(self) -> Sequence[Arrival]:
        newest = await self.journey.inbox.newest(self.channel)
        known = None if self.journey.one_shot else self.journey.recall(POSITION)
        self._move(newest)
        if not known or not known.isdecimal() or int(known) >= newest:
            return ()
        self._number = int(known)
        return self._taken(await self.journey.inbox.after(self.channel, self._number))

    async def wait(self, seconds: float) -> Sequence[Arrival]:
        try:
            async with asyncio.timeout(max(seconds, 0.0)) as limit:
                messages = await self.journey.inbox.after(self.channel, self._number)
        except TimeoutError:
            if not limit.expired():
                raise
            return await self._last_look()
        return self._taken(messages)

    async def _last_look(self) -> Sequence[Arrival]:
        """What came just before the time was over may still be on its way through the store, however slow that is."""
        async with self.journey.step(self.name, self.component):
            if await self.journey.inbox.newest(self.channel) <= self._number:
                return ()
            return self._taken(await self.journey.inbox.after(self.channel, self._number))

    async def require_room(self) -> None:
        """What the store cannot take is refused for a time, and then nothing can be put on record either."""

    async def tidy(self, own: Sequence[str]) -> None:
        """The daemon's store has its own retention."""

    async def close(self) -> None:
        """There is nothing to close."""

    def arrival(self, message: Message) -> Arrival:
        raise NotImplementedError

    def _taken(self, messages: Sequence[Message]) -> Sequence[Arrival]:
        self._move(max(message.number for message in messages))
        return [self.arrival(message) for message in messages]

    def _move(self, number: int) -> None:
        self._number = number
        self.journey.remember(POSITION, str(number))
