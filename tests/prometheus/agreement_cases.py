"""Outages, deadlines and the year's budget. Four values are a minute; promtool's time begins with Unix time 0."""

from tests.prometheus.cases import Case, Firing, Look, fires, looks, silent

API_OPEN = 'uptime_component_outage_open{component="api", severity="blocker"}'
INGEST_OPEN = 'uptime_component_outage_open{component="ingest", severity="blocker"}'
API_UP = 'uptime_component_state{component="api", state="up"}'
INGEST_UP = 'uptime_component_state{component="ingest", state="up"}'
FRONTEND_UP = 'uptime_component_state{component="frontend", state="up"}'
DUE = 'uptime_deadline_timestamp_seconds{component="api", clock="workaround"}'
RUNNING = 'uptime_deadline_state{component="api", clock="workaround", state="running"}'
WAITING = 'uptime_deadline_state{component="api", clock="workaround", state="waiting"}'
MISSED = 'uptime_deadline_state{component="api", clock="workaround", state="missed"}'
SUPPORT = "uptime_support_open"
POSSIBLY = 'uptime_component_possibly_down_seconds{component="ingest"}'
PESSIMISTIC = 'uptime_component_uptime_pessimistic_ratio{component="ingest", window="year"}'
IN_SERVICE = 'uptime_component_in_service_seconds{component="ingest"}'
BUDGET = 'uptime_component_budget_seconds{component="ingest"}'
SPENT = 'uptime_component_budget_spent_seconds{component="ingest"}'

_API = {"component": "api", "severity": "blocker"}
_WORKAROUND = {**_API, "clock": "workaround"}
_INGEST_MAJOR = {"component": "ingest", "severity": "major"}


def _hiding(component: str) -> Firing:
    return Firing({"component": component, "severity": "none"})


