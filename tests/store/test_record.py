"""Results go to disk in groups, and nobody is told before they are there."""

import asyncio
import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from monitor.store import Committed, Evidence, ScheduleEvent, Store, StoreError, connect
from monitor.store.ids import own_id
from probes.contract import StepTiming
from tests.store.conftest import Recording
from tests.store.histories import (
    EVERY_MS,
    HERE,
    START_MS,
    all_results,
    assert_runs_are_exact,
    execute,
    history,
    query,
    result,
    terms,
)

REFUSE = """
    CREATE TRIGGER refuse BEFORE INSERT ON results WHEN NEW.duration_us = 666
    BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END
"""


async def test_a_recorded_result_is_there(recording: Recording) -> None:
    async with recording() as store:
        first, second = [await store.record(each) for each in history("uD")]
        assert (first, second) == (own_id(1, 1), own_id(1, 2))
        found = await all_results(store)
        assert [(each.text_id, each.verdict, each.reason, each.step) for each in found] == [
            ("boot-1:1", "up", "", ""),
            ("boot-1:2", "down", "timeout", "connect"),
        ]
        assert [(each.started_ms, each.duration_us) for each in found] == [
            (START_MS, 120_000),
            (START_MS + EVERY_MS, 120_000),
        ]


async def test_many_callers_share_a_transaction(recording: Recording) -> None:
    commits: list[object] = []
    async with recording() as store:
        assert store._engines.write is not None
        event.listen(store._engines.write, "commit", commits.append)
        ids = await asyncio.gather(*(store.record(each) for each in history("u" * 500)))
        assert len(commits) <= 2
        assert ids == [own_id(1, number) for number in range(1, 501)]


async def test_nobody_is_told_before_the_commit(recording: Recording, file: Path) -> None:
    told: list[tuple[int, int]] = []

    def committed(group: list[Committed]) -> None:
        looking = elsewhere.submit(query, file, "SELECT count(*) FROM results")
        while not looking.done():
            pass  # meanwhile nothing else can happen in the loop
        (on_disk,) = looking.result()[0]
        assert isinstance(on_disk, int)
        told.append((len(group), on_disk))

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(int).result()  # starts the thread
        async with recording(on_committed=committed) as store:
            waiters = [asyncio.ensure_future(store.record(each)) for each in history("uuD")]
            while not told:
                assert not any(waiter.done() for waiter in waiters)
                await asyncio.sleep(0)
            await asyncio.gather(*waiters)
    assert told == [(3, 3)]


async def test_the_committed_batch_tells_how_runs_changed(recording: Recording) -> None:
    groups: list[list[Committed]] = []
    async with recording(on_committed=groups.append) as store:
        await asyncio.gather(*(store.record(each) for each in history("uuD")))
        (up, again, down), ledger = groups[0], await store.ledger()
        assert (up.closed, up.current.count, again.closed, again.current.count) == (None, 1, None, 2)
        assert [down.closed, down.current] == ledger.runs["web", HERE]
        await store.record(result("D", START_MS + 3 * EVERY_MS))
        assert groups[1][0].current == (await store.ledger()).runs["web", HERE][-1]


async def test_a_database_error_reaches_every_caller_of_the_group(recording: Recording, file: Path) -> None:
    async with recording() as store:
        execute(file, REFUSE)
        poisoned = replace(result("D", START_MS + EVERY_MS), duration_us=666)
        group = [result("u"), poisoned, result("u", START_MS + 2 * EVERY_MS)]
        outcomes = await asyncio.gather(*(store.record(each) for each in group), return_exceptions=True)
        assert [str(each) for each in outcomes] == ["cannot write: the disk is on fire"] * 3
        assert all(isinstance(each, StoreError) for each in outcomes)
        assert query(file, "SELECT count(*) FROM results UNION ALL SELECT count(*) FROM runs") == [(0,), (0,)]
        assert await store.record(group[2]) == own_id(1, 1), "a failed group leaves no gap in the numbers"
        await assert_runs_are_exact(store)


