"""A figure: what was measured, what it is held against, and whether that was reached. Prints them as a table."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

HEADINGS = ("what", "ours", "held against", "ratio", "verdict")


class CannotMeasure(Exception):
    """Something that the measurement needs is not there, or did not answer; the text says what."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`against` is a limit or a peer's figure, in the same unit, `peer` says which; None: shown for comparison only.

    Reached when ours is at most `allowed` times `against`, or at least that where more is better.
    """

    what: str
    ours: float
    unit: str
    against: float | None = None
    peer: str = "limit"
    allowed: float = 1.0
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        return self.ours / self.against if self.against else None

    @property
    def reached(self) -> bool | None:
        if self.ratio is None:
            return None
        return self.ratio >= self.allowed if self.more_is_better else self.ratio <= self.allowed

    def cells(self) -> tuple[str, ...]:
        """The figure as a line of a table, under `HEADINGS`."""
        if self.against is None or self.ratio is None:
            return self.what, f"{_number(self.ours)} {self.unit}", "–", "–", "–"
        bound = "at least" if self.more_is_better else "at most"
        factor = "" if self.allowed == 1.0 else f"{self.allowed:g} × "
        return (
            self.what,
            f"{_number(self.ours)} {self.unit}",
            f"{bound} {factor}{_number(self.against)} {self.unit} ({self.peer})",
            f"{self.ratio:.2f}",
            "reached" if self.reached else "not reached",
        )


def measured(about: str | None, measure: Callable[[], Sequence[Figure]]) -> None:
    """What a benchmark does when it is run: measures and prints (`--json`: for programs); exits with 1 if it cannot.

    `about` is its docstring, of which the first line is the title.
    """
    title = (about or "").partition("\n")[0].removesuffix(".")
    try:
        figures = measure()
    except CannotMeasure as error:
        sys.stderr.write(f"{title}: cannot measure: {error}\n")
        sys.exit(1)
    if "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps({"title": title, "figures": [asdict(figure) for figure in figures]}) + "\n")
    else:
        sys.stdout.write(f"\n{title}\n{table([figure.cells() for figure in figures])}\n")


def table(rows: Sequence[Sequence[str]]) -> str:
    lines = [HEADINGS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _number(value: float) -> str:
    """Three significant digits, and all digits before the point."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:#.3g}"
