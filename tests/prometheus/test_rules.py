"""What is in the rules, and what of a configuration changes them."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from monitor.alert_rules.model import SEVERITIES
from monitor.alerting.alerts import component_labels, hider_of, platform_labels, possible_labels
from monitor.config import Config
from monitor.config.alert_rules import AlertRules
from monitor.config.showing import as_yaml
from tests.prometheus.renew import FOLDER, alerts_in, committed, shipped
from tests.prometheus.rules import (
    alert_of,
    alerts_of,
    everything,
    rules_in,
    rules_of,
    with_alerting,
    with_component,
    with_probe,
    with_thresholds,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Names that others than the daemon export.
OTHERS = re.compile(r"up|alertmanager_\w+|node_\w+")
WORDS = re.compile(
    "abs|absent|and|avg|by|clamp_min|count|group|group_left|ignoring|max|min|on|or|sum|time|topk|unless|vector"
    r"|changes|increase|predict_linear|rate|resets|\w+_over_time"
)


@pytest.fixture(scope="module")
def config() -> Config:
    return shipped()


def test_what_is_committed_is_what_the_shipped_configuration_gives() -> None:
    for path, text in committed().items():
        assert (FOLDER / path).read_text(encoding="utf-8") == text, "run `python -m tests.prometheus.renew`"


def test_every_alert_is_told_with_what_to_do() -> None:
    for rule in alerts_in(
        "groups:" + "".join(text.partition("groups:")[2] for text in rules_of(everything()).values())
    ):
        name, texts = rule["alert"], rule["annotations"]
        assert texts["summary"] and texts["description"].endswith("."), name
        assert texts["runbook_url"].endswith(f"/runbooks/{name}")
        assert (DOCS / "runbooks" / f"{name}.md").is_file(), name


def test_every_runbook_is_of_an_alert_and_every_alert_is_explained() -> None:
    names = {rule["alert"] for rule in rules_in(everything()) if "alert" in rule}
    assert {path.stem for path in (DOCS / "runbooks").glob("*.md")} - {"README"} == names
    rules = (DOCS / "alerting.md").read_text().partition("\n## Alertmanager")[0]
    explained = set(re.findall(r"^\| `(\w+)` \|", rules, re.MULTILINE))
    assert explained == names


def test_severity_is_one_of_four_and_comes_from_the_expression_where_no_label_says_it() -> None:
    for rule in rules_in(everything()):
        if "alert" not in rule:
            continue
        severity = rule.get("labels", {}).get("severity")
        assert severity in SEVERITIES or (severity is None and "severity" in rule["expr"]), rule["alert"]


def test_every_metric_that_a_rule_reads_is_exported_or_recorded() -> None:
    documented = set(re.findall(r"^\| `(uptime_\w+)` \|", (DOCS / "metrics.md").read_text(), re.MULTILINE))
    recorded = {rule["record"] for rule in rules_in(everything()) if "record" in rule}
    for rule in rules_in(everything()):
        unknown = names_in(rule["expr"]) - documented - recorded
        assert not {name for name in unknown if not OTHERS.fullmatch(name)}, rule


def names_in(expr: str) -> set[str]:
    """The metrics of an expression: what is left without labels, windows, groupings, functions and numbers."""
    bare = re.sub(r"\{[^}]*\}|\[\w+\]|\b(by|on|ignoring|group_left) \([^)]*\)", " ", expr)
    return {name for name in re.findall(r"(?<![\w:])[a-z_]\w*(?::\w+)*", bare) if not WORDS.fullmatch(name)}


def test_names_are_found_in_expressions() -> None:
    expr = 'sum by (a) (rate(some_total{b="c"}[5m])) / on (a) group_left () d:e:f > 1.5 and vector(1)'
    assert names_in(expr) == {"some_total", "d:e:f"}


def test_what_the_daemon_pushes_too_has_the_same_labels(config: Config) -> None:
    """Those of `ComponentDown` are all of its expression, which yields component and severity."""
    labelled = with_alerting(config, labels={"site": "frankfurt"})
    platform = alert_of(config, "PlatformDown")
    assert {"alertname": "PlatformDown", "site": "frankfurt", **platform["labels"]} == platform_labels(labelled)
    component = alert_of(config, "ComponentDown")
    assert "labels" not in component and "for" not in component
    assert component["expr"].startswith("max by (component, severity) ")
    hiding = alert_of(config, "PlatformDownNow")
    assert hiding["expr"].startswith("max by (component) ")
    hider = hider_of(frozenset(component_labels(config.components[0], labelled).items()))
    own = {"alertname": "PlatformDownNow", "site": "frankfurt", "component": config.components[0].key}
    assert dict(hider) == {**own, **hiding["labels"]}
    pushed = {frozenset(dict(labels)) for labels in possible_labels(config)}
    assert pushed == {frozenset({"alertname", "severity"}), frozenset({"alertname", "component", "severity"})}


def test_how_long_the_last_word_of_a_daemon_counts_is_that_of_what_it_pushes(config: Config) -> None:
    longer = with_alerting(config, outlive=3600.0)
    for name in ("ComponentDown", "PlatformDown", "MonitorBlind", "DeadlinePassed", "PeerSilent"):
        assert "[15m]" in alert_of(config, name)["expr"]
        assert "[1h]" in alert_of(longer, name)["expr"] and "[15m]" not in alert_of(longer, name)["expr"]


def test_a_platform_of_one_prompt_component_is_no_platform(config: Config) -> None:
    assert 'component=~"ingest|notifications|api|frontend"' in alert_of(config, "PlatformDown")["expr"]
    prompt = with_thresholds(config, prompt=30.0)
    assert 'component=~"ingest|api|frontend"' in alert_of(prompt, "PlatformDown")["expr"]
    assert alerts_of(with_thresholds(config, prompt=29.0), "PlatformDown") == []


def test_a_floor_changes_what_burns_too_fast(config: Config) -> None:
    changed = with_component(config, "ingest", floor=Fraction(99, 100))
    assert "> 14.4 * 0.005" in of_ingest(config)[0]["expr"]
    assert "> 14.4 * 0.01\n" in of_ingest(changed)[0]["expr"]
    assert "99 %" in of_ingest(changed)[0]["annotations"]["description"]
    assert of_ingest(with_component(config, "ingest", floor=None)) == []
    lower = with_component(config, "ingest", floor=Fraction(93, 100))
    assert [rule["labels"]["window"] for rule in of_ingest(lower)] == ["6h", "3d"]


def of_ingest(config: Config) -> list[dict[str, dict[str, str]]]:
    return [rule for rule in alerts_of(config, "ErrorBudgetBurn") if rule["labels"]["component"] == "ingest"]


def test_a_severity_changes_who_is_told_of_a_quick_burn(config: Config) -> None:
    def severities(severity: str) -> list[str]:
        changed = with_component(config, "ingest", severity=severity)
        return [rule["labels"]["severity"] for rule in of_ingest(changed)]

    assert severities("blocker") == ["blocker", "blocker", "major"]
    assert severities("major") == ["major", "major", "major"]
    assert severities("minor") == ["minor", "minor", "minor"]


def test_a_pace_changes_windows_and_when_a_probe_is_late(config: Config) -> None:
    slower = with_probe(config, "ingest-coap", every_seconds=300.0, stale_seconds=750.0)
    assert [rule["labels"]["window"] for rule in of_ingest(config)] == ["1h", "6h", "3d"]
    assert [rule["labels"]["window"] for rule in of_ingest(slower)] == ["3h", "3d"]
    late = '{probe=~"ingest-coap|history|email|frontend-certificate"} > 750'
    assert late in alert_of(slower, "ProbeLate")["expr"] and late not in alert_of(config, "ProbeLate")["expr"]


def test_a_probe_is_not_late_while_a_check_in_order_may_still_run(config: Config) -> None:
    impatient = with_probe(config, "email", stale_seconds=301.0)
    assert '{probe=~"email"} > 540' in alert_of(impatient, "ProbeLate")["expr"]


def test_of_what_is_looked_at_rarely_the_file_says_why_no_burn_rate_is_told() -> None:
    text = rules_of(everything())["agreement.yml"]
    assert "# Not of notifications: 3 checks of sms, every 6h, take too long for a rate above 1.\n" in text
    burning = {rule["labels"]["component"]: rule["labels"] for rule in alerts_of(everything(), "ErrorBudgetBurn")}
    assert burning.keys() == {"ingest", "reports", "api", "frontend", "recovery"}
    assert burning["recovery"]["window"] == "1d12h" and burning["recovery"]["severity"] == "major"
    assert "# Not of recovery: no probe of it is enabled.\n" in rules_of(shipped())["agreement.yml"]


@pytest.mark.parametrize(
    ("threshold", "value", "alert", "text"),
    [
        ("unknown_for", 60.0, "MonitorBlind", "1m"),
        ("coverage_share", Fraction(1, 3), "CoverageAtRisk", "> 0.333333333333"),
        ("budget_share", Fraction(9, 10), "YearlyBudgetNearlySpent", "> 0.9"),
        ("deadline_near", 600.0, "DeadlineNear", "< 600 > 0"),
        ("gone_for", 600.0, "MonitorGone", "10m"),
        ("scrape_window", 600.0, "ScrapeFailing", "[10m]"),
        ("scrape_window", 600.0, "HostGone", "[10m]"),
        ("undelivered_for", 600.0, "PushFailing", "10m"),
        ("undelivered_for", 600.0, "PingFailing", "10m"),
        ("store_silent", 45.0, "StoreNotWritable", "> 45"),
        ("seal_overdue", 7200.0, "SealOverdue", "> 7200"),
        ("sms_credit", 7, "SmsCreditLow", "< 7"),
        ("host_busy", Fraction(1, 2), "HostCpuBusy", "> 0.5"),
        ("host_busy_for", 60.0, "HostCpuBusy", "1m"),
        ("host_memory", Fraction(1, 2), "HostMemoryLow", "< 0.5"),
        ("host_disk", Fraction(1, 8), "HostDiskFilling", "< 0.125"),
        ("host_disk_falling", Fraction(1, 2), "HostDiskFilling", "< 0.5"),
        ("host_disk_full_in", 7200.0, "HostDiskFilling", ", 7200)"),
    ],
)
def test_every_threshold_is_a_setting(
    config: Config, threshold: str, value: float | Fraction, alert: str, text: str
) -> None:
    def told(of: Config) -> str:
        rule = alert_of(of, alert)
        return f"{rule['expr']} for {rule.get('for')}"

    assert text not in told(config)
    assert text in told(with_thresholds(config, **{threshold: value}))


def test_burn_rates_are_settings(config: Config) -> None:
    changed = with_thresholds(config, burn_fast=Fraction(4, 100), burn_checks=20, burn_known=Fraction(1, 4))
    assert [rule["labels"]["window"] for rule in of_ingest(changed)] == ["2h", "6h", "3d"]
    assert "> 14.4 * 0.005" in of_ingest(changed)[0]["expr"]
    ratio = next(rule for rule in rules_in(changed) if rule.get("record") == "component:uptime_error:ratio2h")
    assert ">= 1800 * component:uptime_daemons:count" in ratio["expr"]


def test_a_slow_heartbeat_is_not_taken_for_a_store_that_does_not_write(config: Config) -> None:
    assert alert_of(replace(config, heartbeat_seconds=60.0), "StoreNotWritable")["expr"].endswith("> 360")


def test_who_does_not_seal_is_not_told_that_it_is_overdue(config: Config) -> None:
    assert alerts_of(replace(config, sealing=replace(config.sealing, at=None)), "SealOverdue") == []


def test_links_lead_to_where_people_reach_them(config: Config) -> None:
    def links(of: Config) -> dict[str, str]:
        texts = alert_of(of, "ComponentDown")["annotations"]
        return {name: texts[name] for name in ("runbook_url", "page", "dashboard") if name in texts}

    key = "{{ $labels.component }}"
    here = "http://127.0.0.1:8080"
    assert links(config) == {"runbook_url": f"{here}/runbooks/ComponentDown", "page": f"{here}/components/{key}"}
    assert links(replace(config, web_host="0.0.0.0")) == links(config)
    public = with_alerting(
        replace(config, web_url="https://up.example"), runbooks="https://wiki.example/r", dashboards="https://g.example"
    )
    assert links(public) == {
        "runbook_url": "https://wiki.example/r/ComponentDown",
        "page": f"https://up.example/components/{key}",
        "dashboard": f"https://g.example/d/uptime-component?var-component={key}",
    }


def test_thresholds_are_shown_as_they_are_written(config: Config) -> None:
    """What `config show` prints can be put back into the file."""
    changed = with_thresholds(config, coverage_share=Fraction(3, 8), gone_for=90.0, sms_credit=7)
    shown = yaml.safe_load(as_yaml(changed))["alerting"]["rules"]
    assert (shown["coverage_share"], shown["gone_for"], shown["sms_credit"]) == ("37.5 %", "1m30s", 7)
    assert AlertRules.model_validate(shown) == changed.alerting.rules


def test_what_hides_another_is_told_before_it(config: Config) -> None:
    """In the order of the rules: the end of what is hidden, told first, would never reach anybody."""
    names = [rule["alert"] for rule in rules_in(config) if "alert" in rule]
    assert names.index("PlatformDown") < names.index("PlatformDownNow") < names.index("ComponentDown")
