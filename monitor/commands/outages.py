"""`efento-uptime outages`: what was down, when and why, from the store alone."""

import sys

import click

from monitor.commands.options import EXIT_CONFIGURATION, config_option, console, json_option, load_config


@click.command()
@click.argument("components", nargs=-1, metavar="[COMPONENT]...")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3660), help="How far to look back.")
@config_option
@json_option
def outages(components: tuple[str, ...], days: int, config_path: str | None, as_json: bool) -> None:
    """List the outages of the named components (default: all), oldest first; each whole, however long."""
    import json

    from monitor.clock import SystemClock, to_milliseconds
    from monitor.commands.options import run_with_store
    from monitor.outage_log import record_of
    from monitor.sla.accounts import component_outages
    from monitor.sla.periods import DAY_MS
    from monitor.sla.story import components_ever
    from monitor.web.status import outage_json

    config = load_config(config_path)
    known = [terms.key for terms in config.components]
    if wrong := [name for name in components if name not in known]:
        click.echo(f"efento-uptime: no component {', '.join(wrong)}; expected some of {', '.join(known)}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    now_ms = to_milliseconds(SystemClock().now())
    record = run_with_store(config, lambda store: record_of(store, config, now_ms))
    named = components_ever(record)
    found = [
        outage
        for key in known
        if key in named and (not components or key in components)
        for outage in component_outages(record, key, (now_ms - days * DAY_MS, now_ms))
    ]
    found.sort(key=lambda outage: (outage.start_ms, outage.component))
    if as_json:
        click.echo(json.dumps([{"component": outage.component, **outage_json(outage)} for outage in found], indent=2))
        return
    from rich.table import Table

    from monitor.web.words import length
    from monitor.words import local_time

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Outage", no_wrap=True)
    for heading in ("Component", "Start", "End", "Down", "Unknown", "Why"):
        table.add_column(heading, overflow="fold")
    for outage in found:
        table.add_row(
            outage.id,
            outage.component,
            local_time(outage.start_ms, config.zone),
            "still open" if outage.end_ms is None else local_time(outage.end_ms, config.zone),
            length(outage.down_ms),
            length(outage.unknown_ms) if outage.unknown_ms else "–",
            f"{outage.reason} at {outage.step or 'no step'} ({', '.join(outage.probes)})",
        )
    console().print(table if found else f"No outage in the last {days} days.")
