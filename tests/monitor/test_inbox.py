"""Messages reach those who wait for them: at once in the process that received them, soon in any other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.inbox import StoredInbox
from monitor.store import Store, StoreError
from probes.contract import Blocked
from tests.store.histories import execute, query

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHANNELS = {"smtp", "sms"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uptime.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{file}") as store:
        yield store


def inbox_of(store: Store) -> StoredInbox:
    return StoredInbox(store, ManualClock(NOON), CHANNELS)


async def waiting_for(inbox: StoredInbox, channel: str, number: int) -> "asyncio.Task[list[bytes]]":
    """A task that waits for messages, and has looked in vain by now."""

    async def contents() -> list[bytes]:
        return [each.content for each in await inbox.after(channel, number)]

    task = asyncio.create_task(contents())
    async with asyncio.timeout(5):
        await inbox.newest(channel)  # the store does one thing after the other: what was asked before is answered
        await inbox.newest(channel)
    assert not task.done()
    return task


async def test_a_message_is_on_disk_before_take_returns(store: Store, file: Path) -> None:
    assert await inbox_of(store).take("smtp", b"mail", "key")
    rows = query(file, "SELECT channel, received_ms, unique_key, content FROM inbound_messages")
    assert rows == [("smtp", int(NOON.timestamp() * 1000), "key", b"mail")]


async def test_whoever_waits_is_woken_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.inbox.POLL_SECONDS", 60)
    inbox = inbox_of(store)
    newest = await inbox.newest("smtp")
    waiting = [await waiting_for(inbox, "smtp", newest) for _ in range(2)]
    await inbox.take("sms", b"not for them")
    await inbox.take("smtp", b"mail")
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [[b"mail"]] * 2


async def test_what_another_process_received_is_found_soon(store: Store, file: Path) -> None:
    waiting = await waiting_for(inbox_of(store), "smtp", 0)
    async with await Store.open(f"sqlite:///{file}") as other:
        await inbox_of(other).take("smtp", b"mail")
    async with asyncio.timeout(3):
        assert await waiting == [b"mail"]


async def test_messages_behind_a_number_come_in_order_and_none_before_it(store: Store) -> None:
    inbox = inbox_of(store)
    await inbox.take("smtp", b"old")
    newest = await inbox.newest("smtp")
    for content in (b"one", b"two"):
        await inbox.take("smtp", content)
    assert [each.content for each in await inbox.after("smtp", newest)] == [b"one", b"two"]
    assert [each.received_at for each in await inbox.after("smtp", newest)] == [NOON, NOON]


async def test_a_repeated_delivery_is_not_taken_twice_and_logs_tell_no_contents(store: Store) -> None:
    inbox = inbox_of(store)
    with capture_logs() as logged:
        assert await inbox.take("sms", b"secret words", "id-1")
        assert not await inbox.take("sms", b"secret words", "id-1")
    assert len(await inbox.after("sms", 0)) == 1
    assert logged == [
        {"event": "message.received", "log_level": "info", "channel": "sms", "number": 1, "bytes": 12},
        {"event": "message.repeated", "log_level": "info", "channel": "sms", "bytes": 12},
    ]


async def test_a_channel_that_nothing_receives_for_blocks_at_once(store: Store) -> None:
    for asked in (inbox_of(store).newest("post"), inbox_of(store).after("post", 0)):
        with pytest.raises(Blocked, match="no receiver post"):
            await asked


async def test_a_store_that_fails_blocks_those_who_wait_and_refuses_the_message(store: Store, file: Path) -> None:
    inbox = inbox_of(store)
    execute(file, "DROP TABLE inbound_messages")
    for asked in (inbox.newest("smtp"), inbox.after("smtp", 0)):
        with pytest.raises(Blocked, match="no such table"):
            await asked
    with pytest.raises(StoreError):
        await inbox.take("smtp", b"mail")


async def test_the_newest_is_known_only_when_what_came_before_is_on_disk(store: Store) -> None:
    """A slow disk must not make a message look late that came in time."""
    slow = SlowToRecord(store)
    inbox = StoredInbox(slow, ManualClock(NOON), CHANNELS)
    taking = asyncio.create_task(inbox.take("smtp", b"mail"))
    await slow.asked.wait()
    assert await inbox.newest("sms") == 0
    asking = asyncio.create_task(inbox.newest("smtp"))
    await waiting_for(inbox, "sms", 0)
    assert not asking.done()
    slow.may_answer.set()
    assert (await asking, await taking) == (1, True)


class SlowToRecord:
    """A store whose disk takes its time to write."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.newest_message, self.messages_after = store.newest_message, store.messages_after

    async def record_message(
        self, channel: str, received_ms: int, content: bytes, unique_key: str | None = None
    ) -> int | None:
        self.asked.set()
        await self.may_answer.wait()
        return await self._store.record_message(channel, received_ms, content, unique_key)
