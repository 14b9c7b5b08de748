"""What the daemon knows at one moment, as values: what pages and metrics show and what they compute nothing of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.config import ProbeConfig
from monitor.results import Result
from monitor.sla.accounts import Account, Judgement
from monitor.sla.availability import Budget, Tally
from monitor.sla.deadlines import Clock
from monitor.sla.model import ComponentTerms, State
from monitor.sla.outages import Outage
from monitor.sla.periods import Period
from monitor.sla.windows import Window

NOTHING = Tally(0, 0, 0)


@dataclass(frozen=True, slots=True)
class ComponentPicture:
    """A component at one moment. `figures` holds an account for each of the standard periods, to date, by the same
    rules as a report's; `state` and `outages` are as observed, whatever windows say.

    `settled` is the time in each observed state from the coming into service to `settled_ms`: what cannot change any
    more. `clocks` are those of the open outage.
    """

    terms: ComponentTerms
    watched: bool  # whether any probe asks for it
    state: State
    since_ms: int | None
    figures: Mapping[str, Account]
    year_budget: Budget | None
    outages: Sequence[Outage]  # those of the last 30 days, newest first
    open_outage: Outage | None
    in_service_ms: int | None = None  # when the first probe of it was entered; None: never
    settled: Tally = NOTHING
    settled_ms: int | None = None
    clocks: Sequence[Clock] = ()
    windows: Sequence[Window] = ()  # that concern it and are open now

    @property
    def verdict(self) -> Judgement | None:
        """Of the year to date; None where nothing is promised, or nothing is reckoned yet."""
        return self.figures["year"].verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a component alerts depend on, without any figure."""

    terms: ComponentTerms
    state: State
    open_outage: Outage | None


@dataclass(frozen=True, slots=True)
class ProbePicture:
    """A probe with its newest result at this daemon's location; None where it was never checked."""

    config: ProbeConfig
    latest: Result | None


@dataclass(frozen=True, slots=True)
class Picture:
    """`windows` are all that are open now; `support_open` tells whether it is support time."""

    as_of_ms: int
    components: Sequence[ComponentPicture]
    probes: Sequence[ProbePicture]
    periods: Mapping[str, Period]
    windows: Sequence[Window] = ()
    support_open: bool = False
