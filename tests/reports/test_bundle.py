"""A bundle proves its report by itself, and whatever was changed in it afterwards is named."""

import asyncio
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.reports.bundle import write_bundle
from monitor.reports.bundle_recompute import recompute
from monitor.seals import seal
from monitor.sla.windows import Window, WindowKind
from monitor.store import Store
from tests.reports.bundles import AS_OF_MS, Change, Original, flipped, forged, looked_at, original, swapped
from tests.reports.records import AGREEMENT, DAY, MINUTE
from tests.seals.conftest import recorded
from tests.store.histories import EVERY_MS, START_MS, history

ALL = ["seals", "rows", "runs", "evidence", "report"]
SEAL_1 = "seals/000001"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return original(tmp_path_factory.mktemp("bundled"))


@pytest.fixture
def own(made: Original, tmp_path: Path) -> Original:
    return made.copied(tmp_path)


def test_a_true_bundle_agrees_in_all(made: Original) -> None:
    found = recompute(made.bundle)
    assert (found.agrees, found.first) == (True, None)
    assert [(check.name, check.findings) for check in found.checks] == [(name, []) for name in ALL]
    assert "2 follow each other" in found.checks[0].text
    assert any("4 of results, 1 of windows" in note for note in found.notes)  # what is not sealed is said


def test_it_holds_the_report_its_facts_and_the_method(made: Original) -> None:
    with zipfile.ZipFile(made.bundle) as archive:
        names = set(archive.namelist())
        evidence = json.loads(archive.read("record/evidence.json"))
        report = json.loads(archive.read("report/uptime.json"))
    assert {f"report/uptime.{name}" for name in ("html", "pdf", "csv", "json")} < names
    assert {"method/method.md", "method/seal-format.md", f"{SEAL_1}/results.rows", f"{SEAL_1}/windows.rows"} < names
    (outage,) = report["components"][0]["outages"]
    assert evidence == {outage["id"]: "boot-1:6"} == {outage["id"]: outage["evidence"]}


def test_no_secret_and_no_evidence_of_a_check_is_in_it(made: Original) -> None:
    with zipfile.ZipFile(made.bundle) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist() if not name.startswith("method/"))
    key = made.key_file.read_bytes().split(b"\n")[1]
    for secret in (key, b"http://x", b"no answer", str(made.file.parent).encode()):
        assert secret not in everything


def test_the_same_store_gives_the_same_bytes_also_when_more_is_on_record(own: Original) -> None:
    before = own.bundle.read_bytes()
    assert own.packed().read_bytes() == before
    asyncio.run(_later(own))
    assert own.packed().read_bytes() == before


@pytest.mark.parametrize(
    "as_of_ms",
    [
        START_MS + 6 * EVERY_MS + 60,  # a check was under way, the outage not confirmed, nothing sealed
        START_MS + 13 * EVERY_MS,
        START_MS + DAY,  # the time of the first seal
        START_MS + DAY + MINUTE,
        AS_OF_MS + 3 * DAY,
    ],
)
def test_a_bundle_as_of_any_time_agrees(own: Original, as_of_ms: int) -> None:
    found = recompute(own.packed(as_of_ms=as_of_ms))
    assert (found.agrees, found.first) == (True, None)


async def test_what_goes_on_at_that_time_is_packed_as_far_as_it_had_come(own: Original) -> None:
    """A check that ends later, but was recorded before one that had ended; a daemon whose heart goes on beating."""
    as_of_ms = AS_OF_MS + DAY
    late = replace(history("D", "mail", start_ms=as_of_ms - 2000)[0], duration_us=5_000_000)
    async with await Store.open(own.url) as store, asyncio.TaskGroup() as tasks:
        await store.begin("frankfurt", "boot-9", "1.0", as_of_ms - 3000)
        tasks.create_task(store.run())
        for each in (late, *history("u", start_ms=as_of_ms - 1000)):
            await store.record(each)
        first = await asyncio.to_thread(lambda: own.packed("first.zip", as_of_ms=as_of_ms))
        await store.heartbeat(as_of_ms + 2000)
        again = await asyncio.to_thread(lambda: own.packed("again.zip", as_of_ms=as_of_ms))
        store.stop()
    assert await asyncio.to_thread(first.read_bytes) == await asyncio.to_thread(again.read_bytes)
    found = await asyncio.to_thread(recompute, first)
    assert (found.agrees, found.first) == (True, None)


