"""The running account of a component: kept up while results come in, so that a year costs no more than an hour.

Its answers are those of `accounts.account` over the whole record, for every period that it reaches back to.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from operator import attrgetter
from zoneinfo import ZoneInfo

from monitor.sla.accounts import Account, Classes, Day
from monitor.sla.declared import windows_between
from monitor.sla.intervals import Interval
from monitor.sla.membership import Membership, members_between
from monitor.sla.model import Cause, DownWhen, Ledger, Run, Verdict
from monitor.sla.periods import Period, day, local_date
from monitor.sla.probe_spans import blip_starts
from monitor.sla.promises import Piece, latest, pieces
from monitor.sla.reckoning import RECKONED, Class, Reckoning, Stretch, reckoning, stretches
from monitor.sla.record import Record
from monitor.sla.settled import piece_end_ms
from monitor.sla.sums import Sums
from monitor.sla.windows import WindowKind

# So many runs at most are reckoned at a time: a few milliseconds, in which nothing else can be done.
RUNS_A_PIECE = 50
_first_ms = attrgetter("first_ms")


@dataclass(frozen=True, slots=True)
class _Status:
    """What a stretch of time counts as, without its time; `floor` is what was promised then."""

    counts_as: Class
    cause: Cause | None
    blip: bool
    seen_down: bool
    possibly_down: bool
    certainly_down: bool
    inside: tuple[WindowKind, ...]
    floor: Fraction | None


Known = _Status | None
"""None for time that is no part of the component's period."""


