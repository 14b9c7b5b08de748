"""`efento-uptime report` on a real store: files, standard output, usage, and the same bytes whoever makes them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.results import Result as CheckResult
from monitor.sla.model import ProbeTerms, Verdict
from monitor.store import Store
from tests.reports.records import AGREEMENT, EVERY, HERE, MINUTE, STALE

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
AS_OF = "2026-01-01T02:00:00Z"
CONFIG = """\
store: {url: "env:REPORTED_STORE"}
components:
  api: {title: The API, floor: 99 %}
probes:
  - {id: api, component: api, kind: tcp, options: {host: localhost, port: 1}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with an hour of checks, of which four minutes failed, and the configuration that names it."""
    monkeypatch.setenv("REPORTED_STORE", f"sqlite:///{tmp_path / 'uptime.db'}")
    asyncio.run(_an_hour())
    file = tmp_path / "uptime.yaml"
    file.write_text(CONFIG)
    return file


async def _an_hour() -> None:
    async with await Store.open(os.environ["REPORTED_STORE"]) as store:
        await store.record_terms(HERE, T0, [ProbeTerms("api", HERE, T0, "api", EVERY, STALE, 2)])
        await _recorded(store, "boot", [(number * EVERY, 20 <= number < 28) for number in range(120)])


async def _recorded(store: Store, boot_id: str, checks: Iterable[tuple[int, bool]]) -> None:
    """Checks by their time after T0 and whether they failed, recorded by a daemon of this boot id."""
    await store.begin(HERE, boot_id, "1", T0)
    async with asyncio.TaskGroup() as group:
        group.create_task(store.run())
        for after_ms, down in checks:
            verdict, reason = (Verdict.DOWN, "refused") if down else (Verdict.UP, "")
            await store.record(CheckResult("api", "api", HERE, T0 + after_ms, 1000, verdict, reason))
        store.stop()


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, "-c", str(config)])


def test_all_formats_are_made_into_a_folder(config: Path, tmp_path: Path) -> None:
    done = run(config, "2026", "--as-of", AS_OF, "-o", f"{tmp_path}/out/")
    assert (done.exit_code, done.stderr) == (0, "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"uptime-2026.{ending}" for ending in ("csv", "html", "json", "pdf")
    ]
    found = json.loads((tmp_path / "out" / "uptime-2026.json").read_text())["components"][0]
    assert found["milliseconds"]["down"] == 4 * MINUTE
    assert found["outages"][0]["start"] == "2026-01-01T00:10:00.000Z"


def test_one_format_goes_to_standard_output(config: Path) -> None:
    done = run(config, "2026-01", "--as-of", AS_OF, "--format", "json", "-o", "-")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["period"]["name"] == "2026-01"


def test_a_store_that_tells_its_agreement_needs_no_configuration(config: Path) -> None:
    url, arguments = os.environ["REPORTED_STORE"], ("2026", "--as-of", AS_OF, "--format", "json", "-o", "-")
    alone = CliRunner().invoke(main, ["report", *arguments, "--store", url])
    assert (alone.exit_code, "no agreement is on record" in alone.stderr) == (2, True)
    asyncio.run(_agreed())
    alone = CliRunner().invoke(main, ["report", *arguments, "--store", url])
    assert alone.exit_code == 0
    assert json.loads(alone.stdout)["components"][0]["milliseconds"]["down"] == 4 * MINUTE
    assert alone.stdout == run(config, *arguments).stdout


async def _agreed() -> None:
    async with await Store.open(os.environ["REPORTED_STORE"]) as store:
        await store.record_agreement(AGREEMENT, T0)


def test_a_file_is_made_by_its_ending(config: Path, tmp_path: Path) -> None:
    assert run(config, "2026", "--as-of", AS_OF, "-o", str(tmp_path / "figures.csv")).exit_code == 0
    assert (tmp_path / "figures.csv").read_text().startswith("period,start,")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["26"], "expected a year (2026)"),
        (["2027", "--as-of", AS_OF], "2027 has not begun"),
        (["2026", "-o", "-"], "standard output takes one --format"),
        (["2026", "-o", "-", "--format", "csv", "--format", "json"], "standard output takes one --format"),
        (["2026", "-o", "x.pdf", "--format", "csv", "--format", "json"], "x.pdf is one file"),
        (["2026", "--as-of", "2199-01-01T00:00:00Z"], "in the future"),
        (["2026", "--as-of", "yesterday"], "expected a time such as"),
    ],
)
def test_wrong_usage_says_what_is_wrong(config: Path, arguments: list[str], problem: str) -> None:
    done = run(config, *arguments)
    assert done.exit_code == 2
    assert problem in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["json", "csv", "html", "pdf"])
def test_the_bytes_are_the_same_wherever_and_by_whomever_it_is_made(config: Path, tmp_path: Path, ending: str) -> None:
    """Another process, with another hash seed, language, time zone and folder."""
    worlds = [("1", "C.UTF-8", "UTC", tmp_path), ("2", "pl_PL.UTF-8", "Pacific/Auckland", Path("/"))]
    made = [_elsewhere(config, ending, *world) for world in worlds]
    assert made[0] == made[1] != b""


def _elsewhere(config: Path, ending: str, seed: str, language: str, zone: str, folder: Path) -> bytes:
    world = {**os.environ, "PYTHONHASHSEED": seed, "LANG": language, "LC_ALL": language, "TZ": zone}
    command = ["report", "2026", "--as-of", AS_OF, "--format", ending, "-o", "-", "-c", str(config)]
    found = subprocess.run([sys.executable, "-m", "monitor", *command], env=world, cwd=folder, capture_output=True)
    assert (found.returncode, found.stderr) == (0, b"")
    return found.stdout


def test_what_is_recorded_later_does_not_change_a_report(config: Path) -> None:
    arguments = ("2026", "--as-of", "2026-01-01T00:30:00Z", "--format", "json", "-o", "-")
    before = run(config, *arguments).stdout
    asyncio.run(_an_outage_later())
    assert run(config, *arguments).stdout == before
    assert len(json.loads(run(config, "2026", *arguments[3:]).stdout)["components"][0]["outages"]) == 2


async def _an_outage_later() -> None:
    async with await Store.open(os.environ["REPORTED_STORE"]) as store:
        await _recorded(store, "later", [(121 * MINUTE, True), (122 * MINUTE, True)])
