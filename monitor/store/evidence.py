"""What was kept of a check beyond its verdict: only of those that were not up, and of the first one after them."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from monitor.sla.model import Verdict
from monitor.store import schema
from monitor.store.records import Evidence

if TYPE_CHECKING:
    from monitor.results import Result
    from probes.contract import Picture


def keep(connection: Connection, telling: "Iterable[tuple[int, Result | None]]") -> None:
    rows = [
        {"result_id": result_id, "detail": storable(result.detail), "content": _content(result)}
        for result_id, result in telling
        if result is not None
    ]
    if rows:
        connection.execute(insert(schema.evidence), rows)


def keep_pictures(connection: Connection, results: "Iterable[tuple[int, Result]]") -> None:
    """Pictures of checks that were not up. Of two with one name, the later."""
    rows = [
        {"result_id": result_id, "name": name, "media_type": picture.media_type, "content": picture.content}
        for result_id, result in results
        if result.verdict is not Verdict.UP
        for name, picture in {storable(each.name): each for each in result.pictures}.items()
    ]
    if rows:
        connection.execute(insert(schema.pictures), rows)


def pictures(connection: Connection, result_id: int) -> "list[Picture]":
    from probes.contract import Picture

    table = schema.pictures
    query = select(table.c.name, table.c.media_type, table.c.content).where(table.c.result_id == result_id)
    return [Picture(*row) for row in connection.execute(query.order_by(table.c.name))]


def read(connection: Connection, result_id: int) -> Evidence | None:
    table = schema.evidence
    query = select(table.c.detail, table.c.content).where(table.c.result_id == result_id)
    row = connection.execute(query).first()
    return None if row is None else decoded(row.detail, row.content)


def decoded(detail: str, content: bytes | None) -> Evidence:
    from probes.contract import StepTiming

    if content is None:
        return Evidence(detail)
    found: dict[str, Any] = json.loads(zlib.decompress(content))
    return Evidence(
        detail,
        tuple(StepTiming(*step) for step in found.get("steps", ())),
        found.get("evidence", {}),
        found.get("figures", {}),
    )


def storable(text: str) -> str:
    """The text without halves of surrogate pairs, which no database takes; they come out of undecodable bytes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _content(result: "Result") -> bytes | None:
    found = {
        "steps": [astuple(step) for step in result.steps],
        "evidence": dict(result.evidence),
        "figures": dict(result.figures),
    }
    kept = {name: value for name, value in found.items() if value}
    return zlib.compress(json.dumps(kept).encode()) if kept else None
