"""What a simulation writes that no daemon writes so: whole lives at once, instead of a heartbeat every few seconds; and
runs without the results that they are made of."""

import json
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, insert

from monitor.sla.model import Life, Run
from monitor.store import pruning, run_rows, schema
from monitor.store.names import Names
from monitor.store.records import ScheduleEvent
from monitor.store.store import Store


async def record_boots(
    store: Store, version: str, boots: Iterable[tuple[str, Sequence[Life]]], events: Iterable[ScheduleEvent] = ()
) -> None:
    """Puts starts of daemons on record, each with its boot id and the lives that it had, and what went amiss."""
    await store._transact(lambda connection: _write(connection, version, boots, events))


async def record_runs(store: Store, runs: Mapping[tuple[str, str], Sequence[Run]], until_ms: int) -> None:
    """Puts runs of probes and locations on record, as they are left once all results up to an instant were deleted."""
    await store._transact(lambda connection: _write_runs(connection, runs, until_ms))


# Smallest and greatest id of a run's results: of an imported one that is not there.
_NO_RESULT = -1


def _write_runs(connection: Connection, runs: Mapping[tuple[str, str], Sequence[Run]], until_ms: int) -> None:
    names = Names()
    for (probe, location), found in runs.items():
        pair = names.probe(connection, probe), names.location(connection, location)
        run_rows.save(connection, names, ((pair, run_rows.RunRow(None, run, _NO_RESULT, _NO_RESULT)) for run in found))
    # Otherwise whatever makes runs anew, or holds them against the results, would find these to be wrong.
    content = {"results": {}, "rows": 0, "runs": pruning._heads(connection, until_ms)}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    values = {"pruned_ms": until_ms, "before_ms": until_ms, "content": text}
    connection.execute(insert(schema.prunings), values)


def _write(
    connection: Connection, version: str, boots: Iterable[tuple[str, Sequence[Life]]], events: Iterable[ScheduleEvent]
) -> None:
    names = Names()
    for boot_id, lives in boots:
        values = {
            "boot_id": boot_id,
            "location": names.location(connection, lives[0].location),
            "version": version,
            "started_ms": lives[0].first_ms,
        }
        (writer,) = connection.execute(insert(schema.writers).returning(schema.writers.c.id), values).one()
        connection.execute(insert(schema.lives), [_life(writer, life) for life in lives])
    rows = [_event(connection, names, event) for event in events]
    if rows:
        connection.execute(insert(schema.schedule_events), rows)


def _life(writer: int, life: Life) -> dict[str, int | None]:
    return {
        "writer": writer,
        "first_ms": life.first_ms,
        "last_ms": life.last_ms,
        "stopped_ms": life.last_ms if life.clean else None,
    }


def _event(connection: Connection, names: Names, event: ScheduleEvent) -> dict[str, int | str]:
    return {
        "probe": names.probe(connection, event.probe),
        "location": names.location(connection, event.location),
        "scheduled_ms": event.scheduled_ms,
        "event": event.event,
        "cause": event.cause,
        "late_ms": event.late_ms,
    }
