"""What all dashboards have around their panels: variables, links, annotations, refresh, time zone."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard

from grafana import links, looks
from grafana.grid import Row, placed
from grafana.queries import DATASOURCE, STEP, selected


@dataclass(frozen=True, slots=True)
class Site:
    """What differs between installations, and can be changed in Grafana too, but for the zone."""

    uptime: str = "http://localhost:8080"
    """Address of the daemon's pages, as the browser reaches them."""
    zone: str = "Europe/Warsaw"
    """Zone of the agreement, in which its years and months begin."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A dashboard but for its panels. `since` is the beginning of its time range, as Grafana spells it."""

    uid: str
    title: str
    description: str
    variables: Sequence[dashboard.VariableModel] = ()
    annotations: Sequence[dashboard.AnnotationQuery] = ()
    since: str = "now-6h"
    zone: str = "browser"
    refresh: str = "30s"


class Annotation(dashboard.AnnotationQuery):
    """With the settings that the Prometheus data source reads and that the published type leaves out.

    `step` is the least distance of two points: at least two scrapes, so that there is one in every `STEP`.
    """

    title_format: str = ""
    text_format: str = ""
    value_is_time: bool = False

    def to_json(self) -> dict[str, object]:
        texts: dict[str, object] = {"titleFormat": self.title_format, "textFormat": self.text_format}
        return super().to_json() | texts | {"step": "30s", "useValueForTime": self.value_is_time}


def annotation(name: str, expr: str, colour: str, text: str, *, value_is_time: bool = False) -> Annotation:
    """A stretch of time while `expr` gives 1; or a moment, where its value is that moment in milliseconds."""
    made = Annotation(name=name, datasource=DATASOURCE, enable=True, icon_color=colour, expr=expr)
    made.title_format, made.text_format, made.value_is_time = name, text, value_is_time
    return made


def outages(of: str = "") -> Annotation:
    query = f"max by (component, severity) (max_over_time({selected('uptime_component_outage_open', of)}[{STEP}])) == 1"
    return annotation("Outage", query, looks.BAD, "{{component}} ({{severity}})")


def windows(of: str = "") -> Annotation:
    windows_open = selected("uptime_component_windows_open", of)
    query = f"(max by (component, kind) (max_over_time({windows_open}[{STEP}])) > bool 0) == 1"
    return annotation("Declared window", query, looks.INFO, "{{kind}} of {{component}}")


def configuration_loads() -> Annotation:
    query = "max by (instance) (uptime_config_loaded_timestamp_seconds) * 1000"
    return annotation("Configuration loaded", query, looks.NEUTRAL, "{{instance}}", value_is_time=True)


def seals() -> Annotation:
    query = "max(uptime_seal_timestamp_seconds > 0) * 1000"
    return annotation("Sealed", query, looks.GOOD, "", value_is_time=True)


def datasource() -> dashboard.VariableModel:
    return build.DatasourceVariable("datasource").label("Prometheus").type("prometheus").build()


def _address(site: Site) -> dashboard.VariableModel:
    option = dashboard.VariableOption(selected=True, text=site.uptime, value=site.uptime)
    variable = build.TextBoxVariable("uptime").label("Daemon").default_value(site.uptime).current(option)
    return variable.options([option]).description("Address of the daemon's own pages, for links").build()


def choice(name: str, label: str, metric: str) -> dashboard.VariableModel:
    """Any number of the values that the label has in the metric; all of them at first."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    query: dict[str, object] = {"qryType": 1, "query": f"label_values({metric}, {label})", "refId": name}
    variable = build.QueryVariable(name).label(name.capitalize()).datasource(DATASOURCE).query(query)
    variable = variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC).current(everything)
    return variable.multi(True).include_all(True).all_value(".*").build()


def component() -> dashboard.VariableModel:
    return choice("component", "component", "uptime_component_state")


def made(frame: Frame, site: Site, *rows: Row) -> dashboard.Dashboard:
    """The dashboard. A change of a committed one is a change of its code: it is not to be saved from the browser."""
    building = build.Dashboard(frame.title).uid(frame.uid).description(frame.description).tags([links.TAG])
    building = building.timezone(frame.zone).refresh(frame.refresh).time(frame.since, "now").week_start("monday")
    building = building.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).readonly()
    done = building.build()
    done.links = [way.build() for way in links.top()]
    done.templating.list_val = [datasource(), *frame.variables, _address(site)]
    done.annotations.list_val = list(frame.annotations)
    done.panels = placed(rows)
    return done
