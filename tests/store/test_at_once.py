"""What is on disk at once: memory, what was spent, messages. By a daemon, and by any other process."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.store import Store, StoreError
from tests.store.conftest import Recording
from tests.store.histories import EVERY_MS, START_MS, execute, query, result


@pytest.fixture(params=["daemon", "other process"])
async def store(request: pytest.FixtureRequest, recording: Recording, url: str) -> AsyncIterator[Store]:
    if request.param == "daemon":
        async with recording(probes=["web", "sms"]) as store:
            yield store
    else:
        async with await Store.open(url) as store:
            yield store


async def test_memory_is_on_disk_at_once(store: Store, file: Path) -> None:
    await store.commit_memory("sms", "open", "first")
    await store.commit_memory("sms", "open", "second")
    assert query(file, "SELECT key, value FROM memory") == [("open", "second")]
    assert await store.memory() == {("sms", "open"): "second"}


async def test_spending_ends_at_the_limit_and_what_does_not_fit_is_not_counted(store: Store, file: Path) -> None:
    granted = [await store.spend("sms", "today", amount, 10) for amount in (4, 4, 4, 2, 1, 0)]
    assert granted == [True, True, False, True, False, True]
    assert query(file, "SELECT spent FROM allowances") == [(10,)]


async def test_what_is_spent_is_of_each_probe_and_key(store: Store) -> None:
    assert await store.spend("sms", "today", 2, 2)
    assert await store.spend("sms", "tomorrow", 2, 2)
    assert await store.spend("web", "today", 2, 2)
    assert not await store.spend("sms", "today", 1, 2)
    assert await store.spend("sms", "today", 1, 3), "the limit is the caller's of the moment"
    with pytest.raises(ValueError, match="not negative"):
        await store.spend("sms", "today", -1, 2)


async def test_many_at_once_spend_no_more_than_the_limit(store: Store) -> None:
    granted = await asyncio.gather(*(store.spend("sms", "today", 3, 20) for _ in range(30)))
    assert sum(granted) == 6


async def test_messages_come_in_order_by_channel(store: Store, file: Path) -> None:
    numbers = [
        await store.record_message(channel, START_MS + number, content, None)
        for number, (channel, content) in enumerate([("smtp", b"one"), ("sms", b"\x00two"), ("smtp", b"three")])
    ]
    assert query(file, "SELECT number FROM inbound_messages ORDER BY number") == [(number,) for number in numbers]
    first, second, third = numbers
    assert first is not None and second is not None and third is not None and first < second < third
    found = await store.messages_after("smtp", 0, 10)
    assert [(each.number, each.channel, each.content) for each in found] == [
        (first, "smtp", b"one"),
        (third, "smtp", b"three"),
    ]
    assert found[1].received_at.timestamp() * 1000 == START_MS + 2
    assert [each.content for each in await store.messages_after("smtp", first, 10)] == [b"three"]
    assert [each.content for each in await store.messages_after("smtp", 0, 1)] == [b"one"]
    assert [await store.newest_message(channel) for channel in ("smtp", "sms", "none")] == [third, second, 0]


async def test_a_message_of_the_same_key_counts_once_in_its_channel(store: Store) -> None:
    assert await store.record_message("sms", START_MS, b"x", "id-1") is not None
    assert await store.record_message("sms", START_MS + 1, b"y", "id-1") is None
    assert await store.record_message("smtp", START_MS, b"x", "id-1") is not None
    assert await store.record_message("sms", START_MS, b"x") is not None
    assert await store.record_message("sms", START_MS, b"x") is not None
    assert [each.content for each in await store.messages_after("sms", 0, 10)] == [b"x"] * 3


async def test_old_messages_are_forgotten_and_their_numbers_are_not_given_again(store: Store) -> None:
    for age_ms in (10, 5, 0):
        last = await store.record_message("smtp", START_MS - age_ms, b"x")
    assert await store.forget_messages(START_MS) == 2
    assert [each.number for each in await store.messages_after("smtp", 0, 10)] == [last]
    assert await store.forget_messages(START_MS + 1) == 1
    following = await store.record_message("smtp", START_MS, b"x")
    assert following is not None and last is not None and following > last


async def test_half_a_surrogate_pair_in_a_key_is_no_reason_to_stop_writing(store: Store) -> None:
    assert await store.record_message("sms", START_MS, b"x", "\ud800") is not None
    assert await store.record_message("sms", START_MS, b"x", "\ud800") is None
    await store.commit_memory("sms", "\ud800", "\ud800")
    assert await store.spend("sms", "\ud800", 1, 1)
    assert not await store.spend("sms", "\ud800", 1, 1)


async def test_what_cannot_be_stored_is_an_error_for_each_caller(store: Store, file: Path) -> None:
    execute(file, "DROP TABLE allowances")
    execute(file, "DROP TABLE inbound_messages")
    with pytest.raises(StoreError):
        await store.spend("sms", "today", 1, 1)
    with pytest.raises(StoreError):
        await store.record_message("smtp", START_MS, b"x")
    await store.commit_memory("sms", "key", "value")


async def test_a_result_without_memory_leaves_what_was_committed(recording: Recording) -> None:
    async with recording() as store:
        await store.record(replace(result("u"), memory={"turn": "1"}))
        await store.commit_memory("web", "turn", "2")
        await store.record(result("u", START_MS + EVERY_MS))
        assert await store.memory() == {("web", "turn"): "2"}


async def test_one_who_only_reads_cannot_spend(url: str) -> None:
    await (await Store.open(url)).close()
    async with await Store.open(url, read_only=True) as store:
        with pytest.raises(StoreError, match="reading only"):
            await store.spend("sms", "today", 1, 1)


@asynccontextmanager
async def spenders(url: str, number: int, limit: int) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    command = [sys.executable, "-m", "tests.store.spender", url, str(limit)]
    started = [
        await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(number)
    ]
    try:
        for process in started:
            assert process.stdout is not None and await process.stdout.readline() == b"ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_two_processes_at_once_never_spend_more_than_the_limit(url: str) -> None:
    for limit in range(200, 2200, 200):  # on a busy machine one of them may be done before the other begins
        async with spenders(url, 2, limit) as processes:
            printed = [(await process.communicate())[0] for process in processes]
        granted = [len(each.splitlines()) for each in printed]
        assert sum(granted) == 200
        if min(granted) > 0:
            break
    else:
        pytest.fail("they never spent at once")
    async with await Store.open(url) as store:
        assert not await store.spend("sms", "today", 1, limit)


@pytest.mark.slow
async def test_killed_after_it_has_spent_a_process_has_spent(url: str, file: Path) -> None:
    async with spenders(url, 1, 1_000_000) as (process,):
        assert process.stdout is not None
        printed = [await process.stdout.readline() for _ in range(5)]
        process.kill()
        printed += (await process.stdout.read()).splitlines(keepends=True)
    acknowledged = sum(line == b"spent\n" for line in printed)
    ((spent,),) = query(file, "SELECT spent FROM allowances")
    assert isinstance(spent, int)
    assert acknowledged <= spent <= acknowledged + 1
    async with await Store.open(url) as store:
        assert not await store.spend("sms", "today", 1, spent)
        assert await store.spend("sms", "today", 1, spent + 1)
