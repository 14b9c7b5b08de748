"""Whatever is done to the file of a sealed store, verification names it."""

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.seals import keys
from monitor.seals.canonical import canonical_json, header_digest
from monitor.seals.findings import Finding
from monitor.store import Store
from monitor.store.ids import own_id
from tests.seals.conftest import DAY_MS, SEALED_MS, Sealing, recorded
from tests.store.histories import EVERY_MS, START_MS, history

FIRST = own_id(1, 1)
THIRD, FOURTH = own_id(1, 3), own_id(1, 4)


def kinds(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(finding.kind, finding.table or str(finding.seal)) for finding in findings}


async def test_an_untouched_store_holds(sealed: Sealing) -> None:
    found = await sealed.verified()
    assert found.findings == []
    assert found.seals == 2
    assert found.unsealed == {}
    assert found.newest is not None
    assert found.newest["digest"] == sealed.seals[-1].digest
    assert found.rows == sum(each.rows for each in sealed.seals)


@pytest.mark.parametrize(
    "change",
    [
        "started_ms = started_ms + 1",
        "duration_us = duration_us - 1",
        "duration_us = duration_us + 0.5",
        "duration_us = 'x'",
        "verdict = 2",
        "probe = 2",
        "location = 77",
        "reason = 1",
        "step = 1",
    ],
)
async def test_one_byte_of_a_result_is_named(sealed: Sealing, change: str) -> None:
    assert sealed.tamper(f"UPDATE results SET {change} WHERE id = {THIRD}") == 1
    found = await sealed.verified()
    finding = found.findings[0]
    assert (finding.kind, finding.table, finding.row, finding.seal) == ("changed", "results", "boot-1:3", 1)
    assert finding.more == 0
    assert finding.at.startswith("2026-09-21T14:14:20.00")
    assert "boot-1:3" in finding.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET detail = 'no answer!' WHERE result_id = {}",
        "UPDATE evidence SET content = X'00' WHERE result_id = {}",
        "DELETE FROM evidence WHERE result_id = {}",
        "UPDATE pictures SET content = X'32' WHERE result_id = {}",
        "INSERT INTO pictures VALUES ({}, 'q', 'image/png', X'00')",
    ],
)
async def test_what_was_kept_of_a_result_is_sealed_with_it(sealed: Sealing, statement: str) -> None:
    number = own_id(1, 10)
    assert sealed.tamper(statement.format(number)) == 1
    found = await sealed.verified()
    assert [(each.kind, each.row, each.probe) for each in found.findings] == [("changed", "boot-1:10", "mail")]


async def test_a_result_taken_away_is_named(sealed: Sealing) -> None:
    sealed.tamper(f"DELETE FROM results WHERE id = {THIRD}")
    found = await sealed.verified()
    assert kinds(found.findings) == {("removed", "results"), ("run", "runs")}
    assert found.findings[0].row == "boot-1:3"
    assert found.findings[0].at == "after 2026-09-21T14:13:50.000Z"


async def test_two_results_in_each_others_place_are_named(sealed: Sealing) -> None:
    """Their numbers exchanged, so that what came later is said to have come first."""
    sealed.tamper(
        f"UPDATE results SET id = -1 WHERE id = {THIRD}",
        f"UPDATE results SET id = {THIRD} WHERE id = {FOURTH}",
        f"UPDATE results SET id = {FOURTH} WHERE id = -1",
    )
    found = await sealed.verified()
    finding = next(each for each in found.findings if each.table == "results")
    assert (finding.kind, finding.row, finding.more) == ("reordered", "boot-1:3", 1)
    assert "sealed as boot-1:4" in finding.text


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (own_id(1, 0), ("added", "results")),  # before the first
        (own_id(1, 11), None),  # behind the newest: no seal can know of it, but the runs do
        (-12345, ("added", "results")),  # as if it had been imported
    ],
)
async def test_a_result_put_in_is_named(sealed: Sealing, number: int, expected: tuple[str, str] | None) -> None:
    sealed.tamper(f"INSERT INTO results SELECT {number}, 1, 1, {START_MS + 20_000}, 1, 0, NULL, NULL")
    found = await sealed.verified()
    assert ("run", "runs") in kinds(found.findings)
    if expected is None:
        assert found.unsealed == {"results": 1}
    else:
        assert expected in kinds(found.findings)


