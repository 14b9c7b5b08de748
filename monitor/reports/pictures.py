"""Pictures of a period as SVG: its days, and how its budget was spent.

Every class has a pattern of its own, so that they can be told apart without colours. Only presentation attributes are
used: a page may forbid styles, and a typesetter knows none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from xml.etree.ElementTree import Element, SubElement, tostring

from monitor.reports.wording import length
from monitor.sla.accounts import Classes, Day
from monitor.sla.model import Cause

FONT = "Libertinus Serif, sans-serif"
INK, SOFT, PAPER = "#1b2430", "#8a94a0", "#ffffff"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CELL_WIDTH, CELL_HEIGHT, GAP, LEFT, TOP = 18, 13, 2, 52, 14
WIDTH = LEFT + 31 * (CELL_WIDTH + GAP)


class Look(Enum):
    """What a day is shown as: the worst of its classes."""

    DOWN = "downtime"
    UNKNOWN = "unknown time"
    TAKEN_OUT = "taken out by a window"
    ABSENT = "not monitored"
    UP = "up all day"


def look_of(classes: Classes) -> Look:
    """Absent is a day of which nothing is known because nothing asked yet; part of such a day is unknown time."""
    unknown_ms = sum(classes.unknown.values())
    if classes.down_ms:
        return Look.DOWN
    if classes.unknown.get(Cause.NOT_IN_SERVICE, 0) == classes.period_ms:  # also of no length: not promised yet
        return Look.ABSENT
    if unknown_ms:
        return Look.UNKNOWN
    return Look.TAKEN_OUT if classes.maintenance_ms + classes.restore_ms + classes.excluded_ms else Look.UP


def days_svg(days: Sequence[Day], name: str) -> str:
    """A cell for each day, a line for each month. `name` makes the patterns' names unique on a page."""
    months = sorted({(day.on.year, day.on.month) for day in days})
    pitch = CELL_HEIGHT + GAP
    height = TOP + len(months) * pitch + 26
    counts = {look: sum(1 for day in days if look_of(day.classes) is look) for look in Look}
    told = ", ".join(f"{count} of {look.value}" for look, count in counts.items() if count)
    picture = _picture(WIDTH, height, f"Days by their worst class: {told}.")
    _patterns(picture, name)
    for number in (1, 5, 10, 15, 20, 25, 31):
        _text(picture, _x_of(number) + CELL_WIDTH / 2, 9, str(number), anchor="middle")
    for row, (year, month) in enumerate(months):
        first = row == 0 or month == 1
        y = TOP + row * pitch
        _text(picture, LEFT - 6, y + 10, f"{MONTHS[month - 1]} {year}" if first else MONTHS[month - 1], anchor="end")
        for day in days:
            if (day.on.year, day.on.month) == (year, month):
                _cell(picture, _x_of(day.on.day), y, day, name)
    _legend(picture, height - 18, name)
    return _written(picture)


@dataclass(frozen=True, slots=True)
class Spending:
    """A budget over a period: what is allowed, and the days so far out of all of them."""

    allowed_ms: int
    days: Sequence[Day]
    days_in_period: int
    floor: str


def budget_svg(spending: Spending) -> str:
    """What is left of the allowed downtime at the end of each day, once as observed and once with all unknown time
    taken for downtime. Below the line of the floor the promise cannot be kept any more."""
    left, top, width, height = LEFT, 12, WIDTH - LEFT - 4, 150
    observed = list(_remaining(spending, with_unknown=False))
    worst = list(_remaining(spending, with_unknown=True))
    low = max(min(0.0, *observed, *worst), -1.0)
    picture = _picture(WIDTH, top + height + 22, _budget_told(spending, observed[-1], worst[-1]))

    def point(day: float, share: float) -> tuple[float, float]:
        return left + width * day / spending.days_in_period, top + height * (1 - max(share, low)) / (1 - low)

    for share, label in ((1.0, length(spending.allowed_ms)), (0.0, spending.floor)):
        _line(picture, [point(0, share), point(spending.days_in_period, share)], stroke=INK, width=1 if share else 2)
        _text(picture, left - 6, point(0, share)[1] + 4, label, anchor="end")
    if low < 0:
        _text(picture, left - 6, point(0, low)[1] + 4, length(round(spending.allowed_ms * low)), anchor="end")
    _line(picture, [point(0, 1), point(spending.days_in_period, 0)], stroke=SOFT, width=1, dashes="1 3")
    _line(picture, [point(day, share) for day, share in enumerate(worst)], stroke="#8a6100", width=1.4, dashes="5 3")
    _line(picture, [point(day, share) for day, share in enumerate(observed)], stroke="#a01616", width=2.2)
    _budget_legend(picture, top + height + 16)
    return _written(picture)


