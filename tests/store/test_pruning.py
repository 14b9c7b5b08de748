"""Raw results are deleted for their age, and nothing that anybody computes from the store changes by it."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import monitor.store.pruning
from monitor.results import Result
from monitor.store import Store, StoreError
from monitor.store.ids import own_id
from monitor.store.pruning import note, plan
from probes.contract import Picture
from tests.store.conftest import Recording
from tests.store.histories import (
    EVERY_MS,
    HERE,
    START_MS,
    all_results,
    execute,
    history,
    import_rows,
    query,
    result,
    terms,
)

NOW_MS = START_MS + 10**9


def slot(number: int) -> int:
    return START_MS + number * EVERY_MS


async def recorded_from(store: Store) -> list[int]:
    return [(each.started_ms - START_MS) // EVERY_MS for each in await all_results(store)]


def seal(file: Path, results: dict[str, tuple[int, int]], imports: int = 0) -> None:
    header = json.dumps({"results": results, "rows": 1, "tables": {"imports": {"last": imports}}})
    execute(file, f"INSERT OR IGNORE INTO seal_keys VALUES ('ab', x'00', {START_MS}, NULL, NULL)")
    number = len(query(file, "SELECT * FROM seals")) + 1
    execute(file, f"INSERT INTO seals VALUES ({number}, {START_MS}, 'd', 'ab', x'', CAST('{header}' AS BLOB), x'')")


async def test_old_results_go_and_all_figures_stay(recording: Recording, file: Path) -> None:
    async with recording(probes=["web", "api"]) as store:
        for each in [*history("uuuDDDuuuu"), *history("uuuuuuuuuu", "api")]:
            await store.record(each)
        before = await store.ledger(), [await store.facts(slot(number)) for number in (5, 6, 7, 12)]
        assert await store.prune(slot(5), NOW_MS, sealed_only=False) == 10
        assert sorted(set(await recorded_from(store))) == [5, 6, 7, 8, 9]
        assert (await store.ledger(), [await store.facts(slot(number)) for number in (5, 6, 7, 12)]) == before
        await store.rebuild_runs()
        assert await store.ledger() == before[0]
        assert await store.prune(slot(5), NOW_MS, sealed_only=False) == 0


async def test_what_is_deleted_is_noted(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uuuDDu"):
            await store.record(each)
        await take_in(store, history("uu", start_ms=slot(-2)), "old")
        imported = [int(str(number)) for (number,) in query(file, "SELECT id FROM results WHERE id < 0 ORDER BY id")]
        await store.prune(slot(5), NOW_MS, sealed_only=False)
    ((pruned_ms, before_ms, content),) = query(file, "SELECT pruned_ms, before_ms, content FROM prunings")
    assert (pruned_ms, before_ms) == (NOW_MS, slot(5))
    assert json.loads(str(content)) == {
        "rows": 7,
        "results": {"boot-1": [own_id(1, 1), own_id(1, 5)], "imported": [imported[0], imported[-1]]},
        "runs": {"web": {HERE: {"last_ms": slot(4), "count": 2}}},
    }
    assert content == json.dumps(json.loads(str(content)), sort_keys=True, separators=(",", ":"))


async def test_evidence_and_pictures_go_with_their_results(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("DDu"):
            picture = Picture("page", "image/png", b"x")
            await store.record(replace(each, detail="why", pictures=(picture,)))
        assert await store.prune(slot(1), NOW_MS, sealed_only=False) == 1
        kept = [(own_id(1, 2),)]
        assert query(file, "SELECT result_id FROM pictures") == kept
        assert query(file, "SELECT result_id FROM evidence") == [*kept, (own_id(1, 3),)]


async def test_the_newest_result_of_a_probe_stays_however_old(recording: Recording) -> None:
    async with recording(probes=["web", "api"]) as store:
        for each in [*history("uuDD"), *history("u......u", "api")]:
            await store.record(each)
        latest = await store.latest()
        assert await store.prune(slot(100), NOW_MS, sealed_only=False) == 4
        assert await store.latest() == latest
        assert await recorded_from(store) == [3, 7]


async def test_nothing_is_deleted_that_is_not_sealed(recording: Recording, file: Path) -> None:
    async with recording() as store:
        await take_in(store, history("uu", start_ms=slot(-2)), "old")
        for each in history("uuuuuu"):
            await store.record(each)
        assert await store.prune(slot(4), NOW_MS) == 0
        assert query(file, "SELECT * FROM prunings") == []
        seal(file, {"boot-1": (own_id(1, 1), own_id(1, 2)), "imported": (-7, -1)})
        assert await store.prune(slot(4), NOW_MS) == 2
        assert await recorded_from(store) == [-2, -1, 2, 3, 4, 5]
        seal(file, {"boot-1": (own_id(1, 1), own_id(1, 6))}, imports=1)
        assert await store.prune(slot(4), NOW_MS) == 4
        assert await recorded_from(store) == [4, 5]


async def test_an_import_must_not_reach_into_deleted_time(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uuuuuuuu"):
            await store.record(each)
        await store.prune(slot(4), NOW_MS, sealed_only=False)
        before = await store.ledger()
        old = import_rows(history("D", start_ms=slot(4) - 1))
        with pytest.raises(StoreError, match=rf"{old[0].id} is older than the results that are kept; nothing was imp"):
            await store.import_results(
                [*import_rows(history("D", start_ms=slot(5))), *old], file_name="x", sha256="", imported_ms=5
            )
        assert await store.ledger() == before


async def test_a_result_that_claims_to_be_older_is_kept_and_changes_no_run(recording: Recording, file: Path) -> None:
    """The clock was set back by more than results are kept: nobody can tell any more what it would have changed."""
    async with recording() as store:
        for each in history("uuDDuuuu"):
            await store.record(each)
        await store.prune(slot(5), NOW_MS, sealed_only=False)
        before = await store.ledger()
        await store.record(result("D", slot(2) + 5))
        assert await store.ledger() == before
        assert query(file, "SELECT count(*) FROM results") == [(4,)]


async def test_what_comes_in_meanwhile_is_reckoned_with(recording: Recording, file: Path) -> None:
    """A plan that is out of date is not carried out: what it says of the newest runs would be wrong."""
    async with recording() as store:
        for each in history("uuu.uu"):
            await store.record(each)
        planned = await store._read(lambda connection: plan(connection, slot(5), sealed_only=False))
        await store.record(result("u", slot(3)))
        assert not await store._transact(lambda connection: note(connection, planned, NOW_MS))
        assert await store.prune(slot(5), NOW_MS, sealed_only=False) == 5
        assert '"count":5' in str(query(file, "SELECT content FROM prunings"))


async def test_other_writers_get_their_turn(recording: Recording, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.store.pruning, "PORTION", 2)
    async with recording() as store:
        for each in history("u" * 20):
            await store.record(each)
        pruning = asyncio.create_task(store.prune(slot(18), NOW_MS, sealed_only=False))
        while not query(file, "SELECT * FROM prunings"):
            await store.flush()
        await store.record(result("u", slot(20)))
        assert not pruning.done()
        assert await pruning == 18
        assert await recorded_from(store) == [18, 19, 20]


# What happens before the edge at slot 10, and after the results before it were deleted.
EARLY, LATE = st.integers(0, 16), st.integers(10, 20)


def results_at(slots: st.SearchStrategy[int]) -> st.SearchStrategy[list[Result]]:
    one = st.builds(
        lambda letter, number, probe, late_ms: result(letter, slot(number) + late_ms, probe),
        st.sampled_from("uuuDD?"),
        slots,
        st.sampled_from(["web", "web", "api"]),
        st.sampled_from([0, 0, 7_000]),
    )
    return st.lists(one, max_size=20)


@pytest.mark.timeout(60)
@settings(max_examples=20, deadline=None)
@given(
    early=results_at(EARLY),
    old=results_at(EARLY),
    late=results_at(LATE),
    imported=results_at(LATE),
    confirm_after=st.integers(1, 3),
)
def test_a_pruned_store_tells_the_same_as_one_that_keeps_all(
    empty_store: Path,
    early: list[Result],
    old: list[Result],
    late: list[Result],
    imported: list[Result],
    confirm_after: int,
) -> None:
    async def told(file: Path, edges: Sequence[int]) -> list[Any]:
        found: list[Any] = []

        async def look(store: Store) -> None:
            found.append(await store.ledger())
            found.extend([await store.facts(slot(number) + 1_000) for number in (10, 13, 16, 20)])

        async with await Store.open(f"sqlite:///{file}") as store, asyncio.TaskGroup() as tasks:
            await store.record_terms(HERE, START_MS, [terms("web"), terms("api")])
            await store.begin(HERE, "boot-1", "1.0", START_MS)
            tasks.create_task(store.run())
            await take_in(store, old, "old")
            for each in early:
                await store.record(each)
            for edge in edges:
                await store.prune(slot(edge), NOW_MS, sealed_only=False)
            await look(store)
            for each in late:
                await store.record(each)
            await look(store)
            await take_in(store, imported, "new")
            await store.record_terms(HERE, slot(15), [replace(terms("web"), confirm_after=confirm_after), terms("api")])
            await look(store)
            await store.rebuild_runs()
            await look(store)
            store.stop()
        return found

    with TemporaryDirectory() as folder:
        files = [Path(shutil.copy(empty_store, Path(folder, name))) for name in ("kept", "pruned")]
        kept, pruned = asyncio.run(told(files[0], ())), asyncio.run(told(files[1], (4, 10)))
        assert pruned == kept
        assert not early or len(query(files[1], "SELECT * FROM results")) <= len(
            query(files[0], "SELECT * FROM results")
        )


async def take_in(store: Store, results: Sequence[Result], name: str) -> None:
    rows = [row._replace(id=f"{name}-{number}") for number, row in enumerate(import_rows(results))]
    await store.import_results(
        rows,
        file_name="x",
        sha256="0" * 64,
        imported_ms=START_MS,
        terms_of=lambda newcomer: terms(newcomer.probe, from_ms=newcomer.first_ms),
    )
