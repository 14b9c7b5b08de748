"""The clocks of an outage: within which time it is to be answered, worked around and corrected for good."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.sla.agreement import Agreement, Deadlines, SupportHours
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.intervals import Interval, clip, subtract, total
from monitor.sla.outages import Outage
from monitor.sla.promises import Piece, latest
from monitor.sla.record import Record
from monitor.sla.support_hours import Holidays, after_support_time, support_intervals


class ClockName(StrEnum):
    RESPONSE = "response"
    WORKAROUND = "workaround"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Clock:
    """One deadline of an outage, in milliseconds of the time that it runs in: support time or any.

    It stops for ever when it is met, at `met_ms`, and for a while when the customer is waited for; nothing else stops
    it. `paused_ms` is the time that was waited until then, by any clock on the wall. `due_ms` is the first instant by
    which `allowed_ms` were used up, or will be if nobody waits any more; None while somebody waits with time left, and
    where support hours never come. `breached`: not met by then. `remaining_ms` is below 0 once it has run over.
    """

    name: ClockName
    allowed_ms: int
    due_ms: int | None
    met_ms: int | None
    paused_ms: int
    running: bool
    breached: bool
    remaining_ms: int

    @property
    def suspended(self) -> bool:
        """Whether it stands still because the customer is waited for."""
        return self.met_ms is None and not self.running


def clocks(
    outage: Outage,
    severity: str,
    agreement: Agreement,
    holidays: Holidays,
    events: Iterable[ClockEvent],
    now_ms: int,
) -> list[Clock]:
    """The outage's clocks at an instant, those without a deadline left out.

    All begin with the outage. Any event answers it. A workaround, a correction or the outage's own end works it
    around. A correction corrects it; so does its end, unless it was worked around by then: such an outage is corrected
    only when somebody says so. That an end is a correction is an assumption, because nobody is asked about it.

    Events of other outages do not count, nor do those that lie in the future. What lies before the outage counts from
    its start. Of several of a kind the first one counts; who waits already cannot wait once more.
    """
    terms = agreement.deadlines.get(severity)
    if terms is None:
        return []
    told = _told(outage, events, now_ms)
    waits = _waits(told, now_ms)
    support = agreement.support if terms.support_hours_only else None
    found = []
    for name, allowed_ms in _allowed(terms):
        if allowed_ms is not None:
            met_ms = _met_ms(name, outage, told, now_ms)
            hours = None if name is ClockName.CORRECTION else support
            course = _Course(outage.start_ms, now_ms if met_ms is None else met_ms, waits, hours, holidays)
            found.append(_clock(name, allowed_ms, met_ms, course))
    return found


def clocks_of(record: Record, outage: Outage, holidays_of: Callable[[str], Holidays]) -> list[Clock]:
    """The outage's clocks as of the record, by the agreement that held when it began.

    `holidays_of` gives a country's holidays. No clocks where no agreement names the component.
    """
    promised = promised_at(record, outage)
    if promised is None:
        return []
    agreement, severity = promised.agreement, promised.terms.severity
    holidays = holidays_of(agreement.support.country)
    return clocks(outage, severity, agreement, holidays, record.clock_events, record.as_of_ms)


def promised_at(record: Record, outage: Outage) -> Piece | None:
    """What was promised of the outage's component when it began; None where no agreement names it."""
    if not any(agreement.component(outage.component) for agreement in record.agreements):
        return None
    return latest(record.agreements, outage.component, outage.start_ms)


def waiting_at(events: Iterable[ClockEvent], at_ms: int) -> bool:
    """Whether, by one outage's events, the customer is waited for at an instant."""
    waiting = False
    for event in sorted(events, key=_order):
        if event.at_ms <= at_ms:
            waiting = _waits_after(event.kind, waiting)
    return waiting


