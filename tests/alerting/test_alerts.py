"""Which alerts hold is a function of how the components stand; their labels are the contract with Prometheus' rules."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.alerting.alerts import Alert, alerts_of, possible_labels
from monitor.alerting.prompt import prompt_components
from monitor.config import Config
from monitor.sla.model import ComponentTerms, DownWhen, State
from monitor.sla.outages import Outage
from tests.alerting.scenes import alerting, config_with, standing
from tests.monitor.boards import START_MS, watching
from tests.monitor.build import component_terms
from tests.monitor.test_metrics import HOSTILE

U, D, Q = State.UP, State.DOWN, State.UNKNOWN
WEB = "https://uptime.example.net"


def named(alerts: list[Alert], name: str) -> list[Alert]:
    return [alert for alert in alerts if alert.labels["alertname"] == name]


def of(config: Config, *states: tuple[State, int | None]) -> list[Alert]:
    return alerts_of(
        [standing(terms.key, *state) for terms, state in zip(config.components, states, strict=True)], config
    )


def test_an_open_outage_is_an_alert_with_exactly_the_labels_of_the_rule() -> None:
    config = config_with(alerting(labels={"site": "fra"}), "ingest", "api")
    (alert,) = of(config, (D, START_MS), (U, None))
    assert alert.labels == {
        "alertname": "ComponentDown",
        "component": "ingest",
        "severity": "blocker",
        "site": "fra",
    }
    assert alert.starts_ms == START_MS
    assert alert.outage == Outage("ingest", START_MS, None, 0, 0).id


@pytest.mark.parametrize("severity", ["blocker", "major", "minor"])
def test_severity_is_that_of_the_component(severity: str) -> None:
    config = watching("operations")
    terms = replace(component_terms("operations"), severity=severity)
    (alert,) = alerts_of([replace(standing("operations", D, START_MS), terms=terms)], config)
    assert alert.labels["severity"] == severity


def test_an_outage_goes_on_while_nothing_is_known() -> None:
    assert len(of(watching("ingest"), (Q, START_MS))) == 1


def test_what_is_unknown_or_up_without_an_outage_is_no_alert() -> None:
    assert of(watching("ingest", "api"), (Q, None), (U, None)) == []


@pytest.mark.parametrize(
    ("states", "since"),
    [
        ([(D, 1), (D, 2), (D, 3)], 3),
        ([(D, 1), (D, 2), (Q, None)], 2),
        ([(D, 1), (Q, 2), (Q, None)], 2),  # an outage that goes on counts, though nothing is known now
        ([(D, 1), (D, 2), (U, None)], None),  # something works
        ([(D, 1), (U, 2), (D, 3)], None),
        ([(D, 1), (Q, None), (Q, None)], None),  # one is not the platform
        ([(Q, None), (Q, None), (Q, None)], None),
        ([(U, None), (U, None), (U, None)], None),
    ],
)
def test_the_platform_is_down(states: list[tuple[State, int | None]], since: int | None) -> None:
    found = named(of(watching("ingest", "api", "frontend"), *states), "PlatformDown")
    assert [alert.starts_ms for alert in found] == ([] if since is None else [since])
    assert all(alert.labels == {"alertname": "PlatformDown", "severity": "blocker"} for alert in found)


def slowly(config: Config, *keys: str, every: float = 3600.0) -> Config:
    probes = [replace(each, every_seconds=every) if each.component in keys else each for each in config.probes]
    return replace(config, probes=tuple(probes))


def test_what_is_checked_seldom_says_nothing_about_the_platform() -> None:
    config = slowly(watching("ingest", "api", "recovery"), "recovery")
    assert prompt_components(config) == ("ingest", "api")
    assert named(of(config, (D, 1), (D, 2), (U, None)), "PlatformDown")
    assert not named(of(config, (D, 1), (Q, None), (D, 3)), "PlatformDown")


def test_one_prompt_component_is_no_platform() -> None:
    config = slowly(watching("ingest", "recovery"), "recovery")
    assert not named(of(config, (D, 1), (D, 2)), "PlatformDown")
    assert {dict(labels)["alertname"] for labels in possible_labels(config)} == {"ComponentDown"}


def test_the_limit_of_prompt_is_configured_and_included() -> None:
    config = slowly(watching("ingest", "api"), "api", every=300.0)
    assert prompt_components(config) == ("ingest", "api")
    rules = config.alerting.rules.model_copy(update={"prompt": 299.0})
    quicker = replace(config, alerting=config.alerting.model_copy(update={"rules": rules}))
    assert prompt_components(quicker) == ("ingest",)


def test_every_alert_that_can_hold_is_known_beforehand() -> None:
    config = config_with(alerting(labels={"site": "fra"}), "ingest", "api")
    assert {alert.key for alert in of(config, (D, 1), (D, 2))} == possible_labels(config)


def annotations(web_url: str | None = None, **settings: Any) -> dict[str, str]:
    (alert,) = of(config_with(alerting(**settings), "ingest", web_url=web_url), (D, START_MS))
    return dict(alert.annotations)


def test_the_text_says_what_since_when_and_why() -> None:
    texts = annotations()
    assert texts["summary"] == "Ingest is down since 13:00:00 CET"
    assert "since 2026-11-23 13:00:00 CET" in texts["description"]
    assert "refused at step connect" in texts["description"]
    assert "ingest-1" in texts["description"]


def test_links_lead_where_the_configuration_says_and_nowhere_else() -> None:
    assert annotations().keys() == {"summary", "description"}
    outage = Outage("ingest", START_MS, None, 0, 0).id
    texts = annotations(WEB)
    assert texts["runbook_url"] == f"{WEB}/runbooks/ComponentDown"
    assert texts["page"] == f"{WEB}/components/ingest"
    assert texts["outage"] == f"{WEB}/outages/{outage}"
    texts = annotations(WEB, runbooks="https://wiki.example.net/books/", dashboards="https://grafana.example.net")
    assert texts["runbook_url"] == "https://wiki.example.net/books/ComponentDown"
    assert texts["dashboard"] == "https://grafana.example.net/d/uptime-component?var-component=ingest"


def test_the_generator_is_a_url_or_nothing() -> None:
    assert [alert.generator_url for alert in of(watching("ingest"), (D, START_MS))] == [""]
    config = config_with(alerting(), "ingest", "api", web_url=WEB)
    pages = [f"{WEB}/components/ingest", f"{WEB}/components/api"]
    assert [alert.generator_url for alert in of(config, (D, 1), (D, 2))] == [f"{WEB}/", *pages, *pages]


def test_a_description_is_short_however_many_probes_fail() -> None:
    outage = Outage("ingest", START_MS, None, 1, 0, tuple(f"probe-{number}" for number in range(1000)), "refused")
    (alert,) = alerts_of([replace(standing("ingest", D), open_outage=outage)], watching("ingest"))
    assert len(alert.annotations["description"]) == 500


def test_any_title_and_any_label_is_taken_as_it_is() -> None:
    terms = ComponentTerms("ingest", HOSTILE, None, None, "blocker", DownWhen.ANY)
    config = config_with(alerting(labels={"site": HOSTILE}), "ingest")
    (alert,) = alerts_of([replace(standing("ingest", D, START_MS), terms=terms)], config)
    assert alert.labels["site"] == HOSTILE
    assert alert.annotations["summary"].startswith(HOSTILE)
