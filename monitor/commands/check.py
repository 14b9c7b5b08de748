"""`efento-uptime check`: run probes once, now, and show what they found."""

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
    from monitor.config import Config, ProbeConfig
    from monitor.results import Result


@click.command()
@click.argument("probes", nargs=-1, metavar="[PROBE]...")
@config_option
@json_option
def check(probes: tuple[str, ...], config_path: str | None, as_json: bool) -> None:
    """Run the named probes (default: all) once and show every step with its time.

    It stores nothing. Beside a running daemon it is safe: a virtual sensor sends samples of other moments then.

    Exit codes: 0 all up, 1 any down, 3 none down but some unknown, 2 wrong configuration or unknown probe.
    """
    import asyncio

    config = load_config(config_path)
    chosen = _chosen(config, probes)
    results = asyncio.run(_run(config, chosen))
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
    from monitor import logs
    from monitor.clock import SystemClock
    from monitor.redaction import Redactor
    from monitor.runner import run_check

    redactor = Redactor(config.secrets())
    logs.configure("warning", config.log_format, redactor)
    facts = await _facts(config)
    return [
        await run_check(
            probe, location=config.location, clock=SystemClock(), facts=facts, redactor=redactor, one_shot=True
        )
        for probe in probes
    ]


async def _facts(config: "Config") -> Any:
    """What a daemon on this machine has on record, if there is one."""
    from monitor.facts import RecordedFacts
    from monitor.store import Store, StoreError

    try:
        async with await Store.open(config.store_url, read_only=True) as store:
            return RecordedFacts(await store.sample_runs(), await store.memory())
    except StoreError:
        return RecordedFacts()


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
