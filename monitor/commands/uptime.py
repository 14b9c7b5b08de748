"""`efento-uptime uptime`: every component's figures, from the store alone."""

from typing import TYPE_CHECKING

import click

from monitor.commands.options import config_option, json_option, load_config, stored_picture

if TYPE_CHECKING:
    from monitor.board import Picture


@click.command()
@config_option
@json_option
def uptime(config_path: str | None, as_json: bool) -> None:
    """Show each component's state and its observed uptime today, in 7 and 30 days, this month and this year.

    Figures are rounded down. A dash means that nothing was observed; that is not 100 %.
    """
    picture = stored_picture(load_config(config_path))
    if as_json:
        import json

        from monitor.web.status import status_json

        click.echo(json.dumps({**status_json(picture), "probes": None}, indent=2))
    else:
        _show(picture)


def _show(picture: "Picture") -> None:
    from rich.console import Console
    from rich.table import Table

    from monitor.sla.availability import percent

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Component")
    for heading in ("State", "Promised", *picture.components[0].figures, "Year seen"):
        table.add_column(heading, justify="right")
    for component in picture.components:
        table.add_row(
            component.terms.title,
            component.state.value,
            "–" if component.terms.floor is None else percent(component.terms.floor, 2),
            *("–" if figures.observed is None else percent(figures.observed) for figures in component.figures.values()),
            percent(component.figures["year"].coverage, 2),
        )
    Console().print(table)