@dataclass(frozen=True, slots=True)
class Recent:
    """What follows the settled past: stretches of one status each, and when blips began that are reckoned."""

    stretches: Sequence[tuple[int, int, Known]] = ()
    blips: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was recent as of `now_ms`; should nothing happen, its last status goes on until `good_until_ms`."""

    now_ms: int
    good_until_ms: int
    recent: Recent


class RunningAccount:
    """One component's account from `start_ms` on. The record is given anew each time; only results that follow those
    before may be new in it, and whoever changes anything else makes a new one.

    `settle` takes into the sums what cannot change any more (`Course.settled_ms` tells how far that is), `recent`
    computes the rest.
    """

    def __init__(self, component: str, membership: Membership, start_ms: int, *, heartbeat_ms: int) -> None:
        self.component = component
        self.start_ms = start_ms
        self._membership = membership
        self._heartbeat_ms = heartbeat_ms
        self._sums: Sums[Known] = Sums(start_ms)
        self._blips: list[int] = []
        self._kept: _Kept | None = None

    @property
    def settled_ms(self) -> int:
        return self._sums.end_ms

    def settle(self, record: Record, until_ms: int) -> bool:
        """Takes a piece of a long past into the sums; returns whether there may be more. `recent` does the last one."""
        end_ms = self._piece_end_ms(record.ledger, until_ms)
        if end_ms is None:
            return False
        self._take(self._between(record, (self.settled_ms, end_ms)), end_ms)
        return True

    def changed(self) -> None:
        """To be called for every new result of the component."""
        self._kept = None

    def recent(self, record: Record, settled_ms: int, good_until_ms: int = 0) -> Recent:
        """What lies between the settled past and the record's instant, after the past until `settled_ms` is settled,
        which is not later than that instant. Until `good_until_ms` the observed state goes on, should nothing come in
        (`Course.good_until_ms`)."""
        if record.as_of_ms <= self.settled_ms:
            return Recent()
        found = self._gone_on(record) or self._between(record, (self.settled_ms, record.as_of_ms))
        recent = self._take(found, settled_ms)
        self._kept = _Kept(record.as_of_ms, good_until_ms, recent) if recent.stretches else None
        return recent

    def _gone_on(self, record: Record) -> Recent | None:
        """What was recent a moment ago, and its last status since then; None where anything may have ended it."""
        kept, now_ms = self._kept, record.as_of_ms
        if kept is None or not kept.now_ms <= now_ms <= kept.good_until_ms:
            return None
        since = (kept.now_ms - 1, now_ms + 1)
        if any(since[0] <= each.from_ms <= now_ms for each in record.agreements) or windows_between(record, since):
            return None
        if any(kept.now_ms < at_ms <= now_ms for each in record.agreements for at_ms in each.since.values()):
            return None
        *before, (start, _, status) = kept.recent.stretches
        return Recent([*before, (start, now_ms, status)], kept.recent.blips)

    def account(self, record: Record, recent: Recent, period: Period) -> Account:
        """The account of a period that begins at `start_ms` or later and ends by the record's instant, of which
        `recent` is. Raises `ValueError` where no agreement on record names the component."""
        sums = self._statuses(recent, period.interval)
        required = sum(((each.floor or 0) * sums[each] for each in sums if each.counts_as in RECKONED), Fraction(0))
        known = pieces(record.agreements, self.component, period.interval)
        last = known[-1] if known else latest(record.agreements, self.component, period.end_ms)
        return Account(
            component=self.component,
            period=period,
            classes=_classes(sums),
            possibly_down_ms=sum(length for each, length in sums.items() if each.possibly_down),
            certainly_down_ms=sum(length for each, length in sums.items() if each.certainly_down),
            blip_ms=sum(length for each, length in sums.items() if each.blip),
            blips=_count(self._blips, period.interval) + _count(recent.blips, period.interval),
            required_ms=None if last.floor is None else math.ceil(required),
            floor=last.floor,
            down_in_windows={
                kind.value: sum(length for each, length in sums.items() if each.seen_down and kind in each.inside)
                for kind in WindowKind
            },
        )

    def days(self, recent: Recent, now_ms: int, zone: ZoneInfo, count: int) -> list[Day]:
        """The last so many calendar days, the running one included, as far as the account reaches back."""
        today = local_date(now_ms, zone)
        return [
            Day(on, _classes(self._statuses(recent, (start_ms, end_ms))))
            for on in (today - timedelta(days=back) for back in range(count - 1, -1, -1))
            if (start_ms := _midnight_ms(on, zone)) >= self.start_ms
            and (end_ms := min(_midnight_ms(on + timedelta(days=1), zone), now_ms)) >= start_ms
        ]

    def _statuses(self, recent: Recent, interval: Interval) -> dict[_Status, int]:
        """Milliseconds of each status inside the interval."""
        start, end = interval
        found: Counter[Known] = Counter()
        if start < (settled_ms := min(end, self.settled_ms)):
            found.update(self._sums.between(start, settled_ms))
        for first, last, status in recent.stretches:
            if (length := min(last, end) - max(first, start)) > 0:
                found[status] += length
        return {status: length for status, length in found.items() if status is not None}

    def _between(self, record: Record, interval: Interval) -> Recent:
        membership = needed_members(record, self.component, self._membership, interval)
        prepared = reckoning(record, self.component, interval, membership=membership)
        of = replace(prepared, heartbeat_ms=self._heartbeat_ms)
        found: list[tuple[int, int, Known]] = []
        blips: list[int] = []
        cursor, end = interval
        for piece in of.pieces():
            if cursor < piece.interval[0]:
                found.append((cursor, piece.interval[0], None))
            taken = len(found)
            found += [(each.start_ms, each.end_ms, _status(each, piece)) for each in stretches(of, piece)]
            blips += _reckoned(_blip_starts(of, piece), found[taken:])
            cursor = piece.interval[1]
        if cursor < end:
            found.append((cursor, end, None))
        return Recent(found, sorted(blips))

    def _take(self, found: Recent, until_ms: int) -> Recent:
        """Takes what lies before an instant into the sums; returns the rest."""
        for start, end, status in found.stretches:
            if start < until_ms:
                self._sums.add(status, start, min(end, until_ms))
        self._blips += [at_ms for at_ms in found.blips if at_ms < self.settled_ms]
        return Recent(
            [(max(start, until_ms), end, status) for start, end, status in found.stretches if end > until_ms],
            [at_ms for at_ms in found.blips if at_ms >= self.settled_ms],
        )

    def _piece_end_ms(self, ledger: Ledger, until_ms: int) -> int | None:
        """Where a piece of a bearable number of runs ends; None where all before `until_ms` is one."""
        each = max(1, RUNS_A_PIECE // max(1, len(self._membership)))
        return piece_end_ms(ledger, self._membership, self.settled_ms, until_ms, each)


def needed_members(record: Record, component: str, membership: Membership, interval: Interval) -> Membership:
    """The members on which states and bounds depend within the interval; for a thousand probes that are up, few.

    Where one probe that is down suffices, of those that are up all the time the one stands for all whose last success
    is the earliest: certainty ends with it. Probes that a restore may fail have one of their own.
    """
    promised = pieces(record.agreements, component, interval)
    if any(piece.terms.down_when is not DownWhen.ANY for piece in promised):
        return membership
    sparing = {probe for piece in promised for probe in piece.agreement.history_probes}
    members = members_between(membership, interval)
    locations = Counter(probe for probe, _ in members)
    needed: dict[tuple[str, str], Sequence[tuple[int, int | None]]] = {}
    witnesses: dict[bool, tuple[int, tuple[str, str]]] = {}
    for place, stays in members.items():
        certain_ms = None
        if locations[place[0]] == 1 and stays[0] == interval:
            certain_ms = _up_until(record.ledger.runs.get(place, ()), interval)
        if certain_ms is None:
            needed[place] = membership[place]
            continue
        kind = place[0] in sparing
        witnesses[kind] = min(witnesses.get(kind, (certain_ms, place)), (certain_ms, place))
    return needed | {place: membership[place] for _, place in witnesses.values()}


def _up_until(runs: Sequence[Run], interval: Interval) -> int | None:
    """Until when a probe is certainly up that says so for the whole interval; None where it does not."""
    start, end = interval
    place = bisect_right(runs, start, key=_first_ms) - 1
    if place < 0 or runs[place].verdict is not Verdict.UP:
        return None
    run, is_last = runs[place], place + 1 == len(runs)
    if not is_last and runs[place + 1].first_ms < end:
        return None
    if end <= run.last_ms:
        return end
    return run.last_ms if is_last and end <= run.last_ms + run.stale_ms else None


def _status(stretch: Stretch, piece: Piece) -> _Status:
    return _Status(
        stretch.counts_as,
        stretch.cause,
        stretch.blip,
        stretch.seen_down,
        stretch.possibly_down,
        stretch.certainly_down,
        stretch.inside,
        piece.floor,
    )


def _blip_starts(of: Reckoning, piece: Piece) -> Iterator[int]:
    for place, stays in members_between(of.membership, piece.interval).items():
        for stay in stays:
            yield from blip_starts(of.record.ledger.runs.get(place, ()), stay)


def _reckoned(instants: Iterator[int], found: Sequence[tuple[int, int, Known]]) -> list[int]:
    """Those of the instants that lie in time that is reckoned."""
    reckoned = []
    for at_ms in instants:
        _, _, status = found[bisect_right(found, at_ms, key=_start_of) - 1]
        if status is not None and status.counts_as in RECKONED:
            reckoned.append(at_ms)
    return reckoned


def _start_of(stretch: tuple[int, int, Known]) -> int:
    return stretch[0]


def _classes(sums: Mapping[_Status, int]) -> Classes:
    by_class: Counter[Class] = Counter()
    unknown: Counter[Cause] = Counter()
    for status, length in sums.items():
        by_class[status.counts_as] += length
        if status.cause is not None:
            unknown[status.cause] += length
    return Classes(
        period_ms=sum(sums.values()),
        up_ms=by_class[Class.UP],
        down_ms=by_class[Class.DOWN],
        unknown={cause: unknown[cause] for cause in Cause if unknown[cause]},
        maintenance_ms=by_class[Class.MAINTENANCE],
        restore_ms=by_class[Class.RESTORE],
        excluded_ms=by_class[Class.EXCLUDED],
    )


def _count(ordered: Sequence[int], interval: Interval) -> int:
    return bisect_left(ordered, interval[1]) - bisect_left(ordered, interval[0])


def _midnight_ms(on: date, zone: ZoneInfo) -> int:
    return day(on, zone).start_ms
