"""Every query parses, and asks for metrics that exist."""

import re
import subprocess
from math import floor
from pathlib import Path

import pytest
import yaml

from grafana.queries import component_state, rounded_down
from tests.grafana.queries import ROOT, expressions, filled_in
from tests.real_servers import command

EXPRESSIONS = expressions()
OF_OTHERS = {
    "ALERTS",
    "up",
    "alertmanager_notifications_failed_total",
    "node_boot_time_seconds",
    "node_cpu_seconds_total",
    "node_disk_io_time_seconds_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_load5",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "node_network_receive_bytes_total",
    "node_network_receive_drop_total",
    "node_network_receive_errs_total",
    "node_network_transmit_bytes_total",
    "node_network_transmit_drop_total",
    "node_network_transmit_errs_total",
    "node_systemd_unit_state",
    "node_timex_offset_seconds",
    "node_uname_info",
}


def documented() -> set[str]:
    """Names in the tables of docs/metrics.md; a histogram is asked for by its buckets."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(uptime_\w+)` \| (\w+)", page, re.MULTILINE)
    return {name + ("_bucket" if kind == "histogram" else "") for name, kind in rows}


def metrics(expr: str) -> set[str]:
    """Names of metrics: what is neither a function, an operator, a label, nor inside a matcher or a string."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\[[^\]]*\]", " ", expr)
    bare = re.sub(r"\b(by|on|ignoring|group_left|group_right|without)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"(?<![\w.])([a-zA-Z_]\w*)(?!\w)(?!\s*\()", bare)
    return set(words) - {"and", "or", "unless", "bool", "max", "min", "sum", "avg", "count", "offset"}


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda expression: f"{expression.dashboard}-{expression.panel}")
def test_every_query_asks_for_metrics_that_exist(expression: tuple[str, str, str]) -> None:
    asked = metrics(expression[2])
    assert asked - documented() - OF_OTHERS == set()
    assert asked or "year()" in expression[2]


def test_every_query_parses(tmp_path: Path) -> None:
    """As the expressions of recording rules, which Prometheus' own tool reads."""
    rules = [{"record": f"query:{number}", "expr": found.expr} for number, found in enumerate(EXPRESSIONS)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    promtool = command("promtool")
    checked = subprocess.run(
        [*promtool.argv, "check", "rules", "--lint=none", str(file)],
        env=promtool.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{len(EXPRESSIONS)} rules found" in checked.stdout


def test_a_variable_that_nobody_fills_in_is_noticed() -> None:
    with pytest.raises(KeyError, match="nobody"):
        filled_in('up{job="$nobody"}')


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        (0.995, "99.5000"),
        (0.99499999, "99.4999"),
        (0.9949996, "99.4999"),
        (0.995 - 1 / (366 * 86_400_000), "99.4999"),
        (0.99, "99.0000"),
        (1.0, "100.0000"),
        (0.9999999, "99.9999"),
        (-0.0000001, "-0.0001"),
    ],
)
def test_a_ratio_below_its_floor_never_looks_as_if_it_had_reached_it(ratio: float, shown: str) -> None:
    """The arithmetic of the query, in the same binary fractions, and Grafana's rounding of a percentage."""
    value = eval(rounded_down(repr(ratio)), {"floor": floor})
    assert f"{value * 100:.4f}" == shown


STATES = ("up", "down", "unknown")


def _evaluate(folder: Path, expr: str, inputs: list[dict[str, str]], shown: int) -> None:
    """By Prometheus' own tool, five minutes after the first of samples that are a minute apart."""
    expected = {"labels": '{component="api"}', "value": shown}
    asked = {"expr": expr, "eval_time": "5m", "exp_samples": [expected]}
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [asked]}
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}))
    promtool = command("promtool")
    done = subprocess.run(
        [*promtool.argv, "test", "rules", str(file)], env=promtool.env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _told(daemon: str, state: str, samples: str) -> list[dict[str, str]]:
    """What a daemon exports that says a component is in this state; `samples` are its 1s, as promtool writes them."""
    labels = f'component="api", instance="{daemon}"'
    series = [(other, samples if other == state else samples.replace("1", "0")) for other in STATES]
    return [
        {"series": f'uptime_component_state{{{labels}, state="{other}"}}', "values": values} for other, values in series
    ]


@pytest.mark.parametrize(
    ("daemons", "shown"),
    [
        ({"up": "1x5"}, 2),
        ({"down": "1x5", "up": "1x5"}, 3),
        ({"unknown": "1x5", "up": "1x5"}, 2),
        ({"unknown": "1x5"}, 1),
        ({"up": "1 1 stale"}, 0),
        ({"up": "1 1 stale", "down": "1x5"}, 3),
    ],
    ids=["up", "down wins", "one knows", "nobody knows", "gone is not up", "one is gone"],
)
def test_the_state_of_a_component_over_several_daemons(tmp_path: Path, daemons: dict[str, str], shown: int) -> None:
    inputs = [series for state, samples in daemons.items() for series in _told(f"daemon-{state}", state, samples)]
    _evaluate(tmp_path, component_state(), inputs, shown)


@pytest.mark.parametrize(("within", "shown"), [("30s", 2), ("150s", 3), ("2m", 3), ("", 2)])
def test_an_outage_between_two_points_of_a_graph_is_shown(tmp_path: Path, within: str, shown: int) -> None:
    """Down in the fourth minute, up again in the fifth."""
    up = 'uptime_component_state{component="api", state="up"}'
    down = 'uptime_component_state{component="api", state="down"}'
    inputs = [{"series": up, "values": "1 1 1 1 0 1"}, {"series": down, "values": "0 0 0 0 1 0"}]
    _evaluate(tmp_path, component_state(within=within), inputs, shown)
