"""Messages that came in: from the receivers into the store, and from the store to the journeys that wait for them."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from monitor import logs
from monitor.clock import Clock, to_milliseconds
from monitor.store import StoreError
from probes.contract import Blocked, Message

# What another process on the same store received is found by looking; what this one received, at once.
POLL_SECONDS = 0.5
MESSAGES_AT_A_TIME = 100


class Messages(Protocol):
    """The part of a store that an inbox needs. Each raises `StoreError`."""

    async def record_message(
        self, channel: str, received_ms: int, content: bytes, unique_key: str | None = None
    ) -> int | None: ...

    async def newest_message(self, channel: str) -> int: ...

    async def messages_after(self, channel: str, number: int, limit: int) -> list[Message]: ...


class StoredInbox:
    """The `probes.contract.Inbox` of a daemon or a one-shot check, and what its receivers hand messages to.

    `channels` are those that something receives for, in this process or in another one on the same store.
    """

    def __init__(self, store: Messages, clock: Clock, channels: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._channels = frozenset(channels)
        self._news = asyncio.Event()
        self._being_taken: set[tuple[str, asyncio.Future[None]]] = set()

    async def newest(self, channel: str) -> int:
        """Knows of all that came before it was asked, also of what is still being written to the disk."""
        self._expect(channel)
        if being_taken := [taking for name, taking in self._being_taken if name == channel]:
            await asyncio.wait(being_taken)
        try:
            return await self._store.newest_message(channel)
        except StoreError as error:
            raise Blocked(f"cannot look for messages of {channel}: {error}") from error

    async def after(self, channel: str, number: int) -> Sequence[Message]:
        self._expect(channel)
        while True:
            news = self._news  # before looking: what comes while the store is asked counts, too
            try:
                found = await self._store.messages_after(channel, number, MESSAGES_AT_A_TIME)
            except StoreError as error:
                raise Blocked(f"cannot look for messages of {channel}: {error}") from error
            if found:
                return found
            await _a_moment(news)

    async def take(self, channel: str, content: bytes, unique_key: str | None = None) -> bool:
        """Stores a message that came in; on disk when this returns. False: it was there already.

        Raises `StoreError`; then the sender is to try again.
        """
        now_ms = to_milliseconds(self._clock.now())
        entry = channel, asyncio.get_running_loop().create_future()
        self._being_taken.add(entry)
        try:
            number = await self._store.record_message(channel, now_ms, content, unique_key)
        finally:
            self._being_taken.discard(entry)
            entry[1].set_result(None)
        if number is None:
            logs.get().info("message.repeated", channel=channel, bytes=len(content))
            return False
        logs.get().info("message.received", channel=channel, number=number, bytes=len(content))
        self._news.set()
        self._news = asyncio.Event()
        return True

    def _expect(self, channel: str) -> None:
        if channel not in self._channels:
            raise Blocked(f"no receiver {channel} is configured")


async def _a_moment(news: asyncio.Event) -> None:
    """Waits for news, but not longer than the pace of looking."""
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await news.wait()
    except TimeoutError:
        return
