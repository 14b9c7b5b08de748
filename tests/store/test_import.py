"""Results from elsewhere: all or nothing, and as often as one likes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.sla.model import ProbeTerms
from monitor.store import Imported, ImportRow, Store, StoreError
from monitor.store.records import Newcomer
from tests.store.conftest import Recording
from tests.store.histories import (
    EVERY_MS,
    HERE,
    START_MS,
    all_results,
    assert_results_are_found_through_runs,
    assert_runs_are_exact,
    history,
    import_rows,
    query,
    result,
    terms,
)

PAST_MS = START_MS - 100 * EVERY_MS


def terms_of(newcomer: Newcomer) -> ProbeTerms:
    every_ms = newcomer.every_ms or 60_000
    return ProbeTerms(newcomer.probe, newcomer.location, newcomer.first_ms, "api", every_ms, every_ms * 5 // 2, 2)


async def imported(store: Store, rows: Sequence[ImportRow] | Iterator[ImportRow], now_ms: int = 7) -> Imported:
    return await store.import_results(
        rows, file_name="old.csv", sha256="ab" * 32, imported_ms=now_ms, terms_of=terms_of
    )


def everything(file: Path) -> list[list[tuple[object, ...]]]:
    tables = ("results", "runs", "evidence", "imports", "meta", "probe_terms", "probes", "locations", "reasons")
    return [query(file, f"SELECT * FROM {table} ORDER BY 1") for table in tables]


async def test_an_import_of_an_unknown_probe(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        generation = await store.generation()
        rows = import_rows([replace(each, detail="why") if each.reason else each for each in history("uuDDu")])
        assert await imported(store, rows) == Imported(added=5, already_there=0)
        ledger = await store.ledger()
        assert [run.count for run in ledger.runs["web", HERE]] == [2, 2, 1]
        assert ledger.terms == (terms("web"),)
        assert await store.generation() > generation
        assert query(file, "SELECT file_name, sha256, rows, imported_ms FROM imports") == [("old.csv", "ab" * 32, 5, 7)]
        assert [each.detail for each in await all_results(store)] == ["", "", "why", "why", ""]
        await assert_runs_are_exact(store)
        assert_results_are_found_through_runs(file)


async def test_an_unknown_probe_without_terms_is_refused(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        before = everything(file)
        with pytest.raises(StoreError, match="no terms are known for probe web at frankfurt"):
            await store.import_results(import_rows(history("u")), file_name="x", sha256="", imported_ms=7)
        assert everything(file) == before


async def test_importing_twice_changes_nothing(url: str, file: Path) -> None:
    async with await Store.open(url) as store:
        rows = import_rows(history("uuDD?u"))
        await imported(store, rows)
        before = everything(file)
        assert await imported(store, rows, now_ms=8) == Imported(added=0, already_there=6)
        assert everything(file) == before


async def test_a_longer_file_adds_what_is_new(url: str) -> None:
    async with await Store.open(url) as store:
        await imported(store, import_rows(history("uuDD")))
        assert await imported(store, import_rows(history("uuDDuuu"))) == Imported(added=3, already_there=4)
        await assert_runs_are_exact(store)


async def test_the_past_joins_with_own_results(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uuDu"):
            await store.record(each)
        await imported(store, import_rows(history("D" + "u" * 99, start_ms=PAST_MS)))
        await store.record(result("u", START_MS + 4 * EVERY_MS))
        runs = (await store.ledger()).runs["web", HERE]
        assert [run.count for run in runs] == [1, 101, 1, 2]
        await assert_runs_are_exact(store)
        assert_results_are_found_through_runs(file)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (ImportRow("bad", "web", HERE, 5, 4, result("u").verdict), "result bad has impossible times"),
        (ImportRow("bad", "web", HERE, -5, 4, result("u").verdict), "result bad has impossible times"),
        (ImportRow("bad", "", HERE, 5, 5, result("u").verdict), "lacks an id, a probe or a location"),
        (ImportRow("boot-1:9", "web", HERE, 5, 5, result("u").verdict), "boot-1:9 is said to be this store's own"),
    ],
)
async def test_one_bad_row_and_nothing_is_imported(
    recording: Recording, file: Path, bad: ImportRow, message: str
) -> None:
    async with recording() as store:
        await store.record(result("u"))
        before = everything(file)
        with pytest.raises(StoreError, match=message):
            await imported(store, [*import_rows(history("uuD", "other", start_ms=PAST_MS)), bad])
        assert everything(file) == before


async def test_a_source_that_breaks_off_imports_nothing(url: str, file: Path) -> None:
    def rows() -> Iterator[ImportRow]:
        yield from import_rows(history("u" * 15_000))
        raise ValueError("line 15001 is cut off")

    async with await Store.open(url) as store:
        before = everything(file)
        with pytest.raises(ValueError, match="line 15001"):
            await imported(store, rows())
        assert everything(file) == before


@pytest.mark.parametrize(
    "change",
    [
        {"started_ms": START_MS + 1},
        {"finished_ms": START_MS + 121},
        {"verdict": result("D").verdict},
        {"reason": "reset"},
        {"step": "login"},
        {"detail": "more"},
        {"probe": "api"},
        {"location": "dublin"},
    ],
)
async def test_the_same_id_with_other_content_is_refused(url: str, file: Path, change: dict[str, object]) -> None:
    async with await Store.open(url) as store:
        (row,) = import_rows(history("u"))
        other = row._replace(**change)  # type: ignore[arg-type]
        await imported(store, [row])
        before = everything(file)
        with pytest.raises(StoreError, match=f"result {row.id} is on record with other content"):
            await imported(store, [*import_rows(history("uuu", start_ms=PAST_MS)), other])
        assert everything(file) == before


async def test_the_same_id_twice_in_one_file(url: str) -> None:
    async with await Store.open(url) as store:
        (row,) = import_rows(history("u"))
        with pytest.raises(StoreError, match="other content"):
            await imported(store, [row, row._replace(reason="reset")])
        assert await imported(store, [row, row]) == Imported(added=1, already_there=1)


async def test_own_results_are_known_again(recording: Recording, file: Path) -> None:
    async with recording() as store:
        for each in history("uDu"):
            await store.record(each)
        exported = [
            ImportRow(each.text_id, each.probe, each.location, each.started_ms, each.finished_ms, each.verdict,
                      each.reason, each.step, each.detail)
            async for each in store.results(0, 2**48)
        ]  # fmt: skip
        before = everything(file)
        assert await imported(store, exported) == Imported(added=0, already_there=3)
        assert everything(file) == before
        with pytest.raises(StoreError, match="boot-1:2 is on record with other content"):
            await imported(store, [exported[1]._replace(verdict=exported[0].verdict)])


async def test_an_export_moves_to_another_store_and_back(url: str, tmp_path: Path) -> None:
    rows = import_rows(history("uDuu"))
    async with await Store.open(url) as store, await Store.open(f"sqlite:///{tmp_path}/other.db") as other:
        await imported(store, rows)
        exported = [row._replace(id=each.text_id) for row, each in zip(rows, await all_results(store), strict=True)]
        await imported(other, exported)
        assert await all_results(other) == await all_results(store)
        assert await imported(store, exported) == Imported(added=0, already_there=4)
        assert await imported(other, rows) == Imported(added=0, already_there=4)
