"""Deleting raw results for their age. Runs stay, so that no figure changes; what is deleted is noted first.

The note has what the newest runs were like at the edge, because nothing else tells it afterwards: whatever makes runs
anew begins there (see `run_rows`). The newest result of each probe stays, and what is not sealed yet.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from monitor.store import reading, schema, standing
from monitor.store.counters import LEDGER_GENERATION, counter
from monitor.store.ids import own_range
from monitor.store.located import IdRange, id_ranges
from monitor.store.names import names_of
from monitor.store.schema import evidence, pictures, results

# Deleted in one transaction: other writers wait for some 10 ms meanwhile, and get their turn in the pause after it.
PORTION = 1_000
PAUSE_SECONDS = 0.01
_IMPORTED = "imported"  # stands in the place of a boot id
_EARLIEST_MS = -(2**62)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deleted, and when that was found. `ranges` are ids, by boot id; there are others in them."""

    before_ms: int
    rows: int
    ranges: Mapping[str, IdRange]
    kept: frozenset[int]
    content: str
    generation: int
    greatest: Mapping[int, int]


def plan(connection: Connection, before_ms: int, *, sealed_only: bool) -> Plan:
    """Finds what can be deleted. To be carried out only if `note` says that it still holds."""
    kept = frozenset(row.id for _, row in reading.newest_results(connection))
    found: dict[str, tuple[int, int, int]] = {}
    for name, ids in _candidates(connection, before_ms, sealed_only=sealed_only).items():
        query = select(func.count(), func.min(results.c.id), func.max(results.c.id))
        count, first, last = connection.execute(query.where(*_old(ids, before_ms, kept))).one()
        if count:
            found[name] = count, first, last
    rows = sum(count for count, _, _ in found.values())
    ranges = {name: (first, last) for name, (_, first, last) in found.items()}
    content = {"results": ranges, "rows": rows, "runs": _heads(connection, before_ms) if rows else {}}
    return Plan(
        before_ms,
        rows,
        ranges,
        kept,
        json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        counter(connection, LEDGER_GENERATION),
        {writer: greatest for writer, greatest in _greatest(connection).items() if greatest is not None},
    )


def note(connection: Connection, planned: Plan, now_ms: int) -> bool:
    """Puts on record what is going to be deleted; False where something older came in since it was planned."""
    if counter(connection, LEDGER_GENERATION) != planned.generation:
        return False
    for writer in _greatest(connection):
        first, last = own_range(writer)
        since = results.c.id.between(max(first, planned.greatest.get(writer, 0) + 1), last)
        older = select(results.c.id).where(since, results.c.started_ms < planned.before_ms)
        if connection.execute(older.limit(1)).first() is not None:
            return False
    values = {"pruned_ms": now_ms, "before_ms": planned.before_ms, "content": planned.content}
    connection.execute(insert(schema.prunings), values)
    return True


def portion(connection: Connection, planned: Plan, ids: IdRange) -> list[int]:
    """The smallest ids in the range that are to be deleted, in order; no more than can be at a time."""
    query = select(results.c.id).where(*_old(ids, planned.before_ms, planned.kept))
    return list(connection.execute(query.order_by(results.c.id).limit(PORTION)).scalars())


def delete_all(connection: Connection, ids: Sequence[int]) -> None:
    """Deletes the results with these ids, and all that was kept of them."""
    given = [{"number": number} for number in ids]
    for table, column in ((pictures, pictures.c.result_id), (evidence, evidence.c.result_id), (results, results.c.id)):
        connection.execute(delete(table).where(column == bindparam("number")), given)


def _old(ids: IdRange, before_ms: int, kept: frozenset[int]) -> tuple[Any, ...]:
    inside = sorted(number for number in kept if ids[0] <= number <= ids[1])
    return results.c.id.between(*ids), results.c.started_ms < before_ms, results.c.id.not_in(inside)


def _candidates(connection: Connection, before_ms: int, *, sealed_only: bool) -> dict[str, IdRange]:
    """Where old results can be, by boot id."""
    writers = select(schema.writers.c.id, schema.writers.c.boot_id)
    boot_ids = {writer: boot_id for writer, boot_id in connection.execute(writers)}
    found = {}
    for first, last in id_ranges(connection, _EARLIEST_MS, before_ms):
        name = _IMPORTED if first < 0 else boot_ids[first >> 32]
        found[name] = first, last
    return _sealed(connection, found) if sealed_only else found


def _sealed(connection: Connection, candidates: Mapping[str, IdRange]) -> dict[str, IdRange]:
    """The parts that seals cover. Imported results are in no order: they are sealed once the newest import is."""
    table = schema.seals
    header = connection.execute(select(table.c.header).order_by(table.c.number.desc()).limit(1)).scalar()
    if header is None:
        return {}
    content = json.loads(header)
    covered: dict[str, Sequence[int]] = content["results"]
    newest = connection.execute(select(func.coalesce(func.max(schema.imports.c.id), 0))).scalar_one()
    found = {
        name: (max(first, covered[name][0]), min(last, covered[name][1]))
        for name, (first, last) in candidates.items()
        if name in covered
    }
    if _IMPORTED in candidates and newest <= content["tables"]["imports"]["last"]:
        found[_IMPORTED] = candidates[_IMPORTED]
    return {name: (first, last) for name, (first, last) in found.items() if first <= last}


def _heads(connection: Connection, before_ms: int) -> dict[str, dict[str, dict[str, int]]]:
    """The newest runs at the edge, by probe and location. Behind a former edge they are not asked for any more."""
    if before_ms < standing.edge(connection).before_ms:
        return {}
    probes, locations = names_of(connection, schema.probes), names_of(connection, schema.locations)
    found: dict[str, dict[str, dict[str, int]]] = {}
    for (probe, location), head in standing.heads(connection, before_ms - 1).items():
        at = found.setdefault(probes[probe], {})
        at[locations[location]] = {"count": head.count, "last_ms": head.last_ms}
    return found


def _greatest(connection: Connection) -> dict[int, int | None]:
    """The greatest id of each writer's results; None where it has none."""
    query = select(func.max(results.c.id)).where(results.c.id.between(bindparam("first"), bindparam("last")))
    found = {}
    for (writer,) in connection.execute(select(schema.writers.c.id)).all():
        first, last = own_range(writer)
        found[writer] = connection.execute(query, {"first": first, "last": last}).scalar()
    return found
