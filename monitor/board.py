"""What the daemon knows right now, for its pages and metrics: the record in memory, and a picture of it on request.

Holds only what is stored already. Every figure in a picture is computed by `monitor.sla` from the record.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from zoneinfo import ZoneInfo

from monitor.clock import Clock, to_milliseconds
from monitor.config import Config
from monitor.on_board import DAYS_SHOWN, OnBoard, Rules, made_at_once, open_windows
from monitor.picture import ComponentPicture, Picture, ProbePicture, Standing
from monitor.results import Result
from monitor.sla.accounts import Day
from monitor.sla.agreement import Agreement
from monitor.sla.availability import Tally
from monitor.sla.clock_events import ClockEvent
from monitor.sla.intervals import Interval
from monitor.sla.membership import memberships
from monitor.sla.model import ComponentTerms, Ledger, Life, ProbeTerms, Run
from monitor.sla.outages import Outage
from monitor.sla.periods import DAY_MS, standard_periods
from monitor.sla.record import Record
from monitor.sla.silence import HEARTBEAT_MS
from monitor.sla.story import windows_touching
from monitor.sla.support_hours import Holidays, support_intervals
from monitor.sla.windows import Window, WindowEntry

DAYS_AHEAD = 30
# A result of another location that is recorded later than this after others is seen with the next start.
LATE_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Declared:
    """What people put on record. A component that no agreement names is judged by that of the configuration."""

    agreements: Sequence[Agreement] = ()
    windows: Sequence[WindowEntry] = ()
    clock_events: Sequence[ClockEvent] = ()


def no_holidays(_country: str) -> Holidays:
    return frozenset()


class Board:
    """The record in memory. `add` is told of every stored result; a picture is what pages and metrics show."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        unstored_since_ms: Callable[[], int | None] = lambda: None,
        holidays_of: Callable[[str], Holidays] = no_holidays,
    ) -> None:
        """`unstored_since_ms` tells when the oldest check began whose result is not stored yet; None without one.
        `holidays_of` gives a country's public holidays; it must not take long."""
        self._unstored_since_ms = unstored_since_ms
        self._held_ms: int | None = None
        self._config = config
        self._clock = clock
        self._runs: dict[tuple[str, str], list[Run]] = {}
        self._terms: Sequence[ProbeTerms] = ()
        self._lives: list[Life] = []
        self._declared = Declared()
        self._latest: dict[str, Result] = {}
        self._components: dict[str, OnBoard] = {}
        self._components_of: dict[tuple[str, str], list[str]] = {}
        self._changes = 0
        self._cached: tuple[int, Picture] | None = None
        self._waiting: list[Callable[[], None]] | None = None
        self._rules = Rules(
            config.zone,
            holidays_of,
            heartbeat_ms=round(config.heartbeat_seconds * 1000),
            margin_ms=max(round(probe.timeout_seconds * 1000) for probe in config.probes) + 1000,
            held_ms=lambda: self._held_ms,
        )
        self._load(self.ledger(), (), Declared())

    def load(self, ledger: Ledger, latest: Iterable[Result] = (), declared: Declared | None = None) -> None:
        """Takes the stored history over, at the start and whenever another process changed it; without `declared`
        what was declared stays as it is."""
        self.then(partial(self._load, ledger, tuple(latest), self._declared if declared is None else declared))

    def add(self, result: Result, closed: Run | None, run: Run) -> None:
        """Takes over one stored result and the run that it made or extended."""
        self.then(partial(self._add, result, closed, run))

    def elsewhere(self, ledger: Ledger) -> None:
        """Takes over what daemons at other locations have recorded lately; what is known already changes nothing."""
        self.then(partial(self._elsewhere, ledger))

    def elsewhere_since_ms(self) -> int | None:
        """From when on to ask for that, what was late included; None where there is no other location."""
        places = [place for place in self._components_of if place[1] != self._config.location]
        newest_ms = [runs[-1].last_ms for place in places if (runs := self._runs.get(place))]
        return min(max(newest_ms, default=0), self._now_ms()) - LATE_MS if places else None

    def alive(self, lives: Sequence[Life]) -> None:
        """Takes over the heartbeats on record."""
        self.then(partial(self._alive, list(lives)))

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
        *_, picture = self._pictured(now_ms)
        assert picture is not None, "it comes last"
        return picture

    def standing(self, component: str) -> Standing:
        """A component's state and open outage at this moment; of a thousand probes a tenth of what a picture costs."""
        if self._waiting is None:  # else what was stored meanwhile is not here yet, and must not be settled over
            self._held_ms = self._unstored_since_ms()
        return self._components[component].standing(self.record(component, self._now_ms()))

    async def picture_in_pieces(self) -> Picture:
        """The same for who must not hold the loop up. What is stored meanwhile is taken over when it is finished."""
        now_ms = self._now_ms()
        if (cached := self._still_good(now_ms)) is not None:
            return cached
        with self._standing_still():
            for picture in self._pictured(now_ms):
                if picture is not None:
                    return picture
                await asyncio.sleep(0)
        raise AssertionError("the picture comes last")

    def settled(self) -> dict[str, Tally]:
        """Each component's time in each observed state, from its coming into service to where the past is settled.

        It only ever grows, also over restarts, unless somebody changes the recorded past.
        """
        components = self.picture().components
        return {each.terms.key: each.settled for each in components if each.in_service_ms is not None}

    def record(self, component: str, now_ms: int) -> Record:
        """All recorded facts as of now, with agreements of which one names the component."""
        agreements = self._declared.agreements
        if not any(each.component(component) for each in agreements):
            agreements = [self._config.agreement(0)]
        return Record(now_ms, self.ledger(), agreements, self._declared.windows, self._declared.clock_events)

    def days(self, component: str) -> list[Day]:
        """The component's last 90 calendar days. Raises `KeyError` for a component that is not configured."""
        return self._components[component].days(self.record(component, self.picture().as_of_ms))

    def outages(self, component: str) -> list[Outage]:
        """The component's outages of the last 90 days, oldest first."""
        record = self.record(component, self.picture().as_of_ms)
        return self._components[component].outages(record, _shown_around(record.as_of_ms))

    def windows(self, component: str) -> list[Window]:
        """The windows of the last 90 and the next 30 days that concern the component, by their start."""
        record = self.record(component, self.picture().as_of_ms)
        return windows_touching(record, component, _shown_around(record.as_of_ms))

    def outage(self, outage_id: str) -> tuple[Record, Outage] | None:
        """The outage of this id, and the record to tell its story from; None where there is none."""
        now_ms = self.picture().as_of_ms
        for key, each in self._components.items():
            record = self.record(key, now_ms)
            if (found := each.outage(record, outage_id)) is not None:
                return record, found
        return None

    def then(self, change: Callable[[], None]) -> None:
        """Does it after all that came before: at once, unless the board stands still."""
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

    def _load(self, ledger: Ledger, latest: Iterable[Result], declared: Declared) -> None:
        self._runs = {key: list(runs) for key, runs in ledger.runs.items()}
        self._terms, self._lives = ledger.terms, list(ledger.lives)
        self._declared = declared
        for result in latest:
            if result.location == self._config.location:
                self._latest[result.probe] = result
        for terms in self._config.components:
            self._begin(terms)
        self._components_of = {}
        for key, component in self._components.items():
            for place in component.places:
                self._components_of.setdefault(place, []).append(key)
        self._changes += 1

    def _begin(self, terms: ComponentTerms) -> None:
        watched = any(probe.component == terms.key for probe in self._config.probes)
        record = self.record(terms.key, self._now_ms())
        membership = memberships(self._terms, terms.key)
        self._components[terms.key] = OnBoard(terms, membership, self._rules, record, watched=watched)

    def _add(self, result: Result, closed: Run | None, run: Run) -> None:
        place = result.probe, result.location
        runs = self._runs.setdefault(place, [])
        while runs and runs[-1].first_ms >= run.first_ms:
            runs.pop()
        if closed is not None and runs and runs[-1].first_ms == closed.first_ms:
            runs[-1] = closed
        runs.append(run)
        self._latest[result.probe] = result
        for key in self._components_of.get(place, ()):
            if not self._components[key].reaches(result.started_ms, run):  # late beyond all measure
                self._begin(self._components[key].terms)
            self._components[key].changed()
        self._changes += 1

    def _elsewhere(self, ledger: Ledger) -> None:
        for place, newest in ledger.runs.items():
            known = self._runs.setdefault(place, [])
            if place[1] == self._config.location or known[-1:] == newest[-1:]:
                continue
            since_ms = known[-1].last_ms if known else newest[0].first_ms
            while known and known[-1].first_ms >= newest[0].first_ms:
                known.pop()
            known.extend(newest)
            for key in self._components_of.get(place, ()):
                if not self._components[key].reaches(since_ms, newest[-1]):
                    self._begin(self._components[key].terms)
                self._components[key].changed()
            self._changes += 1

    def _alive(self, lives: list[Life]) -> None:
        if [(life.location, life.first_ms, life.clean) for life in lives] != [
            (life.location, life.first_ms, life.clean) for life in self._lives
        ]:
            for component in self._components.values():
                component.changed()
        self._lives = lives

    def _still_good(self, now_ms: int) -> Picture | None:
        if self._cached and self._cached[0] == self._changes and 0 <= now_ms - self._cached[1].as_of_ms < 1000:
            return self._cached[1]
        return None

    def _pictured(self, now_ms: int) -> Iterator[Picture | None]:
        """The picture, after a None for each piece of it."""
        self._held_ms = self._unstored_since_ms()  # once: what is stored meanwhile is not taken over yet
        found = []
        for terms in self._config.components:
            if not self._components[terms.key].reaches_back(now_ms):
                self._begin(terms)
            component, record = self._components[terms.key], self.record(terms.key, now_ms)
            yield None
            yield from component.settle(record)
            for piece in component.picture(record):
                if piece is None:
                    yield None
                else:
                    found.append(piece)
        yield self._put_together(found, now_ms)

    def _put_together(self, components: Sequence[ComponentPicture], now_ms: int) -> Picture:
        config = self._config
        support = config.rules.support
        picture = Picture(
            now_ms,
            components,
            [ProbePicture(probe, self._latest.get(probe.id)) for probe in config.probes],
            standard_periods(now_ms, config.zone),
            open_windows(self.record(config.components[0].key, now_ms)),
            bool(support_intervals(support, self._rules.holidays_of(support.country), (now_ms, now_ms + 1))),
        )
        self._cached = (self._changes, picture)
        return picture

    def _now_ms(self) -> int:
        return to_milliseconds(self._clock.now())


def _shown_around(now_ms: int) -> Interval:
    return now_ms - DAYS_SHOWN * DAY_MS, now_ms + DAYS_AHEAD * DAY_MS


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
    """A component's state and figures at `now_ms`, from nothing but the ledger, as if nothing was ever declared;
    every period ends there."""
    quorums = {} if locations_needed is None else {terms.key: locations_needed}
    record = Record(now_ms, ledger, [Agreement(0, zone.key, (terms,), quorums)])
    rules = Rules(zone, no_holidays, heartbeat_ms)
    return made_at_once(OnBoard(terms, memberships(ledger.terms, terms.key), rules, record, watched=watched), record)


def ratio(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
