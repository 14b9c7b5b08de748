"""How the dashboards look: colours, texts of states, thresholds. One place, so that a state looks the same everywhere.

The colours are Okabe and Ito's: people who cannot tell red from green can tell them apart. No state is told by colour
alone; every one has a text.
"""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

GOOD = "#009E73"
BAD = "#D55E00"
WARNING = "#E69F00"
UNKNOWN = "#999999"
INFO = "#56B4E9"
NEUTRAL = "#0072B2"
PLAIN = "text"

Text = tuple[str, str]
"""What is shown for a value, and its colour."""

COMPONENT_STATES: dict[int, Text] = {
    0: ("no data", UNKNOWN),
    1: ("unknown", WARNING),
    2: ("up", GOOD),
    3: ("DOWN", BAD),
}
PROBE_STATES: dict[int, Text] = {0: ("unknown", WARNING), 1: ("DOWN", BAD), 2: ("up", GOOD)}
VERDICTS: dict[int, Text] = {1: ("MISSED", BAD), 2: ("inconclusive", WARNING), 3: ("met", GOOD)}
REACHED: dict[int, Text] = {0: ("NOT REACHED", BAD), 1: ("reached", GOOD)}
SILENT: dict[int, Text] = {0: ("calls", GOOD), 1: ("SILENT", BAD)}
SCRAPED: dict[int, Text] = {0: ("NOT SCRAPED", BAD), 1: ("scraped", GOOD)}
SUPPORT: dict[int, Text] = {0: ("closed", UNKNOWN), 1: ("open", INFO)}


def mappings(texts: dict[int, Text]) -> list[dashboard.ValueMapping]:
    results = {
        str(value): dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=results)]


def thresholds(base: str, *steps: tuple[float, str]) -> dashboard.ThresholdsConfig:
    """`base` is the colour below the first step; a step's colour holds from its value on."""
    every = [
        dashboard.Threshold(value=None, color=base),
        *(dashboard.Threshold(value=value, color=colour) for value, colour in steps),
    ]
    return build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(every).build()


def colour(mode: dashboard.FieldColorModeId) -> dashboard.FieldColor:
    return build.FieldColor().mode(mode).build()


BY_THRESHOLD = colour(dashboard.FieldColorModeId.THRESHOLDS)
BY_NAME = colour(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)

ZERO_IS_GOOD = thresholds(GOOD, (1e-9, BAD))
POSITIVE_IS_GOOD = thresholds(BAD, (0, GOOD))
ALWAYS_PLAIN = thresholds(PLAIN)
BUDGET_LEFT = thresholds(BAD, (1e-9, WARNING), (0.25, GOOD))
BUDGET_GONE = thresholds(GOOD, (0.75, WARNING), (1, BAD))
BUSY = thresholds(GOOD, (0.8, WARNING), (0.95, BAD))
