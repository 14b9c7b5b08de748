"""What became of virtual sensors' samples, and what probes remember from check to check."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select

from monitor.store import schema
from monitor.store.evidence import storable

if TYPE_CHECKING:
    from probes.contract import SampleMark
    from probes.efento.samples import SampleRun


def mark(connection: Connection, fact: "SampleMark") -> None:
    """Puts the samples into their new state. Only runs that overlap or touch them are read and written."""
    from probes.efento.samples import marked

    table = schema.sample_runs
    near = (
        (table.c.serial == fact.serial)
        & (table.c.last_s >= min(fact.times) - fact.period)
        & (table.c.first_s <= max(fact.times) + fact.period)
    )
    columns = select(table.c.first_s, table.c.last_s, table.c.period_s, table.c.state)
    before = [_run(*row) for row in connection.execute(columns.where(near).order_by(table.c.first_s))]
    after = marked(before, fact.period, fact.state, fact.times)
    if after == before:
        return
    for run in set(before) - set(after):
        connection.execute(delete(table).where(table.c.serial == fact.serial, table.c.first_s == run.first))
    rows = [_row(fact.serial, run) for run in after if run not in before]
    if rows:
        connection.execute(insert(table), rows)


def all_runs(connection: Connection) -> "dict[str, list[SampleRun]]":
    """By serial number, in order of time."""
    table = schema.sample_runs
    found: dict[str, list[SampleRun]] = {}
    columns = select(table.c.serial, table.c.first_s, table.c.last_s, table.c.period_s, table.c.state)
    for serial, *run in connection.execute(columns.order_by(table.c.serial, table.c.first_s)):
        found.setdefault(serial, []).append(_run(*run))
    return found


def remember(connection: Connection, probe: int, memory: Mapping[str, str]) -> None:
    table = schema.memory
    for key, value in memory.items():
        same = (table.c.probe == probe) & (table.c.key == key)
        connection.execute(delete(table).where(same))
        connection.execute(insert(table), {"probe": probe, "key": key, "value": storable(value)})


def remembered(connection: Connection) -> dict[tuple[str, str], str]:
    """By probe and key."""
    table = schema.memory
    query = select(schema.probes.c.probe, table.c.key, table.c.value).join(
        schema.probes, schema.probes.c.id == table.c.probe
    )
    return {(row.probe, row.key): row.value for row in connection.execute(query)}


def _run(first: int, last: int, period: int, state: str) -> "SampleRun":
    from probes.efento.samples import SampleRun, SampleState

    return SampleRun(first, last, period, SampleState(state))


def _row(serial: str, run: "SampleRun") -> dict[str, str | int]:
    return {
        "serial": serial,
        "first_s": run.first,
        "last_s": run.last,
        "period_s": run.period,
        "state": run.state.value,
    }