async def test_a_group_that_fails_at_its_very_end_leaves_no_gap(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uu.uu"):
            await store.record(each)
        execute(
            file, "CREATE TRIGGER refuse BEFORE UPDATE ON meta BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END"
        )
        with pytest.raises(StoreError, match="the disk is on fire"):
            await store.record(result("D", START_MS + 2 * EVERY_MS))
        execute(file, "DROP TRIGGER refuse")
        assert await store.record(result("D", START_MS + 2 * EVERY_MS)) == own_id(1, 5)
        await assert_runs_are_exact(store)


async def test_another_writer_is_waited_for_as_long_as_it_takes(
    recording: Recording, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_TIMEOUT_MS", 20)
    refusals: list[object] = []
    loop, persistent = asyncio.get_running_loop(), asyncio.Event()

    def refused(context: object) -> None:
        refusals.append(context)
        if len(refusals) == 3:
            loop.call_soon_threadsafe(persistent.set)

    async with recording() as store:
        assert store._engines.write is not None
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            event.listen(store._engines.write, "handle_error", refused)
            waiter = asyncio.ensure_future(store.record(result("u")))
            async with asyncio.timeout(10):
                await persistent.wait()
            assert not waiter.done()
            other.execute("COMMIT")
        assert await waiter == own_id(1, 1)


async def test_a_result_that_cannot_be_harms_nobody_else(recording: Recording) -> None:
    async with recording() as store:
        unknown = store.record(result("u", probe="stranger"))
        impossible = store.record(result("u", -1))
        good = store.record(result("u"))
        outcomes = await asyncio.gather(unknown, impossible, good, return_exceptions=True)
        assert [type(each) for each in outcomes] == [StoreError, StoreError, int]


async def test_flush_waits_for_what_was_recorded_before(recording: Recording, file: Path) -> None:
    async with recording() as store:
        waiting = [asyncio.ensure_future(store.record(each)) for each in history("u" * 50)]
        await asyncio.sleep(0)
        assert store.waiting == 50
        await store.flush()
        assert query(file, "SELECT count(*) FROM results") == [(50,)]
        await asyncio.gather(*waiting)


async def test_stop_stores_what_waits_and_refuses_what_comes_later(recording: Recording, file: Path) -> None:
    async with recording() as store:
        waiting = [asyncio.ensure_future(store.record(each)) for each in history("u" * 50)]
        await asyncio.sleep(0)
        store.stop()
        with pytest.raises(StoreError, match="being closed"):
            await store.record(result("u"))
        await asyncio.gather(*waiting)
    assert query(file, "SELECT count(*) FROM results") == [(50,)]


async def test_a_cancelled_writer_leaves_nobody_waiting(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        await store.begin(HERE, "boot-1", "1.0", START_MS)
        waiter = asyncio.ensure_future(store.record(result("u")))
        running = asyncio.ensure_future(store.run())
        await asyncio.sleep(0)
        running.cancel()
        outcomes = await asyncio.gather(running, waiter, return_exceptions=True)
        assert [type(each) for each in outcomes] == [asyncio.CancelledError, StoreError]


async def test_a_cancelled_caller_harms_nobody_else(recording: Recording) -> None:
    async with recording() as store:
        first, second = [asyncio.ensure_future(store.record(each)) for each in history("uu")]
        await asyncio.sleep(0)
        first.cancel()
        assert await second == own_id(1, 2)


async def test_evidence_is_kept_of_failures_and_of_the_first_success_after(recording: Recording) -> None:
    timing = StepTiming("connect", "api", 0.25, 1, False)
    told = {
        "detail": "db.example \udc80",
        "steps": (timing,),
        "evidence": {"answer": "no\udc80"},
        "figures": {"n": 1.5},
    }
    async with recording() as store:
        full = [replace(each, **told) for each in history("uDuu")]  # type: ignore[arg-type]
        ids = [await store.record(each) for each in full]
        kept = Evidence("db.example \\udc80", (timing,), {"answer": "no\udc80"}, {"n": 1.5})
        assert [await store.evidence(each) for each in ids] == [None, kept, kept, None]


async def test_a_daemons_start_begins_its_own_numbers(recording: Recording) -> None:
    for writer in (1, 2):
        async with recording(f"boot-{writer}") as store:
            assert await store.record(result("u", START_MS + writer)) == own_id(writer, 1)


async def test_schedule_events(recording: Recording) -> None:
    async with recording() as store:
        await store.record_event("web", START_MS, "late", "the loop was busy", 1_500)
        await store.record_event("web", START_MS + EVERY_MS, "skipped", "stopping", 0)
        assert await store.events(START_MS, START_MS + EVERY_MS) == [
            ScheduleEvent("web", HERE, START_MS, "late", "the loop was busy", 1_500)
        ]


async def test_a_result_needs_at_most_40_bytes(recording: Recording, file: Path) -> None:
    """With eight probes, everything included, once the log is merged into the file."""
    probes = [f"probe-{number}" for number in range(8)]
    noise = random.Random(1)
    async with recording(probes=probes) as store:
        for first in range(0, 2_000, 100):
            waiting = [
                store.record(replace(each, duration_us=noise.randrange(5_000, 3_000_000)))
                for probe in probes
                for each in history("u" * 100, probe, start_ms=START_MS + first * EVERY_MS)
            ]
            await asyncio.gather(*waiting)
        empty = 4096 * 40
    assert (file.stat().st_size - empty) / 16_000 <= 40
