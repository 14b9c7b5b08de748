"""A report as one HTML file: no script, nothing from elsewhere, readable on a phone and on paper."""

from functools import cache
from typing import TYPE_CHECKING

from monitor.reports.view import View

if TYPE_CHECKING:
    from jinja2 import Environment


def as_html(view: View) -> bytes:
    style = _environment().get_template("report.css").render()
    return _environment().get_template("report.html").render(view=view, style=style).encode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("monitor.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
