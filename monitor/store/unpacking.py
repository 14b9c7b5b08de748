"""Rows that left a store and are looked at again where there is none: in memory, for as long as it takes.

What is written here may come from anybody. Nothing is believed of it but that a value is a number or a text: what it is
worth is for the seals to tell. So foreign keys are not enforced, for example: a key that is missing is to be found, and
not to be an error here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Table, create_engine, insert

from monitor.sla.agreement import Agreement
from monitor.sla.model import Run
from monitor.sla.record import Record
from monitor.store import as_of, evidence_refs, run_rows, schema
from monitor.store.connect import explained
from monitor.store.counters import LEDGER_GENERATION, TERMS_VERSION
from monitor.store.names import Names
from monitor.store.records import StoreError
from monitor.store.sealing import Row, Rows, SealRow

NAMED = ("probes", "locations", "reasons", "steps")
_NO_RESULT = -1  # the smallest and the greatest id of a run's results, which nobody asks for here
_PORTION = 5_000


def facts_of(rows: Rows, as_of_ms: int, default: Agreement | None) -> Record:
    """All that was on record as of an instant, of the same moment as the rows."""
    return as_of.facts(rows._connection, as_of_ms, default)


def first_failures_of(rows: Rows, as_of_ms: int) -> evidence_refs.FirstFailures:
    return evidence_refs.first_failures(rows._connection, as_of_ms)


class Unpacking:
    """Tables in memory that rows are written into, as seals have them. Every method raises `StoreError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names = Names()
        self._numbers: dict[str, dict[str, int]] = {table: {} for table in (*NAMED, "writers")}
        self.rows = Rows(connection)

    def add_names(self, names: Mapping[str, Sequence[str]]) -> None:
        """All names that there are, by table."""
        for table in NAMED:
            numbered = [(number, name) for number, name in enumerate(names[table], 1)]
            self._insert(schema.metadata.tables[table], numbered)
            self._numbers[table] = {name: number for number, name in numbered}

    def numbers(self, table: str) -> Mapping[str, int]:
        """The numbers of all names of one of these tables, or of `writers` by boot id."""
        return self._numbers[table]

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Rows of any table but results, with their values in the order in which they are sealed."""
        form = _FORMS.get(table)
        given = list(rows)
        self._insert(schema.metadata.tables[table], given if form is None else [form(self, row) for row in given])
        if table == "writers":
            self._numbers[table] |= {str(row[1]): int(row[0]) for row in given}

    def add_seal(self, seal: SealRow) -> None:
        values = tuple(getattr(seal, column.name) for column in schema.seals.columns)
        self._insert(schema.seals, [values])

    def add_runs(self, pair: tuple[str, str], runs: Iterable[Run]) -> None:
        numbers = self.number("probes", pair[0]), self.number("locations", pair[1])
        with explained("runs cannot be taken"):
            given = ((numbers, run_rows.RunRow(None, run, _NO_RESULT, _NO_RESULT)) for run in runs)
            run_rows.save(self._connection, self._names, given)

    def number(self, table: str, name: object) -> int:
        """That of a name. Raises `StoreError` where it was not among the names."""
        number = self._numbers[table].get(str(name))
        if number is None:
            raise StoreError(f"{name!r} is not among the {table}")
        return number

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        columns = [column.name for column in table.columns]
        if any(len(row) != len(columns) for row in rows):
            raise StoreError(f"a row of {table.name} has another number of values")
        with explained(f"rows of {table.name} cannot be taken"):
            for start in range(0, len(rows), _PORTION):
                given = [dict(zip(columns, row, strict=True)) for row in rows[start : start + _PORTION]]
                self._connection.execute(insert(table), given)


@contextmanager
def unpacking() -> Iterator[Unpacking]:
    """Empty tables, which are gone afterwards."""
    engine = create_engine("sqlite://")
    try:
        with engine.connect() as connection:
            schema.metadata.create_all(connection)
            counters = [{"key": key, "value": 0} for key in (LEDGER_GENERATION, TERMS_VERSION)]
            connection.execute(insert(schema.meta), counters)
            yield Unpacking(connection)
    finally:
        engine.dispose()


def _writer(unpacking: Unpacking, row: Row) -> Row:
    number, boot_id, location, *rest = row
    return number, boot_id, unpacking.number("locations", location), *rest


def _terms(unpacking: Unpacking, row: Row) -> Row:
    probe, location, *rest = row
    return unpacking.number("probes", probe), unpacking.number("locations", location), *rest


def _life(unpacking: Unpacking, row: Row) -> Row:
    number, boot_id, *rest = row
    return number, unpacking.number("writers", boot_id), *rest


# From the order of values in which rows are sealed, with names, to that of the table's columns, with numbers.
_FORMS: Mapping[str, Callable[[Unpacking, Row], Row]] = {"writers": _writer, "probe_terms": _terms, "lives": _life}
