"""`/api/v1/status`: the picture as JSON. Keys are a promise to programs; times are RFC 3339 in UTC."""

from fractions import Fraction
from typing import Any

from monitor.board import ComponentPicture, Picture, ProbePicture
from monitor.clock import iso
from monitor.sla.availability import decimal_floor
from monitor.sla.outages import Outage

RATIO_PLACES = 9


def status_json(picture: Picture) -> dict[str, Any]:
    return {
        "as_of": iso(picture.as_of_ms),
        "components": [_component(component) for component in picture.components],
        "probes": [_probe(probe) for probe in picture.probes],
    }


def _component(component: ComponentPicture) -> dict[str, Any]:
    """`floor`, `observed` and `coverage` are ratios, rounded down at nine places; `observed` is the year to date's.

    Null where nothing is promised or nothing was observed.
    """
    terms = component.terms
    return {
        "key": terms.key,
        "title": terms.title,
        "severity": terms.severity,
        "state": component.state.value,
        "since": None if component.since_ms is None else iso(component.since_ms),
        "floor": _ratio(terms.floor),
        "observed": _ratio(component.figures["year"].observed),
        "outage": None if component.open_outage is None else outage_json(component.open_outage),
        "figures": {
            name: {"observed": _ratio(figures.observed), "coverage": _ratio(figures.coverage)}
            for name, figures in component.figures.items()
        },
    }


def outage_json(outage: Outage) -> dict[str, Any]:
    return {
        "id": outage.id,
        "start": iso(outage.start_ms),
        "end": None if outage.end_ms is None else iso(outage.end_ms),
        "down_milliseconds": outage.down_ms,
        "unknown_milliseconds": outage.unknown_ms,
        "probes": list(outage.probes),
        "reason": outage.reason,
        "step": outage.step,
    }


def _probe(probe: ProbePicture) -> dict[str, Any]:
    result = probe.latest
    return {
        "id": probe.config.id,
        "component": probe.config.component,
        "kind": probe.config.kind.name,
        "verdict": None if result is None else result.verdict.value,
        "reason": None if result is None else result.reason or None,
        "step": None if result is None else result.step or None,
        "detail": None if result is None else result.detail or None,
        "last_check": None if result is None else iso(result.started_ms),
        "seconds": None if result is None else result.duration_us / 1_000_000,
        "figures": {} if result is None else dict(result.figures),
    }


def _ratio(value: Fraction | None) -> float | None:
    return None if value is None else float(decimal_floor(value, RATIO_PLACES))
