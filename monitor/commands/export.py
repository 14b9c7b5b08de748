"""`efento-uptime export`: stored facts for other programs."""

from typing import IO

import click

from monitor.commands.options import config_option, load_config, run_with_store


@click.group()
def export() -> None:
    """Write stored facts for other programs."""


@export.command()
@click.option("--from", "start", metavar="TIME", help="Results that began at or after this time (RFC 3339).")
@click.option("--to", "end", metavar="TIME", help="Results that began before this time (RFC 3339).")
@click.option("--probe", help="Only this probe's results.")
@click.option(
    "-o", "--output", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="Default: stdout."
)
@config_option
def results(start: str | None, end: str | None, probe: str | None, output: IO[str], config_path: str | None) -> None:
    """Write results, one JSON object a line, in order of time."""
    from contextlib import aclosing

    from monitor.exchange import BEGINNING_MS, END_MS, result_line, time_argument
    from monitor.store import Store

    config = load_config(config_path)
    start_ms, end_ms = time_argument(start, "--from", BEGINNING_MS), time_argument(end, "--to", END_MS)

    async def write(store: Store) -> None:
        components = {(terms.probe, terms.location): terms.component for terms in (await store.ledger()).terms}
        async with aclosing(store.results(start_ms, end_ms, probe)) as found:
            async for result in found:
                output.write(result_line(result, components.get((result.probe, result.location))))

    run_with_store(config, write)
