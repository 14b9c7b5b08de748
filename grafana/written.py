"""All dashboards, and the bytes of their files."""

import json
from collections.abc import Callable

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import component_and_probes, hosts, monitor_itself, overview, yearly_sla
from grafana.frame import Site

DASHBOARDS: dict[str, Callable[[Site], Dashboard]] = {
    "overview": overview.built,
    "component-and-probes": component_and_probes.built,
    "yearly-sla": yearly_sla.built,
    "monitor-itself": monitor_itself.built,
    "hosts": hosts.built,
}


def files(site: Site) -> dict[str, str]:
    """File name → text: the same bytes for the same code and site."""
    return {f"{name}.json": _text(build(site)) for name, build in DASHBOARDS.items()}


def _text(dashboard: Dashboard) -> str:
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