async def test_a_result_put_into_a_gap_is_named(sealed: Sealing) -> None:
    await recorded(sealed.file, history("uu", start_ms=START_MS + DAY_MS * 3), "boot-3")
    row = "SELECT id, probe, location, started_ms, duration_us, verdict, reason, step FROM results"
    sealed.tamper(
        f"CREATE TABLE taken AS {row} WHERE id = {own_id(3, 1)}", f"DELETE FROM results WHERE id = {own_id(3, 1)}"
    )
    await sealed.seal(SEALED_MS + 5 * DAY_MS)
    found = await sealed.verified()
    gap = next(each for each in found.findings if each.kind == "gap")
    assert (gap.row, gap.seal) == ("boot-3:1", 3)
    sealed.tamper("INSERT INTO results SELECT * FROM taken")
    assert ("added", "results") in kinds((await sealed.verified()).findings)


@pytest.mark.parametrize(
    ("statement", "kind", "table", "row"),
    [
        ("UPDATE windows SET text = 'annouNced' WHERE number = 1", "changed", "windows", "1"),
        ("UPDATE windows SET end_ms = end_ms + 1 WHERE number = 3", "changed", "windows", "3"),
        ("DELETE FROM windows WHERE number = 1", "removed", "windows", "1"),
        ("INSERT INTO windows SELECT 0, recorded_ms, author, replaces, kind, start_ms, end_ms, components,"
         " announced_ms, reason_class, approver, text FROM windows WHERE number = 1", "added", "windows", "0"),
        ("UPDATE windows SET number = CASE number WHEN 1 THEN -2 WHEN 2 THEN -1 ELSE number END;"
         "UPDATE windows SET number = -number WHERE number < 0", "reordered", "windows", "1"),
        ("UPDATE writers SET boot_id = 'boot-X' WHERE id = 1", "changed", "writers", "1"),
        ("UPDATE probe_terms SET confirm_after = 9 WHERE probe = 1", "changed", "probe_terms", "web at frankfurt"),
        ("DELETE FROM probe_terms WHERE probe = 2", "removed", "probe_terms", ""),
        ("UPDATE lives SET last_ms = last_ms + 1 WHERE id = 1", "changed", "lives", "1"),
        ("DELETE FROM lives WHERE id = 1", "removed", "lives", "1"),
        ("UPDATE imports SET rows = 5", "changed", "imports", "1"),
        ("UPDATE schedule_events SET late_ms = 0 WHERE id = 1", "changed", "schedule_events", "1"),
        ("UPDATE results SET duration_us = 7 WHERE id = (SELECT max(id) FROM results WHERE id < 0)",
         "changed", "results", ""),
        ("DELETE FROM results WHERE id = (SELECT max(id) FROM results WHERE id < 0)", "removed", "results", ""),
        ("UPDATE probes SET probe = 'other' WHERE id = 1", "changed", "results", "boot-1:1"),
    ],
)  # fmt: skip
async def test_every_table_is_sealed(sealed: Sealing, statement: str, kind: str, table: str, row: str) -> None:
    sealed.tamper(*statement.split(";"))
    found = await sealed.verified()
    own = [each for each in found.findings if (each.kind, each.table) == (kind, table)]
    assert own, found.findings
    assert row in own[0].row


@pytest.mark.parametrize(
    "change", ["count = count + 1", "last_ms = last_ms + 1", "verdict = 0", "stale_ms = 1", "step = NULL"]
)
async def test_runs_are_held_against_the_results(sealed: Sealing, change: str) -> None:
    """Figures are computed from runs: one that says what the results do not is as good as a changed result."""
    assert sealed.tamper(f"UPDATE runs SET {change} WHERE verdict = 2 AND probe = 1") == 1
    found = await sealed.verified()
    assert [(each.kind, each.probe, each.at) for each in found.findings] == [("run", "web", "2026-09-21T14:14:50.000Z")]


async def test_a_run_taken_away_is_named(sealed: Sealing) -> None:
    sealed.tamper("DELETE FROM runs WHERE probe = 1 AND verdict = 2")
    assert kinds((await sealed.verified()).findings) == {("run", "runs")}


