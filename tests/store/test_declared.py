"""Windows, agreements and what was done about outages: recorded once, never changed."""

import asyncio
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import monitor.store.declared
from monitor.sla.agreement import Agreement, RecurringMaintenance
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.model import ComponentTerms
from monitor.sla.windows import ReasonClass, Window, WindowEntry, WindowKind, in_force
from monitor.store import Store, StoreError
from tests.store.histories import START_MS, query

HOUR_MS = 3_600_000
WINDOW = Window(
    WindowKind.EXCLUDED,
    START_MS,
    START_MS + HOUR_MS,
    "the customer's line was cut",
    "anna",
    START_MS + 2 * HOUR_MS,
    components=("api", "frontend"),
    announced_ms=START_MS - HOUR_MS,
    reason_class=ReasonClass.CUSTOMER,
    approver="bert",
)
OPEN = Window(WindowKind.RESTORE, START_MS, None, "from last night's backup", "anna", START_MS)
AGREEMENT = Agreement(
    START_MS,
    "Europe/Warsaw",
    (ComponentTerms("api", "Cloud API", Fraction(99, 100), Fraction(999, 1000), "blocker"),),
    quorums={"api": 2},
    since={"api": START_MS},
    maintenance_cap_ms=HOUR_MS,
    recurring=(RecurringMaintenance("weekly", "FREQ=WEEKLY;BYDAY=WE", "2026-01-07T02:00:00", HOUR_MS, "updates"),),
)


async def test_windows_are_read_back_as_they_were_declared(url: str) -> None:
    async with await Store.open(url) as store:
        added = [await store.add_window(each) for each in (WINDOW, OPEN)]
    async with await Store.open(url, read_only=True) as store:
        assert await store.windows() == added
    assert [entry.window for entry in added] == [replace(WINDOW, number=1), replace(OPEN, number=2)]
    assert (added[0].author, added[0].recorded_ms, added[0].replaces) == ("anna", WINDOW.recorded_ms, None)


async def test_a_change_is_a_row_that_takes_the_place_of_another(url: str) -> None:
    async with await Store.open(url) as store:
        first = await store.add_window(OPEN)
        ended = replace(OPEN, end_ms=START_MS + HOUR_MS, author="bert", recorded_ms=START_MS + HOUR_MS)
        second = await store.replace_window(first.number, ended)
        assert (second.replaces, second.author, second.window) == (1, "bert", replace(ended, number=2))
        entries = await store.windows()
        assert [window.number for window in in_force(entries, START_MS + HOUR_MS)] == [2]
        assert in_force(entries, START_MS + HOUR_MS - 1) == [first.window]


async def test_a_revoked_window_stays_on_record(url: str) -> None:
    async with await Store.open(url) as store:
        await store.add_window(OPEN)
        revoked = await store.revoke_window(1, author="bert", text="a mistake", recorded_ms=START_MS + 5)
        assert revoked == WindowEntry(2, START_MS + 5, "bert", None, 1, "a mistake")
        entries = await store.windows()
        assert [entry.number for entry in entries] == [1, 2]
        assert in_force(entries, START_MS + 5) == []


@pytest.mark.parametrize("number", [7, 1, 2])
async def test_only_a_window_in_force_can_be_changed(url: str, file: Path, number: int) -> None:
    """7 was never there, 1 was replaced, 2 is what revoked its successor's place."""
    async with await Store.open(url) as store:
        await store.add_window(OPEN)
        await store.revoke_window(1, author="bert", text="a mistake", recorded_ms=START_MS)
        for change in (
            store.replace_window(number, OPEN),
            store.revoke_window(number, author="bert", text="", recorded_ms=START_MS),
        ):
            with pytest.raises(StoreError, match=f"there is no window {number} in force"):
                await change
    assert len(query(file, "SELECT * FROM windows")) == 2


async def test_of_two_who_change_the_same_window_one_is_told_so(url: str) -> None:
    """As two processes do: each has the store open by itself."""
    async with await Store.open(url) as one, await Store.open(url) as other:
        await one.add_window(OPEN)
        changes = [one.replace_window(1, OPEN), other.revoke_window(1, author="bert", text="", recorded_ms=START_MS)]
        outcomes = await asyncio.gather(*changes, return_exceptions=True)
        assert sum(isinstance(each, StoreError) for each in outcomes) == 1
        assert len(await one.windows()) == 2


@pytest.mark.parametrize(
    "window",
    [
        replace(WINDOW, end_ms=WINDOW.start_ms),
        replace(WINDOW, start_ms=-1),
        replace(WINDOW, components=("api,frontend",)),
        replace(WINDOW, components=("",)),
        replace(WINDOW, rule="weekly"),
    ],
)
async def test_what_would_not_be_read_back_the_same_is_refused(url: str, window: Window) -> None:
    async with await Store.open(url) as store:
        with pytest.raises(StoreError):
            await store.add_window(window)
        assert await store.windows() == []


async def test_an_agreement_is_recorded_once(url: str) -> None:
    async with await Store.open(url) as store:
        assert await store.record_agreement(AGREEMENT, START_MS + 7)
        assert not await store.record_agreement(replace(AGREEMENT, from_ms=START_MS + HOUR_MS), START_MS + HOUR_MS)
        changed = replace(AGREEMENT, from_ms=START_MS + HOUR_MS, maintenance_counts=False)
        assert await store.record_agreement(changed, START_MS + HOUR_MS)
        assert await store.agreements() == [AGREEMENT, changed]


async def test_an_agreement_never_comes_into_force_again_by_itself(url: str) -> None:
    """The clock was set back between the two starts of the daemon."""
    async with await Store.open(url) as store:
        await store.record_agreement(AGREEMENT, START_MS)
        changed = replace(AGREEMENT, from_ms=START_MS - HOUR_MS, maintenance_counts=False)
        await store.record_agreement(changed, START_MS - HOUR_MS)
        assert await store.agreements() == [AGREEMENT, replace(changed, from_ms=START_MS + 1)]


async def test_what_was_done_about_an_outage(url: str) -> None:
    async with await Store.open(url) as store:
        event = await store.add_clock_event(
            "api-1", ClockEventKind.WAITING, START_MS, author="anna", recorded_ms=START_MS + 5, note="for the logs"
        )
        assert event == ClockEvent(
            1, "api-1", ClockEventKind.WAITING, START_MS, "anna", START_MS + 5, "for the logs", "cli"
        )
        assert await store.clock_events() == [event]


async def test_a_running_daemon_learns_of_every_declaration(url: str) -> None:
    async with await Store.open(url) as store, await Store.open(url) as other:
        for change in (
            other.add_window(OPEN),
            other.replace_window(1, OPEN),
            other.revoke_window(2, author="bert", text="", recorded_ms=START_MS),
            other.record_agreement(AGREEMENT, START_MS),
            other.add_clock_event("x", ClockEventKind.CORRECTED, START_MS, author="anna", recorded_ms=START_MS),
        ):
            before = await store.generation()
            await change
            assert await store.generation() > before


def test_nothing_in_the_store_changes_what_was_declared() -> None:
    folder = Path(monitor.store.declared.__file__).parent
    tables = r"(schema\.)?(windows|agreements|clock_events|seal_keys|seals|prunings)\b"
    change = re.compile(rf"(update|delete)\({tables}|(UPDATE|DELETE FROM)\s+{tables}")
    assert [file.name for file in folder.rglob("*.py") if change.search(file.read_text())] == []
    assert not re.search(r"\b(update|delete)\(", (folder / "declared.py").read_text())
