"""The pages for people, rendered on the server: they work without scripts and on a phone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.config import Config
from monitor.picture import ComponentPicture, Picture, ProbePicture
from monitor.sla.accounts import Day
from monitor.sla.model import State
from monitor.sla.outages import Outage
from monitor.sla.windows import Window
from monitor.told import Told
from monitor.web import words
from monitor.web.clocks import clock_length, clock_text
from monitor.web.figures import headline
from monitor.words import CAUSES, local_time, promised

PERIOD_TITLES = {"day": "Today", "7d": "7 days", "30d": "30 days", "month": "This month", "year": "This year"}
REFRESH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ComponentPast:
    """What a component's page shows beside its picture; days oldest first, outages and windows newest first."""

    days: Sequence[Day]
    outages: Sequence[Outage]
    windows: Sequence[Window]


class Pages:
    """Renders pages in the agreement's time zone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._zone = config.zone
        self._environment = environment = Environment(
            loader=PackageLoader("monitor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {
            "local": self._local,
            "length": words.length,
            "percent": words.percentage,
            "promised": promised,
            "seconds": words.took,
            "headline": headline,
            "verdict": words.verdict_text,
            "budget": words.budget_text,
            "look": words.look_of,
            "clock_text": clock_text,
            "clock_length": clock_length,
        }
        environment.globals |= {
            "zone": self._zone.key,
            "location": config.location,
            "titles": PERIOD_TITLES,
            "causes": CAUSES,
        }
        for name in environment.list_templates():
            environment.get_template(name)  # compiled once, before any check runs
        self.style = environment.get_template("style.css").render()

    def status(self, picture: Picture) -> str:
        return self._rendered(
            "status.html",
            picture=picture,
            refresh_seconds=REFRESH_SECONDS,
            heading=heading(picture),
            probes_of=_by_component(picture),
        )

    def component(self, picture: Picture, component: ComponentPicture, past: ComponentPast) -> str:
        state = component.state.value if component.watched else "not watched"
        return self._rendered(
            "component.html",
            picture=picture,
            component=component,
            past=past,
            refresh_seconds=REFRESH_SECONDS,
            heading=(f"{component.terms.title}: {state}", component.state.value if component.watched else ""),
            probes=_by_component(picture)[component.terms.key],
        )

    def outage(self, told: Told) -> str:
        outage = told.story.outage
        title = told.story.terms.title if told.story.terms else outage.component
        is_open = outage.end_ms is None
        return self._rendered(
            "outage.html",
            told=told,
            story=told.story,
            outage=outage,
            title=title,
            refresh_seconds=REFRESH_SECONDS if is_open else None,
            heading=(f"{title}: {'down' if is_open else 'was down'}", "down" if is_open else ""),
        )

    def _rendered(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)

    def _local(self, milliseconds: int) -> str:
        return local_time(milliseconds, self._zone)


def heading(picture: Picture) -> tuple[str, str]:
    """The page's one sentence, and the state that colours it."""
    watched = [component for component in picture.components if component.watched]
    down = [component.terms.title for component in watched if component.state is State.DOWN]
    unknown = [component.terms.title for component in watched if component.state is State.UNKNOWN]
    if down:
        return f"Down: {', '.join(down)}", "down"
    if unknown:
        return f"Nothing is known to be down; not known: {', '.join(unknown)}", "unknown"
    return "All watched components are up", "up"


def _by_component(picture: Picture) -> Mapping[str, list[ProbePicture]]:
    groups: dict[str, list[ProbePicture]] = {component.terms.key: [] for component in picture.components}
    for probe in picture.probes:
        groups[probe.config.component].append(probe)
    return groups
