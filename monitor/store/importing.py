"""Results from elsewhere, or from an export of this store: all of them in one transaction, or none.

What is there already with the same content is left alone, so that an import can be repeated. An import keeps other
writers waiting until it is done; they lose nothing.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select

from monitor.sla.model import ProbeTerms
from monitor.store import run_rows, schema, standing, terms
from monitor.store.connect import insert_ignore
from monitor.store.counters import LEDGER_GENERATION, bump
from monitor.store.evidence import storable
from monitor.store.ids import import_id, own_range, writer_of
from monitor.store.names import Names
from monitor.store.records import LATEST_MS, Imported, ImportRow, Newcomer, StoreError, TermsOf
from monitor.store.schema import VERDICT_CODES, evidence, results
from monitor.store.terms import Pair

# Rows of one portion are written in the order of their ids, so that neighbours in the table are written together.
_PORTION = 50_000
_COLUMNS = ("id", "probe", "location", "started_ms", "duration_us", "verdict", "reason", "step")
Row = tuple[Any, ...]


@dataclass(slots=True)
class _Extent:
    """What the rows of one probe and location cover."""

    first_ms: int
    last_ms: int
    every_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows came from, for the record."""

    file_name: str
    sha256: str
    imported_ms: int


@dataclass(slots=True)
class Importer:
    """One import. `terms_of` gives the terms for time that the store has none for.

    `at_home` are the probes, with their locations, that will go on being probed; None: all of them.
    """

    connection: Connection
    terms_of: TermsOf | None = None
    at_home: Container[tuple[str, str]] | None = None
    names: Names = field(default_factory=Names)
    _extents: dict[tuple[str, str], _Extent] = field(default_factory=dict)
    _pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)
    _ids: tuple[int, int] = (2**63 - 1, -(2**63))

    def run(self, rows: Iterable[ImportRow], source: Source) -> Imported:
        writers = {
            boot_id: writer
            for writer, boot_id in self.connection.execute(select(schema.writers.c.id, schema.writers.c.boot_id))
        }
        greatest = {writer: self._greatest(writer) for writer in writers.values()}
        edge_ms = standing.edge(self.connection).before_ms
        added = seen = 0
        iterator = iter(rows)
        while portion := list(islice(iterator, _PORTION)):
            _check(portion, edge_ms)
            ids = [import_id(row.id, writers) for row in portion]
            if max(ids) > 0:
                _check_own(ids, portion, greatest)
            added += self._add(ids, portion)
            seen += len(portion)
        if added:
            self._make_runs()
            self._note(source, added)
        return Imported(added, seen - added)

    def _greatest(self, writer: int) -> int:
        own = results.c.id.between(*own_range(writer))
        return self.connection.execute(select(func.max(results.c.id)).where(own)).scalar() or 0

    def _add(self, ids: Sequence[int], portion: Sequence[ImportRow]) -> int:
        rows = self._rows(ids, portion)
        fresh: Sequence[tuple[Row, ImportRow]] = list(zip(rows, portion, strict=True))
        if not self._insert_all(rows):
            fresh = self._fresh(fresh)
            self._insert_all([row for row, _ in fresh])
        details = [(row[0], storable(given.detail), None) for row, given in fresh if given.detail]
        self._insert(evidence, ("result_id", "detail", "content"), details)
        if fresh:
            self._include([given for _, given in fresh])
            new = [row[0] for row, _ in fresh]
            self._ids = min(self._ids[0], *new), max(self._ids[1], *new)
        return len(fresh)

    def _include(self, fresh: Sequence[ImportRow]) -> None:
        by_place: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in fresh:
            by_place[row.probe, row.location].append(row.started_ms)
        for place, times in by_place.items():
            extent = self._extents.setdefault(place, _Extent(LATEST_MS, 0))
            extent.first_ms, extent.last_ms = min(extent.first_ms, *times), max(extent.last_ms, *times)
        for row in fresh if any(map(attrgetter("every_ms"), fresh)) else ():
            extent = self._extents[row.probe, row.location]
            extent.every_ms = extent.every_ms or row.every_ms

    def _insert_all(self, rows: Sequence[Row]) -> bool:
        """Inserts the rows if none of them is there; tells whether it did."""
        with self.connection.begin_nested() as savepoint:
            done = self._insert(results, _COLUMNS, sorted(rows, key=itemgetter(0))) == len(rows)
            if not done:
                savepoint.rollback()
        return done

    def _insert(self, table: Table, columns: Sequence[str], rows: list[Row]) -> int:
        if not rows:
            return 0
        statement = insert_ignore(self.connection, table).compile(
            dialect=self.connection.dialect, column_keys=list(columns)
        )
        return self.connection.exec_driver_sql(str(statement), rows).rowcount

    def _rows(self, ids: Sequence[int], portion: Sequence[ImportRow]) -> list[Row]:
        """The rows of the table, made column by column."""
        names, connection = self.names, self.connection
        for probe, place in sorted({(row.probe, row.location) for row in portion} - self._pairs.keys()):
            self._pairs[probe, place] = names.probe(connection, probe), names.location(connection, place)
        probes = {probe: number for (probe, _), (number, _) in self._pairs.items()}
        places = {place: number for (_, place), (_, number) in self._pairs.items()}
        reasons = {word: names.reason(connection, word) for word in sorted({row.reason for row in portion})}
        steps = {word: names.step(connection, word) for word in sorted({row.step for row in portion})}
        return [
            (
                result_id,
                probes[probe],
                places[place],
                started_ms,
                (finished_ms - started_ms) * 1000 if duration_us is None else duration_us,
                VERDICT_CODES[verdict],
                reasons[reason],
                steps[step],
            )
            for result_id, (_, probe, place, started_ms, finished_ms, verdict, reason, step, _, _, duration_us) in zip(
                ids, portion, strict=True
            )
        ]

    def _fresh(self, given: Sequence[tuple[Row, ImportRow]]) -> list[tuple[Row, ImportRow]]:
        """Those that are not on record. Raises `StoreError` for one that is, or is given twice, with other content."""
        there = dict(_stored(self.connection, [row[0] for row, _ in given]))
        fresh = []
        for row, source in given:
            content = (*row[1:4], row[4] // 1000, *row[5:], storable(source.detail))
            if there.setdefault(row[0], content) is content:
                fresh.append((row, source))
            elif there[row[0]] != content:
                raise StoreError(f"result {source.id} is on record with other content; nothing was imported")
        return fresh

    def _make_runs(self) -> None:
        known = terms.load(self.connection)
        for key, extent in self._extents.items():
            self._cover(key, extent, known.history(self._pairs[key]))
        stretches = {
            self._pairs[key]: run_rows.stretch_around(
                self.connection, self._pairs[key], extent.first_ms, extent.last_ms
            )
            for key, extent in self._extents.items()
        }
        run_rows.rebuild(self.connection, self.names, terms.load(self.connection), stretches, self._ids)

    def _cover(self, key: tuple[str, str], extent: _Extent, history: Sequence[ProbeTerms]) -> None:
        """Puts terms on record for the part of the imported time in which the probe had none, or was retired.

        Without them its results would be on record and yet count for nothing.
        """
        begins = [extent.first_ms] if not terms.active(history, extent.first_ms) else []
        begins += [
            each.from_ms + 1
            for each in history
            if each.component is None and extent.first_ms <= each.from_ms <= extent.last_ms
        ]
        if not begins:
            return
        given = self._terms_for(Newcomer(*key, extent.first_ms, extent.every_ms))
        for from_ms in begins:
            terms.append(self.connection, self.names, replace(given, from_ms=from_ms))
        end_ms = extent.last_ms + given.stale_ms
        if self._ends(key, end_ms, history):
            terms.append(self.connection, self.names, replace(given, from_ms=end_ms, component=None))

    def _ends(self, key: tuple[str, str], end_ms: int, history: Sequence[ProbeTerms]) -> bool:
        """Whether the probe is no longer asked after its last imported result: it was retired at that time, or it is
        nobody's who goes on probing. It would be missed, and its component unknown, for ever."""
        before = [each for each in history if each.from_ms <= end_ms]
        if before:
            return before[-1].component is None
        return not history and self.at_home is not None and key not in self.at_home

    def _terms_for(self, newcomer: Newcomer) -> ProbeTerms:
        if self.terms_of is None:
            raise StoreError(f"no terms are known for probe {newcomer.probe} at {newcomer.location}")
        return replace(self.terms_of(newcomer), probe=newcomer.probe, location=newcomer.location)

    def _note(self, source: Source, added: int) -> None:
        bump(self.connection, LEDGER_GENERATION)
        values = {"file_name": source.file_name, "sha256": source.sha256, "imported_ms": source.imported_ms}
        self.connection.execute(insert(schema.imports), {**values, "rows": added})


_STORED = (
    select(*(results.c[name] for name in _COLUMNS), evidence.c.detail)
    .select_from(results.outerjoin(evidence, evidence.c.result_id == results.c.id))
    .where(results.c.id.in_(bindparam("ids", expanding=True)))
)


def _stored(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    for row in connection.execute(_STORED, {"ids": sorted(set(ids))}):
        result_id, probe, location, started_ms, duration_us, *rest, detail = row
        yield result_id, (probe, location, started_ms, duration_us // 1000, *rest, detail or "")


def _check(portion: Sequence[ImportRow], edge_ms: int) -> None:
    for row in portion:
        result_id, probe, place, started_ms, finished_ms = row[:5]
        if not (result_id and probe and place):
            raise StoreError(f"result {row.id!r} lacks an id, a probe or a location")
        if not 0 <= started_ms <= finished_ms < LATEST_MS:
            raise StoreError(f"result {row.id} has impossible times")
        if started_ms < edge_ms:
            # It would change runs that can no longer be made anew.
            raise StoreError(f"result {row.id} is older than the results that are kept; nothing was imported")


def _check_own(ids: Sequence[int], portion: Sequence[ImportRow], greatest: Mapping[int, int]) -> None:
    for result_id, row in zip(ids, portion, strict=True):
        if result_id > 0 and result_id > greatest[writer_of(result_id)]:
            raise StoreError(f"result {row.id} is said to be this store's own, which has not recorded it")
