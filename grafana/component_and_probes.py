"""Why a component is down: its probes, at which step and place they fail, and how long everything takes."""

from grafana_foundation_sdk.models import dashboard

from grafana import frame, links, looks
from grafana.grid import Row, line, row
from grafana.overview import COURSE_DESCRIPTION
from grafana.panels import About, areas, bars, lines, linked, repeated, states, tiles
from grafana.queries import STEP, Query, component_state, now
from grafana.tables import Column, rows_of

OF_COMPONENT = 'component=~"$component"'
OF_PROBE = 'component=~"$component", probe=~"$probe", location=~"$location"'
HOURLY = "suffix:/h"
NOT_MEASURED = "not measured by these probes"


def built(site: frame.Site) -> dashboard.Dashboard:
    about = frame.Frame(
        "uptime-component",
        "Uptime: Component and probes",
        "Why a component is down: which probe, at which step, from which location, for which reason.",
        variables=(
            frame.component(),
            frame.choice("probe", "probe", 'uptime_probe_checks_total{component=~"$component"}'),
            frame.choice("location", "location", 'uptime_probe_checks_total{component=~"$component", probe=~"$probe"}'),
        ),
        annotations=(frame.outages(OF_COMPONENT), frame.windows(OF_COMPONENT), frame.configuration_loads()),
    )
    return frame.made(about, site, _state(), _failures(), _durations(), _messages(), _figures(), _pace(), _steps())


def _state() -> Row:
    component = Query(component_state(OF_COMPONENT, within=STEP), "{{component}}")
    course = states(About("Component", COURSE_DESCRIPTION, "none"), component, texts=looks.COMPONENT_STATES)
    checked = f"max by (probe, location) (uptime_probe_last_check_timestamp_seconds{{{OF_PROBE}}})"
    success = f"uptime_probe_success{{{OF_PROBE}}}"
    newest = f"min_over_time({success}[{STEP}]) or {success}"
    probes = states(
        About(
            "Probes",
            "Newest check of each probe at each location, before confirmation: a single DOWN that is followed by up "
            "is a blip. *unknown*: the check could not tell, for example because a step of another component failed.",
            "none",
        ),
        Query(f"1 + min by (probe, location) ({newest}) or 0 * {checked}", "{{probe}} from {{location}}"),
        texts=looks.PROBE_STATES,
    )
    return row("State", line(6, (linked(course, *links.of_series()), 24)), line(9, (probes, 24)))


def _failures() -> Row:
    failures = f'uptime_component_failures_total{{{OF_COMPONENT}, location=~"$location"}}'
    hourly = f"(rate({failures}[$__rate_interval])) * 3600 > 0"
    reasons = bars(
        About(
            "Failures by reason", "Checks that were not up, per hour, by their reason. Good: empty.", HOURLY, 1, "none"
        ),
        Query(f"sum by (component, reason) {hourly}", "{{component}}: {{reason}}"),
    )
    locations = bars(
        About(
            "Failures by location",
            "Checks that were not up, per hour, by location. Good: empty. One location alone points to its network.",
            HOURLY,
            1,
            "none",
        ),
        Query(f"sum by (component, location) {hourly}", "{{component}} from {{location}}"),
    )
    counted = f"sum by (component, reason, location) (increase({failures}[$__range])) > 0.5"
    most = rows_of(
        "What failed in the time range",
        "Checks that were not up in the range chosen above. Good: none. The component leads to the evidence. "
        "Prometheus estimates the number from its samples; the daemon's pages have the checks one by one.",
        {"component": links.of_row(), "reason": [], "location": []},
        Column("Failures", counted, "none", 0),
        nothing="none failed",
        sort_by="Failures",
    )
    return row("How it fails", line(8, (reasons, 9), (locations, 7), (most, 8)))


def _durations() -> Row:
    buckets = f"sum by (probe, le) (rate(uptime_probe_duration_seconds_bucket{{{OF_PROBE}}}[$__rate_interval]))"
    quantiles = [
        lines(
            _quantile(share, words),
            Query(f"histogram_quantile({share}, {buckets})", "{{probe}}"),
            calcs=("lastNotNull", "max"),
        )
        for share, words in ((0.5, "half"), (0.95, "95 %"))
    ]
    return row(
        "How long it takes",
        line(9, (quantiles[0], 12), (quantiles[1], 12)),
    )


