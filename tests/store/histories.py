"""Results to record, and what must hold for the runs of any store."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

from monitor.results import Result
from monitor.sla.model import Observation, ProbeTerms, Run, Verdict
from monitor.sla.runs import runs_of
from monitor.store import ImportRow, Store, StoredResult

START_MS = 1_790_000_000_000
EVERY_MS = 30_000
HERE = "frankfurt"
VERDICT_OF = {"u": Verdict.UP, "D": Verdict.DOWN, "?": Verdict.UNKNOWN}
REASON_OF = {"u": "", "D": "timeout", "?": "blocked"}


def terms(probe: str, location: str = HERE, *, from_ms: int = START_MS, confirm_after: int = 2) -> ProbeTerms:
    return ProbeTerms(probe, location, from_ms, "api", EVERY_MS, 75_000, confirm_after)


def result(letter: str, at_ms: int = START_MS, probe: str = "web", location: str = HERE) -> Result:
    """One letter, one verdict: u up, D down, ? unknown."""
    step = "connect" if letter == "D" else ""
    return Result(probe, "api", location, at_ms, 120_000, VERDICT_OF[letter], REASON_OF[letter], step)


def history(letters: str, probe: str = "web", *, start_ms: int = START_MS, location: str = HERE) -> list[Result]:
    """One letter an interval; a dot is a check that did not take place."""
    moments = range(start_ms, start_ms + len(letters) * EVERY_MS, EVERY_MS)
    return [
        result(letter, at_ms, probe, location) for letter, at_ms in zip(letters, moments, strict=True) if letter != "."
    ]


def import_rows(results: Sequence[Result], prefix: str = "old") -> list[ImportRow]:
    return [
        ImportRow(
            f"{prefix}-{each.probe}-{each.started_ms}",
            each.probe,
            each.location,
            each.started_ms,
            each.finished_ms,
            each.verdict,
            each.reason,
            each.step,
            each.detail,
            EVERY_MS,
        )
        for each in results
    ]


async def all_results(store: Store) -> list[StoredResult]:
    return [each async for each in store.results(0, 2**48)]


async def assert_runs_are_exact(store: Store) -> None:
    """The promise about runs: they are those that all results on record make, computed from the results alone."""
    ledger = await store.ledger()
    assert ledger.runs == runs_of_results(await all_results(store), ledger.terms)


def runs_of_results(
    recorded: Sequence[StoredResult], all_terms: Sequence[ProbeTerms]
) -> dict[tuple[str, str], list[Run]]:
    """What those results make, with those terms."""
    expected = {}
    in_order = sorted(recorded, key=lambda each: (each.probe, each.location))
    for (probe, location), results in groupby(in_order, key=lambda each: (each.probe, each.location)):
        own = [each for each in all_terms if (each.probe, each.location) == (probe, location)]
        expected[probe, location] = runs_of([_observation(each, own) for each in results])
    return expected


def assert_results_are_found_through_runs(file: Path) -> None:
    """Every result lies inside a run of its probe and location, by its time and by its id."""
    lost = """
        SELECT id FROM results AS r WHERE NOT EXISTS (
            SELECT 1 FROM runs WHERE probe = r.probe AND location = r.location AND verdict = r.verdict
            AND r.started_ms BETWEEN first_ms AND last_ms AND r.id BETWEEN first_id AND last_id)
    """
    assert query(file, lost) == []


def query(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def execute(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(sql)


def _observation(recorded: StoredResult, own: Sequence[ProbeTerms]) -> Observation:
    in_force = own[0]
    for each in own:
        if each.from_ms <= recorded.started_ms:
            in_force = each
    return Observation(
        recorded.started_ms,
        recorded.verdict,
        in_force.stale_ms,
        in_force.confirm_after,
        recorded.reason,
        recorded.step,
    )
