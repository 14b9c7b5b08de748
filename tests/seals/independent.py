"""A verifier written from `docs/seal-format.md` alone. It shares no code with ours, only the library for Ed25519."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TABLES = [
    "writers",
    "probe_terms",
    "results",
    "imported",
    "schedule_events",
    "lives",
    "imports",
    "windows",
    "agreements",
    "clock_events",
    "prunings",
    "seal_keys",
]
VERDICTS = {0: "up", 1: "unknown", 2: "down"}
NUMBERED = {
    "writers": "SELECT w.id, boot_id, l.location, version, started_ms FROM writers w "
    "JOIN locations l ON l.id = w.location",
    "schedule_events": "SELECT e.id, p.probe, l.location, scheduled_ms, event, cause, late_ms FROM schedule_events e "
    "JOIN probes p ON p.id = e.probe JOIN locations l ON l.id = e.location",
    "imports": "SELECT * FROM imports",
    "windows": "SELECT * FROM windows",
    "agreements": "SELECT * FROM agreements",
    "clock_events": "SELECT * FROM clock_events",
    "prunings": "SELECT * FROM prunings",
}
KEYED = {
    "probe_terms": "SELECT p.probe, l.location, from_ms, component, every_ms, stale_ms, confirm_after, title "
    "FROM probe_terms t JOIN probes p ON p.id = t.probe JOIN locations l ON l.id = t.location",
    "lives": "SELECT v.id, boot_id, first_ms, last_ms, stopped_ms FROM lives v JOIN writers w ON w.id = writer",
    "seal_keys": "SELECT * FROM seal_keys",
}
RESULTS = """SELECT r.id, boot_id, p.probe, l.location, verdict, reasons.reason, steps.step, r.started_ms, duration_us
    FROM results r JOIN probes p ON p.id = r.probe JOIN locations l ON l.id = r.location
    LEFT JOIN reasons ON reasons.id = r.reason LEFT JOIN steps ON steps.id = r.step
    LEFT JOIN writers w ON w.id = r.id >> 32 AND r.id > 0"""


RUNS = """SELECT p.probe, l.location, verdict, first_ms, stale_ms, confirm_after, reasons.reason, steps.step,
    last_ms, count
    FROM runs r JOIN probes p ON p.id = r.probe JOIN locations l ON l.id = r.location
    LEFT JOIN reasons ON reasons.id = r.reason LEFT JOIN steps ON steps.id = r.step"""


def row_bytes(values: Iterable[Any]) -> bytes:
    out = b""
    for value in values:
        if value is None:
            out += b"n"
        elif isinstance(value, int):
            out += b"i" + value.to_bytes(8, "big", signed=True)
        else:
            letter, content = (b"s", value.encode()) if isinstance(value, str) else (b"b", value)
            out += letter + len(content).to_bytes(4, "big") + content
    return out


def check(file: Path) -> list[int]:
    """The numbers of the seals, all of which hold; raises `AssertionError` otherwise."""
    with closing(sqlite3.connect(file)) as database:
        numbers: list[int] = []
        previous = None
        public = dict(database.execute("SELECT fingerprint, public_key FROM seal_keys"))
        columns = "number, digest, key, signature, header, leaves"
        for number, digest, key, signature, header, leaves in database.execute(
            f"SELECT {columns} FROM seals ORDER BY number"
        ):
            Ed25519PublicKey.from_public_bytes(public[key]).verify(signature, header)
            assert sha256(public[key]).hexdigest()[:16] == key
            content = json.loads(header)
            assert (content["number"], content["previous"], content["key"]) == (number, previous, key)
            assert sha256(header).hexdigest() == digest
            assert sha256(leaves).hexdigest() == content["leaves"]
            _check_rows(database, content, leaves)
            _check_runs(database, content.get("runs"))
            numbers.append(number)
            previous = digest
        return numbers


def _check_rows(database: sqlite3.Connection, content: dict[str, Any], leaves: bytes) -> None:
    place = 0
    for table in TABLES:
        section = content["tables"][table]
        digest = sha256()
        keyed = table in (*KEYED, "imported")
        keys = [leaves[place + 12 * n : place + 12 * n + 8] for n in range(section["count"])] if keyed else []
        rows = list(_rows(database, table, section, keys))
        assert len(rows) == section["count"]
        for number, row in enumerate(rows):
            digest.update(row)
            expected = (keys[number] if keyed else b"") + sha256(row).digest()[:4]
            assert leaves[place : place + len(expected)] == expected
            place += len(expected)
        assert digest.hexdigest() == section["sha256"], table
    assert place == len(leaves)


def _check_runs(database: sqlite3.Connection, section: dict[str, Any] | None) -> None:
    if section is None:
        return
    over, going_on = [], []
    for *facts, last_ms, count in database.execute(RUNS):
        facts[2], facts[6], facts[7] = VERDICTS[facts[2]], facts[6] or "", facts[7] or ""
        over_ms = last_ms + facts[4]
        if over_ms < section["before_ms"]:
            over.append((over_ms, row_bytes([*facts, last_ms, count])))
        elif facts[3] < section["before_ms"]:
            going_on.append(row_bytes([*facts, None, None]))
    assert len(over) + len(going_on) == section["count"]
    assert sha256(b"".join([row for _, row in sorted(over)] + sorted(going_on))).hexdigest() == section["sha256"]


def _rows(database: sqlite3.Connection, table: str, section: dict[str, Any], keys: list[bytes]) -> Iterator[bytes]:
    if table == "results":
        for first, last in sorted(section["ranges"].values()):
            for found in database.execute(f"{RESULTS} WHERE r.id BETWEEN ? AND ? ORDER BY r.id", (first, last)):
                yield _result(database, *found)
    elif table == "imported":
        for key in keys:
            found = database.execute(f"{RESULTS} WHERE r.id = ?", (-int.from_bytes(key, "big"),)).fetchone()
            yield _result(database, *found)
    elif table in NUMBERED:
        for values in database.execute(NUMBERED[table] + " ORDER BY 1"):
            if section["first"] <= values[0] <= section["last"]:
                yield row_bytes(values)
    else:
        found = {_key(table, values): values for values in database.execute(KEYED[table])}
        assert keys == sorted(keys)
        for key in keys:
            yield row_bytes(found[key])


def _key(table: str, values: tuple[Any, ...]) -> bytes:
    if table == "lives":
        return int(values[0]).to_bytes(8, "big")
    return bytes.fromhex(values[0]) if table == "seal_keys" else sha256(row_bytes(values[:3])).digest()[:8]


def _result(database: sqlite3.Connection, number: int, boot_id: str | None, *rest: Any) -> bytes:
    probe, location, verdict, reason, step, started_ms, duration_us = rest
    kept = database.execute("SELECT detail, content FROM evidence WHERE result_id = ?", (number,)).fetchone()
    query = "SELECT name, media_type, content FROM pictures WHERE result_id = ? ORDER BY name"
    pictures = database.execute(query, (number,)).fetchall()
    evidence = None
    if kept or pictures:
        evidence = sha256(row_bytes([*(kept or (None, None)), *sum(pictures, ())])).digest()
    names = (boot_id if number > 0 else "imported", probe, location, VERDICTS[verdict], reason or "", step or "")
    outside = number % 2**32 if number > 0 else -number
    return row_bytes((*names, outside, started_ms, duration_us, evidence))
