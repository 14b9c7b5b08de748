"""What seals are made of: rows in the order in which they are sealed, and the seals and keys themselves.

Nothing is digested or signed in here, that is `monitor.seals`; but which columns of which tables are proved is this
file's to say. Rows of results come as columns, because a year has millions of them; of all other tables one by one.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, FromClause, Select, func, insert, select

from monitor.sla.record import SealSummary
from monitor.store import schema
from monitor.store.connect import insert_ignore
from monitor.store.ids import NUMBERS_PER_WRITER, own_id, writer_of
from monitor.store.names import names_of
from monitor.store.run_rows import run_columns, with_names
from monitor.store.schema import evidence, lives, locations, pictures, probes, results, runs, seal_keys, seals, writers
from monitor.store.terms import Pair, Terms, load

if TYPE_CHECKING:
    import numpy as np

    Columns = np.ndarray[tuple[int, int], np.dtype[np.int64]]

PORTION = 20_000
NO_NAME = -(2**62)  # stands for NULL where a column of numbers is needed
BROKEN = -(2**61)  # stands for what is no whole number, though the column is one of whole numbers
RESULT_COLUMNS = ("id", "probe", "location", "started_ms", "duration_us", "verdict", "reason", "step")
# Tables whose rows are numbered as they come: a seal covers a range of their numbers.
NUMBERED = (
    "writers",
    "schedule_events",
    "imports",
    "windows",
    "agreements",
    "clock_events",
    "prunings",
)
# Tables whose new rows can stand anywhere among the old ones: a seal lists which of them it covers.
KEYED = ("probe_terms", "lives", "seal_keys")

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SealRow:
    """A seal as it is stored. `leaves` is empty where it was not asked for."""

    number: int
    sealed_ms: int
    digest: str
    key: str
    signature: bytes
    header: bytes
    leaves: bytes = b""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A public key; `signature` is that of the key whose fingerprint is `previous`, or None of the first one."""

    fingerprint: str
    public_key: bytes
    made_ms: int
    previous: str | None
    signature: bytes | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of one result: evidence, where there is any, and its pictures as (name, media type, content)."""

    detail: str | None
    content: bytes | None
    pictures: Sequence[tuple[str, str, bytes]] = ()


def _named(table: Any, column: str, names: Any) -> Any:
    """The name behind a number; where there is none, the number itself, so that nothing goes unseen."""
    name = select(names.c[1]).where(names.c.id == table.c[column]).scalar_subquery()
    return func.coalesce(name, table.c[column])


def _columns(table: Any) -> list[Column[Any]]:
    return list(table.c)


_WINDOWS, _EVENTS, _TERMS = schema.windows, schema.schedule_events, schema.probe_terms
# In the order in which `docs/seal-format.md` lists the values of a row. The first one is a numbered table's number.
_SELECTED: dict[str, tuple[FromClause, list[Any]]] = {
    "writers": (
        writers,
        [
            writers.c.id,
            writers.c.boot_id,
            _named(writers, "location", locations),
            writers.c.version,
            writers.c.started_ms,
        ],
    ),
    "schedule_events": (
        _EVENTS,
        [
            _EVENTS.c.id,
            _named(_EVENTS, "probe", probes),
            _named(_EVENTS, "location", locations),
            *_EVENTS.c["scheduled_ms", "event", "cause", "late_ms"],
        ],
    ),
    "imports": (schema.imports, _columns(schema.imports)),
    "windows": (_WINDOWS, _columns(_WINDOWS)),
    "agreements": (schema.agreements, _columns(schema.agreements)),
    "clock_events": (schema.clock_events, _columns(schema.clock_events)),
    "prunings": (schema.prunings, _columns(schema.prunings)),
    "probe_terms": (
        _TERMS,
        [
            _named(_TERMS, "probe", probes),
            _named(_TERMS, "location", locations),
            *_TERMS.c["from_ms", "component", "every_ms", "stale_ms", "confirm_after", "title"],
        ],
    ),
    "lives": (
        lives,
        [
            lives.c.id,
            func.coalesce(
                select(writers.c.boot_id).where(writers.c.id == lives.c.writer).scalar_subquery(), lives.c.writer
            ),
            *lives.c["first_ms", "last_ms", "stopped_ms"],
        ],
    ),
    "seal_keys": (seal_keys, _columns(seal_keys)),
}


class Rows:
    """The rows of one moment, as long as the transaction of its connection is open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def names(self, table: str) -> dict[int, str]:
        """Names of `probes`, `locations`, `reasons` or `steps` by their numbers; no name by `NO_NAME`."""
        found = names_of(self._connection, schema.metadata.tables[table])
        return {NO_NAME if number is None else number: name for number, name in found.items()}

    def boot_ids(self) -> dict[int, str]:
        """By the number of the writer."""
        found = self._connection.execute(select(writers.c.id, writers.c.boot_id))
        return {number: boot_id for number, boot_id in found}

    def numbered(self, table: str, first: int, last: int | None = None) -> Iterator[Row]:
        """Rows of a numbered table from the first to the last number, both included, in order."""
        source, columns = _SELECTED[table]
        query = select(*columns).select_from(source).where(columns[0] >= first).order_by(columns[0])
        yield from self._fetched(query if last is None else query.where(columns[0] <= last))

    def keyed(self, table: str) -> Iterator[Row]:
        """All rows of a table without numbers of that kind, in no order that means anything."""
        source, columns = _SELECTED[table]
        yield from self._fetched(select(*columns).select_from(source))

    def writers_of_results(self) -> list[int]:
        """The numbers of all writers that results are on record of; found by the primary key, in a step for each."""
        found: list[int] = []
        after = -1
        query = select(func.min(results.c.id))
        while (least := self._connection.execute(query.where(results.c.id > after)).scalar()) is not None:
            found.append(writer_of(least))
            after = own_id(found[-1] + 1, 0) - 1
        return found

    def last_id(self, writer: int) -> int:
        """The greatest id of the writer's results; that of number 0 where there are none."""
        least = own_id(writer, 0)
        own = results.c.id.between(least, least + NUMBERS_PER_WRITER - 1)
        return self._connection.execute(select(func.max(results.c.id)).where(own)).scalar() or least

    def result_before(self, number: int) -> int | None:
        """When the last result of the same writer with a smaller id began."""
        own = results.c.id.between(own_id(writer_of(number), 0), number - 1)
        query = select(results.c.started_ms).where(own).order_by(results.c.id.desc()).limit(1)
        return self._connection.execute(query).scalar()

    def results(self, first: int, last: int) -> "Iterator[Columns]":
        """Results with ids from the first to the last, both included, in order; a matrix of `RESULT_COLUMNS`."""
        query = _RESULTS.where(results.c.id.between(first, last)).order_by(results.c.id)
        yield from self._matrices(query)

    def imported(self, first: int, last: int) -> "Iterator[Columns]":
        """Imported results by their number outside the store, which is the negative id."""
        query = _RESULTS.where(results.c.id.between(-last, -first)).order_by(results.c.id.desc())
        yield from self._matrices(query)

    def result_count(self) -> int:
        """Counted without looking at them all: a daemon numbers its results without a gap."""
        imported = self._connection.execute(select(func.count()).where(results.c.id < 0)).scalar_one()
        own = (self.last_id(writer) - own_id(writer, 0) for writer in self.writers_of_results())
        return int(imported) + sum(own)

    def imported_rows_claimed(self, after: int) -> int:
        """How many results were imported by the imports behind that number, as they say themselves."""
        table = schema.imports
        total = select(func.coalesce(func.sum(table.c.rows), 0)).where(table.c.id > after)
        return int(self._connection.execute(total).scalar_one())

    def kept(self, first: int, last: int) -> dict[int, Kept]:
        """What was kept of the results with ids from the first to the last, both included."""
        own = evidence.c.result_id.between(first, last)
        found = {
            row.result_id: Kept(row.detail, row.content)
            for row in self._connection.execute(select(evidence).where(own))
        }
        shown = select(pictures).where(pictures.c.result_id.between(first, last))
        for row in self._connection.execute(shown.order_by(pictures.c.result_id, pictures.c.name)):
            before = found.get(row.result_id, Kept(None, None))
            picture = (row.name, row.media_type, row.content)
            found[row.result_id] = Kept(before.detail, before.content, (*before.pictures, picture))
        return found

    def closed_lives(self, now_ms: int, silence_ms: int) -> tuple[list[Row], list[Row]]:
        """Lives that nothing can be added to any more, and those that may still go on.

        A life is over when the daemon was stopped properly, when it has begun another, or after so much silence.
        """
        closed: list[Row] = []
        going_on: list[Row] = []
        newest: dict[str, int] = {}
        rows = sorted(self.keyed("lives"))
        for number, boot_id, *_ in rows:
            newest[boot_id] = number
        for row in rows:
            number, boot_id, _first_ms, last_ms, stopped_ms = row
            over = stopped_ms is not None or newest[boot_id] != number or now_ms - last_ms > silence_ms
            (closed if over else going_on).append(row)
        return closed, going_on

    def seals(self) -> list[SealRow]:
        """All of them, in order, without their leaves."""
        query = select(*seals.c["number", "sealed_ms", "digest", "key", "signature", "header"])
        return [SealRow(*row) for row in self._connection.execute(query.order_by(seals.c.number))]

    def newest_seal(self) -> SealRow | None:
        query = select(*seals.c["number", "sealed_ms", "digest", "key", "signature", "header"])
        row = self._connection.execute(query.order_by(seals.c.number.desc()).limit(1)).first()
        return None if row is None else SealRow(*row)

    def leaves(self, number: int) -> bytes:
        """A seal's leaves; empty where there is no such seal."""
        return self._connection.execute(select(seals.c.leaves).where(seals.c.number == number)).scalar() or b""

    def keys(self) -> list[KeyRow]:
        query = select(seal_keys).order_by(seal_keys.c.made_ms, seal_keys.c.fingerprint)
        return [KeyRow(*row) for row in self._connection.execute(query)]

    def terms(self) -> Terms:
        return load(self._connection)

    def runs(self, pair: Pair) -> list[Any]:
        """The rows of runs of a probe and location (their numbers), with the names of reasons and steps."""
        own = (runs.c.probe == pair[0]) & (runs.c.location == pair[1])
        query = select(*run_columns()).select_from(with_names(runs)).where(own)
        return list(self._connection.execute(query.order_by(runs.c.first_ms, runs.c.id)))

    def pairs_of_runs(self) -> list[Pair]:
        return list(self._connection.execute(select(runs.c.probe, runs.c.location).distinct()))

    def _fetched(self, query: Select[*tuple[Any, ...]]) -> Iterator[Row]:
        for portion in self._connection.execute(query).partitions(PORTION):
            yield from (tuple(row) for row in portion)

    def _matrices(self, query: Select[*tuple[Any, ...]]) -> "Iterator[Columns]":
        # The driver's own tuples: a row object of SQLAlchemy for each of millions takes as long as reading them.
        cursor: Any = self._connection.execute(query).cursor
        try:
            while portion := cursor.fetchmany(PORTION):
                yield _matrix(portion)
        finally:
            cursor.close()


