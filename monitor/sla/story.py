"""The story of one outage: what is on record around it, put together as of an instant. It changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from monitor.sla.accounts import component_outages
from monitor.sla.agreement import HOUR_MS
from monitor.sla.clock_events import ClockEvent
from monitor.sla.deadlines import Clock, clocks_of, promised_at
from monitor.sla.declared import windows_between
from monitor.sla.intervals import Interval
from monitor.sla.membership import Members, members_between, memberships
from monitor.sla.model import ComponentTerms, Run, Verdict
from monitor.sla.outages import Outage
from monitor.sla.probe_spans import Fate, judged
from monitor.sla.record import Record
from monitor.sla.runs import runs_deciding
from monitor.sla.statistics import confirmed_in
from monitor.sla.support_hours import Holidays
from monitor.sla.windows import Window

AROUND_MS = HOUR_MS  # so far before and after an outage it is looked for blips
CHECKS_MS = 120_000  # checks are shown from the last success on, or so far before, if that is earlier
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Success:
    """A check that was up."""

    probe: str
    location: str
    started_ms: int


@dataclass(frozen=True, slots=True)
class Blip:
    """Failures that a success cleared before they were confirmed; reason and step are those of the first."""

    probe: str
    location: str
    start_ms: int
    failures: int
    reason: str
    step: str


@dataclass(frozen=True, slots=True)
class Story:
    """An outage with all that is on record about it.

    `last_success` is that of the probe that failed first; None where it was never up before. `confirmed_ms`: when the
    check began that confirmed the outage. `checks` is the time whose checks belong to the story, `probes` are all that
    the component had then.
    """

    outage: Outage
    terms: ComponentTerms | None
    last_success: Success | None
    confirmed_ms: int | None
    checks: Interval
    probes: frozenset[str]
    blips: Sequence[Blip]
    windows: Sequence[Window]
    clocks: Sequence[Clock]
    events: Sequence[ClockEvent]


def story_of(record: Record, outage: Outage, holidays_of: Callable[[str], Holidays]) -> Story:
    """The outage's story as of the record. `holidays_of` gives a country's public holidays."""
    end_ms = record.as_of_ms if outage.end_ms is None else outage.end_ms
    last = last_success(record, outage)
    first_ms = outage.start_ms - CHECKS_MS
    if last is not None and outage.start_ms - AROUND_MS < last.started_ms < first_ms:
        first_ms = last.started_ms
    checks = (first_ms, min(end_ms + CHECKS_MS, record.as_of_ms + 1))
    promised = promised_at(record, outage)
    return Story(
        outage=outage,
        terms=None if promised is None else promised.terms,
        last_success=last,
        confirmed_ms=confirmed_in(record, outage),
        checks=checks,
        probes=frozenset(probe for probe, _ in _members(record, outage, checks)),
        blips=blips_around(record, outage),
        windows=windows_touching(record, outage.component, (outage.start_ms, max(end_ms, outage.start_ms + 1))),
        clocks=clocks_of(record, outage, holidays_of),
        events=events_of(record, outage),
    )


def all_outages(record: Record, component: str) -> list[Outage]:
    """Every outage of the component that is on record, oldest first."""
    return component_outages(record, component, (0, record.as_of_ms + 1))


def named(outages: Sequence[Outage], text: str) -> list[Outage]:
    """The outages that an id, or the beginning of one, may mean."""
    wanted = text.strip().lower()
    return [outage for outage in outages if wanted and outage.id.startswith(wanted)]


def nearest(outages: Sequence[Outage], text: str) -> list[Outage]:
    """The outages whose ids look most like the text, the most alike first."""
    by_id = {outage.id: outage for outage in outages}
    return [by_id[found] for found in get_close_matches(text.strip().lower(), by_id, n=NEAREST, cutoff=0.0)]


def components_ever(record: Record) -> list[str]:
    """The components of all agreements on record, in their order."""
    return list(dict.fromkeys(terms.key for agreement in record.agreements for terms in agreement.components))


def events_of(record: Record, outage: Outage) -> list[ClockEvent]:
    """What people did about the outage, in order of time."""
    own = [event for event in record.clock_events if event.outage == outage.id]
    return sorted(own, key=lambda event: (event.at_ms, event.number))


def last_success(record: Record, outage: Outage) -> Success | None:
    """The last success before the outage of the probe and location that failed first in it."""
    start = (outage.start_ms, outage.start_ms + 1)
    failing = [place for place in _members(record, outage, start) if place[0] in outage.probes]
    found = []
    for probe, location in failing:
        runs = runs_deciding(record.ledger.runs.get((probe, location), ()), start)
        before = [run for run in runs if run.first_ms <= outage.start_ms]
        if not before or before[-1].verdict is Verdict.UP:  # of another location, or it failed only later
            continue
        first_failure_ms = min((run.first_ms for run in before if run.verdict is Verdict.DOWN), default=None)
        ups = [run.last_ms for run in before if run.verdict is Verdict.UP]
        if first_failure_ms is not None and ups:
            found.append((first_failure_ms, Success(probe, location, ups[-1])))
    return min(found, key=lambda each: each[0], default=(0, None))[1]


def blips_around(record: Record, outage: Outage) -> list[Blip]:
    """Blips of the component's probes in the hour before the outage and the hour after it, in order of time."""
    start, end = outage.start_ms, outage.end_ms
    sides = [(start - AROUND_MS, start)] + ([] if end is None else [(end, end + AROUND_MS)])
    found = [
        blip
        for side in sides
        for (probe, location), intervals in _members(record, outage, side).items()
        for interval in intervals
        for blip in _blips(probe, location, record.ledger.runs.get((probe, location), ()), interval)
    ]
    return sorted(found, key=lambda blip: (blip.start_ms, blip.probe, blip.location))


def windows_touching(record: Record, component: str, interval: Interval) -> list[Window]:
    """The windows in force that concern the component and share time with the interval, recurring ones included."""
    return [window for window in windows_between(record, interval) if window.concerns(component)]


def _members(record: Record, outage: Outage, interval: Interval) -> Members:
    return members_between(memberships(record.ledger.terms, outage.component), interval)


def _blips(probe: str, location: str, runs: Sequence[Run], interval: Interval) -> Iterator[Blip]:
    """Failures with nothing but unknown results between them are one blip; it is where its first failure is."""
    first: Run | None = None
    failures = 0
    for run, fate in [*judged(runs_deciding(runs, interval)), (None, Fate.UP)]:
        if run is not None and fate is Fate.BLIP:
            first, failures = first or run, failures + run.count
        elif fate is not Fate.UNKNOWN and first is not None:
            if interval[0] <= first.first_ms < interval[1]:
                yield Blip(probe, location, first.first_ms, failures, first.reason, first.step)
            first, failures = None, 0
