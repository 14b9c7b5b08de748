"""`efento-uptime config prometheus`: what is printed, what is written, and the exit code."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from monitor.commands.config import config

_VALID = """\
components: {gate: {floor: 99 %}}
probes:
  - {id: front, component: gate, kind: tcp, options: {host: door.example.net, port: 443}}
"""


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(config, ["prometheus", *map(str, arguments)])


@pytest.fixture
def valid(tmp_path: Path) -> Path:
    path = tmp_path / "valid.yaml"
    path.write_text(_VALID, encoding="utf-8")
    return path


def test_all_rules_are_printed_as_one_file(valid: Path) -> None:
    for arguments in ((valid,), ("--config", valid)):
        result = _run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        groups = {group["name"] for group in yaml.safe_load(result.stdout)["groups"]}
        assert groups == {"outages", "budgets", "burn", "monitor", "telling", "warnings", "seals", "hosts"}


def test_or_written_as_files_into_a_folder_that_need_not_be_there(valid: Path, tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "rules"
    result = _run(valid, "--out", folder)
    names = ["agreement.yml", "monitor.yml", "hosts.yml"]
    assert (result.exit_code, result.stdout.splitlines()) == (0, [str(folder / name) for name in names])
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert 'ratio1h{component="gate"} > 14.4 * 0.01' in (folder / "agreement.yml").read_text(encoding="utf-8")


def test_what_cannot_be_written_is_said_in_a_line(valid: Path, tmp_path: Path) -> None:
    result = _run(valid, "--out", valid / "rules")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and "Traceback" not in result.stderr


def test_no_rules_are_made_of_a_wrong_file(valid: Path, tmp_path: Path) -> None:
    valid.write_text(_VALID.replace("443", "0"), encoding="utf-8")
    result = _run(valid, "--out", tmp_path / "rules")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "probes[0].options.port" in result.stderr
    assert not (tmp_path / "rules").exists()
