"""The name of the result that an outage began with: the same for ever, whatever is recorded or deleted later."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.reports.making import evidence_of
from monitor.sla.outages import Outage
from monitor.store import Store
from tests.seals.conftest import recorded
from tests.store.histories import EVERY_MS, HERE, START_MS, history, import_rows, terms


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Failures of two probes that begin at the same instant, of which one is a blip, and an imported one."""
    results = [*history("uuDDDuuuD"), *history("uuDuuu", "mail")]
    await recorded(tmp_path / "uptime.db", sorted(results, key=lambda each: (each.started_ms, each.probe)))
    async with await Store.open(f"sqlite:///{tmp_path / 'uptime.db'}") as opened:
        await opened.import_results(
            import_rows(history("uDDu", "old")),
            file_name="old.json",
            sha256="00",
            imported_ms=START_MS,
            terms_of=lambda newcomer: terms("old", from_ms=newcomer.first_ms),
        )
        yield opened


AT_MS = START_MS + 2 * EVERY_MS


async def test_failures_name_the_results_that_they_began_with(store: Store) -> None:
    assert await store.first_failures(START_MS + 100 * EVERY_MS) == {
        ("web", HERE, AT_MS): "boot-1:6",
        ("mail", HERE, AT_MS): "boot-1:5",
        ("web", HERE, START_MS + 8 * EVERY_MS): "boot-1:15",
    }


async def test_what_began_later_is_not_named(store: Store) -> None:
    assert set(await store.first_failures(AT_MS)) == {("web", HERE, AT_MS), ("mail", HERE, AT_MS)}
    assert await store.first_failures(AT_MS - 1) == {}


async def test_the_names_stay_when_results_are_deleted(store: Store) -> None:
    before = await store.first_failures(START_MS + 100 * EVERY_MS)
    assert await store.prune(START_MS + 7 * EVERY_MS, START_MS + 100 * EVERY_MS, sealed_only=False) > 0
    assert await store.first_failures(START_MS + 100 * EVERY_MS) == before


async def test_an_outage_names_the_failure_that_was_confirmed(store: Store) -> None:
    moment_ms = START_MS + 100 * EVERY_MS
    record = await store.facts(moment_ms)
    found = evidence_of(record, await store.first_failures(moment_ms))
    assert found[Outage("api", AT_MS, None, 0, 0).id] == "boot-1:6"
