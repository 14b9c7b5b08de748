"""Checks of what the agreement's rules name: components and probes that there are, names that are used once.

Only what is written in the file is checked: defaults mean what is there.
"""

from typing import Any

from monitor.config.report import Report
from monitor.yaml_source import Loc


def check_promises(value: Any, report: Report) -> None:
    """Of the plain values of a whole file."""
    components = _inner(value, "components")
    restore: Loc = ("sla", "restore")
    if isinstance(components, dict):
        noun, keys = "one of the components", [key for key in components if isinstance(key, str)]
        _check_names(value, (*restore, "component"), noun, keys, report)
        _check_names(value, (*restore, "spares"), noun, keys, report)
        for index, _entry in enumerate(_listed(_inner(value, "maintenance"))):
            _check_names(value, ("maintenance", index, "components"), noun, keys, report)
    ids = [entry["id"] for entry in _listed(_inner(value, "probes")) if isinstance(_inner(entry, "id"), str)]
    _check_names(value, (*restore, "history_probes"), "one of the probes", ids, report)
    _check_maintenance_names(value, report)


def _check_names(value: Any, loc: Loc, noun: str, choices: list[str], report: Report) -> None:
    """The name at `loc`, or each name in the list there, is one of the choices."""
    given = _inner(value, *loc)
    for place, name in enumerate(given) if isinstance(given, list) else [(None, given)]:
        if isinstance(name, str) and name not in choices:
            open_choices = [choice for choice in choices if report.open(choice) == choice]
            report.no_such(loc if place is None else (*loc, place), name, noun, open_choices)


def _check_maintenance_names(value: Any, report: Report) -> None:
    names: dict[str, int] = {}
    for index, entry in enumerate(_listed(_inner(value, "maintenance"))):
        name = _inner(entry, "name")
        if isinstance(name, str) and names.setdefault(name, index) != index:
            text = f"repeated name; expected one of its own, maintenance[{names[name]}] has it"
            report.add(("maintenance", index, "name"), text)


def _inner(value: Any, *keys: str | int) -> Any:
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key]
        else:
            return None
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
