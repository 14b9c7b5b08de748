"""What the store is asked: the ledger, the newest results, and results one by one for an export."""

from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select, true

from monitor.sla.model import Ledger, Run, Verdict
from monitor.store import evidence, lives, run_rows, schema, terms
from monitor.store.ids import import_id, text_id
from monitor.store.names import names_of
from monitor.store.records import ScheduleEvent, StoredResult
from monitor.store.schema import VERDICTS, locations, probes, results, runs
from monitor.store.terms import Pair

if TYPE_CHECKING:
    from monitor.results import Result

_PORTION = 2_000


def ledger(connection: Connection, since_ms: int | None) -> Ledger:
    """All runs, or those that speak for some time from `since_ms` on; all terms; all lives."""
    wanted = true() if since_ms is None else runs.c.last_ms + runs.c.stale_ms > since_ms
    found = runs_by_place(connection, wanted)
    return Ledger(found, tuple(terms.all_terms(connection)), tuple(lives.all_lives(connection)))


def runs_by_place(connection: Connection, wanted: ColumnElement[bool]) -> dict[tuple[str, str], list[Run]]:
    """The runs by the names of probe and location, each in order of time."""
    query = (
        select(*run_rows.run_columns(), probes.c.probe.label("probe_name"), locations.c.location.label("location_name"))
        .select_from(
            run_rows.with_names(
                runs.join(probes, probes.c.id == runs.c.probe).join(locations, locations.c.id == runs.c.location)
            )
        )
        .where(wanted)
        .order_by(runs.c.probe, runs.c.location, runs.c.first_ms, runs.c.id)
    )
    found: dict[tuple[str, str], list[Run]] = {}
    for row in connection.execute(query):
        found.setdefault((row.probe_name, row.location_name), []).append(run_rows.run_of(row))
    return found


def latest(connection: Connection) -> "list[Result]":
    """The newest result of each probe at each location, with what was kept of it."""
    known = terms.load(connection)
    return [_result(row, known.at(pair, row.started_ms).component or "") for pair, row in newest_results(connection)]


def newest_results(connection: Connection) -> list[tuple[Pair, Any]]:
    """The newest result of each probe at each location, as a row."""
    query = select(runs.c.last_id, runs.c.last_ms, runs.c.first_id, runs.c.probe, runs.c.location)
    newest = connection.execute(query.select_from(run_rows.newest_runs()).where(runs.c.id.is_not(None)))
    found = [((run.probe, run.location), _newest_result(connection, run)) for run in newest]
    return [(pair, row) for pair, row in found if row is not None]


def events(connection: Connection, start_ms: int, end_ms: int) -> list[ScheduleEvent]:
    """Starts that were due in the half-open time and were late or did not take place."""
    table = schema.schedule_events
    query = (
        select(probes.c.probe, locations.c.location, *(table.c["scheduled_ms", "event", "cause", "late_ms"]))
        .select_from(
            table.join(probes, probes.c.id == table.c.probe).join(locations, locations.c.id == table.c.location)
        )
        .where(table.c.scheduled_ms >= start_ms, table.c.scheduled_ms < end_ms)
        .order_by(table.c.scheduled_ms, table.c.id)
    )
    return [ScheduleEvent(*row) for row in connection.execute(query)]


def portions(
    engine: Engine, start_ms: int, end_ms: int, probe: str | None
) -> Generator[list[StoredResult], None, None]:
    """Results that began in the half-open time, in order of time. The database sorts, in a file of its own."""
    with engine.connect() as connection:
        boot_ids, reasons, steps = _dictionaries(connection)
        query = _bounded(connection, start_ms, end_ms, probe)
        for portion in connection.execute(query, execution_options={"yield_per": _PORTION}).partitions():
            yield [
                StoredResult(
                    result_id,
                    text_id(result_id, boot_ids),
                    name,
                    location,
                    started_ms,
                    duration_us,
                    VERDICTS[verdict],
                    reasons[reason],
                    steps[step],
                    detail or "",
                )
                for result_id, name, location, started_ms, duration_us, verdict, reason, step, detail in portion
            ]


def result_id(connection: Connection, text: str) -> int | None:
    """The id of the result that is named like this outside the store; None where there is none."""
    writers = {boot_id: number for number, boot_id in connection.execute(select(*schema.writers.c["id", "boot_id"]))}
    wanted = import_id(text, writers)
    return connection.execute(select(results.c.id).where(results.c.id == wanted)).scalar()


def _dictionaries(connection: Connection) -> tuple[dict[int, str], dict[int | None, str], dict[int | None, str]]:
    writers: Iterable[Any] = connection.execute(select(schema.writers.c.id, schema.writers.c.boot_id))
    boot_ids = {writer: boot_id for writer, boot_id in writers}
    return boot_ids, names_of(connection, schema.reasons), names_of(connection, schema.steps)


def _bounded(connection: Connection, start_ms: int, end_ms: int, probe: str | None) -> Select[*tuple[Any, ...]]:
    # There is no index by time: the runs of that time tell between which ids its results are.
    touching = select(func.min(runs.c.first_id), func.max(runs.c.last_id)).where(
        runs.c.last_ms >= start_ms, runs.c.first_ms < end_ms
    )
    query = _results().where(results.c.started_ms >= start_ms, results.c.started_ms < end_ms)
    if probe is not None:
        touching = touching.join(probes, probes.c.id == runs.c.probe).where(probes.c.probe == probe)
        query = query.where(probes.c.probe == probe)
    first_id, last_id = connection.execute(touching).one()
    return query.where(results.c.id.between(first_id, last_id)).order_by(results.c.started_ms, results.c.id)


def _results() -> Select[*tuple[Any, ...]]:
    kept = schema.evidence
    return select(
        results.c.id,
        probes.c.probe,
        locations.c.location,
        *(results.c["started_ms", "duration_us", "verdict", "reason", "step"]),
        kept.c.detail,
    ).select_from(
        results.join(probes, probes.c.id == results.c.probe)
        .join(locations, locations.c.id == results.c.location)
        .outerjoin(kept, kept.c.result_id == results.c.id)
    )


def _newest_result(connection: Connection, run: Any) -> Any:
    columns = _results().add_columns(
        schema.evidence.c.content, schema.reasons.c.reason.label("reason_name"), schema.steps.c.step.label("step_name")
    )
    query = columns.outerjoin(schema.reasons, schema.reasons.c.id == results.c.reason).outerjoin(
        schema.steps, schema.steps.c.id == results.c.step
    )
    row = connection.execute(query.where(results.c.id == run.last_id)).first()
    if row is None or row.started_ms == run.last_ms:
        return row
    # Two writers took turns: the greatest id is not the newest.
    own = (results.c.probe == run.probe) & (results.c.location == run.location) & (results.c.started_ms == run.last_ms)
    within = own & results.c.id.between(run.first_id, run.last_id)
    return connection.execute(query.where(within).order_by(results.c.id.desc()).limit(1)).first()


def _result(row: Any, component: str) -> "Result":
    from monitor.results import Result

    kept = evidence.decoded(row.detail or "", row.content)
    return Result(
        row.probe,
        component,
        row.location,
        row.started_ms,
        row.duration_us,
        Verdict(VERDICTS[row.verdict]),
        row.reason_name or "",
        row.step_name or "",
        kept.detail,
        tuple(kept.steps),
        kept.items,
        kept.figures,
    )
