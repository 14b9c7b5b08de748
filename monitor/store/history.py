"""Changes to what is on record that reach further back than the newest run."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from monitor.sla.model import ProbeTerms
from monitor.store import run_rows, schema, terms
from monitor.store.counters import LEDGER_GENERATION, bump
from monitor.store.names import Names
from monitor.store.run_rows import Stretch

_LIMIT = 2**63 - 1


def record_terms(
    connection: Connection, location: str, now_ms: int, given: Sequence[ProbeTerms], titles: Mapping[str, str]
) -> bool:
    """Puts on record what changed in the settings of the location's probes; returns whether any did."""
    names = Names()
    changed = terms.record(connection, names, location, now_ms, given, titles)
    newest, _ = run_rows.newest(connection, changed) if changed else ({}, 0)
    # Results from the future, because the clock was set back, were judged by the former terms.
    stretches = {
        pair: run_rows.stretch_around(connection, pair, from_ms, newest[pair].run.last_ms)
        for pair, from_ms in changed.items()
        if pair in newest and newest[pair].run.last_ms >= from_ms
    }
    if stretches:
        row = next(newest[pair] for pair in stretches)
        run_rows.rebuild(connection, names, terms.load(connection), stretches, (row.first_id, row.last_id))
    if stretches or (changed and _others_look(connection, location)):
        bump(connection, LEDGER_GENERATION)
    return bool(changed)


def _others_look(connection: Connection, location: str) -> bool:
    """Whether daemons at other locations are to know: a component's state depends on all the places that look at it."""
    places = schema.probe_terms.join(schema.locations, schema.locations.c.id == schema.probe_terms.c.location)
    other = select(schema.probe_terms.c.probe).select_from(places).where(schema.locations.c.location != location)
    return connection.execute(other.limit(1)).first() is not None


def rebuild_all(connection: Connection) -> None:
    """Makes all runs anew out of the recorded results."""
    terms_table = schema.probe_terms
    pairs = connection.execute(select(terms_table.c.probe, terms_table.c.location).distinct()).all()
    stretches = {(probe, location): Stretch(-_LIMIT, _LIMIT) for probe, location in pairs}
    run_rows.rebuild(connection, Names(), terms.load(connection), stretches, (-_LIMIT, _LIMIT))
    bump(connection, LEDGER_GENERATION)
