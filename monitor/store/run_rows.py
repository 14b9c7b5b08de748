"""The runs as rows: the newest ones, those that changed, and a stretch made anew out of recorded results."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, true, update
from sqlalchemy.sql.selectable import FromClause

from monitor.sla.model import Observation, Run, Verdict
from monitor.sla.runs import extend
from monitor.store import standing
from monitor.store.counters import TERMS_VERSION, query
from monitor.store.names import Names
from monitor.store.schema import VERDICT_CODES, VERDICTS, locations, probes, reasons, results, runs, steps
from monitor.store.terms import Pair, Terms

_PORTION = 5_000
_NONE = -1  # no verdict's code


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with its key (None: not stored yet) and the smallest and greatest id of its results."""

    key: int | None
    run: Run
    first_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of one probe at one location, both ends included, that no run reaches out of."""

    first_ms: int
    last_ms: int


def run_columns() -> list[Any]:
    """What `run_of` needs, out of `runs` joined with the names of reasons and steps."""
    return [
        runs.c.id,
        runs.c.probe,
        runs.c.location,
        *(runs.c[name] for name in ("verdict", "first_ms", "last_ms", "stale_ms", "confirm_after")),
        runs.c.count.label("checks"),  # every row has a method called count
        reasons.c.reason,
        steps.c.step,
        runs.c.first_id,
        runs.c.last_id,
    ]


def run_of(row: Row[*tuple[Any, ...]]) -> Run:
    return Run(
        VERDICTS[row.verdict],
        row.first_ms,
        row.last_ms,
        row.checks,
        row.stale_ms,
        row.confirm_after,
        row.reason or "",
        row.step or "",
    )


def with_names(source: FromClause) -> FromClause:
    return source.outerjoin(reasons, reasons.c.id == runs.c.reason).outerjoin(steps, steps.c.id == runs.c.step)


def newest_runs() -> FromClause:
    """Probes and locations, each with its newest run, if it has one; found by the index."""
    other = runs.alias()
    key = (
        select(other.c.id)
        .where(other.c.probe == probes.c.id, other.c.location == locations.c.id)
        .order_by(other.c.first_ms.desc(), other.c.id.desc())
        .limit(1)
        .correlate(probes, locations)
        .scalar_subquery()
    )
    return probes.join(locations, true()).outerjoin(runs, runs.c.id == key)


_NEWEST = (
    select(*run_columns(), query(TERMS_VERSION).label("terms_version"))
    .select_from(with_names(newest_runs()))
    .where(
        probes.c.id.in_(bindparam("probes", expanding=True)), locations.c.id.in_(bindparam("locations", expanding=True))
    )
)


def newest(connection: Connection, pairs: Iterable[Pair]) -> tuple[dict[Pair, RunRow], int]:
    """The newest run of each of the pairs (and maybe of others), and the version of the terms."""
    wanted = {"probes": {probe for probe, _ in pairs}, "locations": {location for _, location in pairs}}
    rows = connection.execute(_NEWEST, {name: sorted(numbers) for name, numbers in wanted.items()}).all()
    found = {
        (row.probe, row.location): RunRow(row.id, run_of(row), row.first_id, row.last_id)
        for row in rows
        if row.id is not None
    }
    return found, rows[0].terms_version


def save(connection: Connection, names: Names, changed: Iterable[tuple[Pair, RunRow]]) -> None:
    """Writes runs: those that have a key over their former state, the others as new ones, in the order given."""
    old, new = [], []
    for pair, row in changed:
        values = _values(connection, names, pair, row)
        if row.key is None:
            new.append(values)
        else:
            old.append({"key": row.key} | {name: values[name] for name in ("last_ms", "count", "first_id", "last_id")})
    if old:
        connection.execute(_UPDATE, old)
    if new:
        connection.execute(insert(runs), new)


_UPDATE = (
    update(runs)
    .where(runs.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("last_ms", "count", "first_id", "last_id")})
)


def _values(connection: Connection, names: Names, pair: Pair, row: RunRow) -> dict[str, Any]:
    run = row.run
    return {
        "probe": pair[0],
        "location": pair[1],
        "verdict": VERDICT_CODES[run.verdict],
        "first_ms": run.first_ms,
        "last_ms": run.last_ms,
        "count": run.count,
        "stale_ms": run.stale_ms,
        "confirm_after": run.confirm_after,
        "reason": names.reason(connection, run.reason),
        "step": names.step(connection, run.step),
        "first_id": row.first_id,
        "last_id": row.last_id,
    }


def stretch_around(connection: Connection, pair: Pair, first_ms: int, last_ms: int) -> Stretch:
    """What results from `first_ms` to `last_ms` can change: from the run before them to the end of the run after."""
    own = (runs.c.probe == pair[0]) & (runs.c.location == pair[1])
    before = (
        select(runs.c.first_ms, runs.c.last_ms).where(own).order_by(runs.c.first_ms.desc(), runs.c.id.desc()).limit(1)
    )
    start, row = first_ms, connection.execute(before.where(runs.c.first_ms < first_ms)).first()
    while row is not None and (start == first_ms or row.last_ms >= start):  # runs can meet in one millisecond
        start = row.first_ms
        row = connection.execute(before.where(runs.c.first_ms < start)).first()
    after = select(func.min(runs.c.first_ms)).where(own, runs.c.first_ms > last_ms)
    reach = max(last_ms, connection.execute(after).scalar() or last_ms)
    while True:
        within = own & (runs.c.first_ms >= start) & (runs.c.first_ms <= reach)
        end = max(reach, connection.execute(select(func.max(runs.c.last_ms)).where(within)).scalar() or reach)
        if end == reach:
            break
        reach = end
    return Stretch(start, reach)


def rebuild(
    connection: Connection, names: Names, terms: Terms, stretches: Mapping[Pair, Stretch], added: tuple[int, int]
) -> None:
    """Replaces the runs inside the stretches by those that the recorded results make.

    `added` is the smallest and greatest id of results that are in no run yet. Together with the ids of the runs that
    go, it bounds what is looked through. Where results were deleted, their runs stay as they are.
    """
    stretches, begun = _within_reach(connection, stretches)
    if not stretches:
        return
    first_id, last_id = added
    for row in begun.values():
        first_id, last_id = min(first_id, row.first_id), max(last_id, row.last_id)
    for pair, stretch in stretches.items():
        inside = (
            (runs.c.probe == pair[0])
            & (runs.c.location == pair[1])
            & runs.c.first_ms.between(stretch.first_ms, stretch.last_ms)
        )
        least, greatest = connection.execute(
            select(func.min(runs.c.first_id), func.max(runs.c.last_id)).where(inside)
        ).one()
        if least is not None:
            first_id, last_id = min(first_id, least), max(last_id, greatest)
        connection.execute(delete(runs).where(inside))
    found = _recorded(connection, _in_order(stretches, first_id, last_id))
    for portion in _portions(_remade(found, terms, stretches, begun)):
        save(connection, names, portion)


def _within_reach(
    connection: Connection, stretches: Mapping[Pair, Stretch]
) -> tuple[dict[Pair, Stretch], dict[Pair, RunRow]]:
    """The stretches without the time whose results may have been deleted, and the runs that were going on at its end.

    Of those, the part that is to be extended again.
    """
    edge_ms = standing.edge(connection).before_ms
    if all(stretch.first_ms >= edge_ms for stretch in stretches.values()):
        return dict(stretches), {}
    heads = standing.heads(connection, edge_ms - 1)
    within = {
        pair: replace(stretch, first_ms=max(stretch.first_ms, edge_ms))
        for pair, stretch in stretches.items()
        if stretch.last_ms >= edge_ms
    }
    reaching = [pair for pair in within if stretches[pair].first_ms < edge_ms and pair in heads]
    return within, {pair: _begun(connection, pair, edge_ms, heads[pair]) for pair in reaching}


def _begun(connection: Connection, pair: Pair, edge_ms: int, head: standing.Head) -> RunRow:
    own = (runs.c.probe == pair[0]) & (runs.c.location == pair[1]) & (runs.c.first_ms < edge_ms)
    query = select(*run_columns()).select_from(with_names(runs)).where(own)
    row = connection.execute(query.order_by(runs.c.first_ms.desc(), runs.c.id.desc()).limit(1)).one()
    run = replace(run_of(row), last_ms=head.last_ms, count=head.count)
    return RunRow(row.id, run, row.first_id, row.last_id)


def _in_order(stretches: Mapping[Pair, Stretch], first_id: int, last_id: int) -> Select[*tuple[Any, ...]]:
    # Results of one time count in the order of `monitor.sla.runs`: by verdict, reason and step.
    reason, step = func.coalesce(reasons.c.reason, ""), func.coalesce(steps.c.step, "")
    return (
        select(results.c.probe, results.c.location, results.c.started_ms, results.c.verdict, reason, step, results.c.id)
        .select_from(
            results.outerjoin(reasons, reasons.c.id == results.c.reason).outerjoin(steps, steps.c.id == results.c.step)
        )
        .where(
            results.c.id.between(first_id, last_id),
            results.c.probe.in_(sorted({probe for probe, _ in stretches})),
            results.c.started_ms.between(
                min(stretch.first_ms for stretch in stretches.values()),
                max(stretch.last_ms for stretch in stretches.values()),
            ),
        )
        .order_by(results.c.probe, results.c.location, results.c.started_ms, results.c.verdict, reason, step)
    )


def _recorded(connection: Connection, statement: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    found = connection.execute(statement)
    # The driver's own tuples: what makes rows of them would take as long as all the rest.
    while portion := found.cursor.fetchmany(_PORTION):
        yield from portion
    found.close()


def _remade(
    rows: Iterator[Any], terms: Terms, stretches: Mapping[Pair, Stretch], begun: Mapping[Pair, RunRow]
) -> Iterator[tuple[Pair, RunRow]]:
    for pair, recorded in groupby(rows, key=itemgetter(0, 1)):
        stretch = stretches.get(pair)
        if stretch is not None:
            yield from ((pair, row) for row in _runs_with_ids(recorded, pair, terms, stretch, begun.get(pair)))


def _runs_with_ids(
    rows: Iterator[Any], pair: Pair, terms: Terms, stretch: Stretch, begun: RunRow | None
) -> Iterator[RunRow]:
    key: int | None = None
    current: Run | None = None
    least = greatest = 0
    if begun is not None:
        key, current, least, greatest = begun.key, begun.run, begun.first_id, begun.last_id
    # Most results extend a run by the same verdict under the same terms: that much is seen without `extend`.
    same, until_ms, last_ms, count, stale_ms = _NONE, 0, 0, 0, 0
    for _probe, _location, started_ms, verdict, reason, step, result_id in rows:
        if not stretch.first_ms <= started_ms <= stretch.last_ms:
            continue
        if verdict == same and started_ms - last_ms <= stale_ms and started_ms < until_ms:
            last_ms, count = started_ms, count + 1
            least, greatest = min(least, result_id), max(greatest, result_id)
            continue
        if same != _NONE and current is not None:
            current = replace(current, last_ms=last_ms, count=count)
        closed, current = extend(current, observation(terms, pair, started_ms, verdict, reason, step))
        if closed is not None:
            yield RunRow(key, closed, least, greatest)
            key = None
        if current.count == 1:
            least = greatest = result_id
        else:
            least, greatest = min(least, result_id), max(greatest, result_id)
        same = _NONE if verdict == VERDICT_CODES[Verdict.UNKNOWN] else verdict
        until_ms, last_ms, count, stale_ms = terms.until(pair, started_ms), started_ms, current.count, current.stale_ms
    if current is not None:
        if same != _NONE:
            current = replace(current, last_ms=last_ms, count=count)
        yield RunRow(key, current, least, greatest)


def observation(terms: Terms, pair: Pair, started_ms: int, verdict: int, reason: str, step: str) -> Observation:
    """What arithmetic sees of a recorded result, with the terms that were in force when it began."""
    in_force = terms.at(pair, started_ms)
    return Observation(started_ms, VERDICTS[verdict], in_force.stale_ms, in_force.confirm_after, reason, step)


def _portions(rows: Iterator[tuple[Pair, RunRow]]) -> Iterator[list[tuple[Pair, RunRow]]]:
    portion: list[tuple[Pair, RunRow]] = []
    for row in rows:
        portion.append(row)
        if len(portion) == _PORTION:
            yield portion
            portion = []
    if portion:
        yield portion
