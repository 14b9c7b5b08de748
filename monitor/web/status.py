"""`/api/v1/status`: the picture as JSON. Keys are a promise to programs; times are RFC 3339 in UTC."""

from fractions import Fraction
from typing import Any

from monitor.clock import iso
from monitor.picture import ComponentPicture, Picture, ProbePicture
from monitor.sla.accounts import Account
from monitor.sla.availability import Budget, decimal_floor
from monitor.sla.outages import Outage
from monitor.sla.windows import Window
from monitor.web.clocks import clock_json

RATIO_PLACES = 9


def status_json(picture: Picture) -> dict[str, Any]:
    return {
        "as_of": iso(picture.as_of_ms),
        "support_open": picture.support_open,
        "components": [_component(component) for component in picture.components],
        "windows": [window_json(window) for window in picture.windows],
        "probes": [_probe(probe) for probe in picture.probes],
    }


def _component(component: ComponentPicture) -> dict[str, Any]:
    """Ratios are rounded down at nine places; those beside `floor`, `verdict` and `budget` are of the year to date.

    Null where nothing is promised or nothing was observed.
    """
    terms, verdict = component.terms, component.verdict
    outage = component.open_outage
    return {
        "key": terms.key,
        "title": terms.title,
        "severity": terms.severity,
        "state": component.state.value,
        "since": None if component.since_ms is None else iso(component.since_ms),
        "floor": ratio_json(terms.floor),
        "verdict": None if verdict is None else verdict.value,
        **account_json(component.figures["year"]),
        "budget": budget_json(component.year_budget),
        "outage": None
        if outage is None
        else {**outage_json(outage), "clocks": [clock_json(clock) for clock in component.clocks]},
        "windows": [window.number or window.rule for window in component.windows],
        "figures": {name: account_json(figures) for name, figures in component.figures.items()},
    }


def account_json(account: Account) -> dict[str, Any]:
    return {
        "observed": ratio_json(account.observed),
        "pessimistic": ratio_json(account.pessimistic),
        "optimistic": ratio_json(account.optimistic),
        "coverage": ratio_json(account.coverage),
    }


def budget_json(budget: Budget | None) -> dict[str, Any] | None:
    if budget is None:
        return None
    return {
        "allowed_milliseconds": budget.allowed_ms,
        "spent_milliseconds": budget.spent_ms,
        "remaining_milliseconds": budget.remaining_ms,
        "projected_milliseconds": budget.projected_ms,
    }


def window_json(window: Window) -> dict[str, Any]:
    """An open window; who declared it and why is told by the pages and the list of windows."""
    return {
        "number": window.number,
        "rule": window.rule or None,
        "kind": window.kind.value,
        "start": iso(window.start_ms),
        "end": None if window.end_ms is None else iso(window.end_ms),
        "components": list(window.components),
        "text": window.text,
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


def ratio_json(value: Fraction | None) -> float | None:
    return None if value is None else float(decimal_floor(value, RATIO_PLACES))
