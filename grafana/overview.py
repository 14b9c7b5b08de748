"""What is broken now, since when, and how the year stands: for whoever opens Grafana first, and for a wall."""

from grafana_foundation_sdk.models import dashboard

from grafana import frame, links, looks
from grafana.grid import Row, line, row
from grafana.panels import About, gauges, linked, states, tiles
from grafana.queries import STEP, Query, budget_at_risk, budget_left, component_state, now, rounded_down
from grafana.tables import Column, of_the_year, rows_of

OPEN = "max by (component, severity) (uptime_component_outage_open) == 1"
BEGAN = (
    "min by (component, severity) (timestamp(uptime_component_outage_seconds) - (uptime_component_outage_seconds > 0))"
)
STATE_DESCRIPTION = (
    "Confirmed state of each component. *up* is good. *unknown*: the monitor cannot tell, which is not up. *no "
    "data*: Prometheus gets nothing from the daemon. Of several daemons *down* wins over *up*, and *up* over "
    "*unknown*."
)

COURSE_DESCRIPTION = STATE_DESCRIPTION + " Whatever the time range, no outage is lost between two points of the graph."


def built(site: frame.Site) -> dashboard.Dashboard:
    about = frame.Frame(
        "uptime-overview",
        "Uptime: Overview",
        "What is broken, since when, and how the year stands against what was promised.",
        annotations=(frame.outages(), frame.windows(), frame.configuration_loads()),
    )
    return frame.made(about, site, _now(), _outages(), _year(), _range())


def _now() -> Row:
    course_of = Query(component_state(within=STEP), "{{component}}")
    current = tiles(
        About("Components now", STATE_DESCRIPTION, "none"),
        now(component_state(), "{{component}}"),
        texts=looks.COMPONENT_STATES,
    )
    course = states(About("States", COURSE_DESCRIPTION, "none"), course_of, texts=looks.COMPONENT_STATES)
    return row(
        "Now",
        line(5, (linked(current, *links.of_series()), 24)),
        line(8, (linked(course, *links.of_series()), 16), (_alerts(), 8)),
    )


def _alerts() -> dashboard.Panel:
    firing = 'max by (alertname, component, severity) (ALERTS{alertstate="firing", severity=~"blocker|major|minor"})'
    return rows_of(
        "Alerts of Prometheus",
        "Alerts that fire in this Prometheus, with the way to their runbooks. Good: none. An alert may be here and "
        "not be paged, where Alertmanager silences or holds it back.",
        {"alertname": [links.runbook()], "component": links.of_row(), "severity": []},
        Column("Firing", f"{firing} == 1", "none", texts={1: ("firing", looks.BAD)}),
        nothing="none fires, or this Prometheus has no rules",
    )


def _deadline(clock: str) -> Column:
    expr = (
        f'min by (component, severity) (uptime_deadline_timestamp_seconds{{clock="{clock}"}} * 1000 * on (component) '
    )
    expr += f"group_left (severity) ({OPEN}))"
    return Column(clock.capitalize(), expr, "dateTimeFromNow", no_value="none or waiting")


def _outages() -> Row:
    return row("Outages", line(6, (_open_outages(), 16), (_windows(), 4), (_support(), 4)))


def _open_outages() -> dashboard.Panel:
    return rows_of(
        "Open outages",
        "Confirmed outages that go on, from their first failed check, and when their deadlines are used up (counted "
        "in support hours where the agreement says so). Good: none. The component leads to its outages and evidence.",
        {"component": links.of_row(), "severity": []},
        Column("Began", f"({BEGAN}) * 1000", "dateTimeFromNow"),
        Column("Lasts", "max by (component, severity) (uptime_component_outage_seconds > 0)", "dthms"),
        _deadline("response"),
        _deadline("workaround"),
        _deadline("correction"),
        nothing="no open outage",
    )


def _windows() -> dashboard.Panel:
    query = now("max by (component, kind) (uptime_component_windows_open) > 0", "{{kind}}: {{component}}")
    description = (
        "Declared windows that are open now: maintenance, restore, excluded time. Neither good nor bad; whoever is "
        "paged should know."
    )
    return tiles(About("Windows open", description, "none", no_value="none open"), query)


def _support() -> dashboard.Panel:
    description = (
        "Whether it is support time, in which major and minor errors are worked on. Blockers are worked on around the "
        "clock."
    )
    return tiles(
        About("Support hours", description, "none"), now("max(uptime_support_open)", "Support"), texts=looks.SUPPORT
    )


def _year() -> Row:
    left = gauges(
        About(
            "Budget left",
            "Share of the downtime allowed in this calendar year that is left. Good: more than the share of the year"
            " that is left. Negative: the promise is broken.",
            "percentunit",
            1,
            "nothing promised",
        ),
        now(rounded_down(budget_left()), "{{component}}"),
        thresholds=looks.BUDGET_LEFT,
    )
    risk = gauges(
        About(
            "Downtime and blindness",
            "Time of this year that is not certainly up, as a share of the allowed downtime. Good: far below 100 %. "
            "Beyond it nobody can prove any more that the promise was kept, even if it was.",
            "percentunit",
            1,
            "nothing promised",
        ),
        now(budget_at_risk(), "{{component}}"),
        thresholds=looks.BUDGET_GONE,
    )
    return row(
        "The year so far",
        line(9, (of_the_year("", links.of_row()), 24)),
        line(7, (linked(left, *links.of_series()), 12), (linked(risk, *links.of_series()), 12)),
    )


def _range() -> Row:
    down = gauges(
        About(
            "Downtime in the time range",
            "Time that the components were observed down in the range chosen above, whatever was declared. Good: 0. "
            "As far as Prometheus remembers; the daemon's pages have the exact times.",
            "s",
            1,
        ),
        now(
            'max by (component) (increase(uptime_component_state_seconds_total{state="down"}[$__range]))',
            "{{component}}",
        ),
        thresholds=looks.ZERO_IS_GOOD,
        high=None,
    )
    unknown = gauges(
        About(
            "Unknown in the time range",
            "Time of the range in which the monitor could not tell. Good: close to 0; it counts as down in the "
            "pessimistic figure.",
            "s",
            1,
        ),
        now(
            'min by (component) (increase(uptime_component_state_seconds_total{state="unknown"}[$__range]))',
            "{{component}}",
        ),
        thresholds=looks.ZERO_IS_GOOD,
        high=None,
    )
    return row(
        "In the time range", line(7, (linked(down, *links.of_series()), 12), (linked(unknown, *links.of_series()), 12))
    )
