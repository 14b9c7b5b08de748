"""`efento-uptime import`: results from elsewhere, all of a file or nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import click

from monitor.commands.options import EXIT_CONFIGURATION, config_option, load_config, run_with_store

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.store import Imported, Store


@click.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@config_option
def import_results(file: str, config_path: str | None) -> None:
    """Read results from newline-delimited JSON, one result a line, and mark them as imported.

    Each line has at least id, probe, location, started_at, finished_at, verdict and reason; times are RFC 3339 with an
    offset. Importing a file again changes nothing. A bad line is named, and then nothing is imported. For a probe that
    is not in the configuration a line must say its component.
    """
    import os

    from monitor.exchange import BadLine

    config = load_config(config_path)
    name = "stdin" if file == "-" else file
    try:
        with _opened(file) as data:
            size = os.fstat(data.fileno()).st_size
            with _uncollected():
                done = _import(config, data, os.path.basename(name), size)  # noqa: PTH119  # a name, also of "stdin"
    except BadLine as error:
        click.echo(f"{name}:{error}", err=True)
        click.echo("Nothing was imported.", err=True)
        sys.exit(EXIT_CONFIGURATION)
    click.echo(f"{done.added} results imported, {done.already_there} were there already")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Millions of tuples, and no cycles among them: to look for some would take a third of the time."""
    import gc

    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _opened(file: str) -> IO[bytes]:
    """The file itself; of standard input a copy on disk, because it is read twice."""
    import shutil
    import tempfile
    from pathlib import Path

    if file != "-":
        return Path(file).open("rb")
    copy = tempfile.TemporaryFile()  # noqa: SIM115  # handed to a caller that closes it
    shutil.copyfileobj(sys.stdin.buffer, copy)
    copy.seek(0)
    return copy


def _import(config: "Config", data: IO[bytes], name: str, size: int) -> "Imported":
    """Reads the file line by line while it is stored, in one transaction: a bad line undoes it all."""
    import hashlib

    from monitor.clock import SystemClock, to_milliseconds
    from monitor.exchange import Components, lines_of, read_results, terms_for

    digest = hashlib.file_digest(data, "sha256").hexdigest()  # type: ignore[arg-type]  # all have readinto
    data.seek(0)
    components: Components = {}
    with click.progressbar(length=size, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        rows = read_results(lines_of(data, bar.update), config, components)

        async def take_in(store: "Store") -> "Imported":
            return await store.import_results(
                rows,
                file_name=name,
                sha256=digest,
                imported_ms=to_milliseconds(SystemClock().now()),
                terms_of=terms_for(config, components),
                at_home={(probe.id, config.location) for probe in config.probes},
            )

        return run_with_store(config, take_in, read_only=False)
