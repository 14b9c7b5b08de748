"""`efento-uptime check`: run probes once, now, and show what they found."""

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.options import (
    EXIT_CONFIGURATION,
    EXIT_DOWN,
    EXIT_UNKNOWN,
    config_option,
    console,
    json_option,
    load_config,
)

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config, ProbeConfig
    from monitor.results import Result

EXIT_TERMINATED = 143  # as a shell says it of a process that SIGTERM ended


@click.command()
@click.argument("probes", nargs=-1, metavar="[PROBE]...")
@config_option
@json_option
@click.option("--pictures", metavar="DIR", help="Folder for screenshots of failures: check-PROBE-NAME.png.")
def check(probes: tuple[str, ...], config_path: str | None, as_json: bool, pictures: str | None) -> None:
    """Run the named probes (default: all) once and show every step with its time.

    No result is stored. What must be on record is: messages that arrive meanwhile, what is spent (one limit for the
    daemon and for checks), and what has to be undone after a crash. Beside a running daemon it is safe: a virtual
    sensor sends samples of other moments then, and messages are those that the daemon receives; without one, the
    receivers that the probes need are opened for the time of the check. Ctrl-C undoes what the probe has begun;
    a second one does not wait for that.

    Exit codes: 0 all up, 1 any down, 3 none down but some unknown, 2 wrong configuration or unknown probe.
    """
    import asyncio
    from pathlib import Path

    config = load_config(config_path)
    chosen = _chosen(config, probes)
    try:
        results = asyncio.run(_run(config, chosen))
    except asyncio.CancelledError:  # by SIGTERM, after everything was undone
        sys.exit(EXIT_TERMINATED)
    if pictures is not None:
        _write_pictures(results, Path(pictures))
    if as_json:
        import json

        click.echo(json.dumps([as_dict(result) for result in results], indent=2))
    else:
        _show(results)
    verdicts = {result.verdict.value for result in results}
    sys.exit(EXIT_DOWN if "down" in verdicts else EXIT_UNKNOWN if "unknown" in verdicts else 0)


def _chosen(config: "Config", names: tuple[str, ...]) -> "list[ProbeConfig]":
    known = {probe.id: probe for probe in config.probes}
    unknown = [name for name in names if name not in known]
    if unknown:
        click.echo(f"efento-uptime: no probe {', '.join(unknown)}; expected some of {', '.join(known)}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    return [known[name] for name in names] if names else list(config.probes)


async def _run(config: "Config", probes: "list[ProbeConfig]") -> "list[Result]":
    """One after the other, in the configuration's order: what one sends another may read."""
    from contextlib import aclosing

    from monitor import logs
    from monitor.clock import SystemClock
    from monitor.offline import References
    from monitor.one_shot import StoreOnDemand, receiving
    from monitor.redaction import Redactor
    from monitor.runner import run_check

    clock, redactor = SystemClock(), Redactor(config.secrets())
    logs.configure("warning", config.log_format, redactor)
    _undo_at_sigterm()
    async with aclosing(StoreOnDemand(config.store_url)) as store, receiving(config, probes, store, clock) as inbox:
        references = References(config.reference_targets, clock)
        return [
            await run_check(
                probe,
                location=config.location,
                clock=clock,
                facts=await store.facts(),  # each time anew: a daemon beside this may have begun a round meanwhile
                redactor=redactor,
                inbox=inbox,
                offline=references.offline,
                one_shot=True,
            )
            for probe in probes
        ]


def _undo_at_sigterm() -> None:
    """SIGTERM does what Ctrl-C does: the probe's journey ends, and what it has begun is undone."""
    import asyncio
    import signal

    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)


def _write_pictures(results: "list[Result]", folder: "Path") -> None:
    """Failures' pictures as files; says of each where it is."""
    for result in results:
        for picture in result.pictures:
            name = re.sub(r"[^A-Za-z0-9_.-]", "_", picture.name)
            file = folder / f"check-{result.probe}-{name}.{picture.media_type.rpartition('/')[2]}"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                file.write_bytes(picture.content)
            except OSError as error:
                click.echo(f"efento-uptime: cannot write a picture: {error}", err=True)
            else:
                click.echo(f"Picture: {file}", err=True)


def as_dict(result: "Result") -> dict[str, Any]:
    from monitor.exchange import as_told

    return {
        **as_told(result, result.component),
        "steps": [
            {"name": step.name, "component": step.component, "seconds": round(step.seconds, 6), "ok": step.ok}
            for step in result.steps
        ],
        "figures": dict(result.figures),
        "evidence": dict(result.evidence),
    }


def _show(results: "list[Result]") -> None:
    from rich.table import Table
    from rich.text import Text

    colours = {"up": "green", "down": "bold red", "unknown": "yellow"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Probe", "Verdict", "Step"):
        table.add_column(heading)
    table.add_column("Time", justify="right")
    table.add_column("Found", overflow="fold")
    for result in results:
        verdict = Text(result.verdict.value, style=colours[result.verdict.value])
        found = ": ".join(part for part in (result.reason, result.detail) if part)
        table.add_row(Text(result.probe), verdict, "", _time(result.duration_us / 1_000_000), Text(found))
        for step in result.steps:
            name = step.name if step.component == result.component else f"{step.name} ({step.component})"
            mark = "" if step.ok else "✖"
            table.add_row("", mark, Text(name), _time(step.seconds), f"{step.count} times" if step.count > 1 else "")
    console().print(table)


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
