"""`efento-uptime simulate`: a year that never was, recorded as if it had been, and what our report makes of it."""

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.options import (
    EXIT_CONFIGURATION,
    config_file,
    config_option,
    console,
    json_option,
    run_with_store,
)

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.simulation.course import Course
    from monitor.simulation.truth import Truth
    from monitor.sla.accounts import Account
    from monitor.sla.agreement import Agreement
    from monitor.sla.periods import Period
    from monitor.sla.record import Record
    from monitor.store import Store

# For what the shipped configuration wants to know of a real installation: here nobody is asked anything.
PLACEHOLDERS = {
    **{f"EFENTO_{name}": f"{name.lower().replace('_', '-')}.example" for name in ("COAP_HOST", "IMAP_HOST")},
    **{f"EFENTO_{name}": "simulated" for name in ("API_TOKEN", "IMAP_USER", "IMAP_PASSWORD")},
    **{f"EFENTO_REFERENCE_{number}": f"reference-{number}.example" for number in (1, 2)},
    "EFENTO_COAP_SENSOR": "282C02FFFF01",
    "EFENTO_COAP_SENSOR_2": "282C02FFFF02",
    "EFENTO_GATEWAY_SENSOR": "282C02FFFF03",
    "EFENTO_GATEWAY_SENSOR_2": "282C02FFFF04",
    "EFENTO_EMAIL_SENSOR": "282C02FFFF05",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A component's truth beside our account of it."""

    true: "Truth"
    ours: "Account"


@click.command()
@click.option("--seed", type=int, required=True, help="The same seed gives the same year.")
@click.option("--year", type=click.IntRange(1971, 9000), default=2026, show_default=True, help="Calendar year.")
@click.option("--every", metavar="DURATION", help="Interval of all probes, e.g. 30s; default: each one's own.")
@click.option("--store", "store_url", metavar="URL", required=True, help="A new store, e.g. sqlite:///sim.db.")
@config_option
@json_option
def simulate(seed: int, year: int, every: str | None, store_url: str, config_path: str | None, as_json: bool) -> None:
    """Write a simulated year of the configuration's probes into a new store, and show the truth beside our figures.

    Nothing is contacted. Outages, lost packets, stops and crashes of the daemon, outages of its network, steps of its
    clock, windows, and changes of its settings are drawn from the seed. A year of eight probes asked every 30 s is 8.4
    million results and takes some minutes.
    """
    from dataclasses import replace

    from monitor.sla.periods import year as year_of

    config = replace(_loaded(config_path), store_url=store_url)
    period = year_of(year, config.zone)
    course = _course(config, period, seed, _seconds(every))
    agreement = config.agreement(period.start_ms)
    record, results = _recorded(config, course, agreement)
    lines = _lines(course, agreement, record, period)
    if as_json:
        import json

        click.echo(json.dumps(_json(lines, seed, results), indent=2))
    else:
        _show(lines, results)


def _loaded(config_path: str | None) -> "Config":
    from monitor.config import ConfigError, load

    try:
        return load(config_file(config_path), {**PLACEHOLDERS, **os.environ})
    except ConfigError as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        sys.exit(EXIT_CONFIGURATION)


def _seconds(every: str | None) -> float | None:
    """The length of a duration such as `30s`; what is none is a wrong usage."""
    from pydantic import TypeAdapter, ValidationError

    from monitor.config.values import Every

    if every is None:
        return None
    try:
        seconds: float = TypeAdapter(Every).validate_python(every)
    except ValidationError as error:
        raise click.BadParameter(error.errors()[0]["msg"], param_hint="--every") from None
    return seconds


def _course(config: "Config", period: "Period", seed: int, every_seconds: float | None) -> "Course":
    from monitor.simulation.course import draw
    from monitor.simulation.watchers import watchers_of

    watchers = watchers_of(config, period.interval, every_seconds)
    history = config.agreement(period.start_ms).history_probes
    return draw(seed, period.interval, watchers, history_probes=history)


def _recorded(config: "Config", course: "Course", agreement: "Agreement") -> "tuple[Record, int]":
    from monitor.simulation.recording import record_year
    from monitor.version import VERSION

    expected = sum((course.interval[1] - probe.since_ms) // probe.settings[-1].every_ms for probe in course.probes)
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=expected, label="Recording", file=sys.stderr, hidden=hidden) as bar:

        async def work(store: "Store") -> "tuple[Record, int]":
            count = await record_year(store, course, agreement, config.location, VERSION, bar.update)
            return await store.facts(course.interval[1]), count

        return run_with_store(config, work, read_only=False)


def _lines(course: "Course", agreement: "Agreement", record: "Record", period: "Period") -> "dict[str, Line]":
    from monitor.simulation.truth import truth
    from monitor.sla.accounts import account

    watched = {probe.component for probe in course.probes}
    keys = [terms.key for terms in agreement.components if terms.key in watched]
    return {key: Line(truth(course, key, agreement), account(record, key, period)) for key in keys}


def _json(lines: "dict[str, Line]", seed: int, results: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "results": results,
        "components": {
            key: {
                "true": {"reckoned_ms": line.true.reckoned_ms, "down_ms": line.true.down_ms},
                "observed": {
                    "reckoned_ms": line.ours.reckoned_ms,
                    "up_ms": line.ours.classes.up_ms,
                    "down_ms": line.ours.classes.down_ms,
                    "certainly_down_ms": line.ours.certainly_down_ms,
                    "possibly_down_ms": line.ours.possibly_down_ms,
                },
            }
            for key, line in lines.items()
        },
    }


def _show(lines: "dict[str, Line]", results: int) -> None:
    from rich.table import Table

    click.echo(f"{results:,} results recorded")
    table = Table(title="Uptime in per cent, rounded down", title_justify="left", box=None, pad_edge=False)
    table.add_column("Component", no_wrap=True)
    for heading in ("True", "Observed", "Pessimistic", "Optimistic", "Coverage", "Truth within", "Verdict"):
        table.add_column(heading, justify="right")
    for key, line in lines.items():
        ours = line.ours
        within = ours.certainly_down_ms <= line.true.down_ms <= ours.possibly_down_ms
        table.add_row(
            key,
            *(_percent(each) for each in (line.true.uptime, ours.observed, ours.pessimistic, ours.optimistic)),
            _percent(ours.coverage),
            "yes" if within else "no",
            "–" if ours.verdict is None else ours.verdict.value,
        )
    console().print(table)


def _percent(ratio: Any) -> str:
    from monitor.sla.availability import percent

    return "–" if ratio is None else percent(ratio, 4).removesuffix(" %")