async def _later(own: Original) -> None:
    later = AS_OF_MS + DAY
    await recorded(own.file, history("uuDDu", start_ms=later), "boot-9")
    async with await Store.open(own.url) as store:
        await store.add_window(Window(WindowKind.MAINTENANCE, START_MS, START_MS + 1000, "later", "ann", later))
        await seal(store, own.key_file, later + DAY)


@pytest.mark.parametrize(
    ("name", "change", "check", "text"),
    [
        ("record/runs.csv", swapped(b",3,75000,2,timeout", b",4,75000,2,timeout"), "runs", "a run of web at frankfurt"),
        ("record/runs.csv", swapped(b"mail,", b"nail,"), "rows", "record/runs.csv: 'nail' is not among the probes"),
        ("record/runs.csv", swapped(b",down,", b",up,"), "runs", "a run of mail at frankfurt differs"),
        ("record/evidence.json", swapped(b"boot-1:6", b"boot-1:7"), "report", "report/uptime.html is not"),
        (
            "record/evidence.json",
            swapped(b"boot-1:6", b"boot-1:1"),
            "evidence",
            "boot-1:1, which it names, did not fail",
        ),
        ("record/evidence.json", swapped(b"boot-1:6", b"boot-8:6"), "evidence", "boot-8:6"),
        (
            "report/uptime.json",
            swapped(b'"observed": "0', b'"observed": "1'),
            "report",
            "uptime.json is not the report",
        ),
        ("report/uptime.html", flipped(5000), "report", "report/uptime.html is not the report"),
        ("report/uptime.pdf", flipped(5000), "report", "it differs from byte 5000 on"),
        ("report/uptime.csv", lambda content: content + b"x", "report", "report/uptime.csv is not the report"),
        ("report/uptime.csv", lambda content: None, "report", "report/uptime.csv is missing"),
        (f"{SEAL_1}/header.json", swapped(b'"rows":3', b'"rows":4'), "seals", "seal 1: its signature is not that"),
        (f"{SEAL_1}/header.json", flipped(0), "seals", "seal 1: its"),
        (f"{SEAL_1}/signature", flipped(3), "seals", "seal 1: its signature is not that"),
        (f"{SEAL_1}/leaves", flipped(3), "seals", "seal 1: its leaves were changed"),
        (f"{SEAL_1}/leaves", lambda content: None, "seals", "seal 1: its leaves were changed"),
        (f"{SEAL_1}/seal_keys.rows", lambda content: None, "seals", "is not on record"),
        (f"{SEAL_1}/results.rows", lambda content: None, "rows", "result boot-1:1 was removed"),
        (f"{SEAL_1}/results.rows", lambda content: content[:-20], "rows", "it cannot be read: the last row is cut off"),
        (f"{SEAL_1}/results.rows", swapped(b"web", b"wed"), "rows", "result boot-1:1 of wed was changed"),
        (f"{SEAL_1}/results.rows", swapped(b"timeout", b"timeouT"), "rows", "result boot-1:6 of web was changed"),
        (f"{SEAL_1}/imported.rows", flipped(-2), "rows", "result imported:"),
        (f"{SEAL_1}/windows.rows", swapped(b"<test>", b"<best>"), "rows", "row 1, 2026-09-21T14:16:50"),
        (f"{SEAL_1}/agreements.rows", swapped(b"Efento", b"Efenta"), "rows", "row 1, "),
        (f"{SEAL_1}/lives.rows", flipped(-1), "rows", "row 2, "),
        (f"{SEAL_1}/probe_terms.rows", swapped(b"api", b"app"), "rows", "probe_terms.rows is not what seal 1 covers"),
        (f"{SEAL_1}/schedule_events.rows", flipped(-1), "rows", "row 1 of web"),
        ("unsealed/windows.rows", swapped(b"After", b"after"), "report", "report/uptime.html is not"),
        ("unsealed/windows.rows", lambda content: None, "report", "report/uptime.html is not"),
        ("unsealed/results.rows", swapped(b"\x02up", b"\x04down"), "runs", "a run of web at"),
    ],
)
def test_what_was_changed_is_named(
    made: Original, tmp_path: Path, name: str, change: Change, check: str, text: str
) -> None:
    found = looked_at(made.copied(tmp_path).bundle, {name: change})
    assert not found.agrees
    (named,) = (each for each in found.checks if each.name == check)
    assert named.findings, found.checks
    assert text in named.findings[0]


