"""Every PromQL expression of the committed dashboards, ready to be asked of a Prometheus."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
DASHBOARDS = ROOT / "grafana" / "dashboards"
Json = dict[str, Any]

FILLED_IN = {
    "$component": ".*",
    "$probe": ".*",
    "$location": ".*",
    "$instance": ".*",
    "$__rate_interval": "1m",
    "$__interval": "30s",
    "$__range": "1h",
}
_VARIABLE = re.compile(r"\$\w+|\$\{[^}]*\}")
_LABEL_VALUES = re.compile(r"label_values\((?P<metric>.*), (?P<label>\w+)\)")


class Expression(NamedTuple):
    dashboard: str
    panel: str
    expr: str
    """With Grafana's variables filled in."""


def dashboards() -> dict[str, Json]:
    """File name → what it holds."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard: Json) -> list[Json]:
    """All but the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def filled_in(expr: str) -> str:
    """Raises `KeyError` for a variable that nobody gave a value."""
    return _VARIABLE.sub(lambda found: FILLED_IN[found[0]], expr)


def expressions() -> list[Expression]:
    """Those of panels, annotations (`annotation: NAME`) and variables (`variable: NAME`, the metric they look into)."""
    return [Expression(name, place, filled_in(expr)) for name, place, expr in _raw()]


def _raw() -> Iterator[tuple[str, str, str]]:
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            yield from ((name, panel["title"], target["expr"]) for target in panel["targets"])
        for annotation in dashboard["annotations"]["list"]:
            yield name, f"annotation: {annotation['name']}", annotation["expr"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                found = _LABEL_VALUES.fullmatch(variable["query"]["query"])
                assert found, variable["query"]
                yield name, f"variable: {variable['name']}", found["metric"]
