"""The store's threads: whoever gives up leaves nothing behind, and the end of the store is theirs, too."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from pathlib import Path

import pytest

from monitor.store import ImportRow, Store, StoreError
from monitor.store.worker import Worker
from tests.store.conftest import Recording
from tests.store.histories import HERE, START_MS, history, import_rows, query, result, terms

PATIENCE_SECONDS = 10.0


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("store")}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 – what is waited for happens in another thread
            await asyncio.sleep(0.001)


@asynccontextmanager
async def another_writing(file: Path) -> AsyncIterator[None]:
    """Keeps the store as another process would."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_no_thread_is_left(url: str, recording: Recording) -> None:
    async with recording() as writer, await Store.open(url, read_only=True) as reader:
        await writer.record(result("u"))
        await reader.ledger()
        assert threads() == {"store.write_0", "store.read_0"}
    assert threads() == set()


async def test_a_store_that_cannot_be_opened_leaves_no_thread(url: str, file: Path) -> None:
    file.write_text("# just a text, but a long one\n" * 100)
    for read_only in (False, True):
        with pytest.raises(StoreError):
            await Store.open(url, read_only=read_only)
    assert threads() == set()


async def test_nothing_can_be_asked_after_the_end(url: str) -> None:
    async with await Store.open(url) as store:
        pass
    await store.close()
    for refused in (store.ledger(), store.rebuild_runs()):
        with pytest.raises(StoreError, match="the store is closed"):
            await refused


async def test_the_loop_goes_on_while_another_process_writes(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        async with another_writing(file):
            waiter = asyncio.ensure_future(store.record_terms(HERE, START_MS, [terms("web")]))
            assert (await store.ledger()).terms == ()
            assert not waiter.done()
        assert await waiter


async def test_a_caller_who_gives_up_waiting_changes_nothing(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        async with another_writing(file):
            waiter = asyncio.ensure_future(store.record_terms(HERE, START_MS, [terms("web")]))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiter, 0.01)
        await store.record_terms(HERE, START_MS, [terms("api")])
        assert [each.probe for each in (await store.ledger()).terms] == ["api"]


async def test_an_import_that_is_given_up_is_rolled_back(url: str, file: Path) -> None:
    begun = threading.Event()

    def endless() -> Iterator[ImportRow]:
        (row,) = import_rows(history("u"))
        begun.set()
        while True:
            yield row

    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        importing = asyncio.ensure_future(
            store.import_results(endless(), file_name="x", sha256="0" * 64, imported_ms=START_MS)
        )
        await until(begun.is_set)
        importing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await importing
        rows = import_rows(history("uu"))
        done = await store.import_results(rows, file_name="x", sha256="0" * 64, imported_ms=START_MS)
        assert done.added == 2
    assert query(file, "SELECT count(*) FROM imports") == [(1,)]


async def test_a_group_that_is_given_up_is_not_stored(recording: Recording, url: str, file: Path) -> None:
    """What the writer learnt in it is forgotten, too: its next numbers and runs are those that are on disk."""
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        await store.begin(HERE, "boot-1", "1.0", START_MS)
        running = asyncio.ensure_future(store.run())
        await store.record(result("u"))
        async with another_writing(file):
            waiter = asyncio.ensure_future(store.record(result("D", START_MS + 1)))
            await until(lambda: store.waiting == 0)
            running.cancel()
            outcomes = await asyncio.gather(running, waiter, return_exceptions=True)
        assert [type(each) for each in outcomes] == [asyncio.CancelledError, StoreError]
        assert await store.record_terms(HERE, START_MS, [terms("web"), terms("api")])
    assert query(file, "SELECT count(*) FROM results") == [(1,)]


async def test_more_readers_than_connections_are_kept(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        rows = import_rows(history("u" * 3_000))
        await store.import_results(rows, file_name="x", sha256="0" * 64, imported_ms=START_MS)
        async with AsyncExitStack() as stack:
            found = [await stack.enter_async_context(aclosing(store.results(0, 2**48))) for _ in range(10)]
            for results in found:
                assert (await anext(results)).started_ms == START_MS
            assert len((await store.ledger()).runs) == 1


async def test_a_reader_who_gives_up_leaves_no_transaction_open(url: str) -> None:
    async with await Store.open(url) as store:
        reading = asyncio.ensure_future(anext(store.results(0, 2**48), None))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await store.ledger()
        assert store._engines.read.pool.status().startswith("Pool size: 4  Connections in pool: 1 ")


async def test_the_end_waits_for_work_in_flight() -> None:
    worker, allowed, done = Worker("store.test"), threading.Event(), list[str]()

    def work() -> None:
        allowed.wait(PATIENCE_SECONDS)
        done.append("work")

    abandoned = asyncio.ensure_future(worker.do(work))
    await until(lambda: threads() == {"store.test_0"})
    abandoned.cancel()
    closing_ = asyncio.ensure_future(worker.close(lambda: done.append("last")))
    await asyncio.sleep(0)
    assert not closing_.done()
    allowed.set()
    await closing_
    assert done == ["work", "last"]
    assert threads() == set()
