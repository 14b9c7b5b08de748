"""PromQL that several dashboards share, and what a query is.

Several daemons may be scraped (a pair on one store, or several locations). Whatever is told of a component is
aggregated over them, never shown once for each: of states `down` wins over `up`, and `up` over `unknown`; of figures
the worst counts. What each daemon counts for itself (checks, failures) is added up.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.prometheus import Dataquery, PromQueryFormat

DATASOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Query:
    """`legend` names the series. `instant` asks for the end of the time range only."""

    expr: str
    legend: str = ""
    instant: bool = False
    table: bool = False
    name: str = ""
    interval: str = ""

    def target(self, place: int) -> Dataquery:
        query = prometheus.Dataquery().datasource(DATASOURCE).expr(self.expr).ref_id(self.name or chr(ord("A") + place))
        query = query.instant() if self.instant else query.range()
        if self.legend:
            query = query.legend_format(self.legend)
        if self.interval:
            query = query.interval(self.interval)
        return query.format(PromQueryFormat.TABLE if self.table else PromQueryFormat.TIME_SERIES).build()


def now(expr: str, legend: str = "") -> Query:
    return Query(expr, legend, instant=True)


def rounded_down(ratio: str) -> str:
    """The ratio cut after six digits, for display with four decimals of a per cent.

    Grafana rounds to the nearest, and a figure just below its floor must not look as if it had reached it. The small
    addend keeps a ratio that is exactly at six digits from losing its last one to binary fractions; it is a thirtieth
    of a millisecond in a year, and time is counted in milliseconds.
    """
    return f"floor(({ratio}) * 1e6 + 1e-6) / 1e6"


def selected(metric: str, *matchers: str) -> str:
    """Series of the metric; an empty matcher is none."""
    given = ", ".join(matcher for matcher in matchers if matcher)
    return f"{metric}{{{given}}}" if given else metric


STEP = "$__interval"
"""How far apart the points of a graph are. What looks at a point only would lose an outage between two of them."""


def component_state(of: str = "", *, within: str = "") -> str:
    """3 down, 2 up, 1 unknown; 0 for what was there within a day and is not told of now: no data is not up.

    With `within`, also 3 if the component was down at any time of so long before.
    """
    down = [f"3 * (max_over_time({_state(of, 'down')}[{within}]) == 1)"] if within else []
    ranked = ((3, "down"), (2, "up"), (1, "unknown"))
    states = " or ".join([*down, *(f"{value} * ({_state(of, state)} == 1)" for value, state in ranked)])
    missing = f"0 * max by (component) (last_over_time({_state(of, 'down')}[1d]))"
    return f"max by (component) ({states}) or {missing}"


def _state(of: str, state: str) -> str:
    return selected("uptime_component_state", of, f'state="{state}"')


_VERDICTS = {"missed": 1, "inconclusive": 2, "met": 3}


def verdict(of: str = "") -> str:
    """1 missed, 2 inconclusive, 3 met: where daemons disagree, the worst."""
    named = {name: selected("uptime_component_verdict", of, f'verdict="{name}"') for name in _VERDICTS}
    verdicts = " or ".join(f"{_VERDICTS[name]} * ({series} == 1)" for name, series in named.items())
    return f"min by (component) ({verdicts})"


def figure(kind: str, window: str, of: str = "") -> str:
    """`kind` is "", "pessimistic_", "optimistic_" (uptime): of several daemons the lowest."""
    series = selected(f"uptime_component_uptime_{kind}ratio", of, f'window="{window}"')
    return f"min by (component) ({series})"


def coverage(window: str, of: str = "") -> str:
    series = selected("uptime_component_coverage_ratio", of, f'window="{window}"')
    return f"min by (component) ({series})"


def worst(name: str, of: str = "") -> str:
    """The greatest value that any daemon tells of a component."""
    return f"max by (component) ({selected(name, of)})"


def floor(of: str = "") -> str:
    return worst("uptime_component_floor_ratio", of)


def budget_left(of: str = "") -> str:
    """Share of the year's allowed downtime that is left; below 0 once overspent."""
    return f"min by (component) ({_of_the_budget('uptime_component_budget_remaining_seconds', of)})"


def budget_at_risk(of: str = "") -> str:
    """Downtime and blindness together, as a share of the allowed downtime: from 1 on nothing can be proved."""
    return f"max by (component) ({_of_the_budget('uptime_component_possibly_down_seconds', of)})"


def budget_spent(of: str = "") -> str:
    """Share of the year's allowed downtime that is spent."""
    return f"max by (component) ({_of_the_budget('uptime_component_budget_spent_seconds', of)})"


def _of_the_budget(seconds: str, of: str) -> str:
    return f"{selected(seconds, of)} / ({selected('uptime_component_budget_seconds', of)} > 0)"


YEAR_ELAPSED = "((day_of_year() - 1 + hour() / 24) / (365 + (year() % 4 == bool 0)))"
"""Share of the calendar year that is over, in UTC: an hour or two beside the agreement's zone, which no eye sees."""
