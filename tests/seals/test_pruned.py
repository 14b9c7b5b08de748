"""After raw results were deleted for their age, what is left can still be proved."""

import json

from monitor.store import Store
from monitor.store.ids import own_id
from tests.seals.conftest import DAY_MS, SEALED_MS, Sealing
from tests.store.histories import EVERY_MS, START_MS

EDGE_MS = START_MS + 6 * EVERY_MS


def prune(sealed: Sealing, *, claimed: int = 6) -> None:
    """As retention does it: results that began before the edge go, and a row says which."""
    content = {"results": {"boot-1": [own_id(1, 1), own_id(1, 6)]}, "rows": claimed, "runs": {}}
    sealed.tamper(
        f"DELETE FROM evidence WHERE result_id BETWEEN {own_id(1, 1)} AND {own_id(1, 6)}",
        f"DELETE FROM results WHERE id BETWEEN {own_id(1, 1)} AND {own_id(1, 6)}",
        "INSERT INTO prunings (pruned_ms, before_ms, content) VALUES "
        f"({SEALED_MS}, {EDGE_MS}, '{json.dumps(content)}')",
    )


async def test_pruned_results_are_no_tampering(sealed: Sealing) -> None:
    prune(sealed)
    found = await sealed.verified()
    assert found.findings == []
    assert found.pruned == 6
    assert any("pruned" in note for note in found.notes)


async def test_retention_as_the_store_does_it_is_no_tampering(sealed: Sealing) -> None:
    async with await Store.open(sealed.url) as store:
        gone = await store.prune(EDGE_MS, SEALED_MS + 2 * DAY_MS)
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