async def test_seals_cut_off_with_their_rows_are_found_by_a_digest_that_was_told(sealed: Sealing) -> None:
    newest = sealed.seals[-1]
    sealed.tamper(
        "DELETE FROM seals WHERE number = 2",
        f"DELETE FROM results WHERE id > {own_id(2, 0)}",
        f"DELETE FROM runs WHERE first_id > {own_id(2, 0)}",
        "DELETE FROM windows WHERE number = 3",
    )
    assert (await sealed.verified()).findings == []
    found = await sealed.verified({newest.number: [newest.digest]})
    assert [(each.kind, each.seal) for each in found.findings] == [("seal", 2)]
    assert "missing" in found.findings[0].text


async def test_rows_cut_off_without_their_seal_are_named(sealed: Sealing) -> None:
    sealed.tamper(f"DELETE FROM results WHERE id = {own_id(2, 4)}")
    finding = (await sealed.verified()).findings[0]
    assert (finding.kind, finding.row, finding.seal) == ("removed", "boot-2:4", 2)


@pytest.mark.parametrize("column", ["digest", "signature", "header", "leaves", "sealed_ms"])
async def test_a_changed_seal_is_named(sealed: Sealing, column: str) -> None:
    with closing(sqlite3.connect(sealed.file)) as connection, connection:
        (value,) = connection.execute(f"SELECT {column} FROM seals WHERE number = 1").fetchone()
        flipped = {
            int: lambda: value + 1,
            str: lambda: value[:-1] + "x",
            bytes: lambda: value[:-1] + bytes([value[-1] ^ 1]),
        }[type(value)]()
        connection.execute(f"UPDATE seals SET {column} = ? WHERE number = 1", (flipped,))
    found = await sealed.verified()
    assert ("seal", 1) in {(each.kind, each.seal) for each in found.findings}


async def test_two_seals_in_each_others_place_are_named(sealed: Sealing) -> None:
    sealed.tamper(
        "UPDATE seals SET number = 9 WHERE number = 1",
        "UPDATE seals SET number = 1 WHERE number = 2",
        "UPDATE seals SET number = 2 WHERE number = 9",
    )
    texts = [each.text for each in (await sealed.verified()).findings]
    assert "seal 1: what stands there was signed as seal 2" in texts
    assert "seal 2: what stands there was signed as seal 1" in texts


async def test_a_seal_taken_out_of_the_middle_is_named(sealed: Sealing) -> None:
    await sealed.seal(SEALED_MS + 2 * DAY_MS)
    sealed.tamper("DELETE FROM seals WHERE number = 2")
    assert ("seal", "2") in kinds((await sealed.verified()).findings)


async def test_a_seal_signed_again_with_another_key_is_named(sealed: Sealing) -> None:
    other = await asyncio.to_thread(keys.load_or_make, sealed.file.with_name("other.pem"))
    _sign_again(sealed, other, 2)
    found = await sealed.verified()
    assert [each.kind for each in found.findings if each.seal == 2 or each.table == "seal_keys"] == ["key", "key"]
    assert any(other.fingerprint in each.text and "vouched" in each.text for each in found.findings)


async def test_a_chain_made_anew_is_found_by_a_digest_or_a_key_that_was_told(sealed: Sealing) -> None:
    """With its own key from the first seal on, such a chain holds in itself: what was told elsewhere gives it away."""
    own = (await asyncio.to_thread(keys.load, sealed.key_file)).fingerprint
    first = sealed.seals[0]
    sealed.tamper("UPDATE windows SET text = 'forged'", "DELETE FROM seals", "DELETE FROM seal_keys")
    forged = replace(sealed, key_file=sealed.file.with_name("forged.pem"))
    await forged.seal(SEALED_MS)
    alone = await sealed.verified()
    assert alone.holds
    assert any("--digest" in note for note in alone.notes)
    by_digest = await sealed.verified({first.number: [first.digest]})
    assert [(each.kind, each.seal) for each in by_digest.findings] == [("seal", 1)]
    by_key = await sealed.verified(trusted=own)
    assert [each.text for each in by_key.findings] == [f"no seal is signed by the key {own}"]


async def test_no_seal_at_all_does_not_hold(sealed: Sealing) -> None:
    sealed.tamper("DELETE FROM seals")
    assert ("seal", "None") in kinds((await sealed.verified()).findings)


