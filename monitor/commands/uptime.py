"""`efento-uptime uptime`: every component's figures, from the store alone."""

from typing import TYPE_CHECKING

import click

from monitor.commands.options import config_option, console, json_option, load_config, stored_picture

if TYPE_CHECKING:
    from fractions import Fraction

    from monitor.board import Picture


@click.command()
@config_option
@json_option
def uptime(config_path: str | None, as_json: bool) -> None:
    """Show each component's state and its observed uptime today, in 7 and 30 days, this month and this year.

    A dash means that nothing was observed; that is not 100 %. "Seen" is how much of this year was observed.
    """
    picture = stored_picture(load_config(config_path))
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
    for heading in ("State", "Floor", *picture.components[0].figures, "Seen"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for component in picture.components:
        table.add_row(
            component.terms.key,
            component.state.value,
            _percent(component.terms.floor, 2),
            *(_percent(tally.observed, 3) for tally in component.figures.values()),
            _percent(component.figures["year"].coverage, 2),
        )
    console().print(table)


def _percent(ratio: "Fraction | None", places: int) -> str:
    from monitor.sla.availability import percent

    return "–" if ratio is None else percent(ratio, places).removesuffix(" %")
