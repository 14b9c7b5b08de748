"""A simulated year in a real store: the same facts, the same figures, the same bytes."""

import sqlite3
from pathlib import Path

import pytest

from monitor.simulation.course import Course
from monitor.simulation.ledger import ledger_of
from monitor.simulation.recording import record_runs_alone, record_year
from monitor.sla.accounts import account
from monitor.sla.record import Record
from monitor.sla.windows import in_force
from monitor.store import Store, StoreError
from tests.simulation.places import agreement, busy, period

PLACE = "frankfurt"


async def record(file: Path, course: Course) -> int:
    async with await Store.open(f"sqlite:///{file}") as store:
        return await record_year(store, course, agreement(), PLACE, "1.0")


async def facts(file: Path, course: Course) -> Record:
    async with await Store.open(f"sqlite:///{file}") as store:
        return await store.facts(course.interval[1])


async def test_the_store_holds_what_the_ledger_of_the_course_holds(tmp_path: Path) -> None:
    course = busy(4)
    count = await record(tmp_path / "sim.db", course)
    async with await Store.open(f"sqlite:///{tmp_path / 'sim.db'}") as store:
        stored, expected = await store.ledger(), ledger_of(course, PLACE)
    assert dict(stored.runs) == dict(expected.runs)
    assert sum(run.count for runs in stored.runs.values() for run in runs) == count > 20_000
    assert sorted(map(repr, stored.terms)) == sorted(map(repr, expected.terms))
    assert list(stored.lives) == list(expected.lives)


async def test_the_store_gives_the_same_figures(tmp_path: Path) -> None:
    course = busy(2)
    await record(tmp_path / "sim.db", course)
    stored = await facts(tmp_path / "sim.db", course)
    known = in_force(stored.windows, course.interval[1])
    assert [(window.kind, window.start_ms) for window in known] == [
        (window.kind, window.start_ms) for window in course.windows
    ]
    values = Record(course.interval[1], ledger_of(course, PLACE), (agreement(),), stored.windows)
    for component in ("api", "ingest"):
        assert account(stored, component, period(course.interval)) == account(
            values, component, period(course.interval)
        )


async def test_its_runs_are_those_that_the_store_makes_anew_from_its_results(tmp_path: Path) -> None:
    course = busy(3)
    await record(tmp_path / "sim.db", course)
    before = (await facts(tmp_path / "sim.db", course)).ledger.runs
    async with await Store.open(f"sqlite:///{tmp_path / 'sim.db'}") as store:
        await store.rebuild_runs()
    assert (await facts(tmp_path / "sim.db", course)).ledger.runs == before


async def test_runs_alone_are_as_after_all_results_were_deleted(tmp_path: Path) -> None:
    """They stay as they are when runs are made anew, because nothing is left to make them of."""
    course = busy(4)
    async with await Store.open(f"sqlite:///{tmp_path / 'sim.db'}") as store:
        await record_runs_alone(store, course, agreement(), PLACE, "1.0")
        await store.rebuild_runs()
        stored, expected = await store.ledger(), ledger_of(course, PLACE)
    assert dict(stored.runs) == dict(expected.runs)
    assert list(stored.lives) == list(expected.lives)


async def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        await record(tmp_path / name, busy(1, days=2))
    assert _dump(tmp_path / "one.db") == _dump(tmp_path / "two.db")


async def test_a_store_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    await record(tmp_path / "sim.db", busy(1, days=1))
    before = _dump(tmp_path / "sim.db")
    with pytest.raises(StoreError, match="in use already"):
        await record(tmp_path / "sim.db", busy(2, days=1))
    assert _dump(tmp_path / "sim.db") == before


def _dump(file: Path) -> str:
    connection = sqlite3.connect(file)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()
