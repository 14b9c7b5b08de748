"""From groups of rules to the files that Prometheus reads: links into annotations, values into YAML."""

from collections.abc import Iterable
from textwrap import wrap
from typing import Any

import yaml

from monitor.alert_rules.budgets import budgets
from monitor.alert_rules.burning import burning
from monitor.alert_rules.hosts import hosts
from monitor.alert_rules.model import Alert, Group, Recording, window
from monitor.alert_rules.outages import outages
from monitor.alert_rules.watching import seals, telling, warnings, watching
from monitor.config import Config

_HEAD = """\
# Made by `efento-uptime config prometheus` from the daemon's configuration. Do not edit: change the configuration and
# make it anew. docs/alerting.md tells what each rule is for.
"""
_WIDTH = 112
_EVERYWHERE = ("0.0.0.0", "::", "")


def rule_files(config: Config) -> dict[str, str]:
    """Names of files, and what belongs in them."""
    links = _Links(config)
    return {name: _HEAD + _as_yaml(groups, links) for name, groups in _groups(config).items()}


def one_file(config: Config) -> str:
    """All rules as one file."""
    return _HEAD + _as_yaml([group for groups in _groups(config).values() for group in groups], _Links(config))


def _groups(config: Config) -> dict[str, tuple[Group, ...]]:
    return {
        "agreement.yml": (outages(config), budgets(config), burning(config)),
        "monitor.yml": (watching(config), telling(config), warnings(config), seals(config)),
        "hosts.yml": (hosts(config),),
    }


class _Links:
    """Where an alert sends its reader. The daemon's own address stands in where nobody configured a public one."""

    def __init__(self, config: Config) -> None:
        host = "127.0.0.1" if config.web_host in _EVERYWHERE else config.web_host
        self._web = config.web_url or f"http://{host}:{config.web_port}"
        self._runbooks = config.alerting.runbooks or f"{self._web}/runbooks"
        self._dashboards = config.alerting.dashboards

    def annotations(self, alert: Alert) -> dict[str, str]:
        texts = {"summary": alert.summary, "description": alert.description}
        texts["runbook_url"] = f"{self._runbooks}/{alert.name}"
        if alert.about is not None:
            texts["page"] = f"{self._web}/{alert.about.page}"
        if alert.about is not None and self._dashboards:
            texts["dashboard"] = f"{self._dashboards}/d/{alert.about.dashboard}"
        return texts


def _as_yaml(groups: Iterable[Group], links: _Links) -> str:
    parts = ["groups:\n"]
    for group in groups:
        lines = [line for text in group.comment.splitlines() for line in wrap(text, _WIDTH)]
        comment = "".join(f"  # {line}\n" for line in lines)
        pace = "" if group.interval_seconds is None else f"    interval: {window(group.interval_seconds)}\n"
        rules = "\n".join(_indented([_rule(rule, links)]) for rule in group.rules)
        parts.append(f"\n{comment}  - name: {group.name}\n{pace}    rules:\n{rules}")
    return "".join(parts)


def _indented(value: Any) -> str:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return "".join(f"      {line}\n" for line in text.splitlines())


def _rule(rule: Recording | Alert, links: _Links) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return {"record": rule.record, "expr": _lines(rule.expr)}
    severity = {} if rule.severity is None else {"severity": str(rule.severity)}
    labels = {**severity, **rule.labels}
    return {
        "alert": rule.name,
        "expr": _lines(rule.expr),
        **({"for": window(rule.for_seconds)} if rule.for_seconds else {}),
        **({"labels": labels} if labels else {}),
        "annotations": links.annotations(rule),
    }


def _lines(expr: str) -> str:
    return f"{expr}\n" if "\n" in expr or len(expr) > _WIDTH else expr


class _Dumper(yaml.SafeDumper):
    """Indents lists, and writes an expression of several lines as the lines that it has."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _literal(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _literal)
