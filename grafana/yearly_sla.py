"""How the year stands against the agreement: figures with their bounds, budget, months, coverage, verdict."""

from grafana_foundation_sdk.models import dashboard

from grafana import frame, links, looks
from grafana.grid import Row, line, row
from grafana.panels import About, areas, as_reference, gauges, lines, linked, repeated
from grafana.queries import (
    YEAR_ELAPSED,
    Query,
    budget_at_risk,
    budget_left,
    budget_spent,
    coverage,
    figure,
    floor,
    now,
    rounded_down,
    worst,
)
from grafana.tables import RATIO_DECIMALS, bare, of_the_year

OF = 'component=~"$component"'
FROM_PROMETHEUS = "As far as Prometheus remembers: the yearly report is the proof, this is the way to it."


def built(site: frame.Site) -> dashboard.Dashboard:
    about = frame.Frame(
        "uptime-year",
        "Uptime: Yearly SLA",
        "The calendar year against the agreement: figures with their bounds, budget, months, coverage, verdict.",
        variables=(frame.component(),),
        annotations=(frame.outages(OF), frame.windows(OF), frame.seals()),
        since="now/y",
        zone=site.zone,
        refresh="5m",
    )
    return frame.made(about, site, _standing(), _budget(), _months(), _coverage(), _figures())


def _standing() -> Row:
    return row("Verdict", line(9, (of_the_year(OF, (*links.of_row(), links.report())), 24)))


def _figures() -> Row:
    """Last, because it grows with the components."""
    panel = lines(
        About(
            "$component: uptime of the year to date",
            "Observed uptime of the calendar year to date with its lower and upper bound, and the promised floor "
            "(dashed). Good: the pessimistic line above the floor. Cut, not rounded. " + FROM_PROMETHEUS,
            "percentunit",
            RATIO_DECIMALS,
        ),
        Query(rounded_down(figure("", "year", OF)), "{{component}} observed"),
        Query(rounded_down(figure("pessimistic_", "year", OF)), "{{component}} pessimistic"),
        Query(rounded_down(figure("optimistic_", "year", OF)), "{{component}} optimistic"),
        Query(floor(OF), "{{component}} promised"),
        calcs=("last", "min"),
        low=None,
    )
    panel = as_reference(linked(panel, *links.of_series()), "/ promised$/")
    return row("Figures of each component", line(9, (repeated(panel, "component", beside=3), 24)))


def _budget() -> Row:
    burn_down = lines(
        About(
            "Budget left, against the even pace",
            "Share of the year's allowed downtime that is left. The dashed line is the pace that just lasts until "
            "the end "
            "of the year. Good: above it. Below 0 the promise is broken. " + FROM_PROMETHEUS,
            "percentunit",
            1,
            "nothing promised",
        ),
        Query(rounded_down(budget_left(OF)), "{{component}}"),
        Query(f"1 - {YEAR_ELAPSED}", "even pace"),
        calcs=("last",),
        low=None,
        high=1,
    )
    projection = gauges(
        About(
            "Spent at the end of the year, at this pace",
            "Share of the year's allowed downtime that will be spent if the rest of the year is as the year so far. "
            "Good: below 100 %. Early in the year a single outage looks large.",
            "percentunit",
            0,
            "nothing promised",
        ),
        now(f"{budget_spent(OF)} / on () group_left () ({YEAR_ELAPSED} > 0)", "{{component}}"),
        thresholds=looks.BUDGET_GONE,
    )
    return row(
        "Budget", line(10, (as_reference(burn_down, "/^even pace$/"), 16), (linked(projection, *links.of_series()), 8))
    )


def _months() -> Row:
    """The last value of `month` in each month is the month's figure."""
    observed = Query(rounded_down(figure("", "month", OF)), table=True, interval="1h")
    about = About(
        "Months",
        "Observed uptime of each month, as it stood in the last hour of it. Good: at or above the floor; the promise"
        " is of the year, not of a month, and a year is not the mean of its months. Choose the whole year as the "
        "time range. " + FROM_PROMETHEUS,
        "percentunit",
        RATIO_DECIMALS,
    )
    panel = bare(about, [observed])
    panel.max_data_points = 10_000
    panel.transformations = [
        dashboard.DataTransformerConfig(id_val=name, options=options) for name, options in _BY_MONTH
    ]
    return row("Months", line(10, (panel, 24)))


_BY_MONTH: tuple[tuple[str, object], ...] = (
    ("formatTime", {"timeField": "Time", "outputFormat": "YYYY-MM", "useTimezone": True}),
    (
        "groupBy",
        {
            "fields": {
                "Time": {"operation": "groupby", "aggregations": []},
                "component": {"operation": "groupby", "aggregations": []},
                "Value": {"operation": "aggregate", "aggregations": ["lastNotNull"]},
            }
        },
    ),
    ("groupingToMatrix", {"columnField": "component", "rowField": "Time", "valueField": "Value (lastNotNull)"}),
)


def _coverage() -> Row:
    covered = lines(
        About(
            "Coverage of the year to date",
            "Share of the calendar year to date in which the state was really observed. Good: 100 %. What is missing"
            " counts as down in the pessimistic figure. Before the coming into service nothing was observed.",
            "percentunit",
            RATIO_DECIMALS,
        ),
        Query(rounded_down(coverage("year", OF)), "{{component}}"),
        calcs=("last", "min"),
        low=None,
        high=1,
    )
    risk = gauges(
        About(
            "Downtime and blindness, of the allowed downtime",
            "Time of this year that is not certainly up, as a share of the allowed downtime. Good: far below 100 %. "
            "Beyond it the verdict can no longer be *met*.",
            "percentunit",
            1,
            "nothing promised",
        ),
        now(budget_at_risk(OF), "{{component}}"),
        thresholds=looks.BUDGET_GONE,
    )
    down = gauges(
        About(
            "Certainly down this year",
            "Time of this year in which the component was certainly down. Good: 0.",
            "s",
            1,
        ),
        now(worst("uptime_component_certainly_down_seconds", OF), "{{component}}"),
        thresholds=looks.ZERO_IS_GOOD,
        high=None,
    )
    daily = f"increase(uptime_component_unknown_seconds_total{{{OF}}}[1d])"
    causes = areas(
        About(
            "Why time was unknown",
            "Unknown time per day, by its cause. Good: 0. Of several daemons the most is shown.",
            "s",
            1,
            "none unknown",
        ),
        Query(
            f"sum by (cause) (max by (component, cause) ({daily})) > 0",
            "{{cause}}",
            interval="1h",
        ),
    )
    return row(
        "Coverage",
        line(9, (covered, 12), (causes, 12)),
        line(8, (linked(risk, *links.of_series()), 12), (linked(down, *links.of_series()), 12)),
    )
