"""Names as small integers: a probe, location, reason or step is written out once, and its number everywhere else."""

from collections.abc import Iterable

from sqlalchemy import Connection, Table, func, insert, select

from monitor.store import schema


class Names:
    """The numbers of all names, as the open transaction sees them.

    What one transaction learns may be kept for the next, because names are never removed or renumbered; but not when
    it was rolled back.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}

    def probe(self, connection: Connection, name: str) -> int:
        return self._number(connection, schema.probes, name)

    def location(self, connection: Connection, name: str) -> int:
        return self._number(connection, schema.locations, name)

    def reason(self, connection: Connection, name: str) -> int | None:
        return self._number(connection, schema.reasons, name) if name else None

    def step(self, connection: Connection, name: str) -> int | None:
        return self._number(connection, schema.steps, name) if name else None

    def forget(self) -> None:
        self._numbers.clear()

    def _number(self, connection: Connection, table: Table, name: str) -> int:
        numbers = self._numbers.setdefault(table.name, {})
        number = numbers.get(name)
        if number is None:
            numbers.update(numbers_of(connection, table))
            number = numbers.get(name)
        if number is None:
            number = numbers[name] = _added(connection, table, name)
        return number


def numbers_of(connection: Connection, table: Table) -> dict[str, int]:
    """Every name of the table with its number."""
    return {name: number for number, name in connection.execute(select(*table.c))}


def names_of(connection: Connection, table: Table) -> dict[int | None, str]:
    """Every number of the table with its name, and no number for no name."""
    pairs: Iterable[tuple[int, str]] = (row for row in connection.execute(select(*table.c)))
    return {None: "", **dict(pairs)}


def _added(connection: Connection, table: Table, name: str) -> int:
    # Numbered here and not by the database, so that no number is skipped: small ones take no space in a row.
    number = connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one()
    connection.execute(insert(table), {"id": number, table.c[1].name: name})
    return int(number)
