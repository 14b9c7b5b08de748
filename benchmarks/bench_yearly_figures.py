"""All yearly figures of all components, computed from runs.

7 components, 8 probes, 1,000 runs of each: states over the year, put together by component, added up, and the budget.
The same with ten times as many runs tells whether the time grows in proportion. Beside it the whole picture that
pages and metrics are made from: five windows and the outages of 30 days. Medians of several rounds, in one process.
"""

from collections.abc import Callable
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import COMPONENTS, START_MS, YEAR_MS, year_ledger
from monitor.board import component_picture
from monitor.clock import SystemClock
from monitor.sla.availability import Budget, Tally, budget, tally
from monitor.sla.components import component_spans
from monitor.sla.model import ComponentTerms, Ledger

RUNS = 1_000
MORE = 10
ROUNDS = 7
LIMIT_MS = 1.0
YEAR = (START_MS, START_MS + YEAR_MS)
FLOOR = Fraction(995, 1000)
ZONE = ZoneInfo("Europe/Warsaw")
TERMS = [ComponentTerms(key, key, FLOOR, None, "blocker") for key in COMPONENTS]


def measure() -> list[Figure]:
    ledger, longer = year_ledger(RUNS), year_ledger(RUNS * MORE)
    if any(total.down_ms == 0 for total, _ in yearly_figures(ledger)):
        raise CannotMeasure("the history has no downtime")
    once, more, whole = [], [], []
    for _ in range(ROUNDS):
        once.append(_milliseconds(lambda: yearly_figures(ledger)))
        more.append(_milliseconds(lambda: yearly_figures(longer)))
        whole.append(_milliseconds(lambda: pictures(ledger)))
    return [
        Figure("all yearly figures", median(once), "ms", LIMIT_MS),
        Figure("with ten times as many runs", median(more), "ms", median(once), "with 1,000, same run", MORE * 1.2),
        Figure("picture for pages and metrics", median(whole), "ms"),
    ]


def yearly_figures(ledger: Ledger) -> list[tuple[Tally, Budget]]:
    totals = [tally(component_spans(ledger, key, YEAR), YEAR) for key in COMPONENTS]
    return [(total, budget(FLOOR, total, YEAR)) for total in totals]


def pictures(ledger: Ledger) -> list[object]:
    return [component_picture(ledger, terms, YEAR[1] - 1, ZONE) for terms in TERMS]


def _milliseconds(work: Callable[[], object]) -> float:
    clock = SystemClock()
    began = clock.monotonic()
    work()
    return (clock.monotonic() - began) * 1000


if __name__ == "__main__":
    measured(__doc__, measure)
