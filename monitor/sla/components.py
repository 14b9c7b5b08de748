"""From probes to components: locations are put together by a quorum, probes by the component's `down_when`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from monitor.sla.intervals import Interval
from monitor.sla.membership import Members, Membership, members_between, memberships
from monitor.sla.model import Cause, DownWhen, Ledger, Span, State
from monitor.sla.probe_spans import spans_between
from monitor.sla.silence import HEARTBEAT_MS, Silence

Status = tuple[State, Cause | None, bool]
"""What a span says, without its time: state, cause of not knowing, blip."""

Rule = Callable[[Sequence[Status]], Status]
"""Makes one status out of those that hold at the same instant; their order is that of their sources."""

_UP: Status = (State.UP, None, False)
_DOWN: Status = (State.DOWN, None, False)


def component_spans(
    ledger: Ledger,
    key: str,
    period: Interval,
    down_when: DownWhen = DownWhen.ANY,
    *,
    locations_needed: int | None = None,
    heartbeat_ms: int = HEARTBEAT_MS,
    membership: Membership | None = None,
) -> list[Span]:
    """Tiles exactly the period with the component's states. The period must not reach beyond now.

    A probe counts while its terms name the component; before its first result it is unknown, not up. Time without any
    probe is unknown, `not_in_service`. What happened after the period still confirms or clears what was seen in it, so
    that the spans of a year are those of its months put end to end. Who asks often hands the `membership` over.
    """
    members = members_between(memberships(ledger.terms, key) if membership is None else membership, period)
    probes = probe_timelines(ledger, members, locations_needed=locations_needed, heartbeat_ms=heartbeat_ms)
    return list(filled(combine(probes, down_when), period))


def probe_timelines(
    ledger: Ledger,
    members: Members,
    *,
    locations_needed: int | None = None,
    heartbeat_ms: int = HEARTBEAT_MS,
) -> dict[str, list[Span]]:
    """Each probe's spans, all its locations put together, during the intervals in which it is a member."""
    silences: dict[str, Silence] = {}
    by_probe: dict[str, dict[str, list[Span]]] = {}
    for (probe, location), intervals in members.items():
        if location not in silences:
            silences[location] = Silence(ledger.lives, location, heartbeat_ms=heartbeat_ms)
        runs = ledger.runs.get((probe, location), ())
        by_probe.setdefault(probe, {})[location] = [
            span for interval in intervals for span in spans_between(runs, interval, silences[location])
        ]
    return {probe: quorum(locations, locations_needed) for probe, locations in by_probe.items()}


def quorum(spans_by_location: Mapping[str, Sequence[Span]], locations_needed: int | None = None) -> list[Span]:
    """A probe's states from those at its locations.

    Down where `locations_needed` locations are, by default more than half of those that know. Where none knows it is
    unknown, for the cause of the first location. Where all that know say down, but fewer than `locations_needed`, it is
    unknown too, `unconfirmed`: nobody is there who could say up. A location without a span at an instant is not asked.
    """
    if len(spans_by_location) == 1 and locations_needed in (None, 1):
        return merged(*spans_by_location.values())

    def rule(statuses: Sequence[Status]) -> Status:
        downs, knowing = _count(statuses, State.DOWN), len(statuses) - _count(statuses, State.UNKNOWN)
        if not knowing:
            return statuses[0]
        needed = knowing // 2 + 1 if locations_needed is None else locations_needed
        if downs >= needed:
            return _DOWN
        return _UP if downs < knowing else (State.UNKNOWN, Cause.UNCONFIRMED, False)

    return put_together(list(spans_by_location.values()), rule, counting=True)


def combine(spans_by_probe: Mapping[str, Sequence[Span]], down_when: DownWhen) -> list[Span]:
    """A component's states from those of its probes.

    `any`: down if any is down, else unknown if any is unknown, else up. `all`: up if any is up, else unknown if any is
    unknown, else down. `majority`: down if more than half are, up if not even all the unknown ones could make that
    more than half, else unknown. The cause is that of the first unknown probe. A probe without a span is not needed.
    """
    if len(spans_by_probe) == 1:
        return merged(*spans_by_probe.values())
    return put_together(list(spans_by_probe.values()), _RULES[down_when], counting=down_when is DownWhen.MAJORITY)


