"""The systemd unit fits the daemon: its times, its exit codes, where it writes, what it is started with."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.config import shipped_config
from monitor.config.model import Stop
from monitor.config.values import parse_duration
from monitor.undo import UNDO_SECONDS

FOLDER = Path(__file__).resolve().parents[2] / "config" / "systemd"
UNIT = FOLDER / "efento-uptime.service"


def settings(file: Path = UNIT) -> dict[str, list[str]]:
    """Every setting with its values, in order."""
    found: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def seconds(name: str) -> float:
    return parse_duration(settings()[name][0].replace("min", "m"))


def test_it_waits_for_a_stop_in_order() -> None:
    assert seconds("TimeoutStopSec") >= Stop().drain + UNDO_SECONDS + 5


def test_it_starts_the_daemon_again_for_ever_unless_its_configuration_is_wrong() -> None:
    unit = settings()
    assert unit["Restart"] == ["on-failure"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert seconds("RestartSec") <= 5  # every second of it is unknown time


def test_it_is_told_by_the_daemon_itself() -> None:
    assert settings()["Type"] == ["notify"]
    assert seconds("WatchdogSec") >= 60


def test_it_may_write_its_state_alone_and_keeps_secrets_in_a_file() -> None:
    unit = settings()
    (state,) = unit["StateDirectory"]
    assert unit["WorkingDirectory"] == [f"/var/lib/{state}"]
    assert unit["ProtectSystem"] == ["strict"] and unit["ProtectHome"] == ["yes"]
    assert "ReadWritePaths" not in unit
    assert unit["EnvironmentFile"] == ["/etc/efento-uptime/environment"]
    assert not any("TOKEN" in value or "PASSWORD" in value for value in unit["Environment"])


def test_it_gives_nothing_away() -> None:
    unit = settings()
    wanted = [
        "NoNewPrivileges",
        "PrivateDevices",
        "PrivateTmp",
        "PrivateUsers",
        "MemoryDenyWriteExecute",
        "LockPersonality",
    ]
    assert [unit[name] for name in wanted] == [["yes"]] * len(wanted)
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged"]


def test_it_runs_as_the_user_that_is_made_for_it() -> None:
    (user,) = settings()["User"]
    assert re.search(rf"^u {user} - ", (FOLDER / "sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_browsers_exceptions_are_exceptions() -> None:
    assert settings(FOLDER / "browser.conf").keys() <= settings().keys()


def test_it_names_the_configuration_that_is_shipped() -> None:
    assert settings()["ExecStart"][0].endswith(f"/{shipped_config('efento-cloud.yaml').name}")


def test_systemd_understands_it_and_finds_little_exposed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    text = UNIT.read_text(encoding="utf-8")
    text = re.sub("^ExecStart=.*$", "ExecStart=/bin/true", text, flags=re.MULTILINE)  # nothing is installed here
    text = re.sub("^(User|Group)=.*$", r"\1=daemon", text, flags=re.MULTILINE)
    for name, content in ((UNIT.name, text), ("browsing.service", text + (FOLDER / "browser.conf").read_text("utf-8"))):
        (tmp_path / name).write_text(content, encoding="utf-8")
        arguments = ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)]
        verified = subprocess.run(arguments, capture_output=True, text=True, timeout=15)
        assert (verified.returncode, verified.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(tmp_path / UNIT.name)]
    secured = subprocess.run(command, capture_output=True, text=True, timeout=15)
    assert secured.returncode == 0, secured.stdout[-2000:]
