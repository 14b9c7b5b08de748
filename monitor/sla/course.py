"""The course of a component: its states from its coming into service until now, kept up while results come in.

What is settled is computed once and summed up, so that a question costs no more than the short time since then. The
answers are those of `component_spans`, `tally` and `outages_between` over the whole ledger.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from monitor.sla.agreement import Agreement, agreements_between
from monitor.sla.availability import Tally, tally_of
from monitor.sla.components import component_spans, current, merged
from monitor.sla.intervals import Interval
from monitor.sla.membership import Membership, Place, in_service_since, members_between
from monitor.sla.model import Cause, ComponentTerms, DownWhen, Ledger, Run, Span, State, Verdict
from monitor.sla.outages import Downtime, Outage, downtimes, outage_of
from monitor.sla.settled import component_settled_until, piece_end_ms
from monitor.sla.silence import HEARTBEAT_MS
from monitor.sla.sums import StateSums, Status

# So many runs at most are settled at a time: a millisecond or two, in which nothing else can be done.
RUNS_A_PIECE = 400
# A life goes on while no more than so many heartbeats are missed (as the store keeps them).
MISSED_BEATS = 3


@dataclass(frozen=True, slots=True)
class _Tail:
    """The spans since what is settled, as of `now_ms`; if nothing comes in, the last one goes on until `good_until`."""

    now_ms: int
    good_until_ms: int
    spans: list[Span]


class Course:
    """One component's course. `ledger` is given anew each time; only what it adds in order may be new in it.

    `changed` is to be called for every new result of a place in `membership`; where recorded history changed, a new
    course is to be made. `margin_ms` is the longest that a check may take; where a result takes longer to be stored,
    `held_ms` tells the instant that must not be settled yet. Of `agreements`, those that name the component tell by
    which rules probes and locations were put together and when; without any, `terms` and `locations_needed` do.
    """

    def __init__(
        self,
        terms: ComponentTerms,
        membership: Membership,
        margin_ms: int,
        *,
        locations_needed: int | None = None,
        agreements: Sequence[Agreement] = (),
        heartbeat_ms: int = HEARTBEAT_MS,
        held_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._held_ms = held_ms
        # One that does not name the component takes no promise back: what held before goes on, as in `pieces`.
        self._agreements = [each for each in agreements if each.component(terms.key) is not None]
        self.since_ms = in_service_since(membership)
        self.terms = terms
        self._membership = membership
        self._margin_ms = margin_ms
        self._needed = locations_needed
        self._heartbeat_ms = heartbeat_ms
        self._sums = StateSums(self.since_ms or 0)
        self._state: tuple[State, int | None] = (State.UNKNOWN, self.since_ms)
        self._over: list[Downtime] = []
        self._told: dict[int, Outage] = {}  # the outages of those, by start, once somebody asked
        self._open: list[Span] = []  # the settled spans of the outage that is open at the end of what is settled
        self._tail: _Tail | None = None

    @property
    def places(self) -> Collection[Place]:
        """The probes and locations that the component ever consisted of."""
        return self._membership.keys()

    @property
    def settled_ms(self) -> int:
        """As far as the past is settled, and summed up."""
        return self._sums.end_ms

    @property
    def good_until_ms(self) -> int:
        """Until when the state goes on that the last `tail` ends with, should nothing come in."""
        return self.settled_ms if self._tail is None else self._tail.good_until_ms

    def changed(self) -> None:
        self._tail = None

    def settle(self, ledger: Ledger, now_ms: int) -> bool:
        """Takes a piece of a long past into the sums; returns whether there may be more. `tail` does the last one."""
        end_ms = self._piece_end_ms(ledger, self._limit_ms(ledger, now_ms))
        if end_ms is None:
            return False
        self._take(self._spans(ledger, (self.settled_ms, end_ms)))
        self._tail = None
        return True

    def settled(self) -> Tally:
        """Time in each state from the coming into service to `settled_ms`. It only ever grows."""
        return self.figures([], (self.since_ms or 0, self.settled_ms))

    def tail(self, ledger: Ledger, now_ms: int) -> list[Span]:
        """The spans from `settled_ms` until now: what the following are to be given, as of the same instant."""
        if self.since_ms is None or now_ms <= self.settled_ms:
            return []
        if self._tail is not None and self._tail.now_ms <= now_ms <= self._tail.good_until_ms:
            good_until_ms, spans = self._tail.good_until_ms, _longer(self._tail.spans, now_ms)
        else:
            spans = self._spans(ledger, (self.settled_ms, now_ms))
            good_until_ms = self._good_until_ms(ledger, spans, now_ms)
        spans = self._cut(spans, min(self._limit_ms(ledger, now_ms), now_ms))
        self._tail = _Tail(now_ms, good_until_ms, spans) if spans else None
        return spans

    def figures(self, tail: Sequence[Span], period: Interval) -> Tally:
        """The tally of a period that ends now; time before the coming into service is unknown, `not_in_service`."""
        start, end = period
        since_ms = end if self.since_ms is None else self.since_ms
        sums: dict[Status, int] = {}
        if start < since_ms:
            sums[State.UNKNOWN, Cause.NOT_IN_SERVICE, False] = min(since_ms, end) - start
        first, last = max(start, since_ms), min(end, self.settled_ms)
        for status, length in self._sums.between(first, last).items() if first < last else ():
            sums[status] = sums.get(status, 0) + length
        for span in tail:
            if (length := min(span.end_ms, end) - max(span.start_ms, start)) > 0:
                known = (span.state, span.cause, span.blip)
                sums[known] = sums.get(known, 0) + length
        return tally_of(sums, end - start)

    def state(self, tail: Sequence[Span]) -> tuple[State, int | None]:
        """The state now, and since when it lasts; None where the component was never in service."""
        return _continued(self._state, tail)

    def outages(self, tail: Sequence[Span], ledger: Ledger, interval: Interval) -> list[Outage]:
        """The outages that touch the interval, each whole, oldest first; one that goes on is the last."""
        over = [self._outage_over(downtime, ledger) for downtime in self._latest_over(interval)]
        recent = [downtime for downtime in self._downtimes(tail) if downtime.touches(interval)]
        return over + [self._outage(downtime, ledger) for downtime in recent]

    def outage(self, tail: Sequence[Span], ledger: Ledger, outage_id: str) -> Outage | None:
        """The outage of this id; None where there is none. The others are not looked at closely."""
        for downtime in [*self._over, *self._downtimes(tail)]:
            if Outage(self.terms.key, downtime.start_ms, None, 0, 0).id == outage_id:
                return self._outage(downtime, ledger)
        return None

    def _cut(self, spans: list[Span], limit_ms: int) -> list[Span]:
        """Takes the spans before `limit_ms` into the sums; returns the rest."""
        if limit_ms <= self.settled_ms:
            return spans
        self._take(
            [
                span if span.end_ms <= limit_ms else replace(span, end_ms=limit_ms)
                for span in spans
                if span.start_ms < limit_ms
            ]
        )
        return [
            span if span.start_ms >= limit_ms else replace(span, start_ms=limit_ms)
            for span in spans
            if span.end_ms > limit_ms
        ]

    def _take(self, spans: Sequence[Span]) -> None:
        """What is known of outages and of the state, with these spans settled."""
        found = self._downtimes(spans)
        self._open = list(found.pop().spans) if found and found[-1].end_ms is None else []
        self._over += found
        self._sums.extend(spans)
        self._state = _continued(self._state, spans)

    def _downtimes(self, spans: Sequence[Span]) -> list[Downtime]:
        """Those that are open or begin after what is settled, if these spans follow it."""
        return list(downtimes(merged([*self._open, *spans])))

    def _latest_over(self, interval: Interval) -> list[Downtime]:
        first = len(self._over)
        while first > 0 and self._over[first - 1].touches((interval[0], self.settled_ms)):
            first -= 1
        return [downtime for downtime in self._over[first:] if downtime.touches(interval)]

    def _outage_over(self, downtime: Downtime, ledger: Ledger) -> Outage:
        if downtime.start_ms not in self._told:
            self._told[downtime.start_ms] = self._outage(downtime, ledger)
        return self._told[downtime.start_ms]

    def _outage(self, downtime: Downtime, ledger: Ledger) -> Outage:
        ((_, _, needed),) = self._rules((downtime.start_ms, downtime.start_ms + 1))
        return outage_of(downtime, self.terms.key, ledger, self._membership, needed)

    def _limit_ms(self, ledger: Ledger, now_ms: int) -> int:
        until_ms = component_settled_until(ledger, self.terms.key, now_ms, self._margin_ms, membership=self._membership)
        if until_ms is None:
            return self.settled_ms
        held_ms = self._held_ms()
        limit_ms = min(until_ms, self._causes_known_ms(ledger, now_ms))
        return limit_ms if held_ms is None else min(limit_ms, held_ms)

    def _causes_known_ms(self, ledger: Ledger, now_ms: int) -> int:
        """Silence after the newest heartbeat of a running daemon looks like its end, until the next one comes."""
        newest: dict[str, int] = {}
        for life in ledger.lives:
            newest[life.location] = max(life.last_ms, newest.get(life.location, life.last_ms))
        locations = {location for _, location in self._membership}
        alive_ms = now_ms - MISSED_BEATS * self._heartbeat_ms - self._margin_ms
        beats = [at_ms for location, at_ms in newest.items() if location in locations and at_ms >= alive_ms]
        return min(beats, default=now_ms)

    def _piece_end_ms(self, ledger: Ledger, limit_ms: int) -> int | None:
        """Where a piece of a bearable number of runs ends; None where all before `limit_ms` is one."""
        each = max(8, RUNS_A_PIECE // max(1, len(self._membership)))
        return piece_end_ms(ledger, self._membership, self.settled_ms, limit_ms, each)

    def _rules(self, period: Interval) -> list[tuple[Interval, DownWhen, int | None]]:
        """The parts of the period by the rules that held in them."""
        if not self._agreements:
            return [(period, self.terms.down_when, self._needed)]
        parts = agreements_between(self._agreements, period)
        found = [(part, each.component(self.terms.key), each.quorums.get(self.terms.key)) for part, each in parts]
        return [(part, terms.down_when, needed) for part, terms, needed in found if terms is not None]

    def _spans(self, ledger: Ledger, period: Interval) -> list[Span]:
        return merged(span for rules in self._rules(period) for span in self._spans_by(ledger, *rules))

    def _spans_by(
        self, ledger: Ledger, period: Interval, down_when: DownWhen, locations_needed: int | None
    ) -> list[Span]:
        needed = self._needed_members(ledger, period, down_when)
        if needed is None:
            return [Span(*period, State.UP)]
        return component_spans(
            ledger,
            self.terms.key,
            period,
            down_when,
            locations_needed=locations_needed,
            heartbeat_ms=self._heartbeat_ms,
            membership=needed,
        )

    def _needed_members(self, ledger: Ledger, period: Interval, down_when: DownWhen) -> Membership | None:
        """The members on which the states depend; None where all are plainly up, whatever the rule.

        Where one probe that is down suffices, of those that are plainly up one stands for all.
        """
        members = members_between(self._membership, period)
        uneasy = {
            place[0]
            for place, stretches in members.items()
            if stretches[0] != period or not _plainly_up(ledger.runs.get(place, ()), period)
        }
        if members and not uneasy:
            return None
        if down_when is not DownWhen.ANY:
            return self._membership
        witness = next((probe for probe, _ in members if probe not in uneasy), None)
        return {place: self._membership[place] for place in members if place[0] in uneasy or place[0] == witness}

    def _good_until_ms(self, ledger: Ledger, spans: Sequence[Span], now_ms: int) -> int:
        """Until when the last span goes on, should nothing come in: until the first of the newest results is stale, or
        other rules hold."""
        known_ms = self._causes_known_ms(ledger, now_ms)
        if any(span.cause is not None and span.end_ms > known_ms for span in spans):
            return now_ms
        speaking_ms = min(self._speaking_until_ms(ledger, now_ms), default=now_ms)
        changes = (each.from_ms for each in self._agreements if each.from_ms >= now_ms)
        return max(now_ms, min([speaking_ms, *changes]))

    def _speaking_until_ms(self, ledger: Ledger, now_ms: int) -> Iterator[int]:
        """For each present probe; a result of this very instant or later is not in the spans yet, but will be."""
        for place, stretches in self._membership.items():
            if stretches[-1][1] is None:
                runs = ledger.runs.get(place, ())
                yield runs[-1].last_ms + runs[-1].stale_ms if runs and runs[-1].last_ms < now_ms else now_ms


def _longer(spans: list[Span], until_ms: int) -> list[Span]:
    return [*spans[:-1], replace(spans[-1], end_ms=until_ms)]


def _plainly_up(runs: Sequence[Run], period: Interval) -> bool:
    """Whether the newest run alone says up for the whole period."""
    if not runs or runs[-1].verdict is not Verdict.UP:
        return False
    return runs[-1].first_ms <= period[0] and period[1] <= runs[-1].last_ms + runs[-1].stale_ms


def _continued(before: tuple[State, int | None], spans: Sequence[Span]) -> tuple[State, int | None]:
    """The state at the end of the spans that follow, and since when it lasts."""
    if not spans:
        return before
    state, since_ms = current(spans)
    return before if state is before[0] and since_ms == spans[0].start_ms else (state, since_ms)


def _first_ms(run: Run) -> int:
    return run.first_ms
