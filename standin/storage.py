"""What the platform remembers, in SQLite: measurement points, samples, sensors' messages, queued replies, alerts."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite

from standin.channels import Sample
from standin.settings import AlertRule

_SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    id INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL,
    uploads INTEGER NOT NULL DEFAULT 0, last_upload_ms INTEGER, battery_ok INTEGER, transfer_reason INTEGER
);
CREATE TABLE IF NOT EXISTS samples (
    point_id INTEGER NOT NULL REFERENCES points (id), time INTEGER NOT NULL, channel INTEGER NOT NULL,
    copy INTEGER NOT NULL, type TEXT NOT NULL, value REAL, status TEXT NOT NULL, period INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL,
    PRIMARY KEY (point_id, time, channel, copy)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, serial TEXT NOT NULL, endpoint TEXT NOT NULL, received_ms INTEGER NOT NULL,
    confirmable INTEGER NOT NULL, fields TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_serial ON messages (serial, endpoint);
CREATE TABLE IF NOT EXISTS replies (id INTEGER PRIMARY KEY, serial TEXT NOT NULL, config BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY, point_id INTEGER NOT NULL REFERENCES points (id), rule TEXT NOT NULL,
    condition TEXT NOT NULL, parameter TEXT NOT NULL, threshold REAL NOT NULL, measurement REAL NOT NULL,
    created_ms INTEGER NOT NULL, neutralized_ms INTEGER, channel INTEGER NOT NULL DEFAULT 1
);
"""
# A sample that was sent again replaces the stored one, and stays visible where it was visible.
_STORE_SAMPLE = """
INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET type = excluded.type, value = excluded.value, status = excluded.status,
    period = excluded.period, accepted_ms = excluded.accepted_ms, visible_ms = min(visible_ms, excluded.visible_ms)
"""


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement point; each sensor has its own."""

    id: int
    serial: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A measurement message as it is to be stored. `visible_ms` is when the API begins to show its samples."""

    serial: str
    samples: Sequence[Sample]
    accepted_ms: int
    visible_ms: int
    battery_ok: bool
    transfer_reason: int = 0


Row = sqlite3.Row


