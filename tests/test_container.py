"""The image and compose.yaml, as far as they can be read: `make image-test` builds and runs them."""

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monitor.cli import VERBS
from monitor.config import load
from monitor.config.model import Stop
from monitor.demo import HOST, free_port
from tests.alerting.servers import alertmanager
from tests.real_servers import command

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("run", "browser", "build")


def variables(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


DEMO_ENV = variables(ROOT / "config/compose/demo.env")

# --- Locks.


def entries(lock: Path) -> dict[str, str]:
    """Name → the whole entry, hashes included."""
    found = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text().strip())
    return {canonicalize_name(entry.partition("==")[0]): entry for entry in found}


def needed(name: str, extras: tuple[str, ...] = ()) -> Iterator[str]:
    """All that an installed package needs on this system."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield canonicalize_name(requirement.name)
            yield from needed(requirement.name, tuple(requirement.extras))


@pytest.mark.parametrize("name", LOCKS)
def test_the_image_holds_the_tested_versions(name: str) -> None:
    tested = entries(ROOT / "requirements.lock")
    locked = entries(ROOT / "requirements" / f"{name}.lock")
    assert {key: entry for key, entry in locked.items() if tested.get(key) != entry} == {}, "run `make lock`"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("run", PROJECT["project"]["dependencies"]),
        ("browser", PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["browser"]),
        ("build", PROJECT["build-system"]["requires"]),
    ],
)
def test_each_lock_is_complete(name: str, wanted: list[str]) -> None:
    locked = entries(ROOT / "requirements" / f"{name}.lock")
    direct = [Requirement(text) for text in wanted]
    below = {key for each in direct for key in needed(each.name, tuple(each.extras))}
    assert ({canonicalize_name(each.name) for each in direct} | below) - locked.keys() == set(), "run `make lock`"


def test_tools_for_development_stay_out_of_the_image() -> None:
    assert entries(ROOT / "requirements/run.lock").keys() & {"pytest", "mypy", "ruff", "uv", "playwright"} == set()


# --- The image.


def test_the_dockerfile_can_be_built_anywhere() -> None:
    """By BuildKit and by older builders; from a pinned base, and with no address of its own."""
    assert re.search(r"^ARG BASE=python:3\.\d+-slim-[a-z]+$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"<<|--mount|https?://|^ADD ", DOCKERFILE, re.MULTILINE) == []
    assert "--require-hashes" in DOCKERFILE


def test_the_image_runs_as_nobody_in_particular() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10001"]
    assert final.index("USER ") < final.index("ENTRYPOINT ")
    assert 'ENTRYPOINT ["efento-uptime"]\nCMD ["run"]' in final
    check = re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", final, re.MULTILINE)
    assert check and json.loads(check[1])[:2] == ["efento-uptime", "health"] and "health" in VERBS
    assert f"ARG VERSION={PROJECT['project']['version']}\n" in final


def test_everything_that_the_wheel_is_made_of_gets_into_the_build() -> None:
    """And what stands in .dockerignore after `!` is all that does."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    let_in = [line.removeprefix("!") for line in patterns if line.startswith("!")]
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = [*wheel["packages"], "pyproject.toml", PROJECT["project"]["readme"]]
    wanted += [name for name in wheel["force-include"] if name != "config"]
    wanted += ["config/efento-cloud.yaml", "config/demo.yaml", *(f"requirements/{name}.lock" for name in LOCKS)]
    missing = [name for name in wanted if not any(Path(name).match(pattern) for pattern in let_in)]
    assert missing == []


