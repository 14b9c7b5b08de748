"""The pages for people, rendered on the server: they work without scripts and on a phone."""

from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.board import Picture, ProbePicture
from monitor.clock import from_milliseconds
from monitor.config import Config
from monitor.sla.availability import percent
from monitor.sla.model import State
from monitor.web.figures import headline

PERIOD_TITLES = {"day": "Today", "7d": "7 days", "30d": "30 days", "month": "This month", "year": "This year"}
REFRESH_SECONDS = 10


class Pages:
    """Renders pages in the agreement's time zone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._zone = config.zone
        environment = Environment(
            loader=PackageLoader("monitor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["local"] = self._local
        environment.filters["length"] = length
        environment.filters["percent"] = _percent
        environment.filters["promised"] = lambda floor: percent(floor, 2)
        environment.filters["seconds"] = _seconds
        environment.filters["headline"] = headline
        self._status = environment.get_template("status.html")
        self.style = environment.get_template("style.css").render()

    def status(self, picture: Picture) -> str:
        return self._status.render(
            picture=picture,
            location=self._config.location,
            zone=self._zone.key,
            titles=PERIOD_TITLES,
            refresh_seconds=REFRESH_SECONDS,
            heading=heading(picture),
            probes_of=_by_component(picture),
        )

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


def local_time(milliseconds: int, zone: ZoneInfo) -> str:
    """Local time to the second, with its zone: the hour that comes twice must not look the same twice."""
    return from_milliseconds(milliseconds).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def length(milliseconds: int) -> str:
    """A length of time for people: its two largest units, rounded down."""
    seconds = milliseconds // 1000
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (amount, _unit) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"


def _by_component(picture: Picture) -> Mapping[str, list[ProbePicture]]:
    groups: dict[str, list[ProbePicture]] = {component.terms.key: [] for component in picture.components}
    for probe in picture.probes:
        groups[probe.config.component].append(probe)
    return groups


def _percent(value: Fraction | None) -> str:
    return "–" if value is None else percent(value)


def _seconds(microseconds: int) -> str:
    seconds = microseconds / 1_000_000
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
