"""What is on record in a store file, read as an auditor's program would read it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from monitor.clock import to_milliseconds
from monitor.sla.components import component_spans
from monitor.sla.intervals import Interval
from monitor.sla.model import Cause, Ledger, Life, State
from monitor.store import Store
from probes.efento.samples import SampleRun

T = TypeVar("T")


def reading(file: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with await Store.open(f"sqlite:///{file}", read_only=True) as store:
            return await work(store)

    return asyncio.run(opened())


def ledger_of(file: Path) -> Ledger:
    return reading(file, lambda store: store.ledger())


def lives_of(file: Path) -> Sequence[Life]:
    return ledger_of(file).lives


def samples_of(file: Path) -> dict[str, list[SampleRun]]:
    return reading(file, lambda store: store.sample_runs())


def states_between(ledger: Ledger, component: str, interval: Interval) -> set[tuple[State, Cause | None]]:
    """The states that a component had in the interval, with the causes of not knowing."""
    return {(span.state, span.cause) for span in component_spans(ledger, component, interval)}


def query(file: Path, sql: str) -> list[tuple[Any, ...]]:
    """Reads without tidying up: what a killed daemon left in its write-ahead log is for its next start to recover."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


Check = tuple[str, int]
"""A probe and the start of its check in UTC milliseconds: what a result is known by outside the store."""


def stored_checks(file: Path) -> list[Check]:
    return query(
        file, "SELECT p.probe, r.started_ms FROM results AS r JOIN probes AS p ON p.id = r.probe ORDER BY r.id"
    )


def check_of(probe: str, started_at: str) -> Check:
    return probe, to_milliseconds(datetime.fromisoformat(started_at))