def current(spans: Sequence[Span]) -> tuple[State, int | None]:
    """The state at the end of the spans, and since when it lasts; causes and blips do not break it.

    Without any span: unknown, since None.
    """
    if not spans:
        return State.UNKNOWN, None
    state = spans[-1].state
    first = len(spans) - 1
    while first > 0 and spans[first - 1].state is state:
        first -= 1
    return state, spans[first].start_ms


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans with equal neighbours made one."""
    joined: list[Span] = []
    for span in spans:
        before = joined[-1] if joined else None
        if (
            before
            and before.state is span.state
            and before.end_ms == span.start_ms
            and _status(before) == _status(span)
        ):
            joined[-1] = _span(before.start_ms, span.end_ms, _status(span))
        else:
            joined.append(span)
    return joined


def _any_down(statuses: Sequence[Status]) -> Status:
    if _count(statuses, State.DOWN):
        return _DOWN
    return _first_unknown(statuses) or _UP


def _all_down(statuses: Sequence[Status]) -> Status:
    if _count(statuses, State.UP):
        return _UP
    return _first_unknown(statuses) or _DOWN


def _majority_down(statuses: Sequence[Status]) -> Status:
    downs = _count(statuses, State.DOWN)
    if 2 * downs > len(statuses):
        return _DOWN
    unknown = _first_unknown(statuses)
    if unknown is None or 2 * (downs + _count(statuses, State.UNKNOWN)) <= len(statuses):
        return _UP
    return unknown


_RULES: dict[DownWhen, Rule] = {
    DownWhen.ANY: _any_down,
    DownWhen.ALL: _all_down,
    DownWhen.MAJORITY: _majority_down,
}


def _with_blips(rule: Rule, statuses: Sequence[Status]) -> Status:
    """The rule's status; up time is a blip where it would be down, had the blips among the statuses been confirmed."""
    status = rule(statuses)
    if status[0] is State.UP and any(blip for _, _, blip in statuses):
        return State.UP, None, rule([_DOWN if seen[2] else seen for seen in statuses])[0] is State.DOWN
    return status


def put_together(sources: Sequence[Sequence[Span]], rule: Rule, *, counting: bool) -> list[Span]:
    """One pass over all boundaries of all sources, in order of time; no span where no source has one.

    A rule that is not `counting` asks which statuses there are, not how many sources have each; then its answers for a
    thousand sources are few. Statuses are looked up by number: hashing them would take most of the time.
    """
    spans: list[Span] = []
    codes: dict[Status | None, int] = {None: 0}
    statuses = [0] * len(sources)
    known: dict[tuple[int, ...], Status | None] = {}
    start, status = 0, None
    for at_ms, changes in groupby(_changes(sources), key=itemgetter(0)):
        for _, source, changed in changes:
            statuses[source] = codes.setdefault(changed, len(codes))
        now = tuple(statuses if counting else dict.fromkeys(statuses))
        if now not in known:
            names = list(codes)
            present = [each for each in map(names.__getitem__, now) if each is not None]
            known[now] = _with_blips(rule, present) if present else None
        if known[now] != status:
            if status is not None:
                spans.append(_span(start, at_ms, status))
            start, status = at_ms, known[now]
    return spans  # the last change of every source takes its last span away, so that nothing is left open


def _changes(sources: Sequence[Sequence[Span]]) -> list[tuple[int, int, Status | None]]:
    """`(when, source, its status from then on)`, by time; None where a source has no span from then on."""
    changes = [change for source, spans in enumerate(sources) for change in _changes_of(source, spans)]
    changes.sort(key=itemgetter(0))
    return changes


def _changes_of(source: int, spans: Sequence[Span]) -> Iterator[tuple[int, int, Status | None]]:
    for span, following in pairwise([*spans, None]):
        if span is not None:
            yield span.start_ms, source, _status(span)
            if following is None or following.start_ms != span.end_ms:
                yield span.end_ms, source, None


def filled(spans: Sequence[Span], period: Interval) -> Iterator[Span]:
    """Tiles the period: the spans, and where there are none, unknown, `not_in_service`."""
    cursor, end = period
    for span in spans:
        if cursor < span.start_ms:
            yield Span(cursor, span.start_ms, State.UNKNOWN, Cause.NOT_IN_SERVICE)
        yield span
        cursor = span.end_ms
    if cursor < end:
        yield Span(cursor, end, State.UNKNOWN, Cause.NOT_IN_SERVICE)


def _count(statuses: Sequence[Status], state: State) -> int:
    return sum(1 for status in statuses if status[0] is state)


def _first_unknown(statuses: Sequence[Status]) -> Status | None:
    return next((status for status in statuses if status[0] is State.UNKNOWN), None)


def _status(span: Span) -> Status:
    return span.state, span.cause, span.blip


def _span(start_ms: int, end_ms: int, status: Status) -> Span:
    return Span(start_ms, end_ms, *status)
