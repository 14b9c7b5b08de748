"""Which alerts hold now: a pure function of how the components stand.

Labels are the identity of an alert, and the same as of Prometheus' rule of that name (see `monitor.alert_rules`), so
that Alertmanager takes both for one. Annotations may differ: a rule knows neither probes nor reasons.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitor.alerting.prompt import prompt_components
from monitor.config import Config
from monitor.sla.model import ComponentTerms, State
from monitor.sla.outages import Outage
from monitor.words import local_time

COMPONENT_DOWN = "ComponentDown"
PLATFORM_DOWN = "PlatformDown"
PLATFORM_DOWN_NOW = "PlatformDownNow"
# In the order in which they are told: what hides another is there before it, and gone before it.
NAMES = (PLATFORM_DOWN, PLATFORM_DOWN_NOW, COMPONENT_DOWN)
# A platform is down when at least so many of its prompt components are, and none is up.
FEWEST_DOWN = 2
LONGEST_DESCRIPTION = 500
SILENT = "none"  # a severity that nobody is told of

LabelSet = frozenset[tuple[str, str]]


class HowItStands(Protocol):
    """A `Standing`, or a whole `ComponentPicture`."""

    @property
    def terms(self) -> ComponentTerms: ...
    @property
    def state(self) -> State: ...
    @property
    def open_outage(self) -> Outage | None: ...


@dataclass(frozen=True, slots=True)
class Alert:
    """`outage` is the id of the outage that it tells of; empty where it tells of several."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_ms: int
    generator_url: str = ""
    outage: str = ""

    @property
    def key(self) -> LabelSet:
        return frozenset(self.labels.items())

    @property
    def silent(self) -> bool:
        """Nobody is told of it: it only hides another."""
        return self.labels["severity"] == SILENT


def alerts_of(components: Iterable[HowItStands], config: Config) -> list[Alert]:
    """What holds: `ComponentDown` for each open outage, and `PlatformDown` where no prompt component is left; then
    `PlatformDownNow` hides each `ComponentDown`. In the order of `NAMES`."""
    found = list(components)
    down = [_component_down(each.terms, each.open_outage, config) for each in found if each.open_outage is not None]
    platform = list(_platform_down(found, config))
    hiding = [_platform_down_now(part, whole, config) for whole in platform for part in down]
    return [*platform, *hiding, *down]


def possible_labels(config: Config) -> set[LabelSet]:
    """Those of every alert that may hold some day."""
    found = {frozenset(component_labels(terms, config).items()) for terms in config.components}
    if len(prompt_components(config)) >= FEWEST_DOWN:
        found.add(frozenset(platform_labels(config).items()))
        found |= {hider_of(key) for key in found if dict(key)["alertname"] == COMPONENT_DOWN}
    return found


def hider_of(key: LabelSet) -> LabelSet:
    """What `PlatformDownNow` is called that hides this alert."""
    return frozenset(_hiding_labels(dict(key)).items())


def component_labels(terms: ComponentTerms, config: Config) -> dict[str, str]:
    return {
        **config.alerting.labels,
        "alertname": COMPONENT_DOWN,
        "component": terms.key,
        "severity": terms.severity,
    }


def platform_labels(config: Config) -> dict[str, str]:
    return {**config.alerting.labels, "alertname": PLATFORM_DOWN, "severity": "blocker"}


def _hiding_labels(hidden: Mapping[str, str]) -> dict[str, str]:
    return {**hidden, "alertname": PLATFORM_DOWN_NOW, "severity": SILENT}


def _component_down(terms: ComponentTerms, outage: Outage, config: Config) -> Alert:
    since = local_time(outage.start_ms, config.zone)
    annotations = {
        "summary": f"{terms.title} is down since {_without_date(since)}",
        "description": _shortened(f"Outage {outage.id}, since {since}. {_what_failed(outage)}"),
        **_runbook(COMPONENT_DOWN, config),
        **_pages(config, page=f"components/{terms.key}", outage=f"outages/{outage.id}"),
        **_dashboard(f"uptime-component?var-component={terms.key}", config),
    }
    labels = component_labels(terms, config)
    return Alert(labels, annotations, outage.start_ms, annotations.get("page", ""), outage.id)


def _platform_down(components: Sequence[HowItStands], config: Config) -> Iterator[Alert]:
    prompt = set(prompt_components(config))
    asked = [each for each in components if each.terms.key in prompt]
    down = [(each.terms.title, each.open_outage) for each in asked if each.open_outage is not None]
    if len(down) < FEWEST_DOWN or any(each.state is State.UP for each in asked):
        return
    starts_ms = max(outage.start_ms for _, outage in down)
    since = local_time(starts_ms, config.zone)
    titles = ", ".join(title for title, _ in down)
    annotations = {
        "summary": f"The platform is down since {_without_date(since)}",
        "description": _shortened(f"Since {since} nothing that is checked often is up. Down: {titles}."),
        **_runbook(PLATFORM_DOWN, config),
        **_pages(config, page=""),
        **_dashboard("uptime-overview", config),
    }
    yield Alert(platform_labels(config), annotations, starts_ms, annotations.get("page", ""))


def _platform_down_now(part: Alert, platform: Alert, config: Config) -> Alert:
    """It is there with its component's outage and no longer: nothing is hidden whose end has still to be told."""
    annotations = {
        "summary": "No page of its own: the platform is down",
        "description": "Nobody is told of this. In Alertmanager it hides that this component is down.",
        **_runbook(PLATFORM_DOWN_NOW, config),
    }
    return Alert(_hiding_labels(part.labels), annotations, max(part.starts_ms, platform.starts_ms), part.generator_url)


def _what_failed(outage: Outage) -> str:
    """The reason and the step come from fixed lists: nothing that a server answered."""
    failed = f"Failing: {', '.join(outage.probes)}." if outage.probes else ""
    step = f" at step {outage.step}" if outage.step else ""
    return f"First: {outage.reason}{step}. {failed}" if outage.reason else failed


def _runbook(name: str, config: Config) -> dict[str, str]:
    runbooks = config.alerting.runbooks or (f"{config.web_url}/runbooks" if config.web_url else None)
    return {"runbook_url": f"{runbooks}/{name}"} if runbooks else {}


def _pages(config: Config, **paths: str) -> dict[str, str]:
    return {name: f"{config.web_url}/{path}" for name, path in paths.items()} if config.web_url else {}


def _dashboard(path: str, config: Config) -> dict[str, str]:
    return {"dashboard": f"{config.alerting.dashboards}/d/{path}"} if config.alerting.dashboards else {}


def _without_date(local: str) -> str:
    return local.partition(" ")[2]


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"
