"""Results by columns: for an export of millions, where an object each would cost more than everything else."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Select, func, select

from monitor.store import schema
from monitor.store.ids import text_id
from monitor.store.located import id_ranges
from monitor.store.names import names_of
from monitor.store.schema import VERDICTS, probes, results, runs

PORTION = 50_000


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """Results in order: the same place of every column belongs to the same result. No reason or step is empty text."""

    ids: Sequence[str]
    probes: Sequence[str]
    locations: Sequence[str]
    started_ms: Sequence[int]
    duration_us: Sequence[int]
    verdicts: Sequence[str]
    reasons: Sequence[str]
    steps: Sequence[str]
    details: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)


def portions(
    engine: Engine, start_ms: int, end_ms: int, probe: str | None, *, by_series: bool
) -> Generator[ResultColumns, None, None]:
    """Results that began in the half-open time, in order of time; with `by_series` first by probe and location, and of
    those that began in the same millisecond the worst last. The database sorts, in a file of its own."""
    with engine.connect() as connection:
        words = _Words.of(connection)
        query = _selected(connection, start_ms, end_ms, probe)
        if by_series:
            query = query.order_by(
                results.c.probe, results.c.location, results.c.started_ms, results.c.verdict, results.c.id
            )
        else:
            query = query.order_by(results.c.started_ms, results.c.id)
        for rows in connection.execute(query, execution_options={"yield_per": PORTION}).partitions():
            ids, probe_keys, places, started_ms, durations_us, verdicts, reasons, steps, details = zip(
                *rows, strict=True
            )
            yield ResultColumns(
                [text_id(each, words.boot_ids) for each in ids],
                [words.probes[each] for each in probe_keys],
                [words.locations[each] for each in places],
                started_ms,
                durations_us,
                [words.verdicts[each] for each in verdicts],
                [words.reasons[each] for each in reasons],
                [words.steps[each] for each in steps],
                [each or "" for each in details],
            )


def count_about(connection: Connection, start_ms: int, end_ms: int, probe: str | None) -> int:
    """How many results began in the half-open time, and maybe some more; none are looked at."""
    query = select(func.coalesce(func.sum(runs.c.count), 0)).where(runs.c.last_ms >= start_ms, runs.c.first_ms < end_ms)
    if probe is not None:
        query = query.join(probes, probes.c.id == runs.c.probe).where(probes.c.probe == probe)
    return int(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class _Words:
    boot_ids: dict[int, str]
    probes: dict[int | None, str]
    locations: dict[int | None, str]
    reasons: dict[int | None, str]
    steps: dict[int | None, str]
    verdicts: dict[int, str]

    @classmethod
    def of(cls, connection: Connection) -> "_Words":
        writers = connection.execute(select(schema.writers.c.id, schema.writers.c.boot_id))
        return cls(
            boot_ids={writer: boot_id for writer, boot_id in writers},
            probes=names_of(connection, schema.probes),
            locations=names_of(connection, schema.locations),
            reasons=names_of(connection, schema.reasons),
            steps=names_of(connection, schema.steps),
            verdicts={code: verdict.value for code, verdict in VERDICTS.items()},
        )


def _selected(connection: Connection, start_ms: int, end_ms: int, probe: str | None) -> Select[tuple[int, ...]]:
    kept = schema.evidence
    ranges = id_ranges(connection, start_ms - 1, end_ms)
    first_id, last_id = min((first for first, _ in ranges), default=0), max((last for _, last in ranges), default=0)
    query = (
        select(
            *results.c["id", "probe", "location", "started_ms", "duration_us", "verdict", "reason", "step"],
            kept.c.detail,
        )
        .select_from(results.outerjoin(kept, kept.c.result_id == results.c.id))
        .where(results.c.id.between(first_id, last_id))
        .where(results.c.started_ms >= start_ms, results.c.started_ms < end_ms)
    )
    if probe is None:
        return query
    return query.where(results.c.probe.in_(select(probes.c.id).where(probes.c.probe == probe)))
