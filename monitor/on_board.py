"""One component on the board: its observed course and its running account, kept up side by side."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from monitor.picture import ComponentPicture, Standing
from monitor.sla.accounts import Day, budget_of
from monitor.sla.course import Course
from monitor.sla.deadlines import Clock, clocks_of
from monitor.sla.declared import windows_between
from monitor.sla.intervals import Interval
from monitor.sla.membership import Membership, Place
from monitor.sla.model import ComponentTerms, Run, Span
from monitor.sla.outages import Outage
from monitor.sla.periods import DAY_MS, local_date, standard_periods, year
from monitor.sla.record import Record
from monitor.sla.running import Recent, RunningAccount
from monitor.sla.silence import HEARTBEAT_MS
from monitor.sla.support_hours import Holidays
from monitor.sla.windows import Window

DAYS_SHOWN = 90


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all components. `margin_ms` and `held_ms` are those of a `Course`."""

    zone: ZoneInfo
    holidays_of: Callable[[str], Holidays]
    heartbeat_ms: int = HEARTBEAT_MS
    margin_ms: int = 0
    held_ms: Callable[[], int | None] = lambda: None


class OnBoard:
    """A component's course and account. The record is given anew each time, as of the present instant; what is new in
    it are results in their order, else another one is to be made."""

    def __init__(
        self, terms: ComponentTerms, membership: Membership, rules: Rules, record: Record, *, watched: bool
    ) -> None:
        """`record` gives the agreements, of which one names the component, and the instant to begin at."""
        self.terms = terms
        self.watched = watched
        self._rules = rules
        self._course = Course(
            terms,
            membership,
            rules.margin_ms,
            agreements=record.agreements,
            heartbeat_ms=rules.heartbeat_ms,
            held_ms=rules.held_ms,
        )
        since_ms = _reaching_back_ms(record.as_of_ms, rules.zone)
        self._running = RunningAccount(terms.key, membership, since_ms, heartbeat_ms=rules.heartbeat_ms)

    @property
    def places(self) -> Iterator[Place]:
        yield from self._course.places

    def changed(self) -> None:
        self._course.changed()
        self._running.changed()

    def reaches(self, result_ms: int, run: Run) -> bool:
        """Whether the result comes in order: what it speaks of is not settled yet."""
        return min(result_ms, run.last_ms) >= self._course.settled_ms

    def reaches_back(self, now_ms: int) -> bool:
        """Whether the account still begins early enough; not so once the clock was set back by months."""
        return self._running.start_ms <= _reaching_back_ms(now_ms, self._rules.zone)

    def settle(self, record: Record) -> Iterator[None]:
        """Settles a long past, with a stop after each piece."""
        while self._course.settle(record.ledger, record.as_of_ms):
            yield
        while self._running.settle(record, min(self._course.settled_ms, record.as_of_ms)):
            yield

    def picture(self, record: Record) -> "Iterator[ComponentPicture | None]":
        """The picture comes last; where there is None, others may have their turn."""
        tail = self._course.tail(record.ledger, record.as_of_ms)
        yield None
        recent = self._recent(record)
        yield None
        yield self._shown(record, tail, recent)

    def standing(self, record: Record) -> Standing:
        """The state and the outage that goes on."""
        tail, now_ms = self._course.tail(record.ledger, record.as_of_ms), record.as_of_ms
        found = self._course.outages(tail, record.ledger, (now_ms, now_ms + 1))
        open_outage = found[-1] if found and found[-1].end_ms is None else None
        return Standing(self.terms, self._course.state(tail)[0], open_outage)

    def days(self, record: Record) -> list[Day]:
        """The last 90 calendar days, the running one included."""
        self._course.tail(record.ledger, record.as_of_ms)
        return self._running.days(self._recent(record), record.as_of_ms, self._rules.zone, DAYS_SHOWN)

    def outages(self, record: Record, interval: Interval) -> list[Outage]:
        """Those that touch the interval, oldest first."""
        tail = self._course.tail(record.ledger, record.as_of_ms)
        return self._course.outages(tail, record.ledger, interval)

    def outage(self, record: Record, outage_id: str) -> Outage | None:
        """The outage of this id, however long ago it was; None where there is none."""
        tail = self._course.tail(record.ledger, record.as_of_ms)
        return self._course.outage(tail, record.ledger, outage_id)

    def _recent(self, record: Record) -> Recent:
        course = self._course
        return self._running.recent(record, min(course.settled_ms, record.as_of_ms), course.good_until_ms)

    def _shown(self, record: Record, tail: Sequence[Span], recent: Recent) -> ComponentPicture:
        now_ms, zone, course = record.as_of_ms, self._rules.zone, self._course
        periods = standard_periods(now_ms, zone)
        found = course.outages(tail, record.ledger, periods["30d"].interval)
        open_outage = found[-1] if found and found[-1].end_ms is None else None
        figures = {name: self._running.account(record, recent, period) for name, period in periods.items()}
        state, since_ms = course.state(tail)
        return ComponentPicture(
            terms=self.terms,
            watched=self.watched,
            state=state,
            since_ms=since_ms,
            figures=figures,
            year_budget=budget_of(record, figures["year"], year(local_date(now_ms, zone).year, zone)),
            outages=found[::-1],
            open_outage=open_outage,
            in_service_ms=course.since_ms,
            settled=course.settled(),
            settled_ms=None if course.since_ms is None else course.settled_ms,
            clocks=self._clocks(record, open_outage),
            windows=[window for window in open_windows(record) if window.concerns(self.terms.key)],
        )

    def _clocks(self, record: Record, outage: Outage | None) -> Sequence[Clock]:
        return () if outage is None else clocks_of(record, outage, self._rules.holidays_of)


def open_windows(record: Record) -> list[Window]:
    """The windows that are open at the record's instant."""
    return windows_between(record, (record.as_of_ms, record.as_of_ms + 1))


def made_at_once(on_board: OnBoard, record: Record) -> ComponentPicture:
    """The picture for who may take his time."""
    for _ in on_board.settle(record):
        pass
    *_, picture = on_board.picture(record)
    assert picture is not None, "it comes last"
    return picture


def _reaching_back_ms(now_ms: int, zone: ZoneInfo) -> int:
    """The earliest instant that is asked for: the year's beginning, or that of the days that are shown."""
    return min(year(local_date(now_ms, zone).year, zone).start_ms, now_ms - (DAYS_SHOWN + 1) * DAY_MS)
