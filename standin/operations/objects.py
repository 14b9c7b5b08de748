"""What customers' administrators make: users, organisations, devices, alert rules, invitations; kept in a table."""

import json
from dataclasses import dataclass
from typing import Any

from standin.storage import Row, Storage

_TABLE = """
CREATE TABLE IF NOT EXISTS operations_objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, fields TEXT NOT NULL, created_ms INTEGER NOT NULL
)
"""
FIRST_NUMBER = 500  # numbers up to here are those of what was always there


@dataclass(frozen=True, slots=True)
class Object:
    id: int
    fields: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        return {**self.fields, "id": self.id}


class Objects:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def open(self) -> None:
        await self._storage.rows(_TABLE)
        await self._storage.rows(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'operations_objects', ? "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'operations_objects')",
            [FIRST_NUMBER],
        )

    async def create(self, kind: str, fields: dict[str, Any], created_ms: int, *, copies: int = 1) -> int:
        """The number of the first copy. With no copies, a number that nothing has."""
        async with self._storage.transaction():
            numbers = [await self._insert(kind, fields, created_ms) for _ in range(max(1, copies))]
            if not copies:
                await self._storage.rows("DELETE FROM operations_objects WHERE id = ?", numbers)
        return numbers[0]

    async def _insert(self, kind: str, fields: dict[str, Any], created_ms: int) -> int:
        rows = await self._storage.rows(
            "INSERT INTO operations_objects (kind, fields, created_ms) VALUES (?, ?, ?) RETURNING id",
            [kind, json.dumps(fields), created_ms],
        )
        return int(rows[0]["id"])

    async def one(self, kind: str, number: int) -> Object | None:
        rows = await self._storage.rows(
            "SELECT id, fields FROM operations_objects WHERE kind = ? AND id = ?", [kind, number]
        )
        return _object(rows[0]) if rows else None

    async def all(self, kind: str) -> list[Object]:
        rows = await self._storage.rows("SELECT id, fields FROM operations_objects WHERE kind = ? ORDER BY id", [kind])
        return [_object(row) for row in rows]

    async def delete(self, kind: str, number: int) -> bool:
        """Whether it was there."""
        async with self._storage.transaction():
            rows = await self._storage.rows(
                "DELETE FROM operations_objects WHERE kind = ? AND id = ? RETURNING id", [kind, number]
            )
        return bool(rows)


def _object(row: Row) -> Object:
    return Object(row["id"], json.loads(row["fields"]))
