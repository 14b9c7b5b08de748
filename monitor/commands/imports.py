"""`efento-uptime import`: results from elsewhere, all of a file or nothing."""

import sys

import click

from monitor.commands.options import EXIT_CONFIGURATION, config_option, load_config, run_with_store


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
def import_results(file: str, config_path: str | None) -> None:
    """Read results from newline-delimited JSON, one result a line, and mark them as imported.

    Each line has at least id, probe, location, started_at, finished_at, verdict and reason; times are RFC 3339 with an
    offset. Importing a file again changes nothing. A bad line is named, and then nothing is imported. For a probe that
    is not in the configuration a line must say its component.
    """
    import hashlib
    from pathlib import Path

    from monitor.clock import SystemClock, to_milliseconds
    from monitor.exchange import BadLine, read_results, terms_for
    from monitor.store import Imported, Store

    config = load_config(config_path)
    name = "stdin" if file == "-" else file
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        rows, components = read_results(data, config)
    except BadLine as error:
        click.echo(f"{name}:{error}", err=True)
        click.echo("Nothing was imported.", err=True)
        sys.exit(EXIT_CONFIGURATION)

    async def take_in(store: Store) -> Imported:
        return await store.import_results(
            rows,
            file_name=Path(name).name,
            sha256=hashlib.sha256(data).hexdigest(),
            imported_ms=to_milliseconds(SystemClock().now()),
            terms_of=terms_for(config, components),
            at_home={(probe.id, config.location) for probe in config.probes},
        )

    done = run_with_store(config, take_in, read_only=False)
    click.echo(f"{done.added} results imported, {done.already_there} were there already")
