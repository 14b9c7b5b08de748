"""The runs in the table are always those that the results make."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.results import Result
from monitor.sla.model import Run, Verdict
from monitor.store import Committed, Store
from tests.store.conftest import Recording
from tests.store.histories import (
    EVERY_MS,
    HERE,
    START_MS,
    assert_results_are_found_through_runs,
    assert_runs_are_exact,
    execute,
    history,
    import_rows,
    query,
    result,
    terms,
)


async def runs_of_web(store: Store) -> list[tuple[str, int, int, int]]:
    """Verdict, first and last as numbers of intervals from the start, count."""

    def slot(ms: int) -> int:
        return (ms - START_MS) // EVERY_MS

    runs = (await store.ledger()).runs["web", HERE]
    return [(run.verdict.value, slot(run.first_ms), slot(run.last_ms), run.count) for run in runs]


async def test_results_in_order_make_runs(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uuuDD??u....u"):
            await store.record(each)
        assert await runs_of_web(store) == [
            ("up", 0, 2, 3),
            ("down", 3, 4, 2),
            ("unknown", 5, 6, 2),
            ("up", 7, 7, 1),
            ("up", 12, 12, 1),
        ]
        await assert_runs_are_exact(store)
        assert_results_are_found_through_runs(file)


@pytest.mark.parametrize(
    ("in_order", "late"),
    [
        pytest.param("uu.uu", ("u", 2), id="one more of the same inside the newest run"),
        pytest.param("uu.uu", ("D", 2), id="splits the newest run"),
        pytest.param("uuuDD", ("u", 3), id="splits off the end of a run, at the time of another result"),
        pytest.param("uD.Du", ("?", 2), id="splits an earlier run"),
        pytest.param("uu....uu", ("u", 3), id="between two runs, too far from both"),
        pytest.param("uu...uu", ("u", 3), id="joins two runs"),
        pytest.param(".uuDD", ("u", 0), id="before all"),
        pytest.param(".uuDD", ("D", 0), id="before all, another verdict"),
    ],
)
async def test_a_late_result_changes_only_what_it_must(
    recording: Recording, file: Path, in_order: str, late: tuple[str, int]
) -> None:
    groups: list[list[Committed]] = []
    async with recording(on_committed=groups.append) as store:
        for each in history(in_order):
            await store.record(each)
        before = await store.generation()
        await store.record(result(late[0], START_MS + late[1] * EVERY_MS))
        await assert_runs_are_exact(store)
        assert_results_are_found_through_runs(file)
        (committed,), ledger = groups[-1], await store.ledger()
        assert committed.current == ledger.runs["web", HERE][-1]
        assert committed.rebuilt == (await store.generation() > before)


async def test_runs_outside_the_stretch_are_not_touched(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uDuDu.uDuDu"):
            await store.record(each)
        before = set(query(file, "SELECT id, first_ms FROM runs"))
        await store.record(result("D", START_MS + 5 * EVERY_MS))
        after = set(query(file, "SELECT id, first_ms FROM runs"))
        assert {first for _, first in before - after} <= {START_MS + each * EVERY_MS for each in (4, 7)}
        await assert_runs_are_exact(store)


async def test_a_clock_set_back_while_up_rebuilds_nothing(recording: Recording) -> None:
    """Otherwise each result of an hour set back would read a whole run again, which may be months long."""
    async with recording() as store:
        for each in [*history("uuuuuu"), *history("uuuuu", start_ms=START_MS + 7_000)]:
            await store.record(each)
        assert await store.generation() == 0
        await assert_runs_are_exact(store)


async def test_rebuilding_mends_everything(recording: Recording, file: Path) -> None:
    async with recording(probes=["web", "api"]) as store:
        for each in [*history("uuDDu?u"), *history("DuDDD", "api")]:
            await store.record(each)
        expected = (await store.ledger()).runs
        execute(file, "DELETE FROM runs WHERE count = 2")
        execute(file, "UPDATE runs SET last_ms = last_ms + 1, count = 17")
        generation = await store.generation()
        await store.rebuild_runs()
        assert (await store.ledger()).runs == expected
        assert await store.generation() > generation


async def test_a_run_keeps_the_first_reason(recording: Recording) -> None:
    async with recording() as store:
        down = result("D")
        for number, reason in enumerate(["timeout", "refused", "reset"]):
            await store.record(replace(down, started_ms=START_MS + number * EVERY_MS, reason=reason))
        expected = Run(Verdict.DOWN, START_MS, START_MS + 2 * EVERY_MS, 3, 75_000, 2, "timeout", "connect")
        assert (await store.ledger()).runs["web", HERE] == [expected]


# A grid of 25 s below an allowed silence of 75 s: with ties, gaps and all orders.
RESULTS = st.builds(
    lambda letter, slot, probe, reason: replace(
        result(letter, START_MS + slot * 25_000, probe), reason="" if letter == "u" else reason
    ),
    st.sampled_from("uuDD?"),
    st.integers(0, 14),
    st.sampled_from(["web", "web", "api"]),
    st.sampled_from(["timeout", "offline"]),
)
BATCHES = st.lists(RESULTS, min_size=1, max_size=6)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), BATCHES),
        st.tuples(st.just("record"), BATCHES),
        st.tuples(st.just("import"), BATCHES),
        st.tuples(st.just("terms"), st.tuples(st.integers(0, 14), st.integers(1, 3))),
    ),
    max_size=8,
)


@pytest.mark.timeout(60)
@settings(max_examples=40, deadline=None)
@given(actions=ACTIONS)
def test_whatever_happens_the_runs_are_exact(empty_store: Path, actions: Sequence[tuple[str, object]]) -> None:
    """Results in any order and in any groups, imports among them, settings that change in between."""
    with TemporaryDirectory() as folder:
        file = Path(shutil.copy(empty_store, folder))
        asyncio.run(_do(file, actions))
        assert_results_are_found_through_runs(file)


async def _do(file: Path, actions: Sequence[tuple[str, object]]) -> None:
    async with await Store.open(f"sqlite:///{file}") as store, asyncio.TaskGroup() as tasks:
        await store.record_terms(HERE, START_MS, [terms("web"), terms("api")])
        await store.begin(HERE, "boot-1", "1.0", START_MS)
        tasks.create_task(store.run())
        for number, (action, what) in enumerate(actions):
            await _act(store, action, what, number)
            await assert_runs_are_exact(store)
        store.stop()


async def _act(store: Store, action: str, what: object, number: int) -> None:
    if action == "terms":
        assert isinstance(what, tuple)
        slot, confirm_after = what
        now = [replace(terms("web"), confirm_after=confirm_after), terms("api")]
        await store.record_terms(HERE, START_MS + slot * 25_000, now)
        return
    assert isinstance(what, list)
    batch: list[Result] = what
    if action == "record":
        await asyncio.gather(*(store.record(each) for each in batch))
    else:
        rows = [row._replace(id=f"{number}-{place}") for place, row in enumerate(import_rows(batch))]
        await store.import_results(rows, file_name="x", sha256="0" * 64, imported_ms=START_MS)
