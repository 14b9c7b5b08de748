"""Small tables of facts as text: runs, outages. Times are RFC 3339 in UTC."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from monitor.clock import iso
from monitor.export.results import Components
from monitor.sla.model import Ledger
from monitor.sla.outages import Outage

Row = Mapping[str, Any]


def as_ndjson(rows: Iterable[Row]) -> bytes:
    """One object a line."""
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def as_csv(rows: Iterable[Row], headings: Iterable[str]) -> bytes:
    """A line of headings, and a line each; lists with spaces between."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(headings))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: " ".join(value) if isinstance(value, list) else value for name, value in row.items()})
    return text.getvalue().encode()


RUN_HEADINGS = (
    "probe",
    "component",
    "location",
    "verdict",
    "first_at",
    "last_at",
    "checks",
    "stale_seconds",
    "confirm_after",
    "reason",
    "step",
)


def run_rows(ledger: Ledger, components: Components, start_ms: int, end_ms: int, probe: str | None) -> Iterator[Row]:
    """Runs with a result in the half-open time, by probe, location and time; each whole."""
    for (name, place), runs in sorted(ledger.runs.items()):
        for run in runs if probe in (None, name) else ():
            if run.last_ms >= start_ms and run.first_ms < end_ms:
                values = (
                    name,
                    components.get((name, place)),
                    place,
                    run.verdict.value,
                    iso(run.first_ms),
                    iso(run.last_ms),
                    run.count,
                    run.stale_ms / 1000,
                    run.confirm_after,
                    run.reason or None,
                    run.step or None,
                )
                yield dict(zip(RUN_HEADINGS, values, strict=True))


OUTAGE_HEADINGS = (
    "id",
    "component",
    "severity",
    "start",
    "end",
    "down_milliseconds",
    "unknown_milliseconds",
    "probes",
    "reason",
    "step",
)


def outage_row(outage: Outage, severity: str) -> Row:
    """`end` is null while it goes on."""
    values = (
        outage.id,
        outage.component,
        severity,
        iso(outage.start_ms),
        None if outage.end_ms is None else iso(outage.end_ms),
        outage.down_ms,
        outage.unknown_ms,
        list(outage.probes),
        outage.reason or None,
        outage.step or None,
    )
    return dict(zip(OUTAGE_HEADINGS, values, strict=True))