def _quantile(share: float, words: str) -> About:
    return About(
        f"Duration of whole checks: {words} are faster",
        f"The {share:g} quantile of the durations of whole checks, whatever their verdict, estimated from the "
        "histogram's buckets. Good: steady, and far below the probe's timeout.",
        "s",
        3,
    )


def _named_figure(names: str) -> str:
    return f'max by (probe, location, figure) (uptime_probe_figure{{{OF_PROBE}, figure=~"{names}"}})'


def _figure(title: str, description: str, unit: str, names: str, decimals: int | None = None) -> dashboard.Panel:
    about = About(title, description, unit, decimals, NOT_MEASURED)
    return lines(
        about, Query(_named_figure(names), "{{probe}} {{figure}} from {{location}}"), calcs=("lastNotNull", "max")
    )


def _messages() -> Row:
    delivery = _figure(
        "Delivery of email and SMS",
        "From the accepted alarm value (and the value that ends it) to the message in the mailbox or on the phone. "
        "Good: seconds, and far below the probe's deadline.",
        "s",
        "alarm_delivery_seconds|all_clear_delivery_seconds",
        1,
    )
    late = _figure(
        "Late messages",
        "Messages of earlier rounds that came only now: they do not count for the round in which they arrive. Good: 0.",
        "none",
        "late_messages",
        0,
    )
    lateness = _figure(
        "How late", "How late the latest of these messages was. Good: absent or 0.", "s", "late_seconds", 0
    )
    return row("Messages", line(8, (delivery, 12), (late, 6), (lateness, 6)))


def _figures() -> Row:
    read_back = _figure(
        "Read-back of samples",
        "From an accepted sample until it was visible through the API. Good: a few seconds.",
        "s",
        "read_back_seconds",
        2,
    )
    reports = _figure(
        "Reports",
        "Until a report was ready, and age of the newest mailed one.",
        "s",
        "ready_seconds|report_age_seconds",
        1,
    )
    backups = _figure(
        "Backups",
        "Age of the newest backup and of the newest drill, and how long the restore took. Good: a backup younger "
        "than a day, a restore below 24 h.",
        "s",
        "backup_age_seconds|restore_seconds|last_drill_age_seconds",
        0,
    )
    return row("What the probes measure besides", line(8, (read_back, 8), (reports, 8), (backups, 8)))


def _pace() -> Row:
    age = f"time() - max by (probe, location) (uptime_probe_last_check_timestamp_seconds{{{OF_PROBE}}})"
    last = lines(
        About(
            "Time since the newest check", "Good: below the interval of the probe, a little more under load.", "s", 0
        ),
        Query(age, "{{probe}} from {{location}}"),
    )
    ends = f'uptime_probe_figure{{{OF_PROBE}, figure="certificate_expiry_timestamp_seconds"}}'
    expiry = f"min by (probe, location) ({ends}) * 1000"
    certificates = tiles(
        About(
            "Certificates end",
            "When the certificates end. Good: weeks ahead.",
            "dateTimeFromNow",
            no_value=NOT_MEASURED,
        ),
        now(expiry, "{{probe}} from {{location}}"),
    )
    credit = tiles(
        About("SMS credit", "SMS left in the prepaid pool. Good: enough for weeks.", "none", 0, NOT_MEASURED),
        now(f'min by (probe) (uptime_probe_figure{{{OF_PROBE}, figure="sms_credit"}})', "{{probe}}"),
    )
    return row("Pace, certificates, credit", line(7, (last, 12), (certificates, 8), (credit, 4)))


def _steps() -> Row:
    """Last, because it grows with the probes."""
    steps = areas(
        About(
            "Steps of $probe",
            "How long each step of the newest check took, stacked; of several locations the mean. Good: steady. The "
            "component behind a step is the one that answers for it. A step that was not reached is absent.",
            "s",
            3,
        ),
        Query(
            f"avg by (step, step_component) (uptime_probe_step_duration_seconds{{{OF_PROBE}}})",
            "{{step}} ({{step_component}})",
        ),
    )
    return row("Steps of each probe", line(9, (repeated(steps, "probe", beside=3), 24)))
