"""What the daemon knows right now, for its pages and metrics: the ledger in memory, and a picture of it on request.

Holds only what is stored already. Every figure in a picture is computed by `monitor.sla` from the ledger.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

from monitor.clock import Clock, to_milliseconds
from monitor.config import Config, ProbeConfig
from monitor.results import Result
from monitor.sla.availability import Budget, Tally, budget
from monitor.sla.course import Course
from monitor.sla.intervals import Interval
from monitor.sla.membership import memberships
from monitor.sla.model import ComponentTerms, Ledger, Life, ProbeTerms, Run, State
from monitor.sla.outages import Outage, outages_between
from monitor.sla.periods import Period, local_date, standard_periods, year
from monitor.sla.silence import HEARTBEAT_MS

NOTHING = Tally(0, 0, 0)


@dataclass(frozen=True, slots=True)
class ComponentPicture:
    """A component at one moment. `figures` holds a tally for each of the standard periods, to date.

    `settled` is the time in each state from the coming into service to `settled_ms`: what cannot change any more.
    """

    terms: ComponentTerms
    watched: bool  # whether any probe asks for it
    state: State
    since_ms: int | None
    figures: Mapping[str, Tally]
    year_budget: Budget | None
    outages: Sequence[Outage]  # those of the last 30 days, newest first
    open_outage: Outage | None
    in_service_ms: int | None = None  # when the first probe of it was entered; None: never
    settled: Tally = NOTHING
    settled_ms: int | None = None


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
    """The ledger in memory. `add` is told of every stored result; a picture is what pages and metrics show."""

    def __init__(
        self, config: Config, clock: Clock, unstored_since_ms: Callable[[], int | None] = lambda: None
    ) -> None:
        """`unstored_since_ms` tells when the oldest check began whose result is not stored yet; None without one."""
        self._unstored_since_ms = unstored_since_ms
        self._held_ms: int | None = None
        self._config = config
        self._clock = clock
        self._runs: dict[tuple[str, str], list[Run]] = {}
        self._terms: Sequence[ProbeTerms] = ()
        self._lives: list[Life] = []
        self._latest: dict[str, Result] = {}
        self._courses: dict[str, Course] = {}
        self._courses_of: dict[tuple[str, str], list[str]] = {}
        self._changes = 0
        self._cached: tuple[int, Picture] | None = None
        self._waiting: list[Callable[[], None]] | None = None
        self._longest_check_ms = max(round(probe.timeout_seconds * 1000) for probe in config.probes) + 1000
        self._load(self.ledger(), ())

    def load(self, ledger: Ledger, latest: Iterable[Result] = ()) -> None:
        """Takes the stored history over, at the start and whenever another process changed it."""
        self._change(partial(self._load, ledger, tuple(latest)))

    def add(self, result: Result, closed: Run | None, run: Run) -> None:
        """Takes over one stored result and the run that it made or extended."""
        self._change(partial(self._add, result, closed, run))

    def alive(self, lives: Sequence[Life]) -> None:
        """Takes over the heartbeats on record."""
        self._change(partial(self._alive, list(lives)))

    def ledger(self) -> Ledger:
        return Ledger(self._runs, self._terms, self._lives)

    def latest(self, probe_id: str) -> Result | None:
        return self._latest.get(probe_id)

    def fresh(self) -> frozenset[str]:
        """The probes whose newest result still speaks for this moment."""
        now_ms = self._now_ms()
        return frozenset(
            probe.id
            for probe in self._config.probes
            if (latest := self._latest.get(probe.id)) is not None
            and 0 <= now_ms - latest.started_ms < probe.every_seconds * 1000
        )

    def picture(self) -> Picture:
        """What is known at this moment; computed at most once a second while nothing new is stored."""
        now_ms = self._now_ms()
        if (cached := self._still_good(now_ms)) is not None:
            return cached
        self._held_ms = self._unstored_since_ms()
        for _ in self._settling(now_ms):
            pass
        return self._put_together([self._component(terms, now_ms) for terms in self._config.components], now_ms)

    async def picture_in_pieces(self) -> Picture:
        """The same for who must not hold the loop up. What is stored meanwhile is taken over when it is finished."""
        now_ms = self._now_ms()
        if (cached := self._still_good(now_ms)) is not None:
            return cached
        with self._standing_still():
            self._held_ms = self._unstored_since_ms()  # once: what is stored meanwhile is not taken over yet
            for _ in self._settling(now_ms):
                await asyncio.sleep(0)
            components = []
            for terms in self._config.components:
                self._courses[terms.key].tail(self.ledger(), now_ms)  # remembered for this instant
                await asyncio.sleep(0)
                components.append(self._component(terms, now_ms))
                await asyncio.sleep(0)
            return self._put_together(components, now_ms)

    def settled(self) -> dict[str, Tally]:
        """Each component's time in each state, from its coming into service to where the past is settled.

        It only ever grows, also over restarts, unless somebody changes the recorded past.
        """
        components = self.picture().components
        return {each.terms.key: each.settled for each in components if each.in_service_ms is not None}

    def _change(self, change: Callable[[], None]) -> None:
        if self._waiting is None:
            change()
        else:
            self._waiting.append(change)

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        """Keeps what comes in waiting, so that a picture made in pieces shows one moment."""
        if self._waiting is not None:
            raise RuntimeError("two pictures in pieces at a time")
        self._waiting = []
        try:
            yield
        finally:
            waiting, self._waiting = self._waiting, None
            for change in waiting:
                change()

    def _load(self, ledger: Ledger, latest: Iterable[Result]) -> None:
        self._runs = {key: list(runs) for key, runs in ledger.runs.items()}
        self._terms, self._lives = ledger.terms, list(ledger.lives)
        for result in latest:
            if result.location == self._config.location:
                self._latest[result.probe] = result
        for terms in self._config.components:
            self._begin(terms)
        self._courses_of = {}
        for key, course in self._courses.items():
            for place in course.places:
                self._courses_of.setdefault(place, []).append(key)
        self._changes += 1

    def _begin(self, terms: ComponentTerms) -> None:
        self._courses[terms.key] = Course(
            terms,
            memberships(self._terms, terms.key),
            self._longest_check_ms,
            locations_needed=self._config.quorums.get(terms.key),
            heartbeat_ms=round(self._config.heartbeat_seconds * 1000),
            held_ms=lambda: self._held_ms,
        )

    def _add(self, result: Result, closed: Run | None, run: Run) -> None:
        place = result.probe, result.location
        runs = self._runs.setdefault(place, [])
        while runs and runs[-1].first_ms >= run.first_ms:
            runs.pop()
        if closed is not None and runs and runs[-1].first_ms == closed.first_ms:
            runs[-1] = closed
        runs.append(run)
        self._latest[result.probe] = result
        for key in self._courses_of.get(place, ()):
            if min(result.started_ms, run.last_ms) < self._courses[key].settled_ms:  # late beyond all measure
                self._begin(self._courses[key].terms)
            self._courses[key].changed()
        self._changes += 1

    def _alive(self, lives: list[Life]) -> None:
        if [(life.location, life.first_ms, life.clean) for life in lives] != [
            (life.location, life.first_ms, life.clean) for life in self._lives
        ]:
            for course in self._courses.values():
                course.changed()
        self._lives = lives

    def _still_good(self, now_ms: int) -> Picture | None:
        if self._cached and self._cached[0] == self._changes and 0 <= now_ms - self._cached[1].as_of_ms < 1000:
            return self._cached[1]
        return None

    def _settling(self, now_ms: int) -> Iterator[None]:
        """Settles the past piece by piece, with a stop after each."""
        ledger = self.ledger()
        for course in list(self._courses.values()):
            yield
            while course.settle(ledger, now_ms):
                yield

    def _component(self, terms: ComponentTerms, now_ms: int) -> ComponentPicture:
        watched = any(probe.component == terms.key for probe in self._config.probes)
        return _shown(self._courses[terms.key], self.ledger(), now_ms, self._config.zone, watched=watched)

    def _put_together(self, components: Sequence[ComponentPicture], now_ms: int) -> Picture:
        probes = [ProbePicture(probe, self._latest.get(probe.id)) for probe in self._config.probes]
        picture = Picture(now_ms, components, probes, standard_periods(now_ms, self._config.zone))
        self._cached = (self._changes, picture)
        return picture

    def _now_ms(self) -> int:
        return to_milliseconds(self._clock.now())


def component_picture(
    ledger: Ledger,
    terms: ComponentTerms,
    now_ms: int,
    zone: ZoneInfo,
    *,
    locations_needed: int | None = None,
    watched: bool = True,
    heartbeat_ms: int = HEARTBEAT_MS,
) -> ComponentPicture:
    """A component's state and figures at `now_ms`, from nothing but the ledger; every period ends there."""
    course = Course(
        terms, memberships(ledger.terms, terms.key), 0, locations_needed=locations_needed, heartbeat_ms=heartbeat_ms
    )
    while course.settle(ledger, now_ms):
        pass
    return _shown(course, ledger, now_ms, zone, watched=watched)


