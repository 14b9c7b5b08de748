"""Facts as of an instant: nothing later is in them, so that they are the same whenever they are asked for."""

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
from monitor.sla.agreement import Agreement
from monitor.sla.clock_events import ClockEventKind
from monitor.sla.model import Life
from monitor.sla.record import SealSummary
from monitor.sla.windows import Window, WindowKind
from monitor.store import Store
from tests.store.conftest import Recording
from tests.store.histories import (
    EVERY_MS,
    HERE,
    START_MS,
    all_results,
    execute,
    history,
    import_rows,
    result,
    runs_of_results,
    terms,
)

AGREEMENT = Agreement(START_MS, "Europe/Warsaw", ())
LATER_MS = START_MS + 60_000


async def shown(store: Store, slots: int) -> list[tuple[str, int, int]]:
    """The runs of the first so many intervals: verdict, last result as a number of intervals, count."""
    runs = (await store.facts(START_MS + slots * EVERY_MS)).ledger.runs.get(("web", HERE), ())
    return [(run.verdict.value, (run.last_ms - START_MS) // EVERY_MS, run.count) for run in runs]


async def test_a_run_is_cut_at_the_last_result_that_had_ended(recording: Recording) -> None:
    async with recording() as store:
        for each in history("uuuDDDuuu"):
            await store.record(each)
        assert await shown(store, 0) == []
        assert await shown(store, 2) == [("up", 1, 2)]
        assert await shown(store, 5) == [("up", 2, 3), ("down", 4, 2)]
        assert await shown(store, 9) == [("up", 2, 3), ("down", 5, 3), ("up", 8, 3)]


async def test_a_check_that_was_under_way_is_not_known_yet(recording: Recording) -> None:
    """It took longer than those after it, as those of two daemons at one location can."""
    slow = replace(result("D", START_MS + EVERY_MS), duration_us=100_000_000)
    async with recording() as store:
        for each in [*history("u.uuu"), slow]:
            await store.record(each)
        ended_ms = START_MS + EVERY_MS + 100_000
        before, after = (await store.facts(ended_ms - 1)), (await store.facts(ended_ms))
        assert [run.count for run in before.ledger.runs["web", HERE]] == [4]
        assert [run.count for run in after.ledger.runs["web", HERE]] == [1, 1, 3]


SLOW = st.sampled_from([0, 120_000, 24_999_000, 25_000_000, 60_000_000, 400_000_000])
RESULTS = st.builds(
    lambda letter, slot, probe, reason, duration_us: replace(
        result(letter, START_MS + slot * 25_000, probe), reason="" if letter == "u" else reason, duration_us=duration_us
    ),
    st.sampled_from("uuuuDD?"),
    st.integers(0, 14),
    st.sampled_from(["web", "web", "api"]),
    st.sampled_from(["timeout", "offline"]),
    SLOW,
)


@pytest.mark.timeout(60)
@settings(max_examples=25, deadline=None)
@given(own=st.lists(RESULTS, max_size=25), old=st.lists(RESULTS, max_size=8), more=st.lists(RESULTS, max_size=10))
def test_facts_are_what_the_results_by_then_make(
    empty_store: Path, own: Sequence[Result], old: Sequence[Result], more: Sequence[Result]
) -> None:
    """Recorded in any order, some of them imported; and what ends later changes nothing."""

    async def do(file: Path) -> None:
        async with await Store.open(f"sqlite:///{file}") as store, asyncio.TaskGroup() as tasks:
            await store.record_terms(HERE, START_MS, [terms("web"), replace(terms("api"), confirm_after=1)])
            await store.begin(HERE, "boot-1", "1.0", START_MS)
            tasks.create_task(store.run())
            rows = [row._replace(id=str(number)) for number, row in enumerate(import_rows(old))]
            await store.import_results(rows, file_name="x", sha256="0" * 64, imported_ms=START_MS)
            for each in own:
                await store.record(each)
            moments = [START_MS + slot * 25_000 + shift for slot in range(0, 26, 2) for shift in (-1, 0)]
            found = [await store.facts(moment_ms) for moment_ms in moments]
            recorded = await all_results(store)
            for facts in found:
                ended = [each for each in recorded if each.finished_ms <= facts.as_of_ms]
                assert facts.ledger.runs == runs_of_results(ended, (await store.ledger()).terms)
            then_ms = START_MS + 200_000
            await asyncio.gather(*(store.record(each) for each in more if each.finished_ms > then_ms))
            assert await store.facts(then_ms) == found[moments.index(then_ms)]
            store.stop()

    with TemporaryDirectory() as folder:
        asyncio.run(do(Path(shutil.copy(empty_store, folder))))


async def test_everything_else_is_as_it_was_recorded_by_then(recording: Recording, file: Path) -> None:
    async with recording() as store:
        window = Window(WindowKind.MAINTENANCE, LATER_MS, None, "move", "anna", START_MS)
        entry = await store.add_window(window)
        event = await store.add_clock_event(
            "x", ClockEventKind.CORRECTED, START_MS, author="anna", recorded_ms=START_MS
        )
        await store.record_agreement(AGREEMENT, START_MS)
        execute(file, f"INSERT INTO seal_keys VALUES ('ab', x'00', {START_MS}, NULL, NULL)")
        execute(
            file, f"""INSERT INTO seals VALUES (1, {START_MS}, 'd1', 'ab', x'', CAST('{{"rows":7}}' AS BLOB), x'')"""
        )
        before = await store.facts(START_MS)
        assert (before.windows, before.clock_events) == ((entry,), (event,))
        assert (before.agreements, before.seals) == ((AGREEMENT,), (SealSummary(1, START_MS, "d1", "ab", 7),))
        await store.replace_window(1, replace(window, recorded_ms=LATER_MS))
        await store.add_clock_event("x", ClockEventKind.RESUMED, START_MS, author="anna", recorded_ms=LATER_MS)
        await store.record_agreement(replace(AGREEMENT, zone="Europe/Dublin"), LATER_MS)
        await store.record_terms(HERE, LATER_MS, [replace(terms("web"), confirm_after=3)])
        execute(
            file, f"""INSERT INTO seals VALUES (2, {LATER_MS}, 'd2', 'ab', x'', CAST('{{"rows":8}}' AS BLOB), x'')"""
        )
        assert await store.facts(START_MS) == before
        after = await store.facts(LATER_MS)
        assert [len(each) for each in (after.windows, after.clock_events, after.agreements, after.seals)] == [2] * 4
        assert len(after.ledger.terms) == 2


async def test_the_given_agreement_is_taken_where_none_was_on_record(recording: Recording) -> None:
    async with recording() as store:
        await store.record_agreement(AGREEMENT, LATER_MS)
        other = replace(AGREEMENT, zone="Europe/Dublin")
        assert (await store.facts(START_MS)).agreements == ()
        assert (await store.facts(START_MS, other)).agreements == (other,)
        assert (await store.facts(LATER_MS, other)).agreements == (AGREEMENT,)


async def test_lives_are_cut_and_the_same_before_and_after_the_next_heartbeat(recording: Recording) -> None:
    async with recording() as store:

        async def lives(at_ms: int) -> Sequence[Life]:
            return (await store.facts(at_ms)).ledger.lives

        await store.heartbeat(START_MS + 5_000)
        seen = [await lives(START_MS + at_ms) for at_ms in (-1, 0, 7_000)]
        assert seen == [
            (),
            (Life(HERE, START_MS, START_MS, False),),
            (Life(HERE, START_MS, START_MS + 7_000, False),),
        ]
        await store.heartbeat(START_MS + 10_000)
        await store.clean_stop(START_MS + 15_000)
        assert [await lives(START_MS + at_ms) for at_ms in (-1, 0, 7_000)] == seen
        assert await lives(START_MS + 20_000) == (Life(HERE, START_MS, START_MS + 15_000, True),)
        await store.heartbeat(START_MS + 600_000)
        assert (await lives(START_MS + 500_000))[0].last_ms == START_MS + 15_000


async def test_a_clock_that_was_far_ahead_is_reckoned_with(recording: Recording) -> None:
    """It was set back by three days in the middle of a daemon's life, so that its ids are in no order of time."""
    before_ms = START_MS - 3 * 24 * 3_600_000
    async with recording() as store:
        await asyncio.gather(*(store.record(each) for each in history("u" * 20)))
        await store.heartbeat(before_ms)
        await store.record(result("D", before_ms))
        assert (await store.facts(before_ms + 119)).ledger.runs == {}
        assert len((await store.facts(before_ms + 120)).ledger.runs["web", HERE]) == 1
