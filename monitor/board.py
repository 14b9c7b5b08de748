"""What the daemon knows right now, for its pages and metrics: the ledger in memory, and a picture of it on request.

Holds only what is stored already. Every figure in a picture is computed by `monitor.sla` from the ledger.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.clock import Clock, to_milliseconds
from monitor.config import Config, ProbeConfig
from monitor.results import Result
from monitor.sla.availability import Budget, Tally, budget, tally
from monitor.sla.components import component_spans, current
from monitor.sla.intervals import Interval
from monitor.sla.membership import in_service_since, memberships
from monitor.sla.model import ComponentTerms, Ledger, Life, ProbeTerms, Run, Span, State
from monitor.sla.outages import Outage, outages_between
from monitor.sla.periods import Period, local_date, standard_periods, year
from monitor.sla.settled import component_settled_until

NOTHING = Tally(0, 0, 0)


@dataclass(frozen=True, slots=True)
class ComponentPicture:
    """A component at one moment. `figures` holds a tally for each of the standard periods, to date."""

    terms: ComponentTerms
    watched: bool  # whether any probe asks for it
    state: State
    since_ms: int | None
    figures: Mapping[str, Tally]
    year_budget: Budget | None
    outages: Sequence[Outage]  # those of the last 30 days, newest first
    open_outage: Outage | None


@dataclass(frozen=True, slots=True)
class ProbePicture:
    """A probe with its newest result at this daemon's location; None where it was never checked."""

    config: ProbeConfig
    latest: Result | None


@dataclass(frozen=True, slots=True)
class Picture:
    as_of_ms: int
    components: Sequence[ComponentPicture]
    probes: Sequence[ProbePicture]
    periods: Mapping[str, Period]


