"""What a check that a person asked for has instead of a daemon: a store on demand, and receivers for its time.

Beside a running daemon it has what that has: the same record, and the messages that the daemon receives.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from monitor import logs
from monitor.clock import Clock
from monitor.config import SMTP_CHANNEL, Config, ProbeConfig
from monitor.facts import RecordedFacts
from monitor.inbox import StoredInbox
from monitor.receivers import channels_of, mail_receiver, webhook_routes
from monitor.store import Store, StoreError
from probes.contract import Message


class StoreOnDemand:
    """Reads a store if there is one; opens it for writing, and makes it, only when something is put on record."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = asyncio.Lock()
        self._reading: Store | None = None
        self._writing: Store | None = None

    async def facts(self) -> RecordedFacts:
        """What is on record by now; nothing where there is no store, or none that this program can read."""
        try:
            store = await self._for_reading()
            if store is not None:
                return RecordedFacts(await store.sample_runs(), await store.memory(), self)
        except StoreError as error:
            logs.get().warning("store.unreadable", error=str(error))
        return RecordedFacts(at_once=self)

    async def commit_memory(self, probe: str, key: str, value: str) -> None:
        await (await self._for_writing()).commit_memory(probe, key, value)

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        return await (await self._for_writing()).spend(probe, key, amount, limit)

    async def record_message(
        self, channel: str, received_ms: int, content: bytes, unique_key: str | None = None
    ) -> int | None:
        return await (await self._for_writing()).record_message(channel, received_ms, content, unique_key)

    async def newest_message(self, channel: str) -> int:
        store = await self._for_reading()
        return 0 if store is None else await store.newest_message(channel)

    async def messages_after(self, channel: str, number: int, limit: int) -> list[Message]:
        store = await self._for_reading()
        return [] if store is None else await store.messages_after(channel, number, limit)

    async def aclose(self) -> None:
        for store in (self._reading, self._writing):
            if store is not None:
                await store.close()

    async def _for_reading(self) -> Store | None:
        async with self._opening:
            if self._writing is None and self._reading is None and await asyncio.to_thread(Store.exists, self._url):
                self._reading = await Store.open(self._url, read_only=True)
            return self._writing or self._reading

    async def _for_writing(self) -> Store:
        async with self._opening:
            if self._writing is None:
                self._writing = await Store.open(self._url)
            return self._writing


@asynccontextmanager
async def receiving(
    config: Config, probes: Sequence[ProbeConfig], store: StoreOnDemand, clock: Clock
) -> AsyncIterator[StoredInbox]:
    """The inbox of a run of these probes. Opens the receivers that they wait for, if the ports are free.

    A port that is taken is taken by the daemon: then its messages are found in the store.
    """
    inbox = StoredInbox(store, clock, channels_of(config.inbound))
    needed = channels_needed(probes)
    async with AsyncExitStack() as stack:
        if config.inbound.smtp is not None and SMTP_CHANNEL in needed:
            await _if_free(stack, mail_receiver(config.inbound.smtp, inbox.take, clock), config.inbound.smtp.port)
        if needed.intersection(config.inbound.webhooks):
            await _if_free(stack, _webhooks(config, inbox, clock), config.web_port)
        yield inbox


def channels_needed(probes: Sequence[ProbeConfig]) -> frozenset[str]:
    """The channels that these probes wait for messages on, as their options tell."""
    asked = (getattr(probe.options, "channels_needed", None) for probe in probes)
    found: list[Collection[str]] = [needed() for needed in asked if callable(needed)]
    return frozenset(channel for channels in found for channel in channels)


async def _if_free(stack: AsyncExitStack, receiver: AbstractAsyncContextManager[object], port: int) -> None:
    try:
        await stack.enter_async_context(receiver)
    except OSError as error:
        log = logs.get().info if error.errno == errno.EADDRINUSE else logs.get().warning
        log("receiver.not_opened", port=port, error=str(error))


@asynccontextmanager
async def _webhooks(config: Config, inbox: StoredInbox, clock: Clock) -> AsyncIterator[None]:
    from monitor.web.app import inbound_application, listen, serve

    with listen(config.web_host, config.web_port) as listening:
        async with serve(inbound_application(webhook_routes(config.inbound, inbox.take, clock)), listening):
            yield