def _shown(course: Course, ledger: Ledger, now_ms: int, zone: ZoneInfo, *, watched: bool) -> ComponentPicture:
    periods, terms = standard_periods(now_ms, zone), course.terms
    tail = course.tail(ledger, now_ms)
    state, since_ms = course.state(tail)
    found = course.outages(tail, ledger, periods["30d"].interval)
    figures = {name: course.figures(tail, (period.start_ms, now_ms)) for name, period in periods.items()}
    whole_year = year(local_date(now_ms, zone).year, zone)
    return ComponentPicture(
        terms=terms,
        watched=watched,
        state=state,
        since_ms=since_ms,
        figures=figures,
        year_budget=None if terms.floor is None else budget(terms.floor, figures["year"], whole_year.interval),
        outages=found[::-1],
        open_outage=found[-1] if found and found[-1].end_ms is None else None,
        in_service_ms=course.since_ms,
        settled=course.settled(),
        settled_ms=None if course.since_ms is None else course.settled_ms,
    )


def outages_of(ledger: Ledger, config: Config, terms: ComponentTerms, interval: Interval, now_ms: int) -> list[Outage]:
    """A component's outages that touch the interval, oldest first."""
    needed = config.quorums.get(terms.key)
    return outages_between(ledger, terms.key, interval, now_ms, terms.down_when, locations_needed=needed)


def ratio(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
