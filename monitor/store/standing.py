"""How things stood: each probe's newest run as it was when only results up to a moment were on record.

What raw results tell is exact. Where they were deleted, what was noted of the run when they were, or else its own
times: its results are taken to have come evenly.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, func, select, true

from monitor.store import schema
from monitor.store.located import id_ranges
from monitor.store.names import numbers_of
from monitor.store.schema import results, runs
from monitor.store.terms import Pair


@dataclass(frozen=True, slots=True)
class Head:
    """A run up to some moment: when the last of its results by then began, and how many there were."""

    last_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Results that began before `before_ms` may have been deleted; `heads` are the newest runs of that time."""

    before_ms: int
    heads: Mapping[Pair, Head] = field(default_factory=dict)


NO_EDGE = Edge(-(2**62))


def edge(connection: Connection) -> Edge:
    """As far as raw results were ever deleted."""
    table = schema.prunings
    newest = select(table.c.before_ms, table.c.content).order_by(table.c.before_ms.desc(), table.c.number.desc())
    row = connection.execute(newest.limit(1)).first()
    if row is None:
        return NO_EDGE
    probes, locations = numbers_of(connection, schema.probes), numbers_of(connection, schema.locations)
    heads = {
        (probes[probe], locations[location]): Head(each["last_ms"], each["count"])
        for probe, at in json.loads(row.content)["runs"].items()
        for location, each in at.items()
    }
    return Edge(row.before_ms, heads)


def heads(connection: Connection, moment_ms: int) -> dict[Pair, Head]:
    """Of each probe and location the newest run, as results that began by then made it."""
    found = _newest_runs(connection, moment_ms)
    cut = {pair: run for pair, run in found.items() if run.last_ms > moment_ms}
    whole = {pair: Head(run.last_ms, run.count) for pair, run in found.items() if pair not in cut}
    return whole | _cut(connection, moment_ms, cut)


@dataclass(frozen=True, slots=True)
class _Reach:
    first_ms: int
    last_ms: int
    count: int
    stale_ms: int


def _newest_runs(connection: Connection, moment_ms: int) -> dict[Pair, _Reach]:
    other = runs.alias()
    newest = (
        select(other.c.id)
        .where(
            other.c.probe == schema.probes.c.id,
            other.c.location == schema.locations.c.id,
            other.c.first_ms <= moment_ms,
        )
        .order_by(other.c.first_ms.desc(), other.c.id.desc())
        .limit(1)
        .correlate(schema.probes, schema.locations)
        .scalar_subquery()
    )
    query = select(*(runs.c[name] for name in ("probe", "location", "first_ms", "last_ms", "count", "stale_ms")))
    found = connection.execute(
        query.select_from(schema.probes.join(schema.locations, true()).join(runs, runs.c.id == newest))
    )
    return {(probe, location): _Reach(*run) for probe, location, *run in found}


def _cut(connection: Connection, moment_ms: int, cut: Mapping[Pair, _Reach]) -> dict[Pair, Head]:
    """The same of runs that go on after the moment."""
    if not cut:
        return {}
    pruned = edge(connection)
    if moment_ms < pruned.before_ms:
        known = pruned.heads if moment_ms == pruned.before_ms - 1 else {}
        return {pair: known.get(pair) or _evenly(run, moment_ms) for pair, run in cut.items()}
    counts = _counts(connection, moment_ms, pruned, cut)
    lasts = _last_starts(connection, moment_ms, pruned, max(run.stale_ms for run in cut.values()))
    return {pair: Head(lasts[pair], counts[pair]) for pair in cut}


def _evenly(run: _Reach, moment_ms: int) -> Head:
    length_ms, steps = run.last_ms - run.first_ms, run.count - 1
    passed = (moment_ms - run.first_ms) * steps // length_ms
    return Head(run.first_ms + passed * length_ms // max(steps, 1), passed + 1)


def _counts(connection: Connection, moment_ms: int, pruned: Edge, cut: Iterable[Pair]) -> dict[Pair, int]:
    """How many of each run's results began by the moment. Counted on that side of it which is shorter."""
    first_ms, last_ms = connection.execute(select(func.min(runs.c.first_ms), func.max(runs.c.last_ms))).one()
    first_ms = max(first_ms, pruned.before_ms)
    if moment_ms - first_ms < last_ms - moment_ms:
        within = results.c.started_ms.between(first_ms, moment_ms)
        counted = _by_pair(connection, within, first_ms - 1, moment_ms)
        before = _recorded(connection, runs.c.last_ms <= moment_ms)
        gone = _gone(connection, pruned)
        return {pair: gone.get(pair, 0) + counted.get(pair, 0) - before.get(pair, 0) for pair in cut}
    counted = _by_pair(connection, results.c.started_ms > moment_ms, moment_ms, None)
    since = _recorded(connection, runs.c.last_ms > moment_ms)
    return {pair: since[pair] - counted.get(pair, 0) for pair in cut}


def _by_pair(
    connection: Connection, within: ColumnElement[bool], since_ms: int, until_ms: int | None
) -> dict[Pair, int]:
    found: dict[Pair, int] = {}
    for first_id, last_id in id_ranges(connection, since_ms, until_ms):
        query = select(results.c.probe, results.c.location, func.count()).where(
            results.c.id.between(first_id, last_id), within
        )
        for probe, location, count in connection.execute(query.group_by(results.c.probe, results.c.location)):
            found[probe, location] = found.get((probe, location), 0) + count
    return found


def _recorded(connection: Connection, which: ColumnElement[bool]) -> dict[Pair, int]:
    """How many results are in those runs, by probe and location."""
    query = select(runs.c.probe, runs.c.location, func.sum(runs.c.count)).where(which)
    found = connection.execute(query.group_by(runs.c.probe, runs.c.location))
    return {(probe, location): int(count) for probe, location, count in found}


def _gone(connection: Connection, pruned: Edge) -> dict[Pair, int]:
    """How many results ever began before the edge, on record or not."""
    newest = _newest_runs(connection, pruned.before_ms - 1)
    begun = _recorded(connection, runs.c.first_ms < pruned.before_ms)
    return {pair: begun[pair] - newest[pair].count + head.count for pair, head in pruned.heads.items()}


def _last_starts(connection: Connection, moment_ms: int, pruned: Edge, stale_ms: int) -> dict[Pair, int]:
    """When the newest result by the moment began. In a run, no two are further apart than its `stale_ms`."""
    since_ms = max(moment_ms - stale_ms, pruned.before_ms)
    found = {pair: head.last_ms for pair, head in pruned.heads.items()}
    for first_id, last_id in id_ranges(connection, since_ms - 1, moment_ms):
        query = select(results.c.probe, results.c.location, func.max(results.c.started_ms)).where(
            results.c.id.between(first_id, last_id), results.c.started_ms.between(since_ms, moment_ms)
        )
        for probe, location, started_ms in connection.execute(query.group_by(results.c.probe, results.c.location)):
            pair = probe, location
            found[pair] = max(found.get(pair, started_ms), started_ms)
    return found
