"""All yearly figures of all components, computed from runs: warm, as a daemon has them, and cold.

7 components, 8 probes, 1,000 runs of each. Warm: what the daemon does for each page and each scrape; the account is
kept up while results come in, so that a year costs no more than what is not settled yet: classes of time, both bounds,
verdict and budget of the year. Cold: the observed states from the runs alone, added up, and the budget; the same with
ten times as many runs tells whether the time grows in proportion. Beside it the whole picture of each component for
pages and metrics: five windows and the outages of 30 days, warm and cold. Medians of several rounds, in one process.
"""

from collections.abc import Callable
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from benchmarks.figures import CannotMeasure, Figure, measured
from benchmarks.scenario import COMPONENTS, START_MS, YEAR_MS, year_ledger
from monitor.board import component_picture
from monitor.clock import SystemClock
from monitor.on_board import OnBoard, Rules
from monitor.sla.accounts import Account, budget_of
from monitor.sla.agreement import Agreement
from monitor.sla.availability import Budget, Tally, budget, tally
from monitor.sla.components import component_spans
from monitor.sla.membership import memberships
from monitor.sla.model import ComponentTerms, Ledger
from monitor.sla.periods import Period, year
from monitor.sla.record import Record
from monitor.sla.running import RunningAccount
from monitor.sla.settled import component_settled_until
from monitor.sla.silence import HEARTBEAT_MS

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
    warm = Warm(ledger)
    kept, once, more, shown, whole = [], [], [], [], []
    for _ in range(ROUNDS):
        kept.append(_milliseconds(warm.yearly_figures))
        shown.append(_milliseconds(warm.pictures))
        once.append(_milliseconds(lambda: yearly_figures(ledger)))
        more.append(_milliseconds(lambda: yearly_figures(longer)))
        whole.append(_milliseconds(lambda: pictures(ledger)))
    return [
        Figure("all yearly figures, warm", median(kept), "ms", LIMIT_MS),
        Figure("all yearly figures, cold", median(once), "ms"),
        Figure(
            "cold, with ten times as many runs", median(more), "ms", median(once), "with 1,000, same run", MORE * 1.2
        ),
        Figure("pictures for pages and metrics, warm", median(shown), "ms"),
        Figure("pictures for pages and metrics, cold", median(whole), "ms"),
    ]


class Warm:
    """What a daemon keeps up; here at the end of the year, with the past settled."""

    def __init__(self, ledger: Ledger) -> None:
        agreement = Agreement(START_MS, ZONE.key, tuple(TERMS), {})
        self._record = Record(YEAR[1] - 1, ledger, (agreement,), (), (), ())
        self._year = Period(START_MS, YEAR[1] - 1, "2025", ZONE.key)
        self._accounts = [self._settled(ledger, terms.key) for terms in TERMS]
        self._boards = [self._board(ledger, terms) for terms in TERMS]

    def yearly_figures(self) -> list[tuple[Account, Budget | None]]:
        """Nothing is settled meanwhile, so that every round has the same to do."""
        found = []
        for running in self._accounts:
            recent = running.recent(self._record, running.settled_ms)
            account = running.account(self._record, recent, self._year)
            found.append((account, budget_of(self._record, account, year(2025, ZONE))))
        return found

    def pictures(self) -> list[object]:
        return [list(board.picture(self._record))[-1] for board in self._boards]

    def _settled(self, ledger: Ledger, component: str) -> RunningAccount:
        until_ms = component_settled_until(ledger, component, self._record.as_of_ms, 0)
        assert until_ms is not None, "it has a probe"
        running = RunningAccount(component, memberships(ledger.terms, component), START_MS, heartbeat_ms=HEARTBEAT_MS)
        while running.settle(self._record, until_ms):
            pass
        running.recent(self._record, until_ms)
        return running

    def _board(self, ledger: Ledger, terms: ComponentTerms) -> OnBoard:
        rules = Rules(ZONE, lambda _country: frozenset())
        board = OnBoard(terms, memberships(ledger.terms, terms.key), rules, self._record, watched=True)
        for _ in board.settle(self._record):
            pass
        return board


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
