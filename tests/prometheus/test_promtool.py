"""What promtool says of the committed configuration, rules and cases."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.prometheus.renew import CASES, FOLDER, alerts_in
from tests.real_servers import command

ALWAYS_FIRES = {"DeadMansSwitch"}


def promtool(*arguments: str) -> str:
    tool = command("promtool")
    done = subprocess.run(
        [*tool.argv, *arguments], env=tool.env, capture_output=True, text=True, check=False, cwd=FOLDER
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_and_its_rules_are_valid() -> None:
    files = sorted(str(path.relative_to(FOLDER)) for path in (FOLDER / "rules").glob("*.yml"))
    assert "FAILED" not in promtool("check", "rules", "--lint=all", "--lint-fatal", *files)
    promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(90)  # seconds of processor time, on a machine that others use too
def test_every_case_comes_out_as_it_says(name: str) -> None:
    promtool("test", "rules", f"tests/{name}")


def test_of_every_alert_a_case_has_it_fire_and_one_has_it_silent() -> None:
    looked = [
        (look["alertname"], bool(look["exp_alerts"]))
        for path in (FOLDER / "tests").glob("*.yml")
        for case in yaml.safe_load(path.read_text())["tests"]
        for look in case["alert_rule_test"]
    ]
    names = {alert["alert"] for path in (FOLDER / "rules").glob("*.yml") for alert in alerts_in(path.read_text())}
    assert {name for name, fired in looked if fired} == names
    assert {name for name, fired in looked if not fired} == names - ALWAYS_FIRES


def test_no_file_lies_there_that_nobody_makes() -> None:
    assert {path.name for path in (FOLDER / "tests").iterdir()} == set(CASES)


def test_rules_of_a_configuration_with_everything_are_valid(tmp_path: Path) -> None:
    from tests.prometheus.rules import everything, rules_of

    for name, text in rules_of(everything()).items():
        (tmp_path / name).write_text(text)
    promtool("check", "rules", "--lint=all", "--lint-fatal", *(str(path) for path in tmp_path.glob("*.yml")))
