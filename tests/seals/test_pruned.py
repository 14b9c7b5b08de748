"""After raw results were deleted for their age, what is left can still be proved."""

import json

import pytest

from monitor.store import Store
from monitor.store.ids import own_id
from tests.seals.conftest import DAY_MS, EDGE_MS, SEALED_MS, Sealing
from tests.store.histories import START_MS, history, import_rows, terms

PRUNED_MS = SEALED_MS + 2 * DAY_MS


def prune(sealed: Sealing, *, claimed: int = 6) -> None:
    """As retention does it: results that began before the edge go, and a row says which."""
    content = {"results": {"boot-1": [own_id(1, 1), own_id(1, 6)]}, "rows": claimed, "runs": {}}
    sealed.tamper(
        f"DELETE FROM evidence WHERE result_id BETWEEN {own_id(1, 1)} AND {own_id(1, 6)}",
        f"DELETE FROM results WHERE id BETWEEN {own_id(1, 1)} AND {own_id(1, 6)}",
        "INSERT INTO prunings (pruned_ms, before_ms, content) VALUES "
        f"({PRUNED_MS}, {EDGE_MS}, '{json.dumps(content)}')",
    )


async def test_pruned_results_are_no_tampering(sealed: Sealing) -> None:
    prune(sealed)
    found = await sealed.verified()
    assert found.findings == []
    assert found.pruned == 6
    assert any("pruned" in note for note in found.notes)


async def test_retention_as_the_store_does_it_is_no_tampering(sealed: Sealing) -> None:
    async with await Store.open(sealed.url) as store:
        gone = await store.prune(EDGE_MS, PRUNED_MS)
    assert gone > 6  # imported ones, too
    found = await sealed.verified()
    assert found.findings == []
    assert (found.pruned, found.unsealed) == (gone, {"prunings": 1})


async def test_what_is_left_of_a_seal_is_still_looked_at(sealed: Sealing) -> None:
    prune(sealed)
    sealed.tamper(f"UPDATE results SET duration_us = 1 WHERE id = {own_id(1, 8)}")
    finding = (await sealed.verified()).findings[0]
    assert (finding.kind, finding.row) == ("changed", "boot-1:8")


async def test_a_result_that_no_pruning_speaks_of_was_removed(sealed: Sealing) -> None:
    prune(sealed)
    sealed.tamper(f"DELETE FROM results WHERE id = {own_id(1, 8)}")
    findings = (await sealed.verified()).findings
    assert [(each.kind, each.row) for each in findings if each.table == "results"] == [("removed", "boot-1:8")]


async def test_more_results_gone_than_were_pruned_is_named(sealed: Sealing) -> None:
    prune(sealed, claimed=5)
    assert [each.kind for each in (await sealed.verified()).findings] == ["removed"]


async def test_the_end_of_a_run_that_was_pruned_in_part_is_held_against_the_results(sealed: Sealing) -> None:
    prune(sealed)
    sealed.tamper("UPDATE runs SET last_ms = last_ms - 1 WHERE probe = 1 AND verdict = 0 AND last_id < (2 << 32) "
                  "AND first_id > (1 << 32) + 3")  # fmt: skip
    assert [each.kind for each in (await sealed.verified()).findings] == ["run"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("verdict = 0, reason = NULL, step = NULL", "verdict = 2 AND probe = 1"),  # an outage that never was
        ("last_ms = last_ms - 1", "verdict = 0 AND probe = 1 AND last_id < (1 << 32) + 4"),
        ("first_ms = first_ms - 90000", "verdict = 0 AND probe = 3"),
    ],
)
async def test_a_run_whose_results_are_gone_is_proved_by_a_seal(sealed: Sealing, change: str, where: str) -> None:
    """Figures are computed from runs, for years after the results that made them were deleted."""
    async with await Store.open(sealed.url) as store:
        await store.prune(EDGE_MS, PRUNED_MS)
    assert sealed.tamper(f"UPDATE runs SET {change} WHERE {where}") == 1
    await sealed.seal(PRUNED_MS + DAY_MS)
    assert [(each.kind, each.seal) for each in (await sealed.verified()).findings] == [("run", 2)]


async def test_a_run_that_went_on_at_the_edge_has_its_beginning(sealed: Sealing) -> None:
    async with await Store.open(sealed.url) as store:
        await store.prune(EDGE_MS, PRUNED_MS)
    sealed.tamper("UPDATE runs SET first_ms = first_ms - 1 WHERE verdict = 2 AND probe = 1")
    assert [(each.kind, each.seal) for each in (await sealed.verified()).findings] == [("run", 2)]


async def test_a_deletion_that_no_seal_prepared_is_named(sealed: Sealing) -> None:
    """Else a row that claims it would do, to take away the results and to rewrite what is left of them."""
    async with await Store.open(sealed.url) as store:
        await store.prune(EDGE_MS + 1, PRUNED_MS)
    assert [(each.kind, each.table) for each in (await sealed.verified()).findings] == [("removed", "prunings")]


async def test_an_import_of_older_results_is_no_tampering_where_nothing_was_deleted(sealed: Sealing) -> None:
    async with await Store.open(sealed.url) as store:
        await store.import_results(
            import_rows(history("uuDD", "older", start_ms=START_MS - DAY_MS)),
            file_name="older.json",
            sha256="01",
            imported_ms=PRUNED_MS,
            terms_of=lambda newcomer: terms("older", from_ms=newcomer.first_ms),
        )
    assert (await sealed.verified()).findings == []
