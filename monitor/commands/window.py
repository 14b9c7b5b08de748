"""`efento-uptime window`: declares stretches of time, ends them, takes them back, lists them."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

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
    from monitor.config import Config
    from monitor.declared import Listed
    from monitor.declaring import Declaring
    from monitor.sla.windows import WindowEntry

_TIME = "RFC 3339 with an offset, or wall time of the agreement's zone such as `2026-11-23 02:00`"


@click.group()
def window() -> None:
    """Declare maintenance, restores and excluded time.

    Nothing is ever changed on record: what is ended or revoked is a new row that names the old one.
    """


@window.command("add")
@click.argument("kind", type=click.Choice(["maintenance", "restore", "excluded"]))
@click.option("--from", "start", required=True, metavar="TIME", help=f"{_TIME}.")
@click.option("--to", "end", metavar="TIME", help="The end, which is no part of it.")
@click.option("--open", "is_open", is_flag=True, help="It goes on; for a restore. `window end` ends it.")
@click.option("--component", "components", multiple=True, metavar="KEY", help="A component, repeatable. Default: all.")
@click.option("--text", required=True, help="What it is for, for the report.")
@click.option("--by", required=True, metavar="NAME", help="Who declares it.")
@click.option("--announced", metavar="TIME", help="When the customers were told of a maintenance.")
@click.option("--class", "reason_class", metavar="CLASS", help="Why time is excluded: customer, third_party, …")
@click.option("--approver", metavar="NAME", help="Who approved that time is excluded; not the author.")
@config_option
@json_option
def add(is_open: bool, config_path: str | None, as_json: bool, **given: Any) -> None:
    """Declare a window, also of time that is over: it is then marked retroactive."""
    if is_open == (given["end"] is not None):
        raise click.UsageError("expected one of --to and --open")
    names = {"start": "from", "end": "to", "reason_class": "class"}
    values = {names.get(name, name): value for name, value in given.items()}
    values["components"] = list(values["components"])
    _record(config_path, lambda declaring: declaring.add(values), "declared", as_json)


@window.command("end")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--at", metavar="TIME", help="When it ended. Default: now.")
@click.option("--by", metavar="NAME", help="Who ends it. Default: who declared it.")
@config_option
@json_option
def end(number: int, at: str | None, by: str | None, config_path: str | None, as_json: bool) -> None:
    """End a window that goes on, or earlier than it was declared to."""
    _record(config_path, lambda declaring: declaring.end(number, {"at": at, "by": by}), "ended", as_json)


@window.command("revoke")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--by", required=True, metavar="NAME", help="Who takes it back.")
@click.option("--text", required=True, help="Why.")
@config_option
@json_option
def revoke(number: int, by: str, text: str, config_path: str | None, as_json: bool) -> None:
    """Take a window back, as if it had never been declared. Both stay on record."""
    _record(config_path, lambda declaring: declaring.revoke(number, {"by": by, "text": text}), "revoked", as_json)


@window.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were replaced or revoked.")
@config_option
@json_option
def list_(everything: bool, config_path: str | None, as_json: bool) -> None:
    """List the windows in force, and those that come by a rule in the next 30 days."""
    import json

    from monitor.clock import SystemClock, to_milliseconds
    from monitor.declared import listed, window_json

    config = load_config(config_path)
    entries = run_with_store(config, lambda store: store.windows())
    found = listed(entries, config, to_milliseconds(SystemClock().now()), everything=everything)
    if as_json:
        click.echo(json.dumps([window_json(each) for each in found], indent=2, ensure_ascii=False))
    else:
        _print(found, config)


def _record(
    config_path: str | None, work: "Callable[[Declaring], Awaitable[WindowEntry]]", done: str, as_json: bool
) -> None:
    import json

    from monitor.clock import SystemClock
    from monitor.declared import entry_json
    from monitor.declaring import Declaring
    from monitor.given import DeclarationError
    from monitor.store import Store

    config = load_config(config_path)

    async def recorded(store: Store) -> "WindowEntry | DeclarationError":
        try:
            return await work(Declaring(store, config, SystemClock()))
        except DeclarationError as error:
            return error

    # Opened for reading, a store that is not there is said to be missing; else it would be made, and be the wrong one.
    entry = run_with_store(config, recorded, read_only=not Store.exists(config.store_url))
    if isinstance(entry, DeclarationError):
        for mistake in entry.mistakes:
            click.echo(f"efento-uptime: {_option(mistake.key)}: {mistake.text}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    then = f"; it is window {entry.number} from now on" if entry.replaces and entry.window else ""
    text = f"Window {entry.replaces or entry.number} {done}{then}."
    click.echo(json.dumps(entry_json(entry), indent=2) if as_json else text)


def _option(key: str) -> str:
    return {"number": "NUMBER", "kind": "KIND", "components": "--component"}.get(key, f"--{key}")


def _print(found: "list[Listed]", config: "Config") -> None:
    from rich.table import Table
    from rich.text import Text

    from monitor.words import local_time

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Window", "Kind", "From", "To", "Components", "Text", "By", "Remarks"):
        table.add_column(heading, overflow="fold")
    for each in found:
        shown = each.window
        cells = (
            str(shown.number) if shown.number else shown.rule,
            shown.kind.value,
            local_time(shown.start_ms, config.zone),
            "still open" if shown.end_ms is None else local_time(shown.end_ms, config.zone),
            ", ".join(shown.components) or "all",
            shown.text,
            shown.author or "–",
            "; ".join(_remarks(each)),
        )
        table.add_row(*map(Text, cells))
    console().print(table if found else "No window.")


def _remarks(each: "Listed") -> list[str]:
    window, row = each.window, each.by_row
    remarks = ["retroactive"] if each.retroactive else []
    if window.reason_class is not None:
        remarks.append(f"{window.reason_class.value}, approved by {window.approver}")
    if row is not None:
        remarks.append(f"{each.state} by {row.author} (row {row.number})" + ("" if row.window else f": {row.text}"))
    return remarks
