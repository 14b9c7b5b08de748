"""Making seals: what each covers, by which key, and when several processes do it at once."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.seals import KeyProblem, SealFailed, keys, seal, seal_in_process, verify
from monitor.seals.headers import parsed
from monitor.store import Store
from monitor.store.ids import own_id
from tests.seals.conftest import DAY_MS, SEALED_MS, Sealing, recorded
from tests.store.histories import EVERY_MS, START_MS, history, import_rows, terms


async def headers(url: str) -> list[str]:
    async with await Store.open(url, read_only=True) as store:
        found = await store.read_rows(lambda rows: rows.seals())
    return [row.header.decode() for row in found]


async def test_each_seal_begins_where_the_one_before_it_ended(sealed: Sealing) -> None:
    first, second = (json.loads(header) for header in await headers(sealed.url))
    one, two = own_id(1, 0), own_id(2, 0)
    assert first["tables"]["results"]["ranges"] == {"boot-1": [one + 1, one + 10]}
    assert second["tables"]["results"]["ranges"] == {"boot-2": [two + 1, two + 4]}
    assert second["results"] == {"boot-1": [one + 1, one + 10], "boot-2": [two + 1, two + 4]}
    assert (first["tables"]["windows"]["first"], first["tables"]["windows"]["last"]) == (1, 2)
    assert (second["tables"]["windows"]["first"], second["tables"]["windows"]["last"]) == (3, 3)
    assert second["previous"] == sealed.seals[0].digest
    assert first["tables"]["imported"]["count"] == 4
    assert second["tables"]["imported"]["count"] == 0


async def test_a_summary_says_what_the_header_says(sealed: Sealing) -> None:
    async with await Store.open(sealed.url, read_only=True) as store:
        summaries = await store.seals()
    assert [(each.number, each.digest, each.key, each.rows) for each in summaries] == [
        (each.number, each.digest, each.key, each.rows) for each in sealed.seals
    ]
    assert [each.sealed_ms for each in summaries] == [SEALED_MS, SEALED_MS + DAY_MS]


async def test_nothing_new_makes_an_empty_seal(sealed: Sealing) -> None:
    made = await sealed.seal(SEALED_MS + 3 * DAY_MS)
    assert (made.number, made.rows, made.made) == (3, 0, 1)
    assert (await sealed.verified()).findings == []


@pytest.mark.parametrize("largest", [1, 3, 7])
async def test_many_rows_go_into_several_seals(sealed: Sealing, largest: int) -> None:
    """What is sealed at a time is bounded; also of imported results, whose numbers are scattered."""
    sealed.tamper("DELETE FROM seals")
    async with await Store.open(sealed.url) as store:
        made = await seal(store, sealed.key_file, SEALED_MS, largest=largest)
        found = await verify(store)
    assert made.made > 1
    assert found.findings == []
    assert found.unsealed == {}
    assert found.rows == sum(parsed(header.encode()).rows for header in await headers(sealed.url))
    assert all(
        json.loads(header)["tables"]["results"]["count"] <= largest
        and json.loads(header)["tables"]["imported"]["count"] <= largest
        for header in await headers(sealed.url)
    )


async def test_another_import_is_sealed_beside_what_was_imported_before(sealed: Sealing) -> None:
    async with await Store.open(sealed.url) as store:
        rows = import_rows(history("uDu", "old", start_ms=START_MS + 50 * EVERY_MS), "older")
        await store.import_results(
            rows,
            file_name="b",
            sha256="01",
            imported_ms=SEALED_MS,
            terms_of=lambda newcomer: terms("old", from_ms=newcomer.first_ms),
        )
        assert (await verify(store)).unsealed["imported"] == 3
        await seal(store, sealed.key_file, SEALED_MS + 2 * DAY_MS)
        found = await verify(store)
    assert (found.findings, found.unsealed) == ([], {})
    assert json.loads((await headers(sealed.url))[-1])["tables"]["imported"]["count"] == 3


async def test_what_came_after_the_newest_seal_is_counted(sealed: Sealing) -> None:
    await recorded(sealed.file, history("uuu", start_ms=SEALED_MS + 3 * DAY_MS), "boot-3", stop=False)
    found = await sealed.verified()
    assert found.findings == []
    assert found.unsealed == {"results": 3, "writers": 1, "lives": 2, "schedule_events": 1}


async def test_a_gap_that_was_never_sealed_is_named(sealed: Sealing) -> None:
    await recorded(sealed.file, history("uuu", start_ms=SEALED_MS + 3 * DAY_MS), "boot-3")
    sealed.tamper(f"DELETE FROM results WHERE id = {own_id(3, 2)}")
    kinds = {(each.kind, each.row) for each in (await sealed.verified()).findings}
    assert ("gap", "boot-3:2") in kinds


async def test_of_two_that_seal_at_the_same_time_one_seal_holds(sealed: Sealing) -> None:
    await recorded(sealed.file, history("uuu", start_ms=SEALED_MS + 3 * DAY_MS), "boot-3")
    async with await Store.open(sealed.url) as one, await Store.open(sealed.url) as other:
        at_once = [seal(store, sealed.key_file, SEALED_MS + 4 * DAY_MS) for store in (one, other, one, other)]
        made = await asyncio.gather(*at_once)
    assert max(each.number for each in made) == 2 + sum(each.made for each in made)
    assert sum(each.made for each in made) >= 1
    assert (await sealed.verified()).findings == []


async def test_a_new_key_is_vouched_for_by_the_former_one(sealed: Sealing) -> None:
    before = await asyncio.to_thread(keys.load, sealed.key_file)
    made = await sealed.seal(SEALED_MS + 2 * DAY_MS, rotate=True)
    again = await sealed.seal(SEALED_MS + 3 * DAY_MS)
    assert made.key == again.key != before.fingerprint
    for trusted in (before.fingerprint, made.key):
        assert (await sealed.verified(trusted=trusted)).findings == []
    sealed.tamper("UPDATE seal_keys SET signature = X'00' WHERE previous IS NOT NULL")
    assert "key" in {each.kind for each in (await sealed.verified()).findings}


async def test_a_key_that_was_replaced_seals_no_more(sealed: Sealing) -> None:
    former = sealed.key_file.read_bytes()
    await sealed.seal(SEALED_MS + 2 * DAY_MS, rotate=True)
    old = sealed.key_file.with_name("old.pem")
    await asyncio.to_thread(old.write_bytes, former)
    old.chmod(0o600)
    with pytest.raises(KeyProblem, match="was replaced"):
        await replace(sealed, key_file=old).seal(SEALED_MS + 3 * DAY_MS)


async def test_another_key_that_nobody_vouched_for_is_named(sealed: Sealing) -> None:
    """Sealing goes on when a key is lost, and verification says so."""
    await replace(sealed, key_file=sealed.file.with_name("other.pem")).seal(SEALED_MS + 2 * DAY_MS)
    found = await sealed.verified()
    assert {each.kind for each in found.findings} == {"key"}
    assert any(each.seal == 3 for each in found.findings)


def test_a_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    made = keys.load_or_make(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.load_or_make(file).fingerprint == made.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["key.pem"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    keys.load_or_make(file)
    file.chmod(0o640)
    with pytest.raises(KeyProblem, match="can be read by others"):
        keys.load_or_make(file)


@pytest.mark.parametrize(
    "content", [b"", b"secret", b"-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused_without_a_word_of_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(KeyProblem) as raised:
        keys.load_or_make(file)
    assert "secret" not in str(raised.value)


async def test_a_process_of_its_own_seals(sealed: Sealing) -> None:
    await recorded(sealed.file, history("uuu", start_ms=SEALED_MS + 3 * DAY_MS), "boot-3")
    made = await seal_in_process(sealed.url, sealed.key_file, SEALED_MS + 4 * DAY_MS)
    assert (made.number, made.made) == (3, 1)
    found = await sealed.verified({3: [made.digest]})
    assert (found.findings, found.unsealed) == ([], {})


async def test_a_process_that_cannot_seal_says_why(sealed: Sealing) -> None:
    sealed.key_file.chmod(0o644)
    with pytest.raises(SealFailed, match="can be read by others"):
        await seal_in_process(sealed.url, sealed.key_file, SEALED_MS)
