"""What hides what: every alert beside every other in a real Alertmanager, of the same component and of another.

All pairs are posted at once. So that they do not see each other, each has a `site` of its own, which is added to every
`equal`, as the configuration tells those who have several installations.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
import yaml

from tests.alerting.servers import alertmanager
from tests.alertmanager.contract import LABELS, RANK, severities_of, shipped
from tests.alertmanager.managers import Labels, post, state, states, wait_until


class Kind(NamedTuple):
    """An alert with one of the severities that it may have."""

    alert: str
    severity: str


KINDS = [Kind(alert, severity) for alert in sorted(LABELS) for severity in severities_of(alert)]
ANOTHER = {"component": "reports", "probe": "report", "instance": "web1:9100", "clock": "response"}
BELOW_BLOCKER = ("major", "minor")
UNSEEN = {"MonitorBlind", "ProbeLate", "CoverageAtRisk", "SealOverdue"}
ONLY_A_DAEMON_KNOWS = UNSEEN | {"ErrorBudgetBurn", "PushFailing", "PingFailing"}
OF_A_HOST = {"HostCpuBusy", "HostMemoryLow", "HostDiskFilling"}


def of(alerts: set[str], *severities: str) -> set[Kind]:
    return {kind for kind in KINDS if kind.alert in alerts and kind.severity in severities}


def hidden_by(source: Kind, *, same: bool) -> set[Kind]:
    """What this alert of the component `api` has to hide: of the same component (or host, or clock), or of another."""
    everything, below = ("blocker", *BELOW_BLOCKER), BELOW_BLOCKER
    match source.alert:
        case "OutsideSupportHours":
            return of(set(LABELS), *below)
        case "PlatformDown":
            return of({"ErrorBudgetBurn", "MonitorBlind"}, *below)
        case "PlatformDownNow" if same:
            return of({"ComponentDown"}, *everything)
        case "MonitorGone":
            return of(ONLY_A_DAEMON_KNOWS, *below)
        case "StoreNotWritable":
            return of(UNSEEN, *below)
        case "ComponentDown" if same:
            return {kind for kind in of({"ErrorBudgetBurn"}, *below) if RANK[kind.severity] <= RANK[source.severity]}
        case "ComponentDown" if source.severity != "minor":
            return of({"MonitorBlind"}, *everything)  # reports are read back through the API
        case "MonitorBlind" if same:
            return of({"ErrorBudgetBurn", "CoverageAtRisk", "ProbeLate"}, *below)
        case "HostGone" if same:
            return of(OF_A_HOST, *everything)
        case "YearlyBudgetSpent" if same:
            return of({"YearlyBudgetNearlySpent"}, *everything)
    return set()


Pair = tuple[Kind, Kind, bool]
HAVE_ANOTHER = {kind for kind in KINDS if LABELS[kind.alert].keys() & ANOTHER.keys()}
PAIRS: list[Pair] = [
    (source, target, same)
    for source in KINDS
    for same, targets in ((True, KINDS), (False, sorted(HAVE_ANOTHER)))
    for target in targets
]


def labels_of(kind: Kind, site: str, *, same: bool = True) -> Labels:
    labels = LABELS[kind.alert]
    other = {} if same else {name: ANOTHER[name] for name in labels if name in ANOTHER}
    return {**labels, **other, "alertname": kind.alert, "severity": kind.severity, "site": site}


def site_of(number: int) -> str:
    return f"site-{number}"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = shipped()
    del config["templates"]
    for rule in config["inhibit_rules"]:
        rule["equal"] = [*rule.get("equal", ()), "site"]
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    with alertmanager(yaml.safe_dump(config), tmp_path_factory.mktemp("alertmanager")) as address:
        yield address


Hidden = Mapping[tuple[Kind, bool], set[Kind]]


@pytest.fixture(scope="module")
def hidden(url: str) -> Hidden:
    """By source, and whether the target is of the same component: what it was found to hide."""
    last = {"alertname": "ErrorBudgetBurn", "severity": "major", "component": "api", "site": "last"}
    alerts = []
    for number, (source, target, same) in enumerate(PAIRS):
        alerts += [labels_of(source, site_of(number)), labels_of(target, site_of(number), same=same)]
    post(url, [*alerts, last, {"alertname": "PlatformDown", "site": "last"}])
    # They are taken up in order: once the last one is at work, all are.
    assert wait_until(lambda: state(url, last) == "suppressed")
    found = states(url)
    hidden: dict[tuple[Kind, bool], set[Kind]] = defaultdict(set)
    for number, (source, target, same) in enumerate(PAIRS):
        if found[frozenset(labels_of(target, site_of(number), same=same).items())] == "suppressed":
            hidden[source, same].add(target)
    return hidden


@pytest.mark.parametrize("source", KINDS, ids="-".join)
def test_an_alert_hides_its_consequences_and_nothing_else(source: Kind, hidden: Hidden) -> None:
    assert hidden.get((source, True), set()) == hidden_by(source, same=True)
    assert hidden.get((source, False), set()) == hidden_by(source, same=False) & HAVE_ANOTHER


def test_nothing_hides_what_is_graver_than_itself(hidden: Hidden) -> None:
    """A page that is hidden by something that wakes nobody would be lost. Public holidays are meant to hide majors, and
    `PlatformDownNow` is not there without `PlatformDown`, which does wake somebody."""
    graver = [
        (source, target)
        for (source, _same), targets in hidden.items()
        for target in targets
        if RANK[target.severity] > RANK[source.severity]
        and source.alert not in ("OutsideSupportHours", "PlatformDownNow")
    ]
    assert graver == []


def test_no_blocker_is_hidden_that_could_end_while_it_is(hidden: Hidden) -> None:
    """Its end would never be told, and its next beginning not before `repeat_interval` has passed."""
    blockers = {
        (source.alert, target.alert)
        for (source, _same), targets in hidden.items()
        for target in targets
        if target.severity == "blocker"
    }
    assert blockers == {("PlatformDownNow", "ComponentDown")}  # which ends after what hides it


def test_no_alert_hides_its_own_kind(hidden: Hidden) -> None:
    assert [
        source for (source, _same), targets in hidden.items() if source.alert in {each.alert for each in targets}
    ] == []


@pytest.mark.parametrize(
    ("down", "blind"),
    [
        ("api", {"ingest", "notifications", "reports", "frontend", "recovery", "operations"}),
        ("ingest", {"notifications"}),
        ("frontend", set[str]()),
    ],
)
def test_some_components_blind_others(url: str, down: str, blind: set[str]) -> None:
    """The API those that are read back through it, the gateway those that an alarm's value is sent through."""
    components = ("ingest", "notifications", "reports", "api", "frontend", "recovery", "operations")
    site = f"blind-{down}"
    alerts = [blind_of(component, site) for component in components]
    burn = {"alertname": "ErrorBudgetBurn", "severity": "major", "component": down, "site": site}
    post(url, [{"alertname": "ComponentDown", "severity": "blocker", "component": down, "site": site}, *alerts, burn])
    assert wait_until(lambda: state(url, burn) == "suppressed")
    found = states(url, f'site="{site}"')
    assert {each["component"] for each in alerts if found[frozenset(each.items())] == "suppressed"} == blind


def blind_of(component: str, site: str) -> Labels:
    return {"alertname": "MonitorBlind", "severity": "major", "component": component, "site": site}


def test_a_daemon_that_is_gone_hides_its_own_scrape_and_no_other(url: str) -> None:
    site = {"site": "scrapes"}
    ours, other = ({"alertname": "ScrapeFailing", "job": job, **site} for job in ("efento-uptime", "prometheus"))
    post(url, [{"alertname": "MonitorGone", "severity": "blocker", **site}, ours, other])
    assert wait_until(lambda: state(url, ours) == "suppressed")
    assert state(url, other) == "active"


def test_what_was_hidden_is_seen_again_once_its_cause_is_gone(url: str) -> None:
    site = {"component": "api", "site": "again"}
    source = {"alertname": "PlatformDownNow", "severity": "none", **site}
    target = {"alertname": "ComponentDown", "severity": "blocker", **site}
    post(url, [source, target])
    assert wait_until(lambda: state(url, target) == "suppressed")
    post(url, [source], over=True)
    assert wait_until(lambda: state(url, target) == "active")