def _remaining(spending: Spending, *, with_unknown: bool) -> Iterator[float]:
    """Shares of the allowance, at the beginning and after each day."""
    left_ms = spending.allowed_ms
    yield 1.0
    for day in spending.days:
        left_ms -= day.classes.down_ms + (sum(day.classes.unknown.values()) if with_unknown else 0)
        yield left_ms / spending.allowed_ms


def _budget_told(spending: Spending, observed: float, worst: float) -> str:
    left, least = (length(round(spending.allowed_ms * share)) for share in (observed, worst))
    return f"Of {length(spending.allowed_ms)} allowed downtime {left} is left, {least} if unknown time is downtime."


def _budget_legend(picture: Element, y: float) -> None:
    entries = (
        ("#a01616", 2.2, "", "left, downtime as observed"),
        ("#8a6100", 1.4, "5 3", "left, unknown time taken for downtime"),
        (SOFT, 1.0, "1 3", "even pace"),
    )
    x = float(LEFT)
    for stroke, width, dashes, words in entries:
        _line(picture, [(x, y - 3), (x + 22, y - 3)], stroke=stroke, width=width, dashes=dashes)
        _text(picture, x + 27, y, words)
        x += 45 + 6.2 * len(words)


def _cell(picture: Element, x: float, y: float, day: Day, name: str) -> None:
    look = look_of(day.classes)
    cell = _box(picture, x, y, look, name)
    if look in (Look.DOWN, Look.UNKNOWN):
        title = SubElement(cell, "title")
        unknown_ms = sum(day.classes.unknown.values())
        title.text = f"{day.on.isoformat()}: down {length(day.classes.down_ms)}, unknown {length(unknown_ms)}"


def _box(picture: Element, x: float, y: float, look: Look, name: str) -> Element:
    attributes = {"x": _number(x), "y": _number(y), "width": str(CELL_WIDTH), "height": str(CELL_HEIGHT)}
    fills = {Look.UP: "#dcefe2", Look.DOWN: "#a01616", Look.ABSENT: PAPER}
    attributes["fill"] = fills.get(look, f"url(#{name}-{look.name.lower()})")
    attributes["stroke"] = SOFT if look in (Look.UP, Look.ABSENT) else INK
    attributes["stroke-width"] = "0.5"
    if look is Look.ABSENT:
        attributes["stroke-dasharray"] = "1 2"
    return SubElement(picture, "rect", attributes)


def _legend(picture: Element, y: float, name: str) -> None:
    x = float(LEFT)
    for look in reversed(Look):
        _box(picture, x, y, look, name)
        _text(picture, x + CELL_WIDTH + 5, y + 10, look.value)
        x += CELL_WIDTH + 22 + 5.6 * len(look.value)


def _patterns(picture: Element, name: str) -> None:
    """Slanted lines for what is unknown, dots for what is taken out."""
    definitions = SubElement(picture, "defs")
    hatched = _pattern(definitions, f"{name}-unknown", "rotate(45)")
    SubElement(
        hatched, "line", {"x1": "1", "y1": "0", "x2": "1", "y2": "4", "stroke": "#8a6100", "stroke-width": "1.6"}
    )
    dotted = _pattern(definitions, f"{name}-taken_out", "")
    SubElement(dotted, "circle", {"cx": "2", "cy": "2", "r": "0.9", "fill": "#1f4e8c"})


def _pattern(definitions: Element, name: str, transform: str) -> Element:
    attributes = {"id": name, "width": "4", "height": "4", "patternUnits": "userSpaceOnUse"}
    if transform:
        attributes["patternTransform"] = transform
    pattern = SubElement(definitions, "pattern", attributes)
    SubElement(pattern, "rect", {"width": "4", "height": "4", "fill": PAPER})
    return pattern


def _picture(width: float, height: float, told: str) -> Element:
    picture = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_number(width)} {_number(height)}",
            "role": "img",
            "aria-label": told,
            "font-family": FONT,
            "font-size": "10",
            "fill": INK,
        },
    )
    return picture


def _text(picture: Element, x: float, y: float, words: str, anchor: str = "start") -> None:
    text = SubElement(picture, "text", {"x": _number(x), "y": _number(y), "text-anchor": anchor})
    text.text = words


def _line(
    picture: Element, points: Sequence[tuple[float, float]], *, stroke: str, width: float, dashes: str = ""
) -> None:
    attributes = {
        "points": " ".join(f"{_number(x)},{_number(y)}" for x, y in points),
        "fill": "none",
        "stroke": stroke,
        "stroke-width": _number(width),
    }
    if dashes:
        attributes["stroke-dasharray"] = dashes
    SubElement(picture, "polyline", attributes)


def _x_of(day_of_month: int) -> float:
    return LEFT + (day_of_month - 1) * (CELL_WIDTH + GAP)


def _number(value: float) -> str:
    """At most two decimal places, the same on every machine."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _written(picture: Element) -> str:
    return tostring(picture, encoding="unicode")
