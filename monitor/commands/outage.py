"""`efento-uptime outage`: what was done about an outage, for its clocks."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from monitor.commands.options import (
    EXIT_CONFIGURATION,
    config_option,
    console,
    json_option,
    load_config,
    run_with_store,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from monitor.outage_log import OutageError
    from monitor.sla.clock_events import ClockEvent
    from monitor.store import Store

# verb → (kind of event, what it says)
VERBS = {
    "acknowledge": ("acknowledged", "Somebody works on it: the response."),
    "wait": ("waiting", "The customer is waited for: its clocks stop."),
    "resume": ("resumed", "The customer answered: its clocks go on."),
    "worked-around": ("worked_around", "The customer can work again, but the cause is not mended yet."),
    "corrected": ("corrected", "The cause is mended for good."),
}


@click.group()
def outage() -> None:
    """Put on record what was done about an outage, or list it.

    OUTAGE is an id that `efento-uptime outages` shows, or as much of its beginning as belongs to no other.
    """


def _recording(verb: str, kind: str, summary: str) -> Callable[..., None]:
    @outage.command(name=verb, help=summary)
    @click.argument("outage_text", metavar="OUTAGE")
    @click.option("--by", required=True, metavar="NAME", help="Who did it.")
    @click.option("--at", metavar="TIME", help="When (RFC 3339, or local time). Default: now.")
    @click.option("--note", default="", metavar="TEXT", help="What there is to say about it.")
    @config_option
    def command(outage_text: str, by: str, at: str | None, note: str, config_path: str | None) -> None:
        _record(kind, outage_text, by, at, note, config_path)

    return command


for _verb, (_kind, _summary) in VERBS.items():
    _recording(_verb, _kind, _summary)


def _record(kind: str, outage_text: str, by: str, at: str | None, note: str, config_path: str | None) -> None:
    from monitor.clock import SystemClock, to_milliseconds
    from monitor.instants import NoInstant, parse_instant
    from monitor.outage_log import OutageError, note_event
    from monitor.sla.clock_events import ClockEventKind
    from monitor.store import Store

    config = load_config(config_path)
    now_ms = to_milliseconds(SystemClock().now())
    try:
        at_ms = now_ms if at is None else parse_instant(at, config.zone)
    except NoInstant as error:
        raise click.BadParameter(str(error), param_hint="--at") from None

    async def record(store: Store) -> "ClockEvent | OutageError":
        try:
            return await note_event(
                store,
                config,
                outage_text,
                ClockEventKind(kind),
                by=by,
                at_ms=at_ms,
                note=note,
                via="cli",
                now_ms=now_ms,
            )
        except OutageError as error:
            return error

    # Opened for reading a store that is not there is said to be missing; else it would be made, and be empty.
    event = run_with_store(config, record, read_only=not Store.exists(config.store_url))
    if isinstance(event, OutageError):
        click.echo(f"efento-uptime: {event}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    click.echo(f"Outage {event.outage}: {event_text(event, config.zone)}")


def event_text(event: "ClockEvent", zone: "ZoneInfo") -> str:
    """An event on one line, for people."""
    from monitor.words import local_time

    note = f": {event.note}" if event.note else ""
    return f"{event.kind.value.replace('_', ' ')} at {local_time(event.at_ms, zone)} by {event.author}{note}"


@outage.command()
@click.argument("outage_text", metavar="OUTAGE")
@config_option
@json_option
def events(outage_text: str, config_path: str | None, as_json: bool) -> None:
    """List what was done about an outage, in order of time."""
    from monitor.clock import SystemClock, to_milliseconds
    from monitor.outage_log import OutageError, find_outage, record_of
    from monitor.sla.story import events_of

    config = load_config(config_path)
    now_ms = to_milliseconds(SystemClock().now())

    async def read(store: "Store") -> "list[ClockEvent] | OutageError":
        record = await record_of(store, config, now_ms)
        try:
            return events_of(record, await find_outage(record, outage_text))
        except OutageError as error:
            return error

    found = run_with_store(config, read)
    if isinstance(found, OutageError):
        click.echo(f"efento-uptime: {found}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    if as_json:
        import json

        from monitor.commands.story_texts import event_json

        click.echo(json.dumps([event_json(event) for event in found], indent=2))
        return
    _show(found, config.zone)


def _show(found: "list[ClockEvent]", zone: "ZoneInfo") -> None:
    from rich.table import Table
    from rich.text import Text

    from monitor.words import local_time

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("When", "What", "Who", "Via", "Recorded", "Note"):
        table.add_column(heading, overflow="fold")
    for event in found:
        when, recorded = local_time(event.at_ms, zone), local_time(event.recorded_ms, zone)
        cells = (when, event.kind.value.replace("_", " "), event.author, event.via, recorded, event.note)
        table.add_row(*map(Text, cells))  # not as strings: what people wrote is no markup
    console().print(table if found else "Nothing is on record about this outage.")