_RESULTS = select(
    *results.c["id", "probe", "location", "started_ms", "duration_us", "verdict"],
    func.coalesce(results.c.reason, NO_NAME),
    func.coalesce(results.c.step, NO_NAME),
)


def _matrix(portion: Sequence[Row]) -> "Columns":
    """As numbers. An array refuses what is not a whole number, which NumPy would round without a word."""
    import numpy as np

    try:
        values = array("q", chain.from_iterable(portion))
    except (TypeError, OverflowError):
        values = array("q", (value if isinstance(value, int) else BROKEN for value in chain.from_iterable(portion)))
    return np.frombuffer(values, dtype=np.int64).reshape(len(portion), len(RESULT_COLUMNS))


def add_seal(connection: Connection, seal: SealRow) -> bool:
    """False where there is one of this number already."""
    values = {name: getattr(seal, name) for name in seals.c.keys()}  # noqa: SIM118  # not a dictionary
    return connection.execute(insert_ignore(connection, seals), values).rowcount > 0


def add_key(connection: Connection, key: KeyRow) -> bool:
    """False where it is on record already."""
    values = {name: getattr(key, name) for name in seal_keys.c.keys()}  # noqa: SIM118  # not a dictionary
    found = connection.execute(select(seal_keys.c.fingerprint).where(seal_keys.c.fingerprint == key.fingerprint))
    if found.first() is not None:
        return False
    connection.execute(insert(seal_keys), values)
    return True


def summary(row: SealRow) -> SealSummary:
    """As a report names it."""
    import json

    return SealSummary(row.number, row.sealed_ms, row.digest, row.key, int(json.loads(row.header)["rows"]))
