"""What the store answers."""

from contextlib import aclosing
from dataclasses import replace

from monitor.store import Store
from tests.store.conftest import Recording
from tests.store.histories import EVERY_MS, HERE, START_MS, all_results, history, import_rows, result, terms


async def test_the_ledger_from_a_time_on(recording: Recording) -> None:
    async with recording() as store:
        for each in history("uDuuu"):
            await store.record(each)
        ledger = await store.ledger()
        for since, expected in ((0, 3), (1, 3), (3, 2), (4, 1), (6, 1), (7, 0)):
            found = (await store.ledger(START_MS + since * EVERY_MS)).runs.get(("web", HERE), [])
            assert found == ledger.runs["web", HERE][3 - expected :], f"since {since} intervals"


async def test_the_newest_result_of_each_probe(recording: Recording) -> None:
    newest = replace(result("D", START_MS + EVERY_MS, "api"), detail="no answer", evidence={"answer": "…"})
    async with recording(probes=["web", "api", "never"]) as store:
        for each in [*history("uu"), result("u", probe="api"), newest]:
            await store.record(each)
        assert await store.latest() == [history("uu")[-1], newest]


async def test_the_newest_of_two_writers_that_take_turns(recording: Recording) -> None:
    async with recording("boot-1") as first, recording("boot-2") as second:
        await second.record(result("u"))
        newest = replace(result("u", START_MS + EVERY_MS), duration_us=1)
        await first.record(newest)
        assert await first.latest() == [newest]


async def test_results_of_a_time_come_in_its_order(recording: Recording) -> None:
    async with recording(probes=["web", "api"]) as store:
        for each in [*history("uuDD"), *history("uuuu", "api", start_ms=START_MS - EVERY_MS + 1)]:
            await store.record(each)
        start_ms, end_ms = START_MS + 1, START_MS + 2 * EVERY_MS
        found = [(each.probe, each.started_ms - START_MS) async for each in store.results(start_ms, end_ms)]
        assert found == [("api", 1), ("web", EVERY_MS), ("api", EVERY_MS + 1)]
        found = [(each.probe, each.started_ms - START_MS) async for each in store.results(start_ms, end_ms, "api")]
        assert found == [("api", 1), ("api", EVERY_MS + 1)]


async def test_a_consumer_may_stop_early(url: str) -> None:
    async with await Store.open(url) as store:
        await store.record_terms(HERE, START_MS, [terms("web")])
        rows = import_rows(history("u" * 5_000))
        await store.import_results(rows, file_name="x", sha256="0" * 64, imported_ms=START_MS)
        for _ in range(10):  # more often than there are connections
            async with aclosing(store.results(0, 2**48)) as results:
                assert (await anext(results)).started_ms == START_MS
        assert len(await all_results(store)) == 5_000
