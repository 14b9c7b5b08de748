"""`efento-uptime window`: what is declared, what is refused with which exit code, what is listed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.commands.window import window
from monitor.store import Store

_CONFIG = """\
store: {{url: "sqlite:///{folder}/uptime.db"}}
components: {{api: {{floor: 99 %}}, ingest: {{}}}}
probes:
  - {{id: front, component: api, kind: tcp, options: {{host: door.example.net, port: 443}}}}
maintenance:
  - {{name: patches, rule: FREQ=DAILY, starts: 2026-01-07 02:00, length: 2h, text: "Patches [b]"}}
"""
PAST = ["--from", "2026-01-07 02:00", "--to", "2026-01-07T04:00:00+01:00"]
EXCLUDED = ["excluded", *PAST, "--text", "Fire", "--by", "anna", "--class", "force_majeure", "--approver", "bert"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "monitor.yaml"
    file.write_text(_CONFIG.format(folder=tmp_path), encoding="utf-8")
    return file


@pytest.fixture
def config(path: Path) -> Path:
    """With a store, as a daemon leaves it."""

    async def make() -> None:
        await (await Store.open(f"sqlite:///{path.parent}/uptime.db")).close()

    asyncio.run(make())
    return path


def _run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(window, [*arguments, "-c", str(config)], env={"COLUMNS": "200"})


def _listed(config: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_run(config, "list", "--json", *arguments).stdout)
    return [each for each in found if each["state"] != "recurring"]


def test_a_window_is_added_ended_and_revoked(config: Path) -> None:
    assert _run(config, "add", *EXCLUDED, "--component", "api").stdout == "Window 1 declared.\n"
    shorter = _run(config, "end", "1", "--at", "2026-01-07 03:00")
    assert shorter.stdout == "Window 1 ended; it is window 2 from now on.\n"
    [shown] = _listed(config)
    assert {key: shown[key] for key in ("number", "from", "to", "components", "by", "class", "approver")} == {
        "number": 2,
        "from": "2026-01-07T01:00:00.000Z",
        "to": "2026-01-07T02:00:00.000Z",
        "components": ["api"],
        "by": "anna",
        "class": "force_majeure",
        "approver": "bert",
    }
    assert shown["retroactive"] is True
    assert _run(config, "revoke", "2", "--by", "carl", "--text", "no fire").stdout == "Window 2 revoked.\n"
    assert _listed(config) == []
    assert [each["state"] for each in _listed(config, "--all")] == ["replaced", "revoked"]


def test_a_restore_may_be_open_and_nothing_else(config: Path) -> None:
    more = ["--from", "2026-01-07 02:00", "--open", "--text", "x", "--by", "anna"]
    added = _run(config, "add", "restore", *more, "--json")
    assert json.loads(added.stdout)["window"] == {"from": "2026-01-07T01:00:00.000Z", "to": None}
    refused = _run(config, "add", "maintenance", *more)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--to: missing; expected the end" in refused.stderr
    assert len(_listed(config)) == 1


def test_mistakes_name_the_options(config: Path) -> None:
    wrong = ["--component", "apo", "--from", "2026-03-29 02:30", "--approver", "ANNA "]
    refused = _run(config, "add", *EXCLUDED, *wrong)
    assert refused.exit_code == 2
    assert [line.split(": ")[1] for line in refused.stderr.splitlines()] == ["--from", "--component", "--approver"]
    assert "2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00" in refused.stderr
    assert _listed(config, "--all") == []


@pytest.mark.parametrize("ending", [[], ["--open", "--to", "2026-01-07 04:00"]])
def test_the_end_is_said_one_way(config: Path, ending: list[str]) -> None:
    refused = _run(config, "add", "restore", "--from", "2026-01-07 02:00", *ending, "--text", "x", "--by", "anna")
    assert refused.exit_code == 2 and "expected one of --to and --open" in refused.stderr


def test_a_number_that_is_not_in_force_is_refused(config: Path) -> None:
    for command in (["end", "9"], ["revoke", "9", "--by", "anna", "--text", "x"]):
        refused = _run(config, *command)
        assert (refused.exit_code, refused.stderr) == (
            2,
            "efento-uptime: NUMBER: found 9; expected the number of a window in force\n",
        )


def test_the_table_shows_texts_as_they_are(config: Path) -> None:
    """Text in brackets is no markup."""
    _run(config, "add", *EXCLUDED)
    table = _run(config, "list").stdout
    assert "retroactive; force_majeure, approved by bert" in " ".join(table.split())
    assert table.count("Patches [b]") >= 29
    assert "2026-01-07 02:00:00 CET" in table


def test_no_store_is_made_where_there_is_none(path: Path) -> None:
    """A relative address counts from the working directory: a window must not vanish into another file."""
    refused = _run(path, "add", *EXCLUDED)
    assert refused.exit_code == 1 and "there is no store" in refused.stderr
    assert not (path.parent / "uptime.db").exists()
