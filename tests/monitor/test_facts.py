"""What earlier checks found out reaches later ones, and the store's copy says the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.facts import RecordedFacts
from monitor.store import Store
from probes.contract import Blocked, Reason, SampleMark
from probes.efento.samples import SampleRun, SampleState
from tests.store.histories import execute, query

SERIAL = "282C02FFFF01"


def test_marks_and_memory_are_added_to_what_was_loaded() -> None:
    loaded = {SERIAL: [SampleRun(100, 120, 10, SampleState.SEEN)]}
    facts = RecordedFacts(loaded, {("ingest", "point"): "101"})
    facts.add("ingest", [SampleMark(SERIAL, 10, SampleState.SEEN, (130,))], {"turn": "1"})
    assert facts.sample_runs(SERIAL) == [SampleRun(100, 130, 10, SampleState.SEEN)]
    assert facts.recall("ingest", "point") == "101"
    assert facts.recall("ingest", "turn") == "1"
    assert facts.recall("history", "turn") is None, "a probe remembers for itself"
    assert facts.sample_runs("282C02FFFF02") == ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uptime.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{file}") as store:
        yield store


async def test_what_is_committed_is_on_disk_and_recalled(store: Store, file: Path) -> None:
    facts = RecordedFacts(memory={("sms", "round"): "1"}, at_once=store)
    await facts.commit("sms", "round", "2")
    assert query(file, "SELECT value FROM memory") == [("2",)]
    assert facts.recall("sms", "round") == "2"


async def test_a_commit_that_was_cut_off_is_recalled_because_it_may_be_stored(store: Store, file: Path) -> None:
    facts = RecordedFacts(at_once=store)
    committing = asyncio.create_task(facts.commit("sms", "round", "2"))
    await asyncio.sleep(0)
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    assert facts.recall("sms", "round") == "2"


async def test_the_store_counts_what_two_processes_spend(store: Store, file: Path) -> None:
    async with await Store.open(f"sqlite:///{file}") as other:
        mine, others = RecordedFacts(at_once=store), RecordedFacts(at_once=other)
        assert await mine.spend("sms", "today", 2, 4)
        assert await others.spend("sms", "today", 2, 4)
        assert not await mine.spend("sms", "today", 1, 4)


async def test_what_cannot_be_put_on_record_blocks_the_check(store: Store, file: Path) -> None:
    execute(file, "DROP TABLE memory")
    execute(file, "DROP TABLE allowances")
    facts = RecordedFacts(memory={("sms", "round"): "1"}, at_once=store)
    for refused in (facts.commit("sms", "round", "2"), facts.spend("sms", "today", 1, 4)):
        with pytest.raises(Blocked, match="no such table") as caught:
            await refused
        assert caught.value.reason is Reason.BLOCKED
    assert facts.recall("sms", "round") == "1"


async def test_without_a_store_nothing_can_be_put_on_record() -> None:
    facts = RecordedFacts()
    for refused in (facts.commit("sms", "round", "2"), facts.spend("sms", "today", 1, 4)):
        with pytest.raises(Blocked, match="there is no store"):
            await refused