def first_row_taken_away(content: bytes) -> bytes:
    """Windows begin with a number, whose eight bytes end with it."""
    return content[content.index(b"i" + (2).to_bytes(8)) :]


def test_a_window_that_was_taken_away_is_named_first(own: Original) -> None:
    found = looked_at(own.bundle, {f"{SEAL_1}/windows.rows": first_row_taken_away})
    assert found.first == f"{SEAL_1}/windows.rows is not what seal 1 covers: row 1 was removed, or is not in its place"


def test_a_window_cannot_be_put_back_among_those_that_no_seal_covers(own: Original) -> None:
    with zipfile.ZipFile(own.bundle) as archive:
        content = archive.read(f"{SEAL_1}/windows.rows") + archive.read("unsealed/windows.rows")
    found = looked_at(
        own.bundle, {f"{SEAL_1}/windows.rows": lambda _: None, "unsealed/windows.rows": lambda _: content}
    )
    findings = next(check.findings for check in found.checks if check.name == "rows")
    assert f"{SEAL_1}/windows.rows is not what seal 1 covers: row 1 was removed" in findings
    assert "unsealed/windows.rows: row 1 is not in its place" in findings


def test_any_bit_of_the_sealed_results_counts(own: Original) -> None:
    """A bit here and there, one at a time."""
    with zipfile.ZipFile(own.bundle) as archive:
        content = archive.read(f"{SEAL_1}/results.rows")
    for place in range(0, len(content), 211):
        found = looked_at(own.bundle, {f"{SEAL_1}/results.rows": flipped(place)})
        assert f"{SEAL_1}/results.rows is not what seal 1 covers" in str(found.first), place


def test_the_newest_seal_taken_away_is_seen_by_its_digest(own: Original) -> None:
    gone = {name: lambda _: None for name in zipfile.ZipFile(own.bundle).namelist() if name.startswith("seals/000002")}
    number, _, digest = own.newest.partition(":")
    found = recompute(forged(own.bundle, gone), expected={int(number): [digest]})
    assert found.first == "seal 2: it is missing, and its digest was told"
    assert recompute(own.bundle, expected={int(number): [digest]}).agrees


def test_a_key_that_nobody_knows_is_not_the_one_that_was_told(own: Original) -> None:
    found = recompute(own.bundle, trusted="0123456789abcdef")
    assert found.first == "no seal is signed by the key 0123456789abcdef"


def test_a_public_key_beside_the_sealed_ones_is_named(own: Original) -> None:
    found = looked_at(own.bundle, {}, {"keys/0123456789abcdef.pem": b"x"})
    assert found.first == "keys/0123456789abcdef.pem: the public key is another one"


async def test_what_was_deleted_for_its_age_is_said_and_no_figure_changes(own: Original) -> None:
    before = (await asyncio.to_thread(recompute, own.bundle)).files
    async with await Store.open(own.url) as store:
        assert await store.prune(START_MS + 8 * EVERY_MS, AS_OF_MS) > 0
    found = await asyncio.to_thread(lambda: recompute(own.packed()))
    assert (found.agrees, found.first) == (True, None)
    assert found.files == before
    assert any("8 results were deleted for their age" in note for note in found.notes)
    assert any("until then, runs are taken as recorded" in note for note in found.notes)