class Board:
    """The ledger in memory. `committed` is told of every stored result; `picture` is what pages and metrics show."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._runs: dict[tuple[str, str], list[Run]] = {}
        self._terms: Sequence[ProbeTerms] = ()
        self._lives: list[Life] = []
        self._latest: dict[str, Result] = {}
        self._changes = 0
        self._cached: tuple[int, int, Picture] | None = None
        self._settled: dict[str, tuple[int, Tally]] = {}
        self._longest_check_ms = max(round(probe.timeout_seconds * 1000) for probe in config.probes) + 1000

    def load(self, ledger: Ledger, latest: Iterable[Result] = ()) -> None:
        """Takes the stored history over, at the start and whenever another process changed it."""
        self._runs = {key: list(runs) for key, runs in ledger.runs.items()}
        self._terms, self._lives = ledger.terms, list(ledger.lives)
        for result in latest:
            if result.location == self._config.location:
                self._latest[result.probe] = result
        self._settled.clear()
        self._changes += 1

    def add(self, result: Result, closed: Run | None, run: Run) -> None:
        """Takes over one stored result and the run that it made or extended."""
        runs = self._runs.setdefault((result.probe, result.location), [])
        while runs and runs[-1].first_ms >= run.first_ms:
            runs.pop()
        if closed is not None and runs and runs[-1].first_ms == closed.first_ms:
            runs[-1] = closed
        runs.append(run)
        self._latest[result.probe] = result
        self._changes += 1

    def alive(self, lives: Sequence[Life]) -> None:
        """Takes over the heartbeats on record."""
        self._lives = list(lives)

    def ledger(self) -> Ledger:
        return Ledger(self._runs, self._terms, self._lives)

    def latest(self, probe_id: str) -> Result | None:
        return self._latest.get(probe_id)

    def fresh(self) -> frozenset[str]:
        """The probes whose newest result still speaks for this moment."""
        now_ms = to_milliseconds(self._clock.now())
        return frozenset(
            probe.id
            for probe in self._config.probes
            if (latest := self._latest.get(probe.id)) is not None
            and 0 <= now_ms - latest.started_ms < probe.every_seconds * 1000
        )

    def picture(self) -> Picture:
        """What is known at this moment; computed at most once a second while nothing new is stored."""
        now_ms = to_milliseconds(self._clock.now())
        if self._cached and self._cached[0] == self._changes and 0 <= now_ms - self._cached[1] < 1000:
            return self._cached[2]
        periods = standard_periods(now_ms, self._config.zone)
        ledger = self.ledger()
        watched = {probe.component for probe in self._config.probes}
        picture = Picture(
            as_of_ms=now_ms,
            components=[
                self._component(ledger, terms, now_ms, watched=terms.key in watched)
                for terms in self._config.components
            ],
            probes=[ProbePicture(probe, self._latest.get(probe.id)) for probe in self._config.probes],
            periods=periods,
        )
        self._cached = (self._changes, now_ms, picture)
        return picture

    def settled(self) -> dict[str, Tally]:
        """Each component's time in each state, from its coming into service to where the past is settled.

        It only ever grows, also over restarts, unless somebody changes the recorded past.
        """
        ledger, now_ms = self.ledger(), to_milliseconds(self._clock.now())
        for terms in self._config.components:
            until_ms = component_settled_until(ledger, terms.key, now_ms, self._longest_check_ms)
            since_ms, so_far = self._settled.get(terms.key, (None, NOTHING))
            if since_ms is None:
                since_ms = in_service_since(memberships(ledger.terms, terms.key))
            if since_ms is None or until_ms is None:
                continue
            self._settled.setdefault(terms.key, (since_ms, NOTHING))
            if until_ms > since_ms:
                period = (since_ms, until_ms)
                self._settled[terms.key] = (until_ms, so_far + tally(self._spans(ledger, terms, period), period))
        return {key: total for key, (_until_ms, total) in self._settled.items()}

    def _component(self, ledger: Ledger, terms: ComponentTerms, now_ms: int, *, watched: bool) -> ComponentPicture:
        needed = self._config.quorums.get(terms.key)
        return component_picture(ledger, terms, now_ms, self._config.zone, locations_needed=needed, watched=watched)

    def _spans(self, ledger: Ledger, terms: ComponentTerms, period: Interval) -> list[Span]:
        needed = self._config.quorums.get(terms.key)
        return component_spans(ledger, terms.key, period, terms.down_when, locations_needed=needed)


def component_picture(
    ledger: Ledger,
    terms: ComponentTerms,
    now_ms: int,
    zone: ZoneInfo,
    *,
    locations_needed: int | None = None,
    watched: bool = True,
) -> ComponentPicture:
    """A component's state and figures at `now_ms`; every period ends there."""
    periods = standard_periods(now_ms, zone)
    start_ms = min(period.start_ms for period in periods.values())
    spans = component_spans(ledger, terms.key, (start_ms, now_ms), terms.down_when, locations_needed=locations_needed)
    state, since_ms = current(spans)
    found = outages_between(
        ledger, terms.key, periods["30d"].interval, now_ms, terms.down_when, locations_needed=locations_needed
    )
    whole_year = year(local_date(now_ms, zone).year, zone)
    figures = {name: tally(spans, (period.start_ms, now_ms)) for name, period in periods.items()}
    return ComponentPicture(
        terms=terms,
        watched=watched,
        state=state,
        since_ms=since_ms,
        figures=figures,
        year_budget=None if terms.floor is None else budget(terms.floor, figures["year"], whole_year.interval),
        outages=found[::-1],
        open_outage=found[-1] if found and found[-1].end_ms is None else None,
    )


def outages_of(ledger: Ledger, config: Config, terms: ComponentTerms, interval: Interval, now_ms: int) -> list[Outage]:
    """A component's outages that touch the interval, oldest first."""
    needed = config.quorums.get(terms.key)
    return outages_between(ledger, terms.key, interval, now_ms, terms.down_when, locations_needed=needed)


def ratio(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