OUTAGES = (
    Case(
        "an outage is told with the evaluation after it, and its end too",
        {API_OPEN: "0+0x3 1+0x7 0+0x10"},
        looks(silent("45s", "ComponentDown"), fires("1m", "ComponentDown", **_API), silent("3m", "ComponentDown")),
    ),
    Case(
        "two daemons that see an outage raise one alert",
        {
            'uptime_component_outage_open{component="api", severity="blocker", instance="a:8080"}': "1+0x8",
            'uptime_component_outage_open{component="api", severity="blocker", instance="b:8080"}': "1+0x8",
        },
        looks(fires("1m", "ComponentDown", **_API)),
    ),
    Case(
        "a restart in an outage ends no alert, and an outage that ended while nobody was there is over at once",
        {API_OPEN: "1+0x7 stale _x39 0+0x20"},
        looks(
            fires("2m", "ComponentDown", **_API),
            fires("11m45s", "ComponentDown", **_API),
            silent("12m15s", "ComponentDown"),
        ),
    ),
    Case(
        "a daemon that never comes back is not believed for ever",
        {API_OPEN: "1+0x7 stale _x100"},
        looks(fires("16m", "ComponentDown", **_API), silent("18m", "ComponentDown")),
    ),
    Case(
        "the platform is down when two are and none is up",
        {
            API_OPEN: "1+0x20",
            INGEST_OPEN: "1+0x20",
            API_UP: "0+0x20",
            INGEST_UP: "0+0x20",
            FRONTEND_UP: "1+0x7 0+0x7 1+0x4",
        },
        looks(
            silent("1m45s", "PlatformDown"),
            silent("2m15s", "PlatformDown"),  # as long as it may take to ask all after a start
            fires("2m30s", "PlatformDown", "2", severity="blocker"),
            silent("4m", "PlatformDown"),
        ),
    ),
    Case(
        "what tells of the whole platform hides its parts only once it pages, and none longer than it is down",
        {
            API_OPEN: "1+0x9 0+0x3 1+0x20",
            INGEST_OPEN: "1+0x60",
            'uptime_component_outage_open{component="recovery", severity="blocker"}': "1+0x5 0+0x60",
            API_UP: "0+0x9 1+0x3 0+0x60",
            INGEST_UP: "0+0x60",
        },
        looks(
            silent("15s", "PlatformDownNow"),
            Look("30s", "PlatformDownNow", tuple(map(_hiding, ("api", "ingest", "recovery")))),
            Look("1m30s", "PlatformDownNow", tuple(map(_hiding, ("api", "ingest")))),
            silent("2m30s", "PlatformDown"),
            Look("2m30s", "PlatformDownNow", (_hiding("ingest"),)),  # still, though the platform is back
            Look("3m45s", "PlatformDownNow", (_hiding("api"), _hiding("ingest"))),  # both down again for 30 s
        ),
    ),
    Case(
        "a part that is not back with the platform is hidden for a while yet, and then no more",
        {API_OPEN: "1+0x9 0+0x60", INGEST_OPEN: "1+0x60", API_UP: "0+0x9 1+0x60", INGEST_UP: "0+0x60"},
        looks(
            Look("3m45s", "PlatformDownNow", (_hiding("ingest"),)),
            silent("4m", "PlatformDownNow"),
            fires("4m", "ComponentDown", component="ingest", severity="blocker"),
        ),
    ),
    Case(
        "one component is not the platform, even if nothing is known of the others",
        {API_OPEN: "1+0x20", INGEST_OPEN: "0+0x20", API_UP: "0+0x20", INGEST_UP: "0+0x20", FRONTEND_UP: "0+0x20"},
        looks(silent("4m", "PlatformDown"), fires("4m", "ComponentDown", **_API)),
    ),
    Case(
        "components that are looked at rarely say nothing of the platform",
        {
            'uptime_component_outage_open{component="recovery", severity="blocker"}': "1+0x20",
            'uptime_component_outage_open{component="reports", severity="blocker"}': "1+0x20",
        },
        looks(silent("4m", "PlatformDown")),
    ),
    Case(
        "a restart does not end that the platform is down",
        {API_OPEN: "1+0x8 stale _x30", INGEST_OPEN: "1+0x8 stale _x30", API_UP: "0+0x8 stale _x30"},
        looks(fires("8m", "PlatformDown", "2", severity="blocker")),
    ),
    Case(
        "a deadline is near two hours before, with the severity of its outage",
        {API_OPEN: "1+0x50", DUE: "7680+0x50", RUNNING: "1+0x50", MISSED: "0+0x50"},
        looks(
            silent("8m", "DeadlineNear"),
            fires("8m15s", "DeadlineNear", "1h 59m 45s", **_WORKAROUND),
            silent("9m", "DeadlinePassed"),
        ),
    ),
    Case(
        "no deadline is near while the customer is waited for",
        {API_OPEN: "1+0x20", DUE: "3600+0x20", RUNNING: "1+0x3 0+0x16", WAITING: "0+0x3 1+0x16"},
        looks(fires("30s", "DeadlineNear", "59m 30s", **_WORKAROUND), silent("1m", "DeadlineNear")),
    ),
    Case(
        "what was due of an outage that is over is not told of, though nothing says any more when it was",
        {API_OPEN: "1+0x7 0+0x20", DUE: "3600+0x7 stale", RUNNING: "1+0x7 0+0x20", MISSED: "0+0x20"},
        looks(silent("2m", "DeadlineNear", "DeadlinePassed")),
    ),
    Case(
        "a deadline has passed until the outage is over or it was met, and a restart changes nothing",
        {API_OPEN: "1+0x40", MISSED: "0+0x3 1+0x7 stale _x9 1+0x7 0+0x8", RUNNING: "1+0x3 0+0x40"},
        looks(
            silent("45s", "DeadlinePassed"),
            fires("1m", "DeadlinePassed", **_WORKAROUND),
            fires("4m", "DeadlinePassed", **_WORKAROUND),
            silent("8m", "DeadlinePassed"),
        ),
    ),
    Case(
        "while a changed severity is told twice, a deadline has one",
        {
            API_OPEN: "1+0x3 stale _x20",
            'uptime_component_outage_open{component="api", severity="major"}': "_x3 1+0x20",
            MISSED: "1+0x20",
            'uptime_deadline_timestamp_seconds{component="api", clock="correction"}': "3720+0x20",
            'uptime_deadline_state{component="api", clock="correction", state="running"}': "1+0x20",
        },
        looks(
            fires("2m", "DeadlinePassed", **_WORKAROUND),
            fires("2m", "DeadlineNear", "1h 0m 0s", **_API, clock="correction"),
        ),
    ),
    Case(
        "outside support hours alerts are held back, and without a daemon they are not",
        {SUPPORT: "1+0x3 0+0x3 stale"},
        looks(
            silent("45s", "OutsideSupportHours"),
            fires("1m", "OutsideSupportHours", severity="none"),
            fires("5m", "OutsideSupportHours", severity="none"),
            silent("17m", "OutsideSupportHours"),
        ),
    ),
)
BUDGETS = (
    Case(
        "downtime and blindness together near what the year allows",
        {POSSIBLY: "120000+0x40", PESSIMISTIC: "0.9+0x40", IN_SERVICE: "2000000+15x40", BUDGET: "157680+0x40"},
        looks(silent("4m", "CoverageAtRisk"), fires("6m", "CoverageAtRisk", "76.1%", **_INGEST_MAJOR)),
    ),
    Case(
        "a monitor that began in the middle of the year is not blamed for the time before",
        {POSSIBLY: "1000000+0x40", PESSIMISTIC: "0.5+0x40", IN_SERVICE: "1050000+0x40", BUDGET: "157680+0x40"},
        looks(silent("9m", "CoverageAtRisk")),
    ),
    Case(
        "nothing possibly down is no risk, and no division by zero",
        {POSSIBLY: "0+0x40", PESSIMISTIC: "1+0x40", IN_SERVICE: "1050000+0x40", BUDGET: "157680+0x40"},
        looks(silent("9m", "CoverageAtRisk")),
    ),
    Case(
        "the year's budget is nearly spent, then spent; a restart between the two takes nothing back",
        {SPENT: "118260+0x3 126144+0x3 stale _x7 157680+0x3 160833.6+0x4", BUDGET: "157680+0x40"},
        looks(
            silent("45s", "YearlyBudgetNearlySpent", "YearlyBudgetSpent"),
            fires("2m", "YearlyBudgetNearlySpent", "80%", component="ingest", severity="minor"),
            fires("3m", "YearlyBudgetNearlySpent", "80%", component="ingest", severity="minor"),
            silent("4m30s", "YearlyBudgetSpent"),
            fires("5m30s", "YearlyBudgetSpent", "102%", **_INGEST_MAJOR),
        ),
    ),
)
CASES = (*OUTAGES, *BUDGETS)
