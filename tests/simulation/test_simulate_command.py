"""`efento-uptime simulate`: a new store, and the truth beside our figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main

CONFIG = {
    "location": "frankfurt",
    "components": {"api": {"floor": "99 %"}, "frontend": {}, "reports": {}},
    "probes": [
        {"id": "api", "component": "api", "kind": "http", "options": {"url": "http://api.example/"}},
        {"id": "page", "component": "frontend", "kind": "http", "options": {"url": "http://page.example/"}},
        {"id": "login", "component": "frontend", "kind": "http", "options": {"url": "http://page.example/login"}},
    ],
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(CONFIG))
    return path


def simulate(config: Path, store: Path, *more: str) -> Result:
    arguments = ["simulate", "--seed", "3", "--every", "2h", "--store", f"sqlite:///{store}", "-c", str(config)]
    return CliRunner().invoke(main, [*arguments, *more])


def test_it_shows_the_truth_beside_our_figures(config: Path, tmp_path: Path) -> None:
    done = simulate(config, tmp_path / "sim.db", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["seed"] == 3 and told["results"] > 8_000
    assert list(told["components"]) == ["api", "frontend"]  # nobody watches reports
    for each in told["components"].values():
        assert each["true"]["down_ms"] > 0
        assert each["observed"]["certainly_down_ms"] <= each["observed"]["possibly_down_ms"]


def test_a_store_that_is_in_use_is_refused(config: Path, tmp_path: Path) -> None:
    assert simulate(config, tmp_path / "sim.db").exit_code == 0
    again = simulate(config, tmp_path / "sim.db")
    assert again.exit_code == 1
    assert "in use already" in again.stderr


def test_an_interval_that_is_none_is_a_wrong_usage(config: Path, tmp_path: Path) -> None:
    done = simulate(config, tmp_path / "sim.db", "--every", "soon")
    assert done.exit_code == 2
    assert "--every" in done.stderr and not (tmp_path / "sim.db").exists()


def test_the_shipped_configuration_needs_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EFENTO_UPTIME_CONFIG", raising=False)
    arguments = ["simulate", "--seed", "1", "--every", "12h", "--store", f"sqlite:///{tmp_path / 'sim.db'}"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "notifications" in done.output
