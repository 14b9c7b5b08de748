"""The account of a component over a period: classes of time, three figures, coverage, verdict, budget."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from operator import attrgetter
from zoneinfo import ZoneInfo

from monitor.sla.availability import Budget
from monitor.sla.components import merged
from monitor.sla.intervals import Interval, clip
from monitor.sla.membership import in_service_since, memberships
from monitor.sla.model import Cause, Span
from monitor.sla.outages import Outage, downtimes, outage_of
from monitor.sla.periods import Period, day, local_date, to_date
from monitor.sla.promises import latest
from monitor.sla.promises import pieces as pieces_of
from monitor.sla.reckoning import Class, Stretch, observed_spans, reckoning, stretches
from monitor.sla.record import Record
from monitor.sla.stretch_sums import StretchSums, blip_starts_of
from monitor.sla.windows import WindowKind

_start_ms, _end_ms = attrgetter("start_ms"), attrgetter("end_ms")


class Judgement(StrEnum):
    MET = "met"
    MISSED = "missed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Classes:
    """Milliseconds of a period by class; they sum to `period_ms`, or `ArithmeticError` is raised.

    What windows take out of the reckoning is `maintenance`, `restore` or `excluded`; all else is `up`, `down` or
    `unknown`, also inside windows. Classes of periods that do not overlap can be added.
    """

    period_ms: int
    up_ms: int
    down_ms: int
    unknown: Mapping[Cause, int] = field(default_factory=dict)
    maintenance_ms: int = 0
    restore_ms: int = 0
    excluded_ms: int = 0

    def __post_init__(self) -> None:
        parts = (self.reckoned_ms, self.maintenance_ms, self.restore_ms, self.excluded_ms)
        least = min(self.up_ms, self.down_ms, *self.unknown.values(), *parts[1:])
        if sum(parts) != self.period_ms or least < 0:
            raise ArithmeticError(f"the classes of time do not sum to the period: {self}")

    @property
    def unknown_ms(self) -> int:
        return sum(self.unknown.values())

    @property
    def reckoned_ms(self) -> int:
        """What windows leave: the time that the figures are ratios of."""
        return self.up_ms + self.down_ms + self.unknown_ms

    def __add__(self, other: "Classes") -> "Classes":
        causes = [cause for cause in Cause if cause in self.unknown or cause in other.unknown]
        return Classes(
            period_ms=self.period_ms + other.period_ms,
            up_ms=self.up_ms + other.up_ms,
            down_ms=self.down_ms + other.down_ms,
            unknown={cause: self.unknown.get(cause, 0) + other.unknown.get(cause, 0) for cause in causes},
            maintenance_ms=self.maintenance_ms + other.maintenance_ms,
            restore_ms=self.restore_ms + other.restore_ms,
            excluded_ms=self.excluded_ms + other.excluded_ms,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """`possibly_down_ms` and `certainly_down_ms` are the two bounds of downtime within the time that is reckoned, that
    is, `up + down + unknown`. `required_ms` is the uptime that the floors in force ask of that time, rounded up; None
    where none is promised. `down_in_windows` is downtime inside windows, by kind, whether it counts or not."""

    component: str
    period: Period
    classes: Classes
    possibly_down_ms: int
    certainly_down_ms: int
    blip_ms: int
    blips: int
    required_ms: int | None
    floor: Fraction | None
    down_in_windows: Mapping[str, int] = field(default_factory=dict)

    @property
    def reckoned_ms(self) -> int:
        return self.classes.reckoned_ms

    @property
    def observed_ms(self) -> int:
        return self.classes.up_ms + self.classes.down_ms

    @property
    def observed(self) -> Fraction | None:
        """Uptime as a ratio of the observed time; None where nothing was observed, because that is no 100 %."""
        return _ratio(self.classes.up_ms, self.observed_ms)

    @property
    def pessimistic(self) -> Fraction | None:
        """The lower bound; None where nothing was observed."""
        return _ratio(self.reckoned_ms - self.possibly_down_ms, self.reckoned_ms if self.observed_ms else 0)

    @property
    def optimistic(self) -> Fraction | None:
        """The upper bound; None where nothing was observed: not to know anything is no 100 % either."""
        return _ratio(self.reckoned_ms - self.certainly_down_ms, self.reckoned_ms if self.observed_ms else 0)

    @property
    def coverage(self) -> Fraction:
        """The share of the reckoned time in which the state was observed; 0 where nothing is reckoned."""
        return _ratio(self.observed_ms, self.reckoned_ms) or Fraction(0)

    @property
    def verdict(self) -> Judgement | None:
        """None where nothing is promised, or where nothing is reckoned that a promise could be kept in."""
        if self.required_ms is None or not self.reckoned_ms:
            return None
        if self.reckoned_ms - self.possibly_down_ms >= self.required_ms:
            return Judgement.MET
        if self.reckoned_ms - self.certainly_down_ms < self.required_ms:
            return Judgement.MISSED
        return Judgement.INCONCLUSIVE

    @property
    def deciding_ms(self) -> int | None:
        """Where inconclusive: so much more certain uptime and the promise is kept; None otherwise."""
        if self.required_ms is None or self.verdict is not Judgement.INCONCLUSIVE:
            return None
        return self.required_ms - (self.reckoned_ms - self.possibly_down_ms)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, as far as it lies in the period and is over."""

    on: date
    classes: Classes


