"""Cases for promtool, written down briefly here, and spelt out in `config/prometheus/tests/` for whoever has no Python.

promtool compares an alert's annotations too; they are filled in out of the rule, so that a case says only which alert
fires, of what, and the one value that its text shows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Rule = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Firing:
    """`labels` without the alert's name; `value` as its texts show it."""

    labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """At a time since the beginning: which alerts of a name fire. None: it is silent."""

    at: str
    alert: str
    firing: tuple[Firing, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """`name` says what is promised. `series` are in promtool's notation, one value an `interval`."""

    name: str
    series: Mapping[str, str]
    looks: Sequence[Look]
    interval: str = "15s"


def fires(at: str, alert: str, value: str = "", **labels: str) -> Look:
    return Look(at, alert, (Firing(labels, value),))


def silent(at: str, *alerts: str) -> tuple[Look, ...]:
    return tuple(Look(at, alert) for alert in alerts)


def looks(*parts: Look | tuple[Look, ...]) -> list[Look]:
    return [look for part in parts for look in (part if isinstance(part, tuple) else (part,))]


def promtool_file(rules: str, cases: Sequence[Case], alerts: Sequence[Rule]) -> str:
    """`rules` is the name of the file of rules, `alerts` are the rules in it. Evaluated at the pace of the values."""
    content = {
        "rule_files": [f"../rules/{rules}"],
        "evaluation_interval": cases[0].interval,
        "tests": [_spelt_out(case, alerts) for case in cases],
    }
    head = "# For promtool test rules. Made by `python -m tests.prometheus.renew`; do not edit.\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=118)


def _spelt_out(case: Case, alerts: Sequence[Rule]) -> dict[str, Any]:
    return {
        "name": case.name,
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {
                "eval_time": look.at,
                "alertname": look.alert,
                "exp_alerts": [_expected(look.alert, firing, alerts) for firing in look.firing],
            }
            for look in case.looks
        ],
    }


def _expected(name: str, firing: Firing, alerts: Sequence[Rule]) -> dict[str, Any]:
    labels = dict(firing.labels)
    rule = next(each for each in alerts if each["alert"] == name and each.get("labels", {}).items() <= labels.items())
    texts = rule["annotations"].items()
    return {
        "exp_labels": labels,
        "exp_annotations": {key: _filled_in(text, labels, firing.value) for key, text in texts},
    }


def _filled_in(template: str, labels: Mapping[str, str], value: str) -> str:
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], template)
    return re.sub(r"\{\{ \$value(?: \| \w+)? \}\}", lambda _: value, text)
