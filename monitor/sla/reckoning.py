"""What each stretch of a component's time counts as: observed states, bounds and windows laid over each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from monitor.sla.bounds import component_bounds
from monitor.sla.components import component_spans
from monitor.sla.declared import cap_start_ms, maintenance_out, times_of, windows_between
from monitor.sla.intervals import Interval, clip
from monitor.sla.membership import Membership, memberships
from monitor.sla.model import Cause, Span, State
from monitor.sla.promises import Piece, pieces
from monitor.sla.record import Record
from monitor.sla.silence import HEARTBEAT_MS
from monitor.sla.windows import Window, WindowKind


class Class(StrEnum):
    """The classes of time; every instant of a component's period is of exactly one."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    RESTORE = "restore"
    EXCLUDED = "excluded"


RECKONED = frozenset({Class.UP, Class.DOWN, Class.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one class. `seen_down`: it was seen down, or is down by a rule, whatever it counts as. `inside` are
    the kinds of windows that it lies in."""

    start_ms: int
    end_ms: int
    counts_as: Class
    cause: Cause | None
    blip: bool
    seen_down: bool
    possibly_down: bool
    certainly_down: bool
    inside: tuple[WindowKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What is asked more than once in reckoning a component over an interval: `maintenance` is what is taken out.

    `heartbeat_ms` decides only for which cause time is unknown.
    """

    record: Record
    component: str
    interval: Interval
    membership: Membership
    windows: Sequence[Window] = ()
    maintenance: Sequence[Interval] = ()
    heartbeat_ms: int = HEARTBEAT_MS

    def pieces(self) -> list[Piece]:
        return pieces(self.record.agreements, self.component, self.interval)


def reckoning(
    record: Record,
    component: str,
    interval: Interval,
    *,
    windows: bool = True,
    membership: Membership | None = None,
) -> Reckoning:
    """Prepares reckoning; `interval` must not reach beyond `record.as_of_ms`. Raises `ValueError` as `pieces` does.
    Who asks often hands the `membership` over."""
    if membership is None:
        membership = memberships(record.ledger.terms, component)
    if not windows or interval[0] >= interval[1]:
        return Reckoning(record, component, interval, membership)
    known = windows_between(record, (cap_start_ms(record.agreements, component, interval), interval[1]))
    out = maintenance_out(record, component, known, interval)
    return Reckoning(record, component, interval, membership, known, out)


def stretches(of: Reckoning, piece: Piece) -> Iterator[Stretch]:
    """Tiles the piece, in order of time."""
    layers = [
        observed_spans(of, piece, piece.interval, of.membership),
        _bounds(of, piece, piece.interval, of.membership),
    ]
    for start, end, at in _overlaid([*layers, *_declared(of, piece)] if of.windows else layers):
        yield _stretch(start, end, *at)


def observed_spans(of: Reckoning, piece: Piece, interval: Interval, membership: Membership) -> list[Span]:
    """The states that were observed, by the rules of the piece."""
    return component_spans(
        of.record.ledger,
        of.component,
        interval,
        piece.terms.down_when,
        locations_needed=piece.locations_needed,
        heartbeat_ms=of.heartbeat_ms,
        membership=membership,
    )


def _bounds(of: Reckoning, piece: Piece, interval: Interval, membership: Membership) -> list[Span]:
    return component_bounds(
        of.record.ledger,
        of.component,
        interval,
        piece.terms.down_when,
        locations_needed=piece.locations_needed,
        membership=membership,
    )


def _stretch(
    start: int,
    end: int,
    seen: Span | None,
    bound: Span | None,
    spared: Span | None = None,
    spared_bound: Span | None = None,
    overtime: Span | None = None,
    maintenance: Span | None = None,
    *inside: Span | None,
) -> Stretch:
    """Where `spared` and its bound are given, they are the states without the probes that a restore may fail."""
    assert seen is not None and bound is not None  # both tile the piece
    kinds = tuple(kind for kind, window in zip(WindowKind, inside, strict=False) if window)
    down = seen.state is State.DOWN or overtime is not None
    if WindowKind.EXCLUDED in kinds:
        counts_as = Class.EXCLUDED
    elif overtime:
        counts_as = Class.DOWN
    elif spared and down and spared.state is not State.DOWN:
        counts_as = Class.RESTORE
    else:
        counts_as = Class.MAINTENANCE if maintenance else Class(seen.state)
    certain = State.DOWN if overtime else (spared_bound or bound).state
    return Stretch(
        start_ms=start,
        end_ms=end,
        counts_as=counts_as,
        cause=seen.cause if counts_as is Class.UNKNOWN else None,
        blip=seen.blip and counts_as is Class.UP,
        seen_down=down,
        possibly_down=counts_as in (Class.DOWN, Class.UNKNOWN) or (counts_as is Class.UP and certain is not State.UP),
        certainly_down=counts_as is Class.DOWN and certain is State.DOWN,
        inside=kinds,
    )


def _declared(of: Reckoning, piece: Piece) -> list[Sequence[Span]]:
    """What windows say, as further arguments of `_stretch`."""
    limit_ms = piece.agreement.restore_limit_ms
    restores = _times(of, piece, WindowKind.RESTORE)
    spared: list[Interval] = []
    if of.component in piece.agreement.spared:
        spared = clip(((start, min(end, start + limit_ms)) for start, end in restores), piece.interval)
    overtime: list[Interval] = []
    if of.component == piece.agreement.restore_component:
        overtime = clip(((start + limit_ms, end) for start, end in restores), piece.interval)
    others = _without(of.membership, piece.agreement.history_probes)
    return [
        [span for part in spared for span in observed_spans(of, piece, part, others)],
        [span for part in spared for span in _bounds(of, piece, part, others)],
        _marks(overtime),
        *(
            _marks(clip(times, piece.interval))
            for times in [of.maintenance, *(_times(of, piece, kind) for kind in WindowKind)]
        ),
    ]


def _times(of: Reckoning, piece: Piece, kind: WindowKind) -> list[Interval]:
    """The time in windows that concern the component, whole. A restore that names others concerns it, too, where one of
    them is the component that restores are of, or where it is that component itself: whatever is restored, its
    length is what was promised."""
    restored = piece.agreement.restore_component
    concerning = [
        window
        for window in of.windows
        if window.concerns(of.component)
        or (window.kind is WindowKind.RESTORE and (window.concerns(restored) or of.component == restored))
    ]
    return times_of(concerning, kind, of.record.as_of_ms)


def _without(membership: Membership, probes: Sequence[str]) -> Membership:
    return {place: stays for place, stays in membership.items() if place[0] not in probes}


def _marks(intervals: Sequence[Interval]) -> list[Span]:
    return [Span(start, end, State.DOWN) for start, end in intervals]


def _overlaid(layers: Sequence[Sequence[Span]]) -> Iterator[tuple[int, int, list[Span | None]]]:
    """Tiles all time from the first to the last boundary, with the span of each layer, or None where it has none."""
    changes = [(at, number, span) for number, layer in enumerate(layers) for at, span in _changes(layer)]
    changes.sort(key=itemgetter(0))  # stable: what begins where another one of its layer ends comes after that end
    now: list[Span | None] = [None] * len(layers)
    before: int | None = None
    for at, group in groupby(changes, key=itemgetter(0)):
        if before is not None:
            yield before, at, list(now)
        for _, number, span in group:
            now[number] = span
        before = at


def _changes(layer: Sequence[Span]) -> Iterator[tuple[int, Span | None]]:
    for span in layer:
        yield span.start_ms, span
        yield span.end_ms, None