class Reckoned:
    """What every stretch of a component's period counts as, found once: any part of the period can be asked for then.

    Raises `ValueError` where no agreement on record names the component.
    """

    def __init__(self, record: Record, component: str, period: Period, *, windows: bool = True) -> None:
        self._period = to_date(period, record.as_of_ms)
        self._of = reckoning(record, component, self._period.interval, windows=windows)
        self._stretches = [stretch for piece in self._of.pieces() for stretch in stretches(self._of, piece)]

    def account(self, part: Period) -> Account:
        """The account of what is over of a part of the period: the same as that of a reckoning of its own."""
        record, component = self._of.record, self._of.component
        counted = to_date(part, record.as_of_ms)
        if counted.length_ms and clip([counted.interval], self._period.interval) != [counted.interval]:
            raise ValueError(f"{part.name} is no part of {self._period.name}")
        sums, required = StretchSums(), Fraction(0)
        pieces = pieces_of(record.agreements, component, counted.interval)
        for piece in pieces:
            before_ms = sums.reckoned_ms
            for stretch in self._within(piece.interval):
                sums.add(stretch, piece.interval)
            required += (piece.floor or 0) * (sums.reckoned_ms - before_ms)
        last = pieces[-1] if pieces else latest(record.agreements, component, counted.end_ms)
        return Account(
            component=component,
            period=counted,
            classes=_classes(sums),
            possibly_down_ms=sums.possibly_down_ms,
            certainly_down_ms=sums.certainly_down_ms,
            blip_ms=sums.blip_ms,
            blips=sum(1 for at_ms in blip_starts_of(self._of, pieces) if sums.reckons(at_ms)),
            required_ms=None if last.floor is None else math.ceil(required),
            floor=last.floor,
            down_in_windows={kind.value: sums.down_in_windows[kind] for kind in WindowKind},
        )

    def days(self) -> list[Day]:
        """Each calendar day of the part of the period that is over, in order."""
        days: list[Day] = []
        zone, start_ms = ZoneInfo(self._period.zone), self._period.start_ms
        while start_ms < self._period.end_ms:
            on = local_date(start_ms, zone)
            end_ms = min(day(on, zone).end_ms, self._period.end_ms)
            sums = StretchSums()
            for stretch in self._within((start_ms, end_ms)):
                sums.add(stretch, (start_ms, end_ms))
            days.append(Day(on, _classes(sums)))
            start_ms = end_ms
        return days

    def _within(self, interval: Interval) -> Sequence[Stretch]:
        """The stretches that share time with the interval; some of them may reach beyond it."""
        first = bisect_right(self._stretches, interval[0], key=_end_ms)
        return self._stretches[first : bisect_left(self._stretches, interval[1], lo=first, key=_start_ms)]


def account(record: Record, component: str, period: Period, *, windows: bool = True) -> Account:
    """The account of the part of the period that is over at `record.as_of_ms`; without `windows` as if none was
    declared. Raises `ValueError` where no agreement on record names the component."""
    return Reckoned(record, component, period, windows=windows).account(period)


def state_spans(record: Record, component: str, interval: Interval) -> Sequence[Span]:
    """The component's observed states, by the rules in force at each instant, before windows are applied.

    They tile the part of the interval that lies in the component's period and is over at `record.as_of_ms`.
    """
    of = reckoning(record, component, (interval[0], min(interval[1], record.as_of_ms)), windows=False)
    return merged(span for piece in of.pieces() for span in observed_spans(of, piece, piece.interval, of.membership))


def component_outages(record: Record, component: str, interval: Interval) -> list[Outage]:
    """The outages that touch the interval, each whole: with its true start and end, None while it goes on.

    As observed, by the rules in force at each instant; windows do not change what happened. The probes and the reason
    are found by the rules that held when it began.
    """
    membership = memberships(record.ledger.terms, component)
    since_ms = in_service_since(membership)
    if since_ms is None:
        return []
    spans = state_spans(record, component, (since_ms, record.as_of_ms))
    return [
        outage_of(
            downtime,
            component,
            record.ledger,
            membership,
            latest(record.agreements, component, downtime.start_ms).locations_needed,
        )
        for downtime in downtimes(spans)
        if downtime.touches(interval)
    ]


def day_states(record: Record, component: str, period: Period) -> list[Day]:
    """Each calendar day of the part of the period that is over, in order; what lies before the component's period
    (`Agreement.since`) has days in which every class is 0."""
    return Reckoned(record, component, period).days()


def year_budget(record: Record, component: str, year: Period) -> Budget | None:
    """The downtime that the floors allow in the whole of a calendar year, and what is spent of it to date.

    Windows and blindness leave it as large as it is; only what lies before the component's period is no part of it.
    The allowance is rounded down and the projection up. None where nothing is promised.
    """
    return budget_of(record, account(record, component, year), year)


def budget_of(record: Record, so_far: Account, year: Period) -> Budget | None:
    """The same where the year's account to date is known already."""
    whole = pieces_of(record.agreements, so_far.component, year.interval)
    if not whole or whole[-1].floor is None:
        return None
    allowed = sum(((1 - (piece.floor or 0)) * piece.length_ms for piece in whole), Fraction(0))
    spent_ms = so_far.classes.down_ms
    projected_ms: int | None = None
    if so_far.observed is not None:
        left_ms = sum(piece.length_ms for piece in whole) - so_far.classes.period_ms
        projected_ms = spent_ms + math.ceil((1 - so_far.observed) * left_ms)
    return Budget(math.floor(allowed), spent_ms, projected_ms)


def _classes(sums: StretchSums) -> Classes:
    return Classes(
        period_ms=sum(sums.by_class.values()),
        up_ms=sums.by_class[Class.UP],
        down_ms=sums.by_class[Class.DOWN],
        unknown={cause: sums.unknown[cause] for cause in Cause if sums.unknown[cause]},
        maintenance_ms=sums.by_class[Class.MAINTENANCE],
        restore_ms=sums.by_class[Class.RESTORE],
        excluded_ms=sums.by_class[Class.EXCLUDED],
    )


def _ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None
