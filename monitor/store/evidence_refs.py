"""Which result a failure began with, by name: for reports. Told by runs alone, so that the name stays when raw results
are deleted for their age."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from monitor.sla.model import Verdict
from monitor.store import schema
from monitor.store.ids import text_id, writer_of
from monitor.store.schema import VERDICT_CODES, locations, probes, runs

FirstFailures = Mapping[tuple[str, str, int], str]
"""By probe, location and the run's `first_ms`, how its first result is named outside the store."""


def first_failures(connection: Connection, as_of_ms: int) -> FirstFailures:
    """Of all failures that had begun by then.

    Ids of imported results are digests, of which the smallest is not the first one: such runs name none. A daemon
    numbers its results in their order, and a later start of it has greater ids.
    """
    boot_ids = {number: boot_id for number, boot_id in connection.execute(select(*schema.writers.c["id", "boot_id"]))}
    query = (
        select(probes.c.probe, locations.c.location, runs.c.first_ms, runs.c.first_id)
        .select_from(runs.join(probes, probes.c.id == runs.c.probe).join(locations, locations.c.id == runs.c.location))
        .where(runs.c.verdict == VERDICT_CODES[Verdict.DOWN], runs.c.first_ms <= as_of_ms, runs.c.first_id > 0)
    )
    return {
        (probe, location, first_ms): text_id(first_id, boot_ids)
        for probe, location, first_ms, first_id in connection.execute(query)
        if writer_of(first_id) in boot_ids
    }