@dataclass(frozen=True, slots=True)
class _Course:
    """The time that a clock runs in, from its start to where it is read: now, or when it was met."""

    start_ms: int
    stop_ms: int
    waits: Sequence[Interval]
    support: SupportHours | None  # None: around the clock
    holidays: Holidays

    @property
    def whole(self) -> Interval:
        return self.start_ms, self.stop_ms

    def waiting(self) -> bool:
        return any(start <= self.stop_ms < end for start, end in self.waits)

    def waited_ms(self) -> int:
        return total(clip(self.waits, self.whole))

    def counted(self) -> list[Interval]:
        hours = [self.whole] if self.support is None else support_intervals(self.support, self.holidays, self.whole)
        return subtract(hours, self.waits)

    def after(self, length_ms: int) -> int | None:
        """The instant by which so much time will have passed since the stop, if nobody waits any more."""
        if self.support is None:
            return self.stop_ms + length_ms
        return after_support_time(self.support, self.holidays, self.stop_ms, length_ms)


def _clock(name: ClockName, allowed_ms: int, met_ms: int | None, course: _Course) -> Clock:
    counted = course.counted()
    left_ms = allowed_ms - total(counted)
    waiting = met_ms is None and course.waiting()
    if left_ms <= 0:
        due_ms: int | None = _used_up_ms(course.start_ms, counted, allowed_ms)
    else:
        due_ms = None if waiting else course.after(left_ms)
    return Clock(
        name=name,
        allowed_ms=allowed_ms,
        due_ms=due_ms,
        met_ms=met_ms,
        paused_ms=course.waited_ms(),
        running=met_ms is None and not waiting,
        breached=due_ms is not None and due_ms < course.stop_ms,
        remaining_ms=left_ms,
    )


def _used_up_ms(start_ms: int, counted: Sequence[Interval], allowed_ms: int) -> int:
    """The first instant by which the intervals hold so much time; they hold at least that."""
    left_ms = allowed_ms
    at_ms = start_ms
    for start, end in counted:
        if left_ms <= 0:
            break
        at_ms = min(start + left_ms, end)
        left_ms -= at_ms - start
    return at_ms


def _allowed(terms: Deadlines) -> list[tuple[ClockName, int | None]]:
    return [
        (ClockName.RESPONSE, terms.response_ms),
        (ClockName.WORKAROUND, terms.workaround_ms),
        (ClockName.CORRECTION, terms.correction_ms),
    ]


_MEETING = {
    ClockName.RESPONSE: frozenset(ClockEventKind),
    ClockName.WORKAROUND: frozenset({ClockEventKind.WORKED_AROUND, ClockEventKind.CORRECTED}),
    ClockName.CORRECTION: frozenset({ClockEventKind.CORRECTED}),
}

Told = tuple[int, ClockEventKind]
"""When something happened, not before the outage, and what."""


def _told(outage: Outage, events: Iterable[ClockEvent], now_ms: int) -> list[Told]:
    """What happened to the outage until now, in order of time; of one instant in the order of the record."""
    own = sorted((event for event in events if event.outage == outage.id and event.at_ms <= now_ms), key=_order)
    return [(max(event.at_ms, outage.start_ms), event.kind) for event in own]


def _met_ms(name: ClockName, outage: Outage, told: Sequence[Told], now_ms: int) -> int | None:
    met = [at_ms for at_ms, kind in told if kind in _MEETING[name]]
    end_ms = outage.end_ms
    if end_ms is not None and end_ms <= now_ms and not (name is ClockName.CORRECTION and _worked_around(told, end_ms)):
        met.append(end_ms)
    return min(met, default=None)


def _worked_around(told: Sequence[Told], until_ms: int) -> bool:
    return any(kind is ClockEventKind.WORKED_AROUND and at_ms <= until_ms for at_ms, kind in told)


def _waits(told: Sequence[Told], now_ms: int) -> list[Interval]:
    """When the customer was waited for. A wait that nobody ended goes on beyond now, so that now lies inside it."""
    found: list[Interval] = []
    since_ms: int | None = None
    for at_ms, kind in told:
        waiting = _waits_after(kind, since_ms is not None)
        if waiting and since_ms is None:
            since_ms = at_ms
        elif not waiting and since_ms is not None:
            found.append((since_ms, at_ms))
            since_ms = None
    return found if since_ms is None else [*found, (since_ms, now_ms + 1)]


def _waits_after(kind: ClockEventKind, waiting: bool) -> bool:
    if kind is ClockEventKind.WAITING:
        return True
    return waiting and kind is not ClockEventKind.RESUMED


def _order(event: ClockEvent) -> tuple[int, int]:
    return event.at_ms, event.number
