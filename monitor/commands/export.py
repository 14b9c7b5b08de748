"""`efento-uptime export`: stored facts for other programs."""

import sys
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, TypeVar

import click

from monitor.commands.options import config_option, load_config, run_with_store

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.export.facts import Row
    from monitor.export.results import Components, Writer
    from monitor.sla.model import ProbeTerms
    from monitor.store import Store

CommandT = TypeVar("CommandT", bound=Callable[..., None])
# What is not text must not get onto a terminal.
BINARY = ("parquet",)

_FROM = click.option("--from", "start", metavar="TIME", help="From this time on (RFC 3339).")
_TO = click.option("--to", "end", metavar="TIME", help="Before this time (RFC 3339).")
_PROBE = click.option("--probe", help="Only this probe's.")
_OUTPUT = click.option(
    "-o", "--output", type=click.File("wb", lazy=False), default="-", help="A file; default: stdout."
)


def _format(*names: str) -> Callable[[CommandT], CommandT]:
    return click.option(
        "--format", "file_format", type=click.Choice(names), default=names[0], show_default=True, help="Of the file."
    )


@click.group()
def export() -> None:
    """Write stored facts for other programs."""


@export.command()
@_FROM
@_TO
@_PROBE
@_format("ndjson", "csv", "parquet", "openmetrics")
@_OUTPUT
@config_option
def results(
    start: str | None, end: str | None, probe: str | None, file_format: str, output: IO[bytes], config_path: str | None
) -> None:
    """Write the results that began in a time, in order of time.

    ndjson: one JSON object a line, which `import` reads. openmetrics: the metric uptime_probe_success alone, by series,
    for `promtool tsdb create-blocks-from openmetrics`; unknown results have no sample.
    """
    import asyncio

    from monitor.exchange import BEGINNING_MS, END_MS, time_argument

    if file_format in BINARY and output.isatty():
        raise click.UsageError(f"{file_format} is not text: give a file with --output")
    config = load_config(config_path)
    bounds = time_argument(start, "--from", BEGINNING_MS), time_argument(end, "--to", END_MS)

    async def write(store: "Store") -> None:
        components = _components((await store.ledger()).terms)
        writer = await asyncio.to_thread(_writer, file_format, output, components)
        await _write_results(store, writer, bounds, probe, file_format)

    run_with_store(config, write)


@export.command()
@_FROM
@_TO
@_PROBE
@_format("ndjson", "csv")
@_OUTPUT
@config_option
def runs(
    start: str | None, end: str | None, probe: str | None, file_format: str, output: IO[bytes], config_path: str | None
) -> None:
    """Write the runs (stretches of equal verdicts) that have a result in a time, by probe, location and time."""
    from monitor.commands.options import stored_ledger
    from monitor.exchange import BEGINNING_MS, END_MS, time_argument
    from monitor.export.facts import RUN_HEADINGS, as_csv, as_ndjson, run_rows

    config = load_config(config_path)
    start_ms, end_ms = time_argument(start, "--from", BEGINNING_MS), time_argument(end, "--to", END_MS)
    ledger = stored_ledger(config)
    rows = run_rows(ledger, _components(ledger.terms), start_ms, end_ms, probe)
    output.write(as_csv(rows, RUN_HEADINGS) if file_format == "csv" else as_ndjson(rows))


@export.command()
@_FROM
@_TO
@_format("ndjson", "csv")
@_OUTPUT
@config_option
def outages(start: str | None, end: str | None, file_format: str, output: IO[bytes], config_path: str | None) -> None:
    """Write the outages that touch a time, oldest first; each whole."""
    from monitor.export.facts import OUTAGE_HEADINGS, as_csv, as_ndjson

    rows = _outage_rows(load_config(config_path), start, end)
    output.write(as_csv(rows, OUTAGE_HEADINGS) if file_format == "csv" else as_ndjson(rows))


def _outage_rows(config: "Config", start: str | None, end: str | None) -> "list[Row]":
    from monitor.clock import SystemClock, to_milliseconds
    from monitor.exchange import BEGINNING_MS, time_argument
    from monitor.export.facts import outage_row
    from monitor.outage_log import record_of
    from monitor.sla.accounts import component_outages
    from monitor.sla.story import components_ever

    now_ms = to_milliseconds(SystemClock().now())
    interval = time_argument(start, "--from", BEGINNING_MS), min(time_argument(end, "--to", now_ms), now_ms)
    record = run_with_store(config, lambda store: record_of(store, config, now_ms))
    named = components_ever(record)
    found = [
        (outage.start_ms, outage.component, outage_row(outage, terms.severity))
        for terms in config.components
        if terms.key in named
        for outage in component_outages(record, terms.key, interval)
    ]
    return [row for *_, row in sorted(found, key=lambda each: each[:2])]


def _components(terms: "Sequence[ProbeTerms]") -> "Components":
    """The component that each probe belongs to, or did before it was retired."""
    return {(each.probe, each.location): each.component for each in terms if each.component is not None}


def _writer(file_format: str, output: IO[bytes], components: "Components") -> "Writer":
    if file_format == "parquet":
        from monitor.export.parquet import Parquet

        return Parquet(output, components)
    if file_format == "openmetrics":
        from monitor.export.openmetrics import OpenMetrics

        return OpenMetrics(output, components)
    from monitor.export.results import Csv, Ndjson

    return Csv(output, components) if file_format == "csv" else Ndjson(output, components)


async def _write_results(
    store: "Store", writer: "Writer", bounds: tuple[int, int], probe: str | None, file_format: str
) -> None:
    import asyncio
    from contextlib import aclosing

    about = await store.count_about(*bounds, probe)
    shown = sys.stderr.isatty()
    with click.progressbar(length=about, label="Exporting", file=sys.stderr, hidden=not shown) as bar:
        async with aclosing(store.result_columns(*bounds, probe, by_series=file_format == "openmetrics")) as found:
            async for columns in found:
                await asyncio.to_thread(writer.write, columns)
                bar.update(len(columns))
    await asyncio.to_thread(writer.finish)
