"""Tables: one query a column, joined into one row for each set of labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as styles
from grafana_foundation_sdk.models import dashboard

from grafana import looks
from grafana.panels import NOT_OBSERVED, About, defaults, dressed
from grafana.queries import (
    Query,
    budget_left,
    coverage,
    figure,
    floor,
    rounded_down,
    verdict,
    worst,
)

RATIO_DECIMALS = 4
_FILLED = {"type": "color-background", "mode": "basic"}


@dataclass(frozen=True, slots=True)
class Column:
    """A value of each row. It is coloured, where it has `texts` or `thresholds`."""

    title: str
    expr: str
    unit: str
    decimals: int | None = None
    no_value: str = NOT_OBSERVED
    texts: dict[int, looks.Text] = field(default_factory=dict)
    thresholds: dashboard.ThresholdsConfig | None = None
    links: Sequence[build.DashboardLink] = ()

    @property
    def name(self) -> str:
        return "_".join(self.title.lower().split())

    def override(self) -> dashboard.DashboardFieldConfigSourceOverrides:
        return _override(self.title, [_property(key, value) for key, value in self._settings().items()])

    def _settings(self) -> dict[str, object]:
        settings: dict[str, object] = {"unit": self.unit, "noValue": self.no_value}
        if self.decimals is not None:
            settings["decimals"] = self.decimals
        if self.texts:
            settings |= {"mappings": looks.mappings(self.texts), "custom.cellOptions": _FILLED}
        if self.thresholds is not None:
            settings |= {"thresholds": self.thresholds, "custom.cellOptions": _FILLED}
        if self.links:
            settings["links"] = [link.build() for link in self.links]
        return settings


def _property(key: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=key, value=value)


def _override(
    title: str, properties: list[dashboard.DynamicConfigValue]
) -> dashboard.DashboardFieldConfigSourceOverrides:
    matcher = dashboard.MatcherConfig(id_val="byName", options=title)
    return build.DashboardFieldConfigSourceOverrides().matcher(matcher).properties(properties).build()


def _transformations(labels: Sequence[str], columns: Sequence[Column]) -> list[dashboard.DataTransformerConfig]:
    """Rows with the same labels become one: all queries are instant ones of the same moment, so `Time` agrees too."""
    values = {value_field(column, columns): column.title for column in columns}
    order = {name: place for place, name in enumerate([*labels, *values])}
    arranged = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": values}
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(id_val="organize", options=arranged),
    ]


def value_field(column: Column, columns: Sequence[Column]) -> str:
    """What Grafana calls the value of a query: it adds the query's name as soon as there are several."""
    return f"Value #{column.name}" if len(columns) > 1 else "Value"


def _plain() -> table.Panel:
    return table.Panel().show_header(True).align(styles.FieldTextAlignment.AUTO).inspect(False)


def bare(about: About, queries: Sequence[Query]) -> dashboard.Panel:
    panel = dressed(_plain().build(), about, queries)
    defaults(panel).color, defaults(panel).thresholds = looks.BY_THRESHOLD, looks.ALWAYS_PLAIN
    return panel


def rows_of(
    title: str,
    description: str,
    labels: dict[str, Sequence[build.DashboardLink]],
    *columns: Column,
    nothing: str = NOT_OBSERVED,
    sort_by: str = "",
) -> dashboard.Panel:
    """`labels` are the first columns, each with its links. The panel's unit is that of no column: each has its own."""
    queries = [Query(column.expr, instant=True, table=True, name=column.name) for column in columns]
    panel = _plain()
    if sort_by:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])
    made = dressed(panel.build(), About(title, description, "none", no_value=nothing), queries)
    defaults(made).color, defaults(made).thresholds = looks.BY_THRESHOLD, looks.ALWAYS_PLAIN
    made.transformations = _transformations(list(labels), columns)
    links = {label: [link.build() for link in way] for label, way in labels.items() if way}
    overrides = [_override(label, [_property("links", way)]) for label, way in links.items()]
    assert made.field_config is not None
    made.field_config.overrides = overrides + [column.override() for column in columns]
    return made


def ratio(title: str, expr: str) -> Column:
    return Column(title, rounded_down(expr), "percentunit", RATIO_DECIMALS)


def of_the_year(of: str, links: Sequence[build.DashboardLink]) -> dashboard.Panel:
    """The year's figures against the floors, one row a component. The colour is in `Above the floor`: Grafana's
    thresholds are numbers of a whole column, and each component has a floor of its own."""
    lowest = figure("pessimistic_", "year", of)
    above = Column(
        "Above the floor",
        rounded_down(f"{lowest} - on (component) {floor(of)}"),
        "percentunit",
        RATIO_DECIMALS,
        "no floor or not observed",
        thresholds=looks.POSITIVE_IS_GOOD,
    )
    return rows_of(
        "Figures of the year against their floors",
        "The calendar year to date, by the rules of the yearly report. Observed: up / (up + down). Pessimistic: all "
        "that is not certainly up is down. Optimistic: only what is certainly down is down. Good: the pessimistic "
        "figure is at or above the promised floor, so the verdict is *met*. All figures are cut, not rounded: "
        "99.49996 % is shown as 99.4999 %. Of several daemons the lowest figure is shown.",
        {"component": links},
        Column("Verdict", verdict(of), "none", no_value="nothing promised", texts=looks.VERDICTS),
        ratio("Promised", floor(of)),
        ratio("Observed", figure("", "year", of)),
        ratio("Pessimistic", lowest),
        ratio("Optimistic", figure("optimistic_", "year", of)),
        above,
        ratio("Coverage", coverage("year", of)),
        ratio("Budget left", budget_left(of)),
        Column(
            "Certainly down",
            worst("uptime_component_certainly_down_seconds", of),
            "dthms",
        ),
    )