async def test_deleted_results_are_only_believed_where_their_deletion_is_on_record(own: Original) -> None:
    async with await Store.open(own.url) as store:
        await store.prune(START_MS + 8 * EVERY_MS, AS_OF_MS)
    changes: dict[str, Change] = {"unsealed/prunings.rows": lambda _: None}
    found = await asyncio.to_thread(lambda: looked_at(own.packed(), changes))
    assert "result boot-1:1 was removed" in str(found.first)


async def test_seals_from_long_before_the_period_come_without_their_results(own: Original) -> None:
    """A quarter later: the chain is whole, and what is not there is said."""
    later = START_MS + 90 * DAY
    await recorded(own.file, history("uuDDuu", start_ms=later), "boot-9")
    async with await Store.open(own.url) as store:
        await seal(store, own.key_file, later + MINUTE * 10)
    place = await asyncio.to_thread(lambda: own.packed("later.zip", "2026-12", later + DAY))
    found = await asyncio.to_thread(lambda: recompute(place))
    assert (found.agrees, found.first) == (True, None)
    with zipfile.ZipFile(place) as archive:
        assert [name for name in archive.namelist() if name.endswith(("results.rows", "leaves"))] == [
            "seals/000003/leaves",
            "seals/000003/results.rows",
        ]
    assert any("sealed results from before the period are not in the bundle" in note for note in found.notes)
    assert any("are taken as recorded" in note for note in found.notes)


async def test_an_agreement_that_is_not_on_record_comes_along_and_is_said(own: Original) -> None:
    fresh = replace(own, file=own.file.with_name("fresh.db"))
    await recorded(fresh.file, history("uuDDuu"))
    order = replace(fresh.order(), default=AGREEMENT)
    await asyncio.to_thread(write_bundle, order, fresh.bundle)
    found = await asyncio.to_thread(recompute, fresh.bundle)
    assert (found.agrees, found.first) == (True, None)
    assert found.notes[1].startswith("no agreement was on record")


@pytest.mark.slow
def test_any_machine_recomputes_it_with_nothing_but_the_file(own: Original, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    command = [sys.executable, "-m", "monitor", "recompute", str(own.bundle), "--json", "--digest", own.newest]
    done = subprocess.run([*command, "--report-dir", "made"], env={}, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["agrees"]
    with zipfile.ZipFile(own.bundle) as archive:
        for name in ("html", "pdf", "csv", "json"):
            assert (folder / "made" / f"uptime-2026-09.{name}").read_bytes() == archive.read(f"report/uptime.{name}")
    assert [path.name for path in folder.iterdir()] == ["made"]


def test_the_command_line_packs_and_names_the_first_difference(own: Original, tmp_path: Path) -> None:
    as_of = "2026-09-23T14:13:20Z"
    packing = ["report", "2026-09", "--bundle", "--store", own.url, "--as-of", as_of]
    done = CliRunner().invoke(main, [*packing, "-o", f"{tmp_path}/out/"])
    place = tmp_path / "out" / "uptime-2026-09.zip"
    assert (done.exit_code, done.output) == (0, f"{place}\n")
    assert place.read_bytes() == own.bundle.read_bytes()
    done = CliRunner().invoke(main, ["recompute", str(place)])
    assert (done.exit_code, "Everything agrees." in done.output) == (0, True)
    changed = forged(place, {"report/uptime.pdf": flipped(100)})
    done = CliRunner().invoke(main, ["recompute", str(changed)])
    assert done.exit_code == 1
    assert "It does not agree; first: report/uptime.pdf is not the report that the facts make" in done.output


@pytest.mark.parametrize("arguments", [["-o", "-"], ["--format", "csv"]])
def test_a_bundle_is_one_file_with_all_formats(own: Original, arguments: list[str]) -> None:
    done = CliRunner().invoke(main, ["report", "2026-09", "--bundle", "--store", own.url, *arguments])
    assert (done.exit_code, "a bundle is a file, with all formats in it" in done.output) == (2, True)


@pytest.mark.parametrize("arguments", [["--digest", "1:xyz"], ["--key", "nowhere.pem"]])
def test_wrong_usage_of_recompute_is_refused(own: Original, arguments: list[str]) -> None:
    assert CliRunner().invoke(main, ["recompute", str(own.bundle), *arguments]).exit_code == 2
