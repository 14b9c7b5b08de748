"""The report of a year, or of another period, as a value: everything that it says, and nothing about how it looks.

Made from a record alone, so that the same facts as of the same instant give the same report, whenever it is made.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from monitor.sla.accounts import Account, Day, Reckoned, account, budget_of, component_outages
from monitor.sla.agreement import Agreement, agreements_between
from monitor.sla.availability import Budget
from monitor.sla.deadlines import Clock, clocks_of
from monitor.sla.declared import windows_between
from monitor.sla.intervals import Interval, clip, total
from monitor.sla.membership import in_service_since, memberships
from monitor.sla.model import ComponentTerms
from monitor.sla.outages import Outage
from monitor.sla.periods import Period, to_date
from monitor.sla.promises import pieces
from monitor.sla.record import Record, SealSummary
from monitor.sla.report_periods import is_year, months_within
from monitor.sla.statistics import OutageStatistics, statistics_of
from monitor.sla.support_hours import Holidays
from monitor.sla.windows import Window, WindowEntry


@dataclass(frozen=True, slots=True)
class Made:
    """What a report is made with, besides the facts: versions, public holidays by country, and `evidence`, the name of
    the result that an outage began with, by the outage's id."""

    software: str
    tzdata: str
    holidays_of: Callable[[str], Holidays]
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportedOutage:
    """An outage, whole, also where it reaches beyond the period. `evidence` is empty where no result is named."""

    outage: Outage
    milliseconds: int  # from its start to its end, or so far
    evidence: str
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """A line of the agreement. `since_ms` is when its first probe came into service; None where it never had one.

    `allowed_ms` is the downtime that the floors in force allow in the whole period, None where nothing is promised;
    `budget` is that of a year.
    """

    terms: ComponentTerms
    account: Account
    without_windows: Account
    months: tuple[Account, ...]
    days: tuple[Day, ...]
    outages: tuple[ReportedOutage, ...]
    statistics: OutageStatistics
    since_ms: int | None
    allowed_ms: int | None
    budget: Budget | None


@dataclass(frozen=True, slots=True)
class Watch:
    """How much of the period a location's daemon was running at all, by its heartbeats."""

    location: str
    ran_ms: int


@dataclass(frozen=True, slots=True)
class YearReport:
    """`period` is the whole period, `counted` the part of it that is over at `as_of_ms`."""

    period: Period
    counted: Period
    zone: ZoneInfo
    as_of_ms: int
    components: tuple[ComponentReport, ...]
    windows: tuple[Window, ...]
    withdrawn: tuple[WindowEntry, ...]
    terms: tuple[tuple[Interval, Agreement], ...]
    seals: tuple[SealSummary, ...]
    watches: tuple[Watch, ...]
    software: str
    tzdata: str

    @property
    def running(self) -> bool:
        """Whether the period was not over yet."""
        return self.counted.end_ms < self.period.end_ms

    def since_ms(self) -> int | None:
        """When the first probe of all came into service."""
        known = [each.since_ms for each in self.components if each.since_ms is not None]
        return min(known, default=None)


def year_report(record: Record, period: Period, zone: ZoneInfo, made: Made) -> YearReport:
    """The report of the part of the period that is over at `record.as_of_ms`.

    Raises `ValueError` where no agreement is on record, or where nothing of the period is over.
    """
    counted = to_date(period, record.as_of_ms)
    if not counted.length_ms:
        raise ValueError(f"{period.name} has not begun at the time of the report")
    terms = tuple(agreements_between(record.agreements, period.interval))
    if not terms:
        raise ValueError("no agreement is on record, so that nothing can be reported")
    return YearReport(
        period=period,
        counted=counted,
        zone=zone,
        as_of_ms=record.as_of_ms,
        components=tuple(_component(record, each, period, zone, made) for each in _lines(record, counted.end_ms)),
        windows=tuple(windows_between(record, counted.interval)),
        withdrawn=tuple(_withdrawn(record, counted.interval)),
        terms=terms,
        seals=tuple(sorted(record.seals, key=lambda seal: seal.number)),
        watches=tuple(_watches(record, counted.interval)),
        software=made.software,
        tzdata=made.tzdata,
    )


def _lines(record: Record, until_ms: int) -> list[ComponentTerms]:
    """Every component that an agreement has named by then, by its newest terms: none is dropped by leaving it out."""
    ordered = sorted(record.agreements, key=lambda agreement: agreement.from_ms)
    found: dict[str, ComponentTerms] = {}
    for number, agreement in enumerate(ordered):
        if number == 0 or agreement.from_ms < until_ms:
            found |= {component.key: component for component in agreement.components}
    return list(found.values())


def _component(record: Record, terms: ComponentTerms, period: Period, zone: ZoneInfo, made: Made) -> ComponentReport:
    counted = to_date(period, record.as_of_ms)
    outages = component_outages(record, terms.key, counted.interval)
    reckoned = Reckoned(record, terms.key, period)
    whole = reckoned.account(period)
    return ComponentReport(
        terms=terms,
        account=whole,
        without_windows=_without_windows(record, whole, period),
        months=tuple(map(reckoned.account, months_within(period, zone))),
        days=tuple(reckoned.days()),
        outages=tuple(_reported(record, outage, made) for outage in outages),
        statistics=statistics_of(record, outages, counted.interval, up_ms=whole.classes.up_ms),
        since_ms=in_service_since(memberships(record.ledger.terms, terms.key)),
        allowed_ms=_allowed_ms(record.agreements, terms.key, period.interval),
        budget=budget_of(record, whole, period) if is_year(period) else None,
    )


def _without_windows(record: Record, whole: Account, period: Period) -> Account:
    """Computed only where a window concerns the component: else it is the same."""
    concerned = any(window.concerns(whole.component) for window in windows_between(record, whole.period.interval))
    return account(record, whole.component, period, windows=False) if concerned else whole


def _reported(record: Record, outage: Outage, made: Made) -> ReportedOutage:
    end_ms = record.as_of_ms if outage.end_ms is None else outage.end_ms
    running = clocks_of(record, outage, made.holidays_of)
    return ReportedOutage(outage, end_ms - outage.start_ms, made.evidence.get(outage.id, ""), tuple(running))


def _allowed_ms(agreements: Sequence[Agreement], key: str, interval: Interval) -> int | None:
    """The downtime that the floors allow in the whole interval, rounded down; None where nothing is promised."""
    allowed = [
        (1 - piece.floor) * piece.length_ms for piece in pieces(agreements, key, interval) if piece.floor is not None
    ]
    return math.floor(sum(allowed)) if allowed else None


def _withdrawn(record: Record, interval: Interval) -> list[WindowEntry]:
    """Rows of the record of windows by which one that touched the interval was replaced or revoked."""
    known = {entry.number: entry for entry in record.windows if entry.recorded_ms <= record.as_of_ms}
    found = []
    for entry in known.values():
        before = known.get(entry.replaces) if entry.replaces is not None else None
        if before is not None and before.window is not None and _touches(before.window, interval):
            found.append(entry)
    return sorted(found, key=lambda entry: entry.number)


def _watches(record: Record, interval: Interval) -> list[Watch]:
    locations = sorted({life.location for life in record.ledger.lives})
    return [Watch(location, total(clip(_lived(record, location), interval))) for location in locations]


def _lived(record: Record, location: str) -> list[Interval]:
    return [(life.first_ms, life.last_ms) for life in record.ledger.lives if life.location == location]


def _touches(window: Window, interval: Interval) -> bool:
    return window.start_ms < interval[1] and (window.end_ms is None or window.end_ms > interval[0])
