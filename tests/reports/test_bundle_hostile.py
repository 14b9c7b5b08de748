"""A bundle of somebody who means ill: nothing is written, little is unpacked, and what is wrong is said."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.reports import bundle_file
from monitor.reports.bundle_file import BundleError, BundleFile
from monitor.reports.bundle_recompute import recompute
from monitor.seals.canonical import encoded
from tests.reports.bundles import Change, Original, forged, looked_at, original
from tests.store.histories import START_MS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return original(tmp_path_factory.mktemp("bundled"))


@pytest.fixture
def own(made: Original, tmp_path: Path) -> Original:
    return made.copied(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "/etc/passwd",
        "report/../../x.json",
        "report\\uptime.json",
        "seals/000001/other.rows",
        "x" * 300,
    ],
)
def test_a_file_of_another_name_is_refused(own: Original, name: str) -> None:
    with pytest.raises(BundleError, match="no file of a bundle"):
        recompute(forged(own.bundle, {}, {name: b"x"}))


def test_a_file_that_is_in_it_twice_is_refused(own: Original) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        place = forged(own.bundle, {}, {"record/runs.csv": b"x"})
    with pytest.raises(BundleError, match=r"'record/runs\.csv' is in it twice"):
        recompute(place)


def test_what_was_packed_otherwise_is_refused(own: Original) -> None:
    with zipfile.ZipFile(own.bundle, "a") as archive:
        archive.writestr("method/other.md", b"x", zipfile.ZIP_LZMA)
    with pytest.raises(BundleError, match=r"method/other\.md is packed in a way that bundles are not"):
        recompute(own.bundle)


@pytest.mark.parametrize(
    ("limit", "most", "text"),
    [
        ("MOST_FILES", 5, "files in it, and 5 is the most"),
        ("LARGEST_FILE", 1000, "is larger than 1,000 bytes"),
        ("LARGEST_TOTAL", 9000, "unpacked it would have"),
        ("LARGEST_RESULTS", 900, "and 900 is the most"),
    ],
)
def test_what_would_be_too_much_is_not_unpacked(
    own: Original, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, text: str
) -> None:
    monkeypatch.setattr(bundle_file, limit, most)
    with pytest.raises(BundleError, match=text):
        recompute(own.bundle)


def test_a_file_that_is_larger_than_it_says_is_damaged(tmp_path: Path) -> None:
    place = tmp_path / "lying.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("record/runs.csv", bytes(5_000_000))
        archive.filelist[0].file_size = 10
    with BundleFile(place) as bundle, pytest.raises(BundleError, match=r"record/runs\.csv is damaged"):
        bundle.read("record/runs.csv")


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no archive" * 100])
def test_what_is_no_archive_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "none.zip"
    place.write_bytes(content)
    done = CliRunner().invoke(main, ["recompute", str(place)])
    assert (done.exit_code, "is no bundle" in done.output) == (2, True)


def test_a_damaged_archive_names_the_file(own: Original) -> None:
    content = bytearray(own.bundle.read_bytes())
    with zipfile.ZipFile(own.bundle) as archive:
        entry = archive.getinfo("report/uptime.pdf")
    content[entry.header_offset + 1000] ^= 1
    own.bundle.write_bytes(content)
    assert str(recompute(own.bundle).first).startswith("report/uptime.pdf is damaged")


def manifest(**changes: object) -> Change:
    return lambda content: json.dumps({**json.loads(content), **changes}).encode()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (manifest(format=2), "format 2, which this version does not know"),
        (manifest(as_of="yesterday"), r"bundle\.json cannot be read"),
        (manifest(period=["2026"]), r"bundle\.json cannot be read: period"),
        (manifest(more=1), r"bundle\.json cannot be read: more"),
        (lambda _: b"[" * 200_000, r"bundle\.json cannot be read"),
        (lambda _: None, r"bundle\.json is missing"),
    ],
)
def test_a_manifest_that_is_none_is_refused(own: Original, change: Change, text: str) -> None:
    with pytest.raises(BundleError, match=text):
        looked_at(own.bundle, {"bundle.json": change})


AGREEMENT = json.dumps({"components": [{"floor": "1e9999999", "upper": None}]})


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("unsealed/agreements.rows", encoded([9, 0, 0, AGREEMENT]), "'1e9999999' is no ratio"),
        ("unsealed/agreements.rows", encoded([9, 0, 0, "{}"]), "unsealed/agreements.rows"),
        ("unsealed/windows.rows", encoded([9, START_MS, *[2**62] * 10]), "no sense"),
        ("unsealed/windows.rows", encoded([4, START_MS, "a", None, "odd", 1, 2, "", None, None, "", ""]), "no sense"),
        ("unsealed/windows.rows", encoded([4, None]) * 3, "unsealed/windows.rows"),
        ("unsealed/lives.rows", encoded([1, "boot-1", 0, 0, None]), "unsealed/lives.rows"),
        ("unsealed/writers.rows", encoded([2**62, "boot-9", "frankfurt", "1", 0]), "unsealed/"),
        ("record/runs.csv", b"a,b\n", "its heading is another one"),
        ("record/names.json", b'{"probes": [1]}', "record/names.json"),
        ("record/evidence.json", b"[]", "record/evidence.json"),
    ],
)
def test_content_that_makes_no_sense_is_said_to(own: Original, name: str, content: bytes, text: str) -> None:
    with zipfile.ZipFile(own.bundle) as archive:
        there = name in archive.namelist()
    change: dict[str, Change] = {name: lambda _: content}
    found = looked_at(own.bundle, change) if there else looked_at(own.bundle, {}, {name: content})
    findings = [finding for check in found.checks for finding in check.findings]
    assert findings
    assert any(part in finding for part in text.split("|") for finding in findings), findings


def test_a_header_that_claims_more_than_there_can_be_is_not_counted_through(own: Original) -> None:
    """Signed by a key of somebody's own: else it would not be looked at at all."""
    from monitor.seals.canonical import canonical_json
    from monitor.seals.keys import load

    key = load(own.key_file)
    with zipfile.ZipFile(own.bundle) as archive:
        header = json.loads(archive.read("seals/000002/header.json"))
    header["tables"]["results"]["ranges"] = {"boot-2": [1, 2**62]}
    content = canonical_json(header)
    changes: dict[str, Change] = {
        "seals/000002/header.json": lambda _: content,
        "seals/000002/signature": lambda _: key.sign(content),
        "seals/000002/results.rows": lambda rows: rows[:-1],
    }
    found = looked_at(own.bundle, changes)
    assert "covers more" in str(found.first) or "to cover more than a seal can" in str(found.first)


def test_what_steers_a_terminal_is_not_shown(own: Original) -> None:
    place = forged(own.bundle, {"bundle.json": manifest(software="\x1b[2J")})
    assert "\x1b" not in CliRunner().invoke(main, ["recompute", str(place)], color=True).output