class Storage:
    """One connection. Every statement is made whole or not at all; `transaction` joins several."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Path | None) -> "AsyncIterator[Storage]":
        async with aiosqlite.connect(database or ":memory:", isolation_level=None) as connection:
            connection.row_factory = sqlite3.Row
            await connection.execute("PRAGMA journal_mode = WAL")
            # Enough to survive the death of the process; only a power cut could lose the last samples.
            await connection.execute("PRAGMA synchronous = NORMAL")
            await connection.executescript(_SCHEMA)
            await _add_missing_columns(connection)
            yield cls(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            try:
                await self._connection.execute("BEGIN IMMEDIATE")
                yield
            except BaseException:
                # A cancelled statement is carried out all the same, in its turn; this one comes behind it.
                await self._connection.execute("ROLLBACK")
                raise
            await self._connection.execute("COMMIT")

    async def rows(self, query: str, values: Iterable[Any] = ()) -> list[Row]:
        return list(await self._connection.execute_fetchall(query, tuple(values)))

    async def back_up(self, file: Path) -> None:
        """Copies all that is committed into a new database file."""
        async with aiosqlite.connect(file) as copy, self._writing:
            await copy.execute("PRAGMA synchronous = OFF")
            await self._connection.backup(copy)
            # The copy is one file; it inherits the write-ahead log's mode.
            await copy.execute("PRAGMA journal_mode = DELETE")

    async def point(self, serial: str) -> Point | None:
        rows = await self.rows("SELECT id, serial, created_ms FROM points WHERE serial = ?", [serial])
        return Point(*rows[0]) if rows else None

    async def points(self) -> list[Point]:
        return [Point(*row) for row in await self.rows("SELECT id, serial, created_ms FROM points ORDER BY id")]

    async def add_point(self, serial: str, created_ms: int) -> Point:
        """The measurement point of the sensor, made if there is none. The first one's number is 101."""
        async with self.transaction():
            await self._connection.execute(
                "INSERT INTO points (id, serial, created_ms) "
                "SELECT coalesce(max(id), 100) + 1, ?, ? FROM points WHERE true ON CONFLICT DO NOTHING",
                (serial, created_ms),
            )
        point = await self.point(serial)
        assert point
        return point

    async def store_upload(self, point: Point, upload: Upload) -> None:
        """Must be called within `transaction`."""
        await self._connection.execute(
            "UPDATE points SET uploads = uploads + 1, last_upload_ms = ?, battery_ok = ?, transfer_reason = ? "
            "WHERE id = ?",
            (upload.accepted_ms, upload.battery_ok, upload.transfer_reason, point.id),
        )
        stamps = (upload.accepted_ms, upload.visible_ms)
        await self._connection.executemany(
            _STORE_SAMPLE,
            [
                (point.id, each.time, each.channel, each.copy, each.type, each.value, each.status, each.period, *stamps)
                for each in upload.samples
            ],
        )

    async def newest_times(self, point: Point, now: int) -> dict[int, int]:
        """The time of each channel's newest sample that is not of the future: such a one is nothing to go by."""
        rows = await self.rows(
            "SELECT channel, max(time) AS newest FROM samples WHERE point_id = ? AND time <= ? GROUP BY channel",
            [point.id, now],
        )
        return {row["channel"]: row["newest"] for row in rows}

    async def samples(self, point: Point) -> list[Row]:
        """Everything that is stored of a point, whether it is visible yet or not."""
        return await self.rows("SELECT * FROM samples WHERE point_id = ? ORDER BY time, channel, copy", [point.id])

    async def history(self, point: Point, first: int, last: int, now_ms: int) -> list[Row]:
        """The visible samples with first ≤ time ≤ last (Unix seconds)."""
        return await self.rows(
            "SELECT * FROM samples WHERE point_id = ? AND time BETWEEN ? AND ? AND visible_ms <= ? "
            "ORDER BY time, copy, channel",
            [point.id, first, last, now_ms],
        )

    async def current_values(self, point: Point, now_ms: int) -> list[Row]:
        """The newest visible sample of each channel."""
        return await self.rows(
            "SELECT *, max(time) FROM samples WHERE point_id = ? AND copy = 0 AND visible_ms <= ? "
            "GROUP BY channel ORDER BY channel",
            [point.id, now_ms],
        )

    async def keep_message(self, serial: str, endpoint: str, received_ms: int, confirmable: bool, fields: str) -> None:
        async with self.transaction():
            await self._connection.execute(
                "INSERT INTO messages (serial, endpoint, received_ms, confirmable, fields) VALUES (?, ?, ?, ?, ?)",
                (serial, endpoint, received_ms, confirmable, fields),
            )

    async def messages(self, serial: str) -> list[Row]:
        return await self.rows("SELECT * FROM messages WHERE serial = ? ORDER BY id", [serial])

    async def has_message(self, serial: str, endpoint: str) -> bool:
        query = "SELECT 1 FROM messages WHERE serial = ? AND endpoint = ? LIMIT 1"
        return bool(await self.rows(query, [serial, endpoint]))

    async def queue_reply(self, serial: str, config: bytes) -> None:
        async with self.transaction():
            await self._connection.execute("INSERT INTO replies (serial, config) VALUES (?, ?)", (serial, config))

    async def queued_replies(self, serial: str) -> list[bytes]:
        return [row["config"] for row in await self.rows("SELECT config FROM replies WHERE serial = ?", [serial])]

    async def take_replies(self, serial: str) -> list[bytes]:
        """What was queued for the sensor, oldest first; each is handed out once."""
        async with self.transaction():
            rows = await self.rows("DELETE FROM replies WHERE serial = ? RETURNING id, config", [serial])
        return [row["config"] for row in sorted(rows, key=lambda row: int(row["id"]))]

    async def open_alert(
        self, point: Point, channel: int, rule: AlertRule, measurement: float, created_ms: int
    ) -> bool:
        """Must be called within `transaction`. Does nothing, and says so, while the channel's alert of it is open."""
        opened = await self.rows(
            "INSERT INTO alerts (point_id, channel, rule, condition, parameter, threshold, measurement, created_ms) "
            "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS "
            "(SELECT 1 FROM alerts WHERE point_id = ?1 AND channel = ?2 AND rule = ?3 AND neutralized_ms IS NULL) "
            "RETURNING id",
            (point.id, channel, rule.name, rule.condition, rule.parameter, rule.threshold, measurement, created_ms),
        )
        return bool(opened)

    async def end_alert(self, point: Point, channel: int, rule: str, neutralized_ms: int) -> bool:
        """Must be called within `transaction`. Says whether there was one to end."""
        ended = await self.rows(
            "UPDATE alerts SET neutralized_ms = ? "
            "WHERE point_id = ? AND channel = ? AND rule = ? AND neutralized_ms IS NULL RETURNING id",
            (neutralized_ms, point.id, channel, rule),
        )
        return bool(ended)

    async def alerts(self) -> list[Row]:
        return await self.rows(
            "SELECT alerts.*, points.serial FROM alerts JOIN points ON points.id = alerts.point_id ORDER BY alerts.id"
        )


async def _add_missing_columns(connection: aiosqlite.Connection) -> None:
    """A database of an earlier version keeps its history; its alerts are all of the first channel."""
    columns = await connection.execute_fetchall("PRAGMA table_info (alerts)")
    if "channel" not in {column["name"] for column in columns}:
        await connection.execute("ALTER TABLE alerts ADD COLUMN channel INTEGER NOT NULL DEFAULT 1")