# --- compose.yaml.


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service and "cap_add" not in service
    assert [port for port in service.get("ports", ()) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_what_is_pinned(name: str) -> None:
    service = SERVICES[name]
    assert "build" in service or re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_are_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        if isinstance(volume, dict):
            assert volume["read_only"] is True
            continue
        source, _target, *mode = volume.split(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == ["ro"], f"{source} is this repository's"
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_demo_can_be_left_out(name: str) -> None:
    service = SERVICES[name]
    for other, terms in service.get("depends_on", {}).items():
        optional = SERVICES[other].get("profiles") and not service.get("profiles")
        assert terms.get("required", True) is not optional or not optional
        if terms["condition"] == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]


def test_compose_up_is_the_demo() -> None:
    set_by_default = variables(ROOT / ".env")
    assert set_by_default == {"COMPOSE_PROFILES": "demo", "UPTIME_SETTINGS": "config/compose/demo.env"}
    assert {name for name, service in SERVICES.items() if service.get("profiles")} == {"standin", "mosquitto", "pager"}


def test_the_daemon_gets_time_to_stop() -> None:
    undone_within = 10.0  # after `stop.drain`, as docs/operation.md says
    seconds = float(SERVICES["uptime"]["stop_grace_period"].removesuffix("s"))
    assert seconds >= Stop().drain + undone_within


# --- The demo's settings.


def test_the_demo_asks_for_every_variable_that_is_set() -> None:
    asked_for = set(re.findall(r"env:([A-Z_]+)", (ROOT / "config/demo.yaml").read_text()))
    assert DEMO_ENV.keys() - asked_for == {"EFENTO_UPTIME_CONFIG"}


def test_the_stand_in_listens_where_the_daemon_looks() -> None:
    open_ports = set(re.findall(r"--[a-z]+-port=(\d+)", " ".join(SERVICES["standin"]["command"])))
    looked_for = set(re.findall(r"standin:(\d+)", " ".join(DEMO_ENV.values())))
    looked_for |= set(re.findall(r"env:STANDIN_[A-Z]+_PORT:-(\d+)", (ROOT / "config/demo.yaml").read_text()))
    assert looked_for - open_ports == set()


def test_the_demo_in_compose_is_a_valid_configuration(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"  # which the stand-in has written before the daemon starts
    authority.touch()
    config = load(ROOT / "config/demo.yaml", DEMO_ENV | {"STANDIN_TLS_CA_FILE": str(authority)})
    assert config.web_host == "0.0.0.0"
    assert [str(each.url) for each in config.alerting.alertmanagers] == ["http://alertmanager:9093"]


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "env_file" in service])
def test_who_reads_the_demos_settings_has_the_files_that_they_name(name: str) -> None:
    """The authority's is in the stand-in's volume once the stand-in is well."""
    assert "standin:/standin:ro" in SERVICES[name]["volumes"]
    assert SERVICES[name]["depends_on"]["standin"] == {"condition": "service_healthy", "required": False}
    assert DEMO_ENV["STANDIN_TLS_CA_FILE"].startswith("/standin/")


def test_prometheus_in_compose_differs_by_names_alone() -> None:
    names = {"8080": "uptime", "9093": "alertmanager", "9100": "node-exporter"}
    text = (ROOT / "config/prometheus/prometheus.yml").read_text()
    for port, name in names.items():
        text = text.replace(f"127.0.0.1:{port}", f"{name}:{port}")
    expected = yaml.safe_load(text) | {"rule_files": ["/rules/*.yml"]}
    assert yaml.safe_load((ROOT / "config/compose/prometheus.yml").read_text()) == expected


def test_prometheus_takes_its_configuration() -> None:
    promtool = command("promtool")
    file = str(ROOT / "config/compose/prometheus.yml")
    done = subprocess.run([*promtool.argv, "check", "config", file], env=promtool.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- The pager.


@contextmanager
def pager(port: int) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, str(ROOT / "config/compose/pager.py"), str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_the_pager_prints_what_alertmanager_sends_to_people(tmp_path: Path) -> None:
    """The real one, with its real configuration: every receiver's address is one of the pager's."""
    port = free_port(HOST)
    text = (ROOT / "config/alertmanager/alertmanager.yml").read_text()
    labels = {"alertname": "ComponentDown", "component": "api", "severity": "blocker"}
    alert = {
        "labels": labels,
        "annotations": {"summary": "The API is down", "runbook_url": "http://localhost:8080/runbooks/ComponentDown"},
        "startsAt": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    }
    with pager(port) as process, alertmanager(text.replace("127.0.0.1:5001", f"127.0.0.1:{port}"), tmp_path) as url:
        post(f"{url}/api/v2/alerts", [alert])
        assert process.stdout
        line = process.stdout.readline()
    link = "http://localhost:8080/runbooks/ComponentDown"
    assert line == f"pager: FIRING ComponentDown api blocker: The API is down {link}\n"


def post(url: str, body: object) -> None:
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=5):
        pass
