"""A group of new results in one transaction: the results themselves, the runs, and all that came with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from monitor.sla.model import Observation, Run, Verdict
from monitor.sla.runs import extend
from monitor.store import evidence, run_rows, samples, schema, terms
from monitor.store.counters import LEDGER_GENERATION, bump
from monitor.store.ids import own_id, own_range
from monitor.store.names import Names
from monitor.store.records import Committed
from monitor.store.run_rows import RunRow
from monitor.store.schema import VERDICT_CODES
from monitor.store.terms import Pair, Terms

if TYPE_CHECKING:
    from monitor.results import Result


@dataclass(slots=True)
class Appender:
    """One daemon's results. What it remembers between transactions is to be forgotten after one that failed."""

    writer: int
    names: Names = field(default_factory=Names)
    _last_id: int | None = None
    _terms: Terms | None = None

    def forget(self) -> None:
        self.names.forget()
        self._last_id = None
        self._terms = None

    def append(self, connection: Connection, batch: Sequence["Result"]) -> list[Committed]:
        """Records the results in this order. Raises `StoreError` for a probe without terms."""
        if not batch:
            return []
        pairs = [self._pair(connection, result) for result in batch]
        newest, version = run_rows.newest(connection, pairs)
        group = _Group(newest, self._current_terms(connection, version))
        first_id = self._next_id(connection)
        ids = range(first_id, first_id + len(batch))
        rows = [self._row(connection, *each) for each in zip(ids, pairs, batch, strict=True)]
        connection.execute(insert(schema.results), rows)
        takes = [group.take(*each) for each in zip(ids, pairs, batch, strict=True)]
        evidence.keep(connection, zip(ids, group.telling, strict=True))
        evidence.keep_pictures(connection, zip(ids, batch, strict=True))
        run_rows.save(connection, self.names, group.changed())
        self._note_facts(connection, pairs, batch)
        self._last_id = ids[-1]
        return self._rebuilt(connection, group, takes, (ids[0], ids[-1]))

    def _pair(self, connection: Connection, result: "Result") -> Pair:
        return self.names.probe(connection, result.probe), self.names.location(connection, result.location)

    def _row(self, connection: Connection, result_id: int, pair: Pair, result: "Result") -> dict[str, Any]:
        return {
            "id": result_id,
            "probe": pair[0],
            "location": pair[1],
            "started_ms": result.started_ms,
            "duration_us": result.duration_us,
            "verdict": VERDICT_CODES[result.verdict],
            "reason": self.names.reason(connection, result.reason),
            "step": self.names.step(connection, result.step),
        }

    def _next_id(self, connection: Connection) -> int:
        if self._last_id is None:
            written = schema.results.c.id.between(*own_range(self.writer))
            last = connection.execute(select(func.max(schema.results.c.id)).where(written)).scalar()
            self._last_id = own_id(self.writer, 0) if last is None else int(last)
        return self._last_id + 1

    def _current_terms(self, connection: Connection, version: int) -> Terms:
        # Another process may have added some: an import, or a second daemon of this location.
        if self._terms is None or self._terms.version != version:
            self._terms = terms.load(connection)
        return self._terms

    def _note_facts(self, connection: Connection, pairs: Sequence[Pair], batch: Sequence["Result"]) -> None:
        for (probe, _), result in zip(pairs, batch, strict=True):
            for mark in result.marks:
                samples.mark(connection, mark)
            samples.remember(connection, probe, result.memory)

    def _rebuilt(
        self, connection: Connection, group: "_Group", takes: list[Committed], added: tuple[int, int]
    ) -> list[Committed]:
        if not group.disordered:
            return takes
        stretches = {pair: run_rows.stretch_around(connection, pair, *group.times[pair]) for pair in group.disordered}
        run_rows.rebuild(connection, self.names, group.terms, stretches, added)
        bump(connection, LEDGER_GENERATION)
        found, _ = run_rows.newest(connection, stretches)
        return [
            replace(take, closed=None, current=found[pair].run, rebuilt=True) if pair in stretches else take
            for take, pair in zip(takes, group.pairs, strict=True)
        ]


@dataclass(slots=True)
class _Group:
    """How the newest runs change while the results of a group are taken in, one after the other."""

    newest: dict[Pair, RunRow]
    terms: Terms
    chains: dict[Pair, list[RunRow]] = field(default_factory=dict)
    disordered: set[Pair] = field(default_factory=set)
    times: dict[Pair, tuple[int, int]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    telling: "list[Result | None]" = field(default_factory=list)

    def take(self, result_id: int, pair: Pair, result: "Result") -> Committed:
        seen = run_rows.observation(
            self.terms, pair, result.started_ms, VERDICT_CODES[result.verdict], result.reason, result.step
        )
        before = self.newest.get(pair)
        self._note(pair, result, before)
        taken = _taken(before, seen, result_id)
        if taken is None:
            self.disordered.add(pair)
            taken = None, before or RunRow(None, extend(None, seen)[1], result_id, result_id)
        closed, current = taken
        self.newest[pair] = current
        chain = self.chains.setdefault(pair, [])
        if closed is None and chain:
            chain.pop()
        chain.append(current)
        return Committed(result_id, result, closed.run if closed else None, current.run)

    def changed(self) -> Iterable[tuple[Pair, RunRow]]:
        """The rows to write. Where the order of time was broken there are none: those runs are made anew."""
        return [(pair, row) for pair, chain in self.chains.items() if pair not in self.disordered for row in chain]

    def _note(self, pair: Pair, result: "Result", before: RunRow | None) -> None:
        self.pairs.append(pair)
        first, last = self.times.get(pair, (result.started_ms, result.started_ms))
        self.times[pair] = min(first, result.started_ms), max(last, result.started_ms)
        recovered = before is not None and before.run.verdict is not Verdict.UP
        self.telling.append(result if result.verdict is not Verdict.UP or recovered else None)


def _taken(before: RunRow | None, seen: Observation, result_id: int) -> tuple[RunRow | None, RunRow] | None:
    """The run that ended and the newest one after this result; None where runs before the newest can change, too."""
    if before is None:
        return None, RunRow(None, extend(None, seen)[1], result_id, result_id)
    if seen.started_ms > before.run.last_ms:
        closed, current = extend(before.run, seen)
        if closed is None:
            return None, _grown(before, current, result_id)
        return before, RunRow(None, current, result_id, result_id)
    inside = _inside(before.run, seen)
    return None if inside is None else (None, _grown(before, inside, result_id))


def _inside(run: Run, seen: Observation) -> Run | None:
    """The run with one more result of its kind somewhere after its first, e.g. because the clock was set back."""
    if seen.started_ms <= run.first_ms:
        return None
    closed, current = extend(run, replace(seen, started_ms=run.last_ms))
    return current if closed is None else None


def _grown(row: RunRow, run: Run, result_id: int) -> RunRow:
    return RunRow(row.key, run, min(row.first_id, result_id), max(row.last_id, result_id))
