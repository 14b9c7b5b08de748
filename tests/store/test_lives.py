"""Heartbeats as stretches of time."""

from monitor.sla.model import Life
from monitor.store import Store
from tests.store.conftest import Recording
from tests.store.histories import HERE, START_MS

INTERVAL_MS = 5_000


async def lives(store: Store) -> list[tuple[int, int, bool]]:
    return [(each.first_ms - START_MS, each.last_ms - START_MS, each.clean) for each in (await store.ledger()).lives]


async def test_heartbeats_extend_one_life(recording: Recording) -> None:
    async with recording() as store:
        for number in range(1, 4):
            await store.heartbeat(START_MS + number * INTERVAL_MS)
        assert (await store.ledger()).lives == (Life(HERE, START_MS, START_MS + 3 * INTERVAL_MS, clean=False),)


async def test_a_machine_that_stood_still_begins_another(recording: Recording) -> None:
    async with recording() as store:
        await store.heartbeat(START_MS + 15_000)
        await store.heartbeat(START_MS + 30_001)
        assert await lives(store) == [(0, 15_000, False), (30_001, 30_001, False)]


async def test_a_clock_set_back_a_little_takes_nothing_away(recording: Recording) -> None:
    async with recording() as store:
        await store.heartbeat(START_MS + 5_000)
        await store.heartbeat(START_MS + 2_000)
        assert await lives(store) == [(0, 5_000, False)]


async def test_a_clock_set_back_far_begins_another(recording: Recording) -> None:
    async with recording() as store:
        await store.heartbeat(START_MS - 3_600_000)
        await store.heartbeat(START_MS - 3_595_000)
        assert await lives(store) == [(-3_600_000, -3_595_000, False), (0, 0, False)]


async def test_a_clean_stop_is_told_from_a_crash(recording: Recording) -> None:
    async with recording("boot-1") as store:
        await store.heartbeat(START_MS + 5_000)
    async with recording("boot-2", now_ms=START_MS + 60_000) as store:
        await store.clean_stop(START_MS + 62_000)
        assert await lives(store) == [(0, 5_000, False), (60_000, 62_000, True)]
