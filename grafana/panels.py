"""The kinds of panels that the dashboards are made of, each with the settings that hold for all of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, common, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as styles
from grafana_foundation_sdk.models import dashboard

from grafana import looks
from grafana.queries import DATASOURCE, Query

GRAFANA = "11.6.0"
"""Said in each panel, so that Grafana does not take it for one of an ancient version and migrate it."""

NOT_OBSERVED = "not observed"


@dataclass(frozen=True, slots=True)
class About:
    """What every panel must say: its title, what a good value is, and its unit."""

    title: str
    description: str
    unit: str
    decimals: int | None = None
    no_value: str = NOT_OBSERVED


def dressed(panel: dashboard.Panel, about: About, queries: Sequence[Query]) -> dashboard.Panel:
    panel.title, panel.description = about.title, about.description
    panel.plugin_version = GRAFANA
    panel.datasource = DATASOURCE
    panel.targets = [query.target(place) for place, query in enumerate(queries)]
    fields = defaults(panel)
    fields.unit, fields.decimals, fields.no_value = about.unit, about.decimals, about.no_value
    return panel


def defaults(panel: dashboard.Panel) -> dashboard.FieldConfig:
    """What holds for all fields of the panel; made where there is none yet."""
    if panel.field_config is None:
        panel.field_config = dashboard.FieldConfigSource()
    return panel.field_config.defaults


def _legend(calcs: Sequence[str]) -> common.VizLegendOptions:
    mode = styles.LegendDisplayMode.TABLE if calcs else styles.LegendDisplayMode.LIST
    options = common.VizLegendOptions().display_mode(mode).placement(styles.LegendPlacement.BOTTOM)
    return options.show_legend(True).calcs(list(calcs))


def _all_series() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(styles.TooltipDisplayMode.MULTI).sort(styles.SortOrder.DESCENDING)


def _newest() -> common.ReduceDataOptions:
    """The newest point even if it is empty: an older one would speak for a time that it does not know."""
    return common.ReduceDataOptions().values(False).calcs(["last"]).fields("")


def lines(
    about: About,
    *queries: Query,
    calcs: Sequence[str] = (),
    low: float | None = 0,
    high: float | None = None,
    thresholds: dashboard.ThresholdsConfig | None = None,
) -> dashboard.Panel:
    """Courses over time. Gaps stay gaps: a line drawn over a time that nobody observed would be invented."""
    panel = timeseries.Panel().draw_style(styles.GraphDrawStyle.LINE).line_width(1).fill_opacity(0)
    panel = panel.show_points(styles.VisibilityMode.AUTO).span_nulls(False).insert_nulls(False)
    panel = panel.legend(_legend(calcs)).tooltip(_all_series())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.min_val, fields.max_val, fields.thresholds = looks.BY_NAME, low, high, thresholds
    return made


def bars(about: About, *queries: Query) -> dashboard.Panel:
    """How often something happened, stacked."""
    panel = timeseries.Panel().draw_style(styles.GraphDrawStyle.BARS).line_width(0).fill_opacity(80)
    panel = panel.stacking(common.StackingConfig().mode(styles.StackingMode.NORMAL).group("A"))
    panel = panel.span_nulls(False).legend(_legend(())).tooltip(_all_series())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.min_val = looks.BY_NAME, 0
    return made


def areas(about: About, *queries: Query) -> dashboard.Panel:
    """Parts that sum to a whole, over time."""
    panel = timeseries.Panel().draw_style(styles.GraphDrawStyle.LINE).line_width(1).fill_opacity(40)
    panel = panel.stacking(common.StackingConfig().mode(styles.StackingMode.NORMAL).group("A"))
    panel = panel.span_nulls(False).insert_nulls(False).legend(_legend(("mean", "max"))).tooltip(_all_series())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.min_val = looks.BY_NAME, 0
    return made


def tiles(
    about: About,
    *queries: Query,
    texts: dict[int, looks.Text] | None = None,
    thresholds: dashboard.ThresholdsConfig = looks.ALWAYS_PLAIN,
) -> dashboard.Panel:
    """One tile a series, its newest value; coloured by its text or its thresholds."""
    filled = styles.BigValueColorMode.BACKGROUND_SOLID if texts else styles.BigValueColorMode.VALUE
    panel = stat.Panel().color_mode(filled).graph_mode(styles.BigValueGraphMode.NONE)
    panel = panel.text_mode(styles.BigValueTextMode.AUTO).justify_mode(styles.BigValueJustifyMode.AUTO)
    panel = panel.orientation(styles.VizOrientation.AUTO).wide_layout(True).reduce_options(_newest())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.thresholds = looks.BY_THRESHOLD, thresholds
    fields.mappings = looks.mappings(texts) if texts else None
    return made


def gauges(
    about: About, *queries: Query, thresholds: dashboard.ThresholdsConfig, high: float | None = 1
) -> dashboard.Panel:
    """One horizontal bar a series, from 0 to `high`."""
    panel = (
        bargauge.Panel().display_mode(styles.BarGaugeDisplayMode.BASIC).orientation(styles.VizOrientation.HORIZONTAL)
    )
    panel = panel.value_mode(styles.BarGaugeValueMode.COLOR).name_placement(styles.BarGaugeNamePlacement.LEFT)
    panel = panel.show_unfilled(True).reduce_options(_newest())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.thresholds = looks.BY_THRESHOLD, thresholds
    fields.min_val, fields.max_val = 0, high
    return made


def states(about: About, *queries: Query, texts: dict[int, looks.Text]) -> dashboard.Panel:
    """What state each series was in, over time; a gap is a time without data."""
    panel = statetimeline.Panel().show_value(styles.VisibilityMode.AUTO).row_height(0.85).merge_values(True)
    panel = panel.align_value(styles.TimelineValueAlignment.LEFT).fill_opacity(85).line_width(0)
    panel = panel.legend(_legend(())).tooltip(_all_series())
    made = dressed(panel.build(), about, queries)
    fields = defaults(made)
    fields.color, fields.mappings, fields.thresholds = looks.BY_THRESHOLD, looks.mappings(texts), looks.ALWAYS_PLAIN
    return made


def series_style(panel: dashboard.Panel, regexp: str, **values: object) -> dashboard.Panel:
    """Field settings for the series whose name matches; `custom.` is spelt `custom__`. Returns the panel."""
    assert panel.field_config is not None
    properties = [
        dashboard.DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in values.items()
    ]
    matcher = dashboard.MatcherConfig(id_val="byRegexp", options=regexp)
    override = build.DashboardFieldConfigSourceOverrides().matcher(matcher).properties(properties).build()
    panel.field_config.overrides.append(override)
    return panel


def as_reference(panel: dashboard.Panel, regexp: str) -> dashboard.Panel:
    """Draws the series dashed: a promise or a pace that the others are held against."""
    fixed = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=looks.BAD)
    dashes = {"fill": "dash", "dash": [10, 10]}
    return series_style(panel, regexp, color=fixed, custom__lineStyle=dashes, custom__lineWidth=2)


def repeated(panel: dashboard.Panel, variable: str, *, beside: int) -> dashboard.Panel:
    """The panel once for each chosen value of the variable, so many side by side."""
    panel.repeat, panel.repeat_direction, panel.max_per_row = variable, "h", beside
    return panel


def linked(panel: dashboard.Panel, *links: build.DashboardLink) -> dashboard.Panel:
    """Where a click on a value or series leads."""
    defaults(panel).links = [link.build() for link in links]
    return panel
