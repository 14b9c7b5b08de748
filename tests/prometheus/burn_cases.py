"""Burn rates of `ingest`: 99.5 % promised, its slowest probe every 30 s. One value a minute.

Its windows are 1h (14.4 times 0.5 %, that is 7.2 % down), 6h (3 %) and 3d (0.5 %).
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from tests.prometheus.cases import Case, Look, fires, looks, silent

_A_MINUTE = 60
_FAST = {"component": "ingest", "severity": "blocker"}
_STATES = {"u": "up", "D": "down", "?": "unknown"}


def course(text: str, *, step: int = _A_MINUTE, instance: str = "") -> dict[str, str]:
    """What a daemon exports of `ingest`: `u60 D5` is an hour up and then five minutes down."""
    letters = [letter for part in text.split() for letter in part[0] * int(part[1:])]
    of = f', instance="{instance}"' if instance else ""
    seconds = {
        f'uptime_component_state_seconds_total{{component="ingest", state="{state}"{of}}}': _seconds(
            letters, letter, step
        )
        for letter, state in _STATES.items()
    }
    ages = accumulate(letters, lambda age, each: age + step if each == "D" else 0, initial=0)
    return _written(
        {
            **seconds,
            f'uptime_component_outage_seconds{{component="ingest", severity="blocker"{of}}}': ages,
            f'uptime_component_settled_timestamp_seconds{{component="ingest"{of}}}': [
                step * place for place in range(len(letters) + 1)
            ],
        }
    )


def _seconds(letters: list[str], wanted: str, step: int) -> list[int]:
    return list(accumulate((step if letter == wanted else 0 for letter in letters), initial=0))


def _written(series: Mapping[str, Iterable[int]]) -> dict[str, str]:
    return {name: " ".join(map(_run, _runs(list(values)))) for name, values in series.items()}


def _runs(values: list[int]) -> list[tuple[int, int, int]]:
    """First value, step and number of steps: what rises evenly is one word of promtool's."""
    runs: list[tuple[int, int, int]] = []
    for value in values:
        first, step, count = runs[-1] if runs else (0, 0, -1)
        if count == 0:
            runs[-1] = (first, value - first, 1)
        elif count > 0 and value == first + step * (count + 1):
            runs[-1] = (first, step, count + 1)
        else:
            runs.append((value, 0, 0))
    return runs


def _run(run: tuple[int, int, int]) -> str:
    first, step, count = run
    return f"{first}{step:+d}x{count}" if count else str(first)


def _case(name: str, course_text: str, *parts: Look | tuple[Look, ...]) -> Case:
    return Case(name, course(course_text), looks(*parts), "1m")


CASES: tuple[Case, ...] = (
    _case(
        "two outages of five minutes within an hour burn too fast, while they go on",
        "u40 D5 u10 D5 u30",
        silent("40m", "ErrorBudgetBurn"),
        fires("60m", "ErrorBudgetBurn", "16.67%", **_FAST, window="1h"),
        silent("70m", "ErrorBudgetBurn"),
    ),
    _case(
        "a single outage is told by ComponentDown, not a second time by the budget that it burns, nor once it is over",
        "u40 D15 u30",
        silent("50m", "ErrorBudgetBurn"),
        silent("55m", "ErrorBudgetBurn"),
        silent("57m", "ErrorBudgetBurn"),
    ),
    _case(
        "outages too short for anybody to have seen one open burn all the same",
        "u48 D1 u1 D1 u1 D1 u1 D1 u1 D1 u1 D1 u2",
        fires("60m", "ErrorBudgetBurn", "10%", **_FAST, window="1h"),
    ),
    _case(
        "two outages of one minute in an hour are within what may be",
        "u40 D1 u2 D1 u2",
        silent("44m", "ErrorBudgetBurn"),
    ),
    _case(
        "unknown time does not dilute: four minutes of 60, but of only 40 that were observed",
        "u40 ?20 u28 D2 u2 D2 u2",
        fires("94m", "ErrorBudgetBurn", "10%", **_FAST, window="1h"),
    ),
    _case(
        "one failing minute after an hour of blindness is not 100 %",
        "u60 ?58 D1 ?1 D1",
        silent("119m", "ErrorBudgetBurn"),
        silent("121m", "ErrorBudgetBurn"),
    ),
    _case(
        "two failing minutes among ten that were seen in an hour are not 20 %",
        "u40 ?50 D1 u3 D1",
        silent("95m", "ErrorBudgetBurn"),
    ),
    Case(
        "recorded history that was changed looks like a counter that fell; nothing is made of it",
        {
            'uptime_component_state_seconds_total{component="ingest", state="up"}': "500000+60x70 504250+50x15",
            'uptime_component_state_seconds_total{component="ingest", state="down"}': "9000+0x70 8000+10x15",
            'uptime_component_outage_seconds{component="ingest", severity="blocker"}': "0+0x86",
            'uptime_component_settled_timestamp_seconds{component="ingest"}': "0+60x86",
        },
        looks(silent("72m", "ErrorBudgetBurn"), silent("80m", "ErrorBudgetBurn")),
        "1m",
    ),
    Case(
        "of two daemons that saw it both, the sums have the same ratio",
        {
            **course("u40 D5 u10 D5", instance="a:8080"),
            **course("u40 D5 u10 D5", instance="b:8080"),
        },
        looks(fires("60m", "ErrorBudgetBurn", "16.67%", **_FAST, window="1h")),
        "1m",
    ),
    _case(
        "two minutes of every half an hour are too much over six hours, not over one",
        "u100 D2 u28 D2 u28 D2 u28 D2 u28",
        silent("162m", "ErrorBudgetBurn"),  # half of the six hours must be known
        fires("192m", "ErrorBudgetBurn", "4.167%", **_FAST, window="6h"),
    ),
)
SLOW_CASES: tuple[Case, ...] = (
    Case(
        "a tenth of the month's budget within three days is told to the team, also of one outage",
        course("u215 D4 u40", step=600),
        looks(
            fires("36h30m", "ErrorBudgetBurn", "1.826%", component="ingest", severity="major", window="3d"),
            silent("43h", "ErrorBudgetBurn"),  # six hours without any
        ),
        "10m",
    ),
)
