"""A backup restored into a scratch directory: the file, what the faults do to it, and questions to it. Blocking."""

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

NAME = "restored.sqlite"
Change = Callable[[sqlite3.Connection], object]


def restore(file: Path, directory: Path, changes: Iterable[Change] = ()) -> Path:
    """Raises `OSError` or `sqlite3.Error` for a backup that cannot be restored."""
    directory.mkdir(parents=True, exist_ok=True)
    restored = directory / NAME
    shutil.copyfile(file, restored)
    with closing(sqlite3.connect(restored)) as connection, connection:
        (verdict,) = connection.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        for change in changes:
            change(connection)
    return restored


def rows(restored: Path, query: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(f"{restored.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query, tuple(values)).fetchall()


def without_some(every: int) -> Change:
    """Moments are numbered from the newest, which is the first to go."""
    query = (
        "DELETE FROM samples WHERE (point_id, time) IN (SELECT point_id, time FROM (SELECT point_id, time, "
        "dense_rank() OVER (PARTITION BY point_id ORDER BY time DESC) AS place FROM samples) WHERE place % ?1 = 1 % ?1)"
    )
    return lambda connection: connection.execute(query, (every,))


def altered(amount: float) -> Change:
    return lambda connection: connection.execute("UPDATE samples SET value = round(value + ?, 3)", (amount,))


def doubled(connection: sqlite3.Connection) -> None:
    columns = "type, value, status, period, accepted_ms, visible_ms FROM samples WHERE copy = 0"
    connection.execute(f"INSERT OR IGNORE INTO samples SELECT point_id, time, channel, 1, {columns}")


def shifted(seconds: int) -> Change:
    """By way of a far-away time, so that no sample meets another on its way."""
    far = 2**40

    def shift(connection: sqlite3.Connection) -> None:
        for by in (far, seconds - far):
            connection.execute("UPDATE samples SET time = time + ?", (by,))

    return shift
