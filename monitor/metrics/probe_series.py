"""Everything that is exported of one probe. The text of a probe that nothing happened to is not written again."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.utils import floatToGoString

from monitor.config import ProbeConfig
from monitor.metrics.exposition import Family, escaped, label_text, number
from monitor.results import Result
from monitor.sla.model import Verdict

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
EVENTS = ("late", "skipped", "overrun")

CHECKS = Family("uptime_probe_checks_total", "counter", "Checks by verdict.")
DURATION = Family("uptime_probe_duration_seconds", "histogram", "How long a check took.")
SCHEDULE_EVENTS = Family("uptime_schedule_events_total", "counter", "Starts that were late or did not take place.")
SUCCESS = Family(
    "uptime_probe_success",
    "gauge",
    "Whether the newest check was up (1) or down (0); absent while it is unknown.",
)
LAST_CHECK = Family("uptime_probe_last_check_timestamp_seconds", "gauge", "Start of the newest check, Unix time.")
STEPS = Family(
    "uptime_probe_step_duration_seconds",
    "gauge",
    "How long each step of the newest check took; `step_component` answers for the step.",
)
FIGURES = Family(
    "uptime_probe_figure", "gauge", "Further figures of the newest check; the unit is in the figure's name."
)
PROBE_FAMILIES = (CHECKS, DURATION, SCHEDULE_EVENTS, SUCCESS, LAST_CHECK, STEPS, FIGURES)

# Steps and figures are named by constants in the probes; a name that is not like one of those is no label.
_A_NAME = re.compile("[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A probe at one instant."""

    checks: tuple[int, ...]
    buckets: tuple[int, ...]
    seconds: float
    events: tuple[int, ...]
    latest: Result | None


class ProbeSeries:
    """One probe's counts and newest result, and their text by family. Its labels are escaped once, here."""

    def __init__(self, probe: ProbeConfig, location: str) -> None:
        self._labels = labels = label_text(probe=probe.id, component=probe.component, location=location)
        by_location = label_text(probe=probe.id, location=location)
        bounds = [*map(floatToGoString, DURATION_BUCKETS), "+Inf"]
        self._check_heads = [f'{CHECKS.name}{{{labels},verdict="{verdict}"}} ' for verdict in Verdict]
        self._bucket_heads = [f'{DURATION.name}_bucket{{{labels},le="{bound}"}} ' for bound in bounds]
        self._event_heads = [f'{SCHEDULE_EVENTS.name}{{{by_location},event="{event}"}} ' for event in EVENTS]
        self._checks = dict.fromkeys(Verdict, 0)
        self._buckets = [0] * len(bounds)
        self._seconds = 0.0
        self._events = dict.fromkeys(EVENTS, 0)
        self._counted = True
        self._seen = _Seen((), (), 0.0, (), None)
        self.texts: tuple[str, ...] = ()

    def checked(self, result: Result) -> None:
        seconds = result.duration_us / 1_000_000
        self._checks[result.verdict] += 1
        self._buckets[bisect_left(DURATION_BUCKETS, seconds)] += 1
        self._seconds += seconds
        self._counted = True

    def schedule_event(self, event: str) -> None:
        self._events[event] += 1
        self._counted = True

    def look(self, latest: Result | None) -> bool:
        """Takes down how things are now; returns whether that is news, so that the text is to be written again."""
        if not self._counted and latest is self._seen.latest:
            return False
        checks, events = tuple(self._checks.values()), tuple(self._events.values())
        self._seen = _Seen(checks, tuple(self._buckets), self._seconds, events, latest)
        self._counted = False
        return True

    def write(self) -> None:
        """Writes what was looked at last."""
        seen = self._seen
        newest = ("",) * 4 if seen.latest is None else self._newest(seen.latest)
        checks, events = _lines(self._check_heads, seen.checks), _lines(self._event_heads, seen.events)
        self.texts = (checks, self._duration(seen), events, *newest)

    def _duration(self, seen: _Seen) -> str:
        count = number(sum(seen.buckets))
        return (
            _lines(self._bucket_heads, accumulate(seen.buckets))
            + f"{DURATION.name}_count{{{self._labels}}} {count}\n"
            + f"{DURATION.name}_sum{{{self._labels}}} {number(seen.seconds)}\n"
        )

    def _newest(self, result: Result) -> tuple[str, str, str, str]:
        success = ""
        if result.verdict is not Verdict.UNKNOWN:
            success = SUCCESS.line(self._labels, int(result.verdict is Verdict.UP))
        last = LAST_CHECK.line(self._labels, result.started_ms / 1000)
        return success, last, "".join(self._steps(result)), "".join(self._figures(result))

    def _steps(self, result: Result) -> Iterator[str]:
        for step in result.steps:
            if _A_NAME.fullmatch(step.name):
                owner = escaped(step.component)
                yield STEPS.line(f'{self._labels},step="{step.name}",step_component="{owner}"', step.seconds)

    def _figures(self, result: Result) -> Iterator[str]:
        for name, value in result.figures.items():
            if _A_NAME.fullmatch(name):
                yield FIGURES.line(f'{self._labels},figure="{name}"', value)


def _lines(heads: "list[str]", values: "Iterator[int] | tuple[int, ...]") -> str:
    return "".join([f"{head}{value}\n" for head, value in zip(heads, values, strict=True)])
