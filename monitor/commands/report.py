"""`efento-uptime report`: the figures of a year, a month or days, as files that an auditor accepts."""

import sys
from typing import TYPE_CHECKING

import click

from monitor.commands.options import EXIT_CONFIGURATION, EXIT_DOWN, config_option, load_config

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from monitor.reports.making import Order

FORMATS = ("html", "pdf", "csv", "json")
STDOUT = "-"


@click.command()
@click.argument("period")
@click.option("--as-of", metavar="TIME", help="Report what was known at this time (RFC 3339, or local). Default: now.")
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(FORMATS), help="May be given several times. Default: all."
)
@click.option("-o", "--output", metavar="FILE|DIR", default=".", help="Default: here, as uptime-PERIOD.html and so on.")
@click.option("--bundle", is_flag=True, help="All formats with the facts that they are made from, for `recompute`.")
@click.option(
    "--store", "store_url", metavar="URL", help="This store, by what is on record there, and no configuration."
)
@config_option
def report(
    period: str,
    as_of: str | None,
    formats: tuple[str, ...],
    output: str,
    bundle: bool,
    store_url: str | None,
    config_path: str | None,
) -> None:
    """Report on PERIOD: a year (2026), a month (2026-11), or days without the last one (2026-01-15..2026-03-01).

    The same facts as of the same time give the same bytes. A promise that was not kept is no error of the report.
    """
    from monitor.reports.making import ReportError, made
    from monitor.store import StoreError

    given = tuple(dict.fromkeys(formats))
    try:
        if bundle:
            place = _bundle_place(period, given, output)
            _write_bundle(_order(period, as_of, FORMATS, store_url, config_path), place)
        else:
            wanted, places = _places(period, given, output)
            _write(made(_order(period, as_of, wanted, store_url, config_path)), places)
    except (ReportError, StoreError) as error:
        click.echo(f"efento-uptime: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION if isinstance(error, ReportError) else EXIT_DOWN)


def _order(
    period: str, as_of: str | None, wanted: tuple[str, ...], store_url: str | None, config_path: str | None
) -> "Order":
    from monitor.reports.making import Order

    if store_url is not None:
        return Order(store_url, period, _as_of_ms(as_of, None), None, wanted)
    config = load_config(config_path)
    return Order(config.store_url, period, _as_of_ms(as_of, config.zone), config.agreement(0), wanted)


def _bundle_place(period: str, formats: tuple[str, ...], output: str) -> "Path":
    from pathlib import Path

    place = Path(output)
    if formats or output == STDOUT:
        raise click.UsageError("a bundle is a file, with all formats in it")
    return place / f"uptime-{period}.zip" if place.is_dir() or output.endswith("/") else place


def _write_bundle(order: "Order", place: "Path") -> None:
    from monitor.reports.bundle import write_bundle

    try:
        write_bundle(order, place)
    except OSError as error:
        click.echo(f"efento-uptime: cannot write {place}: {error.strerror}", err=True)
        sys.exit(EXIT_DOWN)
    click.echo(place)


def _places(period: str, formats: tuple[str, ...], output: str) -> "tuple[tuple[str, ...], dict[str, Path | None]]":
    """Which formats are made, and each one's file; None is standard output."""
    from pathlib import Path

    place = Path(output)
    ending = place.suffix.removeprefix(".")
    if output == STDOUT:
        if len(formats) != 1:
            raise click.UsageError("standard output takes one --format")
        return formats, {formats[0]: None}
    is_file = not place.is_dir() and not output.endswith("/") and (len(formats) == 1 or ending in FORMATS)
    if not is_file:
        wanted = formats or FORMATS
        return wanted, {each: place / f"uptime-{period}.{each}" for each in wanted}
    if len(formats) > 1:
        raise click.UsageError(f"{output} is one file; give one --format, or a folder")
    wanted = formats or (ending,)
    return wanted, {wanted[0]: place}


def _as_of_ms(text: str | None, zone: "ZoneInfo | None") -> int:
    from zoneinfo import ZoneInfo

    from monitor.clock import SystemClock, iso, to_milliseconds
    from monitor.instants import parse_instant

    now_ms = to_milliseconds(SystemClock().now())
    if text is None:
        return now_ms
    try:
        as_of_ms = parse_instant(text, zone or ZoneInfo("UTC"))
    except ValueError as error:
        raise click.BadParameter(f"--as-of: {error}") from None
    if as_of_ms > now_ms:
        raise click.BadParameter(f"--as-of: {text} is in the future; it is {iso(now_ms)}")
    return as_of_ms


def _write(files: "dict[str, bytes]", places: "dict[str, Path | None]") -> None:
    for name, content in files.items():
        place = places[name]
        if place is None:
            sys.stdout.buffer.write(content)
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh = place.with_name(f"{place.name}.new")
            fresh.write_bytes(content)
            fresh.replace(place)
        except OSError as error:
            click.echo(f"efento-uptime: cannot write {place}: {error.strerror}", err=True)
            sys.exit(EXIT_DOWN)
        click.echo(place)
