"""Where panels stand: rows of lines that each fill the 24 columns. Nobody gives places, so nothing can overlap."""

from collections.abc import Iterator
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard

COLUMNS = 24
Cell = tuple[dashboard.Panel, int]
"""A panel and its width in columns."""


@dataclass(frozen=True, slots=True)
class Line:
    """Panels side by side, of one height. Raises `ValueError` unless they fill the width exactly."""

    height: int
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        widths = [width for _panel, width in self.cells]
        if self.height < 1 or min(widths, default=0) < 1 or sum(widths) != COLUMNS:
            raise ValueError(f"a line of height {self.height} with the widths {widths}, expected {COLUMNS} columns")


@dataclass(frozen=True, slots=True)
class Row:
    """A titled part of a dashboard."""

    title: str
    lines: tuple[Line, ...]


def line(height: int, *cells: Cell) -> Line:
    return Line(height, cells)


def row(title: str, *lines: Line) -> Row:
    return Row(title, lines)


def _heading(title: str, top: int) -> dashboard.RowPanel:
    return dashboard.RowPanel(title=title, grid_pos=dashboard.GridPos(x=0, y=top, w=COLUMNS, h=1))


def _beside(row_line: Line, top: int) -> Iterator[dashboard.Panel]:
    left = 0
    for panel, width in row_line.cells:
        panel.grid_pos = dashboard.GridPos(x=left, y=top, w=width, h=row_line.height)
        left += width
        yield panel


def placed(rows: tuple[Row, ...]) -> list[dashboard.Panel | dashboard.RowPanel]:
    """Every panel with its place and a number that is unique in the dashboard."""
    panels: list[dashboard.Panel | dashboard.RowPanel] = []
    top = 0
    for part in rows:
        panels.append(_heading(part.title, top))
        top += 1
        for row_line in part.lines:
            panels.extend(_beside(row_line, top))
            top += row_line.height
    for number, panel in enumerate(panels, start=1):
        panel.id_val = number
    return panels
