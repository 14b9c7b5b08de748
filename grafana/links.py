"""Where the dashboards lead: to each other, and to the pages of the daemon at `$uptime`.

`:raw` keeps Grafana from encoding the slashes of the daemon's address.
"""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

TAG = "efento-uptime"
DAEMON = "${uptime:raw}"
_KEPT = "${datasource:queryparam}&${uptime:queryparam}&${__url_time_range}"


def link(title: str, url: str, *, new_tab: bool = False) -> build.DashboardLink:
    return build.DashboardLink(title).url(url).target_blank(new_tab)


def of_series(component: str = "${__field.labels.component}") -> tuple[build.DashboardLink, build.DashboardLink]:
    """From a value of a component: its dashboard, and the daemon's page with its outages and their evidence."""
    return (
        link(f"Probes of {component}", f"/d/uptime-component?var-component={component}&{_KEPT}"),
        link(f"Outages of {component}", f"{DAEMON}/components/{component}", new_tab=True),
    )


def of_row() -> tuple[build.DashboardLink, build.DashboardLink]:
    """The same from a table, in which a label is a column."""
    return of_series("${__data.fields.component}")


def runbook(alert: str = "${__data.fields.alertname}") -> build.DashboardLink:
    return link(f"Runbook {alert}", f"{DAEMON}/runbooks/{alert}", new_tab=True)


def report() -> build.DashboardLink:
    return link("Report of the year", f"{DAEMON}/reports/${{__to:date:YYYY}}", new_tab=True)


def top() -> list[build.DashboardLink]:
    """Above every dashboard: all of them, with time range and variables kept, and the daemon's own pages."""
    siblings = build.DashboardLink("Dashboards").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    return [
        siblings.keep_time(True).include_vars(True),
        link("Status page", f"{DAEMON}/", new_tab=True).icon("external link"),
        report().icon("doc"),
    ]
