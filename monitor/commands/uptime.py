"""`efento-uptime uptime`: every component's figures, from the store alone."""

import sys
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.options import (
    EXIT_CONFIGURATION,
    config_option,
    console,
    json_option,
    load_config,
    run_with_store,
    stored_picture,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from monitor.config import Config
    from monitor.picture import Picture
    from monitor.sla.accounts import Account
    from monitor.sla.availability import Budget
    from monitor.sla.periods import Period
    from monitor.sla.record import Record

VERDICTS = {"met": "kept", "missed": "not kept", "inconclusive": "undecided"}


@click.command()
@click.option(
    "--period",
    "period_name",
    metavar="PERIOD",
    help="A year (2026), a month (2026-11), a day (2026-11-23), or days without the last one (2026-01-15..2026-03-01).",
)
@config_option
@json_option
def uptime(period_name: str | None, config_path: str | None, as_json: bool) -> None:
    """Show each component's uptime: today, in 7 and 30 days, this month and this year, or in one PERIOD to date.

    The truth lies between "At least" and "At most". A dash means that nothing was observed; that is not 100 %. "Seen"
    is how much was observed; where a figure stands without a period, it is this year's.
    """
    config = load_config(config_path)
    if period_name is not None:
        _one_period(config, period_name, as_json)
        return
    picture = stored_picture(config)
    if as_json:
        import json

        from monitor.web.status import status_json

        click.echo(json.dumps({**status_json(picture), "probes": None}, indent=2))
    else:
        _show(picture)


def _show(picture: "Picture") -> None:
    from rich.table import Table

    table = Table(title="Uptime in per cent, rounded down", title_justify="left", box=None, pad_edge=False)
    table.add_column("Component", overflow="ellipsis", no_wrap=True)
    names = (*picture.components[0].figures, "At least", "At most", "Seen", "Verdict", "Budget left")
    for heading in ("State", "Floor", *names):
        table.add_column(heading, justify="right", min_width=len(heading))
    for component in picture.components:
        year = component.figures["year"]
        table.add_row(
            component.terms.key,
            component.state.value,
            _percent(component.terms.floor, 2),
            *(_percent(account.observed, 3) for account in component.figures.values()),
            *_bounds(year),
            _verdict(year),
            _left(component.year_budget),
        )
    console().print(table)


def _one_period(config: "Config", name: str, as_json: bool) -> None:
    from monitor.clock import SystemClock, to_milliseconds
    from monitor.outage_log import record_of
    from monitor.sla.accounts import account

    try:
        period = _period(name, config)
    except ValueError as error:
        click.echo(f"efento-uptime: {error}", err=True)
        sys.exit(EXIT_CONFIGURATION)
    now_ms = to_milliseconds(SystemClock().now())
    if now_ms <= period.start_ms:
        click.echo(f"efento-uptime: {name} has not begun yet", err=True)
        sys.exit(EXIT_CONFIGURATION)
    record = run_with_store(config, lambda store: record_of(store, config, now_ms))
    accounts = [account(record, key, period) for key in _keys(config, record)]
    if as_json:
        import json

        click.echo(json.dumps(_json(record, accounts, period), indent=2))
    else:
        _show_accounts(record, accounts, period)


def _period(name: str, config: "Config") -> "Period":
    """Raises `ValueError` with a text that says what is wrong with the name."""
    import re
    from datetime import date

    from monitor.sla.periods import day
    from monitor.sla.report_periods import named_period

    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", name, re.ASCII):
        try:
            return day(date.fromisoformat(name), config.zone)
        except (ValueError, OverflowError):
            raise ValueError(f"{name}: there is no such day") from None
    return named_period(name, config.zone)


def _keys(config: "Config", record: "Record") -> list[str]:
    """The configured components that an agreement on record names: of the others nothing is promised yet."""
    from monitor.sla.story import components_ever

    known = components_ever(record)
    return [terms.key for terms in config.components if terms.key in known]


def _budget(record: "Record", account: "Account", period: "Period") -> "Budget | None":
    from monitor.sla.accounts import budget_of
    from monitor.sla.report_periods import is_year

    return budget_of(record, account, period) if is_year(period) else None


def _show_accounts(record: "Record", accounts: "list[Account]", period: "Period") -> None:
    from rich.table import Table

    from monitor.web.words import length

    title = f"Uptime in per cent, rounded down, {period.name}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("Component", overflow="ellipsis", no_wrap=True)
    names = ("Floor", "Observed", "At least", "At most", "Seen", "Down", "Unknown", "Verdict", "Budget left")
    for heading in names:
        table.add_column(heading, justify="right", min_width=len(heading))
    for account in accounts:
        table.add_row(
            account.component,
            _percent(account.floor, 2),
            _percent(account.observed, 3),
            *_bounds(account),
            length(account.classes.down_ms),
            length(account.classes.unknown_ms),
            _verdict(account),
            _left(_budget(record, account, period)),
        )
    console().print(table)


def _json(record: "Record", accounts: "list[Account]", period: "Period") -> dict[str, Any]:
    """Times are RFC 3339 in UTC, ratios rounded down at nine places; null where nothing was observed or promised."""
    from monitor.clock import iso
    from monitor.web.status import account_json, budget_json, ratio_json

    return {
        "as_of": iso(record.as_of_ms),
        "period": {"name": period.name, "start": iso(period.start_ms), "end": iso(period.end_ms)},
        "components": [
            {
                "key": account.component,
                "floor": ratio_json(account.floor),
                "verdict": None if account.verdict is None else account.verdict.value,
                **account_json(account),
                "milliseconds": _milliseconds(account),
                "possibly_down_milliseconds": account.possibly_down_ms,
                "certainly_down_milliseconds": account.certainly_down_ms,
                "budget": budget_json(_budget(record, account, period)),
            }
            for account in accounts
        ],
    }


def _milliseconds(account: "Account") -> dict[str, int]:
    """The classes of time, which sum to the period as far as it is over."""
    classes = account.classes
    return {
        "period": classes.period_ms,
        "up": classes.up_ms,
        "down": classes.down_ms,
        "unknown": classes.unknown_ms,
        "maintenance": classes.maintenance_ms,
        "restore": classes.restore_ms,
        "excluded": classes.excluded_ms,
    }


def _bounds(account: "Account") -> tuple[str, str, str]:
    seen = _percent(account.coverage, 2)
    return _percent(account.pessimistic, 3), _percent(account.optimistic, 3), seen


def _verdict(account: "Account") -> str:
    return "–" if account.verdict is None else VERDICTS[account.verdict.value]


def _left(budget: "Budget | None") -> str:
    from monitor.web.words import length

    if budget is None:
        return "–"
    return length(budget.remaining_ms) if budget.remaining_ms >= 0 else f"{length(-budget.remaining_ms)} over"


def _percent(ratio: "Fraction | None", places: int) -> str:
    from monitor.sla.availability import percent

    return "–" if ratio is None else percent(ratio, places).removesuffix(" %")
