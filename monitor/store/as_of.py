"""All that was on record as of an instant, and nothing later: what a report is made from.

Whenever it is asked, the answer is the same, as long as the raw results around that instant are kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from monitor.sla.agreement import Agreement
from monitor.sla.model import Ledger, Observation, Run
from monitor.sla.record import Record, SealSummary
from monitor.sla.runs import extend
from monitor.store import declared, lives, reading, run_rows, schema, standing, terms
from monitor.store.located import id_ranges
from monitor.store.names import names_of, numbers_of
from monitor.store.schema import results, runs
from monitor.store.terms import Pair

_ENDED_MS = results.c.started_ms + results.c.duration_us // 1000


def facts(connection: Connection, as_of_ms: int, default: Agreement | None) -> Record:
    """`default` is taken where no agreement was on record."""
    agreements = declared.agreements(connection, as_of_ms)
    if not agreements and default is not None:
        agreements = [default]
    ledger = Ledger(
        _runs(connection, as_of_ms),
        tuple(each for each in terms.all_terms(connection) if each.from_ms <= as_of_ms),
        tuple(lives.lives_as_of(connection, as_of_ms)),
    )
    return Record(
        as_of_ms,
        ledger,
        tuple(agreements),
        tuple(declared.windows(connection, as_of_ms)),
        tuple(declared.clock_events(connection, as_of_ms)),
        tuple(_seals(connection, as_of_ms)),
    )


def _runs(connection: Connection, as_of_ms: int) -> dict[tuple[str, str], list[Run]]:
    """Those that the results which had ended by then made."""
    found = reading.runs_by_place(connection, runs.c.first_ms <= as_of_ms)
    places = _places(connection)
    going_on = _going_on(connection, as_of_ms)
    changed = [pair for pair, place in places.items() if place in found and found[place][-1].last_ms > as_of_ms]
    changed += [pair for pair in going_on if pair not in changed]
    if not changed:
        return found
    # Up to that moment all results had ended; of raw results that were deleted, nothing tells that they had not.
    sure_ms = min([as_of_ms, *(started_ms - 1 for started_ms in going_on.values())])
    sure_ms = max(sure_ms, min(standing.edge(connection).before_ms - 1, as_of_ms))
    heads = standing.heads(connection, sure_ms)
    added = _observations(connection, sure_ms, as_of_ms)
    for pair in changed:
        before = [run for run in found.pop(places[pair], []) if run.first_ms <= sure_ms]
        if before:
            head = heads[pair]
            before[-1] = replace(before[-1], last_ms=head.last_ms, count=head.count)
        if after := _extended(before, added.get(pair, ())):
            found[places[pair]] = after
    return found


def _extended(before: list[Run], observations: Iterable[Observation]) -> list[Run]:
    for observation in observations:
        closed, current = extend(before[-1] if before else None, observation)
        if closed is None and before:
            before.pop()
        before.append(current)
    return before


def _places(connection: Connection) -> dict[Pair, tuple[str, str]]:
    probes, locations = (numbers_of(connection, table) for table in (schema.probes, schema.locations))
    return {(one, other): (probe, at) for probe, one in probes.items() for at, other in locations.items()}


def _going_on(connection: Connection, moment_ms: int) -> dict[Pair, int]:
    """When the first check began that was under way at the moment, by probe and location."""
    found: dict[Pair, int] = {}
    for first_id, last_id in id_ranges(connection, moment_ms, moment_ms):
        query = select(results.c.probe, results.c.location, func.min(results.c.started_ms)).where(
            results.c.id.between(first_id, last_id), results.c.started_ms <= moment_ms, moment_ms < _ENDED_MS
        )
        for probe, location, started_ms in connection.execute(query.group_by(results.c.probe, results.c.location)):
            found[probe, location] = min(found.get((probe, location), started_ms), started_ms)
    return found


def _observations(connection: Connection, after_ms: int, until_ms: int) -> Mapping[Pair, Sequence[Observation]]:
    """What began after the one moment and had ended by the other, in the order in which it counts."""
    if after_ms >= until_ms:
        return {}
    known = terms.load(connection)
    reasons, steps = names_of(connection, schema.reasons), names_of(connection, schema.steps)
    found: dict[Pair, list[tuple[int, int, str, str]]] = {}
    for probe, location, started_ms, verdict, reason, step in _rows(connection, after_ms, until_ms):
        found.setdefault((probe, location), []).append((started_ms, verdict, reasons[reason], steps[step]))
    return {pair: [run_rows.observation(known, pair, *row) for row in sorted(rows)] for pair, rows in found.items()}


def _rows(connection: Connection, after_ms: int, until_ms: int) -> Iterator[Any]:
    for first_id, last_id in id_ranges(connection, after_ms, until_ms):
        query = select(*results.c["probe", "location", "started_ms", "verdict", "reason", "step"]).where(
            results.c.id.between(first_id, last_id), results.c.started_ms > after_ms, until_ms >= _ENDED_MS
        )
        yield from connection.execute(query)


def _seals(connection: Connection, as_of_ms: int) -> Iterator[SealSummary]:
    table = schema.seals
    columns = table.c["number", "sealed_ms", "digest", "key", "header"]
    query = select(*columns).where(table.c.sealed_ms <= as_of_ms).order_by(table.c.number)
    for number, sealed_ms, digest, key, header in connection.execute(query):
        yield SealSummary(number, sealed_ms, digest, key, json.loads(header)["rows"])
