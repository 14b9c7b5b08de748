"""The rules of the file for machines and people: JSON Schema for editors, Markdown tables for the documentation."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from monitor.config.checks import can_be_asked
from monitor.config.model import ConfigFile
from monitor.config.values import duration_text
from probes.contract import ProbeKind

Schema = dict[str, Any]

_DEFINITIONS = "#/$defs/"
_REFERENCE = {
    "type": "string",
    "pattern": r"^(env:[A-Za-z_][A-Za-z0-9_]*(:-.*)?|file:.+)$",
    "description": "A reference to an environment variable (with an optional default) or to a file.",
}

_PARTS = (
    ("A component", "Component"),
    ("A probe", "ProbeEntry"),
    ("Maintenance that comes by a rule", "MaintenanceEntry"),
    ("Support hours", "SupportSection"),
    ("Deadlines", "DeadlinesSection"),
    ("Receivers", "InboundSection"),
    ("A webhook", "WebhookSection"),
    ("Alerting", "AlertingSection"),
    ("An Alertmanager", "AlertmanagerEntry"),
    ("Thresholds of alert rules", "AlertRules"),
    ("The call that says this daemon lives", "PingSection"),
    ("Another daemon", "PeerEntry"),
    ("Reference targets", "ReferenceEntry"),
)

# Keys of the file that have a table of their own.
_APART = (
    "components",
    "probes",
    "maintenance",
    "support",
    "deadlines",
    "inbound",
    "alerting",
    "ping",
    "peers",
    "references",
)


def json_schema(kinds: Mapping[str, ProbeKind]) -> Schema:
    """The schema of a whole file; each kind's options apply to the probes of that kind."""
    models = [(ConfigFile, "validation"), *((kind.options, "validation") for kind in kinds.values())]
    places, schema = models_json_schema(models, ref_template=_DEFINITIONS + "{model}")  # type: ignore[arg-type]
    definitions: dict[str, Schema] = schema["$defs"]
    options = {name: places[kind.options, "validation"] for name, kind in sorted(kinds.items())}
    _tie_options_to_kinds(definitions["ProbeEntry"], options, definitions)
    askable = {name: place for name, place in options.items() if can_be_asked(kinds[name])}
    _tie_options_to_kinds(definitions["ReferenceEntry"], askable, definitions)
    allowed = {name: _allowing_references(definition) for name, definition in definitions.items()}
    root = places[ConfigFile, "validation"]["$ref"].removeprefix(_DEFINITIONS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of efento-uptime",
        **{key: value for key, value in allowed.pop(root).items() if key != "title"},
        "$defs": {**allowed, "Reference": _REFERENCE},
    }


def _tie_options_to_kinds(entry: Schema, options: Mapping[str, Schema], definitions: Mapping[str, Schema]) -> None:
    entry["properties"]["kind"]["enum"] = list(options)
    entry["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {
                "properties": {"options": place},
                "required": ["options"] if _definition(place, definitions).get("required") else [],
            },
        }
        for name, place in options.items()
    ]


def _definition(place: Schema, definitions: Mapping[str, Schema]) -> Schema:
    name = str(place.get("$ref", "")).removeprefix(_DEFINITIONS)
    return definitions.get(name, place)


def _allowing_references(schema: Schema) -> Schema:
    """The schema with a reference allowed for every value in its properties and items."""
    changed = dict(schema)
    if "properties" in schema:
        changed["properties"] = {name: _or_reference(value) for name, value in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            changed[key] = _or_reference(schema[key])
    return changed


def _or_reference(schema: Schema) -> Schema:
    notes: Schema = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    rules = {key: value for key, value in schema.items() if key not in notes}
    return {**notes, "anyOf": [_allowing_references(rules), {"$ref": _DEFINITIONS + "Reference"}]}


def markdown(kinds: Mapping[str, ProbeKind]) -> str:
    """Tables of every key: of the file, of each of its parts, and of each kind's options."""
    file = ConfigFile.model_json_schema()
    parts = ["### The file", *_table(file, _APART)]
    for title, name in _PARTS:
        parts += ["", f"### {title}", *_table({**file["$defs"][name], "$defs": file["$defs"]}, ())]
    for name, kind in sorted(kinds.items()):
        schema = kind.options.model_json_schema()
        parts += ["", f"### Options of `{name}`", "", kind.summary, *_table(schema, ())]
    return "\n".join(parts) + "\n"


def _table(schema: Schema, apart: tuple[str, ...]) -> list[str]:
    head = ["", "| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    return [*head, *_rows(schema, schema.get("$defs", {}), "", apart)]


def _rows(schema: Schema, definitions: Mapping[str, Schema], prefix: str, apart: tuple[str, ...]) -> Iterator[str]:
    for key, rules in schema.get("properties", {}).items():
        inner = _definition(_unwrapped(rules), definitions)
        if "properties" in inner and key not in apart:
            if rules.get("description"):
                yield _row(f"{prefix}{key}", rules, definitions, key in schema.get("required", []))
            yield from _rows(inner, definitions, f"{prefix}{key}.", ())
        else:
            yield _row(f"{prefix}{key}", rules, definitions, key in schema.get("required", []))


def _row(key: str, rules: Schema, definitions: Mapping[str, Schema], required: bool) -> str:
    value = rules.get("default")
    if isinstance(value, float) and "duration" in str(_unwrapped(rules).get("x-type")):
        value = duration_text(value)
    default = "required" if required else _default(value)
    cells = (f"`{key}`", _type(rules, definitions), default, rules.get("description", ""))
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _default(value: Any) -> str:
    if value is None or isinstance(value, dict) or value == "":
        return ""
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _unwrapped(rules: Schema) -> Schema:
    """Without the branch that says that a value may be left out."""
    branches = [branch for branch in rules.get("anyOf", []) if branch.get("type") != "null"]
    return branches[0] if len(branches) == 1 and "x-type" not in rules else rules


def _type(rules: Schema, definitions: Mapping[str, Schema]) -> str:
    rules = _unwrapped(rules)
    rules = _definition(rules, definitions)
    if "x-type" in rules:
        return str(rules["x-type"])
    if "enum" in rules:
        return ", ".join(f"`{choice}`" for choice in rules["enum"])
    if "const" in rules:
        return f"`{rules['const']}`"
    if rules.get("type") == "array":
        return f"list of {_type(rules.get('items', {}), definitions)}"
    if rules.get("format") == "password":
        return "text, secret"
    if "anyOf" in rules:
        return " or ".join(dict.fromkeys(_type(branch, definitions) for branch in rules["anyOf"]))
    names = {
        "integer": "whole number",
        "string": "text",
        "boolean": "`true` or `false`",
        "object": "mapping",
        "null": "nothing",
    }
    return names.get(str(rules.get("type")), str(rules.get("type", "any"))) + _limits(rules)


def _limits(rules: Schema) -> str:
    low = rules.get("minimum", rules.get("exclusiveMinimum"))
    high = rules.get("maximum", rules.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    above = f"from {low}" if "minimum" in rules else f"above {low}"
    below = f"to {high}" if "maximum" in rules else f"below {high}"
    return ", " + " ".join(part for part, limit in ((above, low), (below, high)) if limit is not None)
