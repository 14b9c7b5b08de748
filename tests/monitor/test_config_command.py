"""`efento-uptime config`: which file, what is printed where, and the exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.commands.config import config
from monitor.config import find_config, shipped_config

_VALID = """\
components: {gate: {}}
probes:
  - {id: front, component: gate, kind: tcp, options: {host: door.example.net, port: 443}}
"""


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(config, [str(argument) for argument in arguments])


@pytest.fixture
def valid(tmp_path: Path) -> Path:
    path = tmp_path / "valid.yaml"
    path.write_text(_VALID, encoding="utf-8")
    return path


@pytest.fixture
def invalid(tmp_path: Path) -> Path:
    path = tmp_path / "invalid.yaml"
    path.write_text(_VALID.replace("443", "0") + "zones: UTC\n", encoding="utf-8")
    return path


def test_validate_says_what_a_valid_file_holds(valid: Path) -> None:
    result = _run("validate", valid)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{valid}: valid, 1 components, 1 probes\n", "")


def test_validate_checks_all_files_and_exits_with_2(valid: Path, invalid: Path) -> None:
    result = _run("validate", invalid, valid)
    assert result.exit_code == 2
    assert result.stdout == f"{valid}: valid, 1 components, 1 probes\n"
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        [f"{invalid}:3", "probes[0].options.port"],
        [f"{invalid}:4", "zones"],
    ]


def test_show_prints_defaults(valid: Path) -> None:
    for arguments in (("show", valid), ("show", "-c", valid)):
        result = _run(*arguments)
        assert result.exit_code == 0
        assert "  confirm_after: 2\n" in result.stdout and "  every: 30s\n" in result.stdout


def test_show_refuses_an_invalid_file(invalid: Path) -> None:
    result = _run("show", invalid)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 2


def test_a_file_named_twice_is_a_usage_error(valid: Path) -> None:
    for verb in ("show", "validate"):
        assert _run(verb, valid, "--config", valid).exit_code == 2


def test_schema_is_json_with_every_kind() -> None:
    kinds = json.loads(_run("schema").stdout)["$defs"]["ProbeEntry"]["properties"]["kind"]
    assert "tcp" in json.dumps(kinds)
    assert "### Options of `tcp`" in _run("schema", "--format", "markdown").stdout


def test_the_file_is_the_given_one_then_the_environments_then_the_local_then_the_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"EFENTO_UPTIME_CONFIG": "named.yaml"}
    assert find_config(Path("given.yaml"), environ) == Path("given.yaml")
    assert find_config(None, environ) == Path("named.yaml")
    assert find_config(None, {}) == shipped_config("efento-cloud.yaml")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "efento-cloud.yaml").touch()
    assert find_config(None, {}) == Path("config/efento-cloud.yaml")


def test_the_environments_file_is_used(valid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFENTO_UPTIME_CONFIG", str(valid))
    assert _run("validate").stdout.startswith(str(valid))


def test_help_does_not_load_what_only_the_work_needs() -> None:
    heavy = "{'pydantic', 'yaml', 'probes', 'aiohttp'}"
    code = f"import sys, monitor.commands.config; print(*sorted({heavy} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "\n"


def test_a_timeout_that_cuts_a_check_off_before_it_can_tell_who_is_to_blame_is_warned_of(valid: Path) -> None:
    options = "{name: cloud.example.net, timeout: 15}"
    entry = f"  - {{id: name, component: gate, kind: dns, timeout: 20s, options: {options}}}\n"
    valid.write_text(_VALID + entry, encoding="utf-8")
    result = _run("validate", valid)
    assert (result.exit_code, result.stdout) == (0, f"{valid}: valid, 1 components, 2 probes\n")
    expected = "probes[1].timeout: warning: 20s is less than the 30s that a check may take by its options"
    assert result.stderr == f"{valid}:4: {expected}\n"
    valid.write_text(_VALID + entry.replace("20s", "30s"), encoding="utf-8")
    assert _run("validate", valid).stderr == ""


_PROMISED = """\
components: {gate: {floor: 99.5 %}}
probes:
  - {id: front, component: gate, kind: tcp, options: {host: door.example.net, port: 443},
     every: 1d}
"""


def test_validate_says_where_a_promise_cannot_be_supported(valid: Path) -> None:
    valid.write_text(_PROMISED, encoding="utf-8")
    result = _run("validate", valid)
    assert result.exit_code == 0
    assert result.stderr.startswith(
        f"{valid}:4: probes[0].every: warning: 365 clean checks a year prove no more than 99.18 %"
    )
    assert f"{valid}:1: components.gate.floor: note: 99.5 % allows 1d19h48m of downtime a year" in result.stdout


def test_validate_for_programs(valid: Path, invalid: Path) -> None:
    valid.write_text(_PROMISED, encoding="utf-8")
    result = _run("validate", valid, invalid, "--json")
    right, wrong = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (2, "")
    assert (right["file"], right["valid"], right["problems"]) == (str(valid), True, [])
    assert [each["path"] for each in right["warnings"]] == ["probes[0].every", "probes[0].every"]
    assert [each["line"] for each in right["notes"]] == [1, 1]
    assert (wrong["valid"], [each["path"] for each in wrong["problems"]]) == (
        False,
        ["probes[0].options.port", "zones"],
    )