async def test_a_life_that_went_on_when_it_was_sealed_may_only_become_longer(sealed: Sealing) -> None:
    late = SEALED_MS + 2 * DAY_MS
    await recorded(sealed.file, history("uu", start_ms=late), "boot-3", stop=False)
    await sealed.seal(late + EVERY_MS)
    sealed.tamper("UPDATE lives SET last_ms = last_ms + 5000 WHERE id = 6")
    assert (await sealed.verified()).findings == []
    sealed.tamper("UPDATE lives SET first_ms = first_ms - 1 WHERE id = 6")
    finding = (await sealed.verified()).findings[0]
    assert (finding.kind, finding.table, finding.row) == ("changed", "lives", "6")
    sealed.tamper("UPDATE lives SET first_ms = first_ms + 1, last_ms = last_ms - 5001 WHERE id = 6")
    assert [each.row for each in (await sealed.verified()).findings] == ["6"]


async def test_a_seal_made_anew_by_whoever_has_the_key_breaks_the_chain(sealed: Sealing) -> None:
    own = await asyncio.to_thread(keys.load, sealed.key_file)
    with closing(sqlite3.connect(sealed.file)) as connection, connection:
        (content,) = connection.execute("SELECT header FROM seals WHERE number = 1").fetchone()
        header = canonical_json({**json.loads(content), "software": "other"})
        values = (header, header_digest(header), own.sign(header))
        connection.execute("UPDATE seals SET header = ?, digest = ?, signature = ? WHERE number = 1", values)
    found = await sealed.verified()
    assert [each.text for each in found.findings] == ["seal 2: it does not follow the seal before it"]


def _sign_again(sealed: Sealing, other: keys.SealKey, number: int) -> None:
    with closing(sqlite3.connect(sealed.file)) as connection, connection:
        (content,) = connection.execute("SELECT header FROM seals WHERE number = ?", (number,)).fetchone()
        header = canonical_json({**json.loads(content), "key": other.fingerprint})
        key = other.row(START_MS)
        connection.execute(
            "INSERT INTO seal_keys VALUES (?, ?, ?, NULL, NULL)", (key.fingerprint, key.public_key, key.made_ms)
        )
        connection.execute(
            "UPDATE seals SET header = ?, digest = ?, signature = ?, key = ? WHERE number = ?",
            (header, header_digest(header), other.sign(header), other.fingerprint, number),
        )


async def test_verifying_writes_nothing(sealed: Sealing) -> None:
    before = sealed.file.read_bytes()
    async with await Store.open(sealed.url, read_only=True):
        pass
    await sealed.verified()
    assert sealed.file.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE seals SET sealed_ms = 'soon' WHERE number = 2",
        "UPDATE seals SET leaves = 'none' WHERE number = 2",
        "UPDATE seal_keys SET public_key = 'none'",
        "UPDATE seal_keys SET fingerprint = 'none'",
        "UPDATE runs SET probe = 'web' WHERE verdict = 2",
        "UPDATE reasons SET reason = x'00ff'",
        "UPDATE probe_terms SET stale_ms = 'long'",
    ],
)
async def test_what_only_an_attacker_writes_stops_no_verification(sealed: Sealing, statement: str) -> None:
    assert sealed.tamper("PRAGMA foreign_keys = OFF", statement)
    assert (await sealed.verified()).findings


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("windows", "recorded_ms, author, components, approver, text", "'eve', '', '', 'agreed long ago'"),
        ("agreements", "recorded_ms, from_ms, content", "0, '{}'"),
        (
            "probe_terms",
            "from_ms, probe, location, every_ms, stale_ms, confirm_after, title",
            "1, 1, 30000, 75000, 2, 'gone'",
        ),
        (
            "clock_events",
            "recorded_ms, outage, kind, at_ms, author, note, via",
            "'x', 'corrected', 0, 'eve', '', 'cli'",
        ),
    ],
)
async def test_what_is_put_in_for_a_time_that_is_sealed_is_named(
    sealed: Sealing, table: str, columns: str, values: str, is_sealed: bool
) -> None:
    """The daemon seals whatever is there; but what is declared is on record at once, and cannot come a seal late."""
    sealed.tamper(f"INSERT INTO {table} ({columns}) VALUES ({START_MS + 1}, {values})")
    if is_sealed:
        await sealed.seal(SEALED_MS + 3 * DAY_MS)
    assert [(each.kind, each.table) for each in (await sealed.verified()).findings] == [("backdated", table)]
