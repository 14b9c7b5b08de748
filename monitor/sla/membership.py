"""Which probes a component consisted of, and when: read from the recorded terms, never from today's configuration."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter

from monitor.sla.intervals import Interval, clip
from monitor.sla.model import ProbeTerms

Place = tuple[str, str]
"""A probe at a location: `(probe, location)`, the key of a ledger's runs."""

Membership = Mapping[Place, Sequence[tuple[int, int | None]]]
"""When each place belonged to a component, sorted by place; an end of None: it still does."""

Members = Mapping[Place, Sequence[Interval]]
"""The same for a stretch of time: only the places that belong to the component during some of it."""


def memberships(terms: Iterable[ProbeTerms], component: str) -> Membership:
    found: dict[Place, list[tuple[int, int | None]]] = {}
    for place, entries in sorted(_by_place(terms).items()):
        ends = [*(following.from_ms for _, following in pairwise(entries)), None]
        stretches = [
            (entry.from_ms, end) for entry, end in zip(entries, ends, strict=True) if entry.component == component
        ]
        if stretches:
            found[place] = stretches
    return found


def members_between(membership: Membership, interval: Interval) -> Members:
    closed = {place: _within(stretches, interval) for place, stretches in membership.items()}
    return {place: stretches for place, stretches in closed.items() if stretches}


def in_service_since(membership: Membership) -> int | None:
    """When the component's first probe was entered; None where it never had one."""
    return min((start for stretches in membership.values() for start, _ in stretches), default=None)


def _within(stretches: Sequence[tuple[int, int | None]], interval: Interval) -> list[Interval]:
    start, end = interval
    if len(stretches) == 1 and stretches[0][0] <= start < end and stretches[0][1] is None:
        return [interval]  # what a thousand probes have in common
    return clip(((first, end if last is None else last) for first, last in stretches), interval)


def _by_place(terms: Iterable[ProbeTerms]) -> dict[Place, list[ProbeTerms]]:
    by_place: dict[Place, list[ProbeTerms]] = {}
    for entry in sorted(terms, key=attrgetter("from_ms")):  # stable: of two entries of one instant the later one holds
        by_place.setdefault((entry.probe, entry.location), []).append(entry)
    return by_place
