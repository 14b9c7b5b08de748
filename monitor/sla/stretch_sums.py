"""Stretches of a component's time added up, and when blips began in it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter

from monitor.sla.intervals import Interval
from monitor.sla.membership import members_between
from monitor.sla.model import Cause
from monitor.sla.probe_spans import blip_starts
from monitor.sla.promises import Piece
from monitor.sla.reckoning import RECKONED, Class, Reckoning, Stretch
from monitor.sla.windows import WindowKind


class StretchSums:
    """Stretches added up, in order of time."""

    def __init__(self) -> None:
        self.by_class: Counter[Class] = Counter()
        self.unknown: Counter[Cause] = Counter()
        self.down_in_windows: Counter[WindowKind] = Counter()
        self.possibly_down_ms = self.certainly_down_ms = self.blip_ms = 0
        self._taken: list[Interval] = []

    @property
    def reckoned_ms(self) -> int:
        return sum(self.by_class[each] for each in RECKONED)

    def add(self, stretch: Stretch, within: Interval | None = None) -> None:
        """Adds the stretch, or the part of it that lies within an interval."""
        start, end = stretch.start_ms, stretch.end_ms
        if within is not None:
            start, end = max(start, within[0]), min(end, within[1])
        length_ms = end - start
        self.by_class[stretch.counts_as] += length_ms
        if stretch.cause is not None:
            self.unknown[stretch.cause] += length_ms
        self.possibly_down_ms += length_ms * stretch.possibly_down
        self.certainly_down_ms += length_ms * stretch.certainly_down
        self.blip_ms += length_ms * stretch.blip
        if stretch.counts_as not in RECKONED:
            self._taken.append((start, end))
        if stretch.seen_down:
            for kind in stretch.inside:
                self.down_in_windows[kind] += length_ms

    def reckons(self, at_ms: int) -> bool:
        """Whether an instant of the period lies in the time that is reckoned."""
        place = bisect_right(self._taken, at_ms, key=itemgetter(0)) - 1
        return place < 0 or self._taken[place][1] <= at_ms


def blip_starts_of(of: Reckoning, pieces: Sequence[Piece]) -> Iterator[int]:
    """When the blips of each probe at each location began, while it belonged to the component."""
    for piece in pieces:
        for place, stays in members_between(of.membership, piece.interval).items():
            for stay in stays:
                yield from blip_starts(of.record.ledger.runs.get(place, ()), stay)
