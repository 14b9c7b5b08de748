"""The committed dashboards are current, complete, laid out without overlaps, and what Grafana's schema knows."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.frame import Site
from grafana.written import files
from tests.grafana.queries import DASHBOARDS, ROOT, Json, dashboards, panels

ALL = dashboards()
PANELS = [(name, panel) for name, dashboard in ALL.items() for panel in panels(dashboard)]
IDS = [f"{name}-{panel['title']}" for name, panel in PANELS]
each_dashboard = pytest.mark.parametrize("name", ALL)
each_panel = pytest.mark.parametrize(("name", "panel"), PANELS, ids=IDS)
BEYOND_THE_TYPES = ("titleFormat", "textFormat", "step", "useValueForTime")


def test_the_files_are_what_the_code_writes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS.iterdir()}
    assert written == files(Site()), "run `python -m grafana`"


def test_there_are_five_and_each_has_an_address_of_its_own() -> None:
    assert len({dashboard["uid"] for dashboard in ALL.values()}) == len(ALL) == 5
    assert len({dashboard["title"] for dashboard in ALL.values()}) == 5


@each_dashboard
def test_grafana_s_published_types_know_every_setting(name: str) -> None:
    """What the types do not know is lost on the way through them; annotations have settings of their data source."""
    register_default_plugins()
    expected = json.loads((DASHBOARDS / name).read_text(encoding="utf-8"))
    for annotation in expected["annotations"]["list"]:
        for key in BEYOND_THE_TYPES:
            del annotation[key]
    again = json.loads(json.dumps(Dashboard.from_json(ALL[name]), cls=JSONEncoder))
    assert again == expected


@each_dashboard
def test_every_panel_has_a_number_of_its_own(name: str) -> None:
    numbers = [panel["id"] for panel in ALL[name]["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 0


def _apart(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    return beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@each_dashboard
def test_panels_stand_inside_the_grid_and_beside_each_other(name: str) -> None:
    places = [panel["gridPos"] for panel in ALL[name]["panels"]]
    assert [place for place in places if place["x"] < 0 or place["x"] + place["w"] > 24] == []
    assert [pair for pair in combinations(places, 2) if not _apart(*pair)] == []


@each_panel
def test_every_panel_says_what_it_is_and_where_from(name: str, panel: Json) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["datasource"] for target in panel["targets"]] == [panel["datasource"]] * len(panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@each_panel
def test_every_value_has_a_unit_and_a_word_for_nothing(name: str, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"]
    if panel["type"] == "table" and panel["fieldConfig"].get("overrides"):
        assert _columns_without_unit(panel) == []


def _columns_without_unit(panel: Json) -> list[str]:
    """Names of value columns; the columns of labels have none."""
    with_unit = [
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(setting["id"] == "unit" for setting in override["properties"])
    ]
    arranged = panel["transformations"][-1]["options"]
    return [title for title in arranged["renameByName"].values() if title not in with_unit]


@each_panel
def test_gaps_are_not_drawn_over(name: str, panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
    assert not {"lastNotNull"} & set(panel.get("options", {}).get("reduceOptions", {}).get("calcs", ()))


@each_panel
def test_a_shown_ratio_of_uptime_is_cut_and_not_rounded(name: str, panel: Json) -> None:
    """Grafana rounds to the nearest: 99.49996 % would be shown as the 99.5 % that was promised."""
    for target in panel["targets"]:
        if re.search(r"uptime_component_(uptime|coverage)\w*_ratio", target["expr"]):
            assert target["expr"].startswith("floor((")
            assert target["expr"].endswith(") * 1e6 + 1e-6) / 1e6")
            assert _decimals(panel, target["refId"]) == 4


def _decimals(panel: Json, ref: str) -> int | None:
    """Those of the panel, or of the column that the query of this name becomes."""
    decimals: int | None = panel["fieldConfig"]["defaults"].get("decimals")
    if decimals is not None or panel["type"] != "table":
        return decimals
    title = panel["transformations"][-1]["options"]["renameByName"][f"Value #{ref}"]
    settings = [override for override in panel["fieldConfig"]["overrides"] if override["matcher"]["options"] == title]
    chosen = {setting["id"]: setting["value"] for setting in settings[0]["properties"] if "value" in setting}
    return int(chosen["decimals"])


@each_panel
def test_states_have_texts_not_only_colours(name: str, panel: Json) -> None:
    if panel["type"] == "state-timeline":
        texts = [
            result for mapping in panel["fieldConfig"]["defaults"]["mappings"] for result in mapping["options"].values()
        ]
        assert all(result["text"] and result["color"].startswith("#") for result in texts)


@each_dashboard
def test_the_dashboards_lead_to_each_other_and_to_the_daemon(name: str) -> None:
    ways = ALL[name]["links"]
    assert any(way["type"] == "dashboards" and way["keepTime"] and way["includeVars"] for way in ways)
    assert any(way["url"] == "${uptime:raw}/" for way in ways if way["type"] == "link")
    assert {"datasource", "uptime"} <= {variable["name"] for variable in ALL[name]["templating"]["list"]}


def _links(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["url"]] if isinstance(value.get("url"), str) else []
        return own + [url for child in value.values() for url in _links(child)]
    return [url for child in value for url in _links(child)] if isinstance(value, list) else []


@each_dashboard
def test_links_lead_to_pages_that_exist(name: str) -> None:
    known = r"\$\{uptime:raw\}/(|components/[^/]+|runbooks/[^/]+|reports/[^/]+)|/d/(?P<uid>[a-z-]+)\?.*"
    for url in _links(ALL[name]):
        found = re.fullmatch(known, url)
        assert found, url
        assert found["uid"] is None or found["uid"] in {dashboard["uid"] for dashboard in ALL.values()}


def test_another_address_and_zone_can_be_written() -> None:
    text = files(Site(uptime="https://uptime.example.net", zone="Europe/Paris"))["yearly-sla.json"]
    assert '"https://uptime.example.net"' in text
    assert '"timezone": "Europe/Paris"' in text


def test_what_is_provisioned_is_what_the_dashboards_ask_for() -> None:
    folder = ROOT / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text(encoding="utf-8"))
    providers = yaml.safe_load((folder / "dashboards" / "efento-uptime.yaml").read_text(encoding="utf-8"))
    assert [source["type"] for source in sources["datasources"]] == ["prometheus"]
    assert sources["datasources"][0]["isDefault"]
    assert [provider["options"]["path"] for provider in providers["providers"]] == ["/var/lib/grafana/dashboards"]
