"""A probe's settings through time: which interval, staleness and confirmation its results are to be read with."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, Row, Select, insert, select

from monitor.sla.model import ProbeTerms
from monitor.store import schema
from monitor.store.counters import TERMS_VERSION, bump, counter
from monitor.store.names import Names
from monitor.store.records import LATEST_MS, StoreError

Pair = tuple[int, int]  # a probe's and a location's number


class Terms:
    """All terms on record, by the numbers of probe and location."""

    def __init__(self, version: int, histories: Mapping[Pair, Sequence[ProbeTerms]]) -> None:
        self.version = version
        self._histories = histories
        self._starts = {pair: [terms.from_ms for terms in history] for pair, history in histories.items()}

    def __contains__(self, pair: Pair) -> bool:
        return pair in self._histories

    def history(self, pair: Pair) -> Sequence[ProbeTerms]:
        """In order of time; empty for a probe and location without terms."""
        return self._histories.get(pair, ())

    def at(self, pair: Pair, moment_ms: int) -> ProbeTerms:
        """The terms in force at that time; the earliest ones for a time before them. Raises `StoreError` for none."""
        history = self._histories.get(pair)
        if not history:
            raise StoreError("a result's probe has no terms on record at its location")
        if moment_ms >= history[-1].from_ms:
            return history[-1]
        return history[max(bisect_right(self._starts[pair], moment_ms) - 1, 0)]

    def until(self, pair: Pair, moment_ms: int) -> int:
        """When other terms than those of `at` come into force; far in the future where none do."""
        starts = self._starts[pair]
        following = max(bisect_right(starts, moment_ms), 1)
        return starts[following] if following < len(starts) else LATEST_MS


def load(connection: Connection) -> Terms:
    histories: dict[Pair, list[ProbeTerms]] = {}
    for row in connection.execute(_all()):
        histories.setdefault((row.probe_number, row.location_number), []).append(terms_of(row))
    return Terms(counter(connection, TERMS_VERSION), histories)


def _all() -> Select[*tuple[object, ...]]:
    table = schema.probe_terms
    return (
        select(
            table.c.probe.label("probe_number"),
            table.c.location.label("location_number"),
            schema.probes.c.probe,
            schema.locations.c.location,
            *(table.c[name] for name in ("from_ms", "component", "every_ms", "stale_ms", "confirm_after", "title")),
        )
        .join(schema.probes, schema.probes.c.id == table.c.probe)
        .join(schema.locations, schema.locations.c.id == table.c.location)
        .order_by(table.c.probe, table.c.location, table.c.from_ms)
    )


def all_terms(connection: Connection) -> list[ProbeTerms]:
    """In order of time, as far as each probe at each location is concerned."""
    return [terms_of(row) for row in connection.execute(_all())]


def record(
    connection: Connection,
    names: Names,
    location: str,
    now_ms: int,
    terms: Iterable[ProbeTerms],
    titles: Mapping[str, str],
) -> dict[Pair, int]:
    """Puts on record what changed since the newest terms; returns from when on, by probe and location.

    A probe of the location that is not among `terms` is retired.
    """
    newest = {
        row.probe: (terms_of(row), row.title) for row in connection.execute(_all()) if row.location == location
    }  # the rows come in order of time, so that the last one stays
    changed: dict[Pair, int] = {}
    given = {each.probe: each for each in terms}
    for probe, each in given.items():
        title = titles.get(probe, newest[probe][1] if probe in newest else "")
        if probe not in newest or not _same(newest[probe][0], each) or newest[probe][1] != title:
            changed.update(_append(connection, names, each, title, _after(newest, probe, now_ms)))
    for probe, (each, title) in newest.items():
        if probe not in given and each.component is not None:
            changed.update(_append(connection, names, _retired(each), title, _after(newest, probe, now_ms)))
    return changed


def active(history: Sequence[ProbeTerms], moment_ms: int) -> bool:
    """Whether the probe was asked at that time."""
    before = [each for each in history if each.from_ms <= moment_ms]
    return bool(before) and before[-1].component is not None


def append(connection: Connection, names: Names, terms: ProbeTerms) -> None:
    """Puts terms on record as they are, in force from their own `from_ms`."""
    _append(connection, names, terms, "", terms.from_ms)


def terms_of(row: Row[*tuple[object, ...]]) -> ProbeTerms:
    return ProbeTerms(
        row.probe, row.location, row.from_ms, row.component, row.every_ms, row.stale_ms, row.confirm_after
    )


def _append(connection: Connection, names: Names, terms: ProbeTerms, title: str, from_ms: int) -> dict[Pair, int]:
    pair = names.probe(connection, terms.probe), names.location(connection, terms.location)
    values = {
        "probe": pair[0],
        "location": pair[1],
        "from_ms": from_ms,
        "component": terms.component,
        "every_ms": terms.every_ms,
        "stale_ms": terms.stale_ms,
        "confirm_after": terms.confirm_after,
        "title": title,
    }
    connection.execute(insert(schema.probe_terms), values)
    bump(connection, TERMS_VERSION)
    return {pair: from_ms}


def _after(newest: Mapping[str, tuple[ProbeTerms, str]], probe: str, now_ms: int) -> int:
    # When the clock was set back, terms from before would otherwise come into force again later.
    return max(now_ms, newest[probe][0].from_ms + 1) if probe in newest else now_ms


def _same(one: ProbeTerms, other: ProbeTerms) -> bool:
    return replace(one, from_ms=other.from_ms) == other


def _retired(terms: ProbeTerms) -> ProbeTerms:
    return replace(terms, component=None)
