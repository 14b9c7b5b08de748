"""Outages of a component: derived from its spans, stored nowhere, the same whoever computes them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from monitor.sla.components import component_spans, probe_timelines
from monitor.sla.intervals import Interval
from monitor.sla.membership import Members, Membership, in_service_since, members_between, memberships
from monitor.sla.model import Cause, DownWhen, Ledger, Run, Span, State
from monitor.sla.probe_spans import down_runs

ID_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class Outage:
    """A confirmed stretch of downtime. `end_ms` is None while it goes on.

    `probes` are those that were down in it, sorted; `reason` and `step` are those of its first failure.
    """

    component: str
    start_ms: int
    end_ms: int | None
    down_ms: int
    unknown_ms: int
    probes: tuple[str, ...] = ()
    reason: str = ""
    step: str = ""

    @property
    def id(self) -> str:
        """The same for ever: made of what does not change any more, the component and the start."""
        return hashlib.sha256(f"{self.component}@{self.start_ms}".encode()).hexdigest()[:ID_CHARACTERS]


def outages(
    spans: Sequence[Span], component: str, ledger: Ledger, *, locations_needed: int | None = None
) -> list[Outage]:
    """The outages among a component's spans, in order of time; one at the end of the spans is open.

    An outage starts at the first down, goes on through unknown time of whatever length, over any midnight or New Year,
    and ends at the first up, or when the component is taken out of service. The spans are taken at their word: an
    outage that they cut off begins with them. See `outages_between` for whole ones.
    """
    membership = memberships(ledger.terms, component)
    return [outage_of(downtime, component, ledger, membership, locations_needed) for downtime in downtimes(spans)]


def outages_between(
    ledger: Ledger,
    component: str,
    interval: Interval,
    now_ms: int,
    down_when: DownWhen = DownWhen.ANY,
    *,
    locations_needed: int | None = None,
) -> list[Outage]:
    """The outages that touch the interval, each whole: with its true start, end and id, wherever these lie."""
    membership = memberships(ledger.terms, component)
    since_ms = in_service_since(membership)
    if since_ms is None:
        return []
    spans = component_spans(ledger, component, (since_ms, now_ms), down_when, locations_needed=locations_needed)
    return [
        outage_of(downtime, component, ledger, membership, locations_needed)
        for downtime in downtimes(spans)
        if downtime.touches(interval)
    ]


@dataclass(frozen=True, slots=True)
class Downtime:
    """The down and unknown spans of one outage."""

    spans: tuple[Span, ...]
    ended: bool

    @property
    def start_ms(self) -> int:
        return self.spans[0].start_ms

    @property
    def end_ms(self) -> int | None:
        return self.spans[-1].end_ms if self.ended else None

    def touches(self, interval: Interval) -> bool:
        return self.start_ms < interval[1] and (self.end_ms is None or self.end_ms > interval[0])

    def milliseconds(self, state: State) -> int:
        return sum(span.end_ms - span.start_ms for span in self.spans if span.state is state)


def downtimes(spans: Sequence[Span]) -> Iterator[Downtime]:
    """What `outages` makes outages of, without asking which probes it was and why."""
    course: list[Span] = []
    for span in spans:
        ends = span.state is State.UP or span.cause is Cause.NOT_IN_SERVICE
        if course and ends:
            yield Downtime(tuple(course), ended=True)
            course = []
        elif course or span.state is State.DOWN:
            course.append(span)
    if course:
        yield Downtime(tuple(course), ended=False)


def outage_of(
    downtime: Downtime, component: str, ledger: Ledger, membership: Membership, locations_needed: int | None
) -> Outage:
    """The outage of this downtime, with the probes that were down in it and the reason of the first."""
    members = members_between(membership, (downtime.start_ms, downtime.spans[-1].end_ms))
    probes = _probes_down(ledger, members, locations_needed)
    first = _first_failure(ledger, members, probes)
    return Outage(
        component=component,
        start_ms=downtime.start_ms,
        end_ms=downtime.end_ms,
        down_ms=downtime.milliseconds(State.DOWN),
        unknown_ms=downtime.milliseconds(State.UNKNOWN),
        probes=probes,
        reason=first.reason if first else "",
        step=first.step if first else "",
    )


def _probes_down(ledger: Ledger, members: Members, locations_needed: int | None) -> tuple[str, ...]:
    timelines = probe_timelines(ledger, members, locations_needed=locations_needed)
    down = {probe for probe, spans in timelines.items() if any(span.state is State.DOWN for span in spans)}
    return tuple(sorted(down))


def _first_failure(ledger: Ledger, members: Members, probes: Sequence[str]) -> Run | None:
    """The earliest confirmed failure of the probes that were down, whichever location saw it."""
    failures = [
        run
        for (probe, location), intervals in members.items()
        if probe in probes
        for interval in intervals
        for run in down_runs(ledger.runs.get((probe, location), ()), interval)
    ]
    return min(failures, key=attrgetter("first_ms"), default=None)
