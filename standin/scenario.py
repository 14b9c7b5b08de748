"""Scripts of faults in time: what a file of a scenario holds, read strictly and checked before anything runs.

Every value is taken from its text by what is expected of it, so YAML's guesses (`on` and `22:00` among them) do not
matter. The player is in `scenario_player`.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Never

import yaml

from standin.catalogue import CATALOGUE, find
from standin.fault_model import FaultError, FaultSpec, Interface, Parameter, Value

FOLDER = Path(__file__).parent / "scenarios"
ALL = "all"
MAX_BYTES = 1 << 18

_SPAN = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_TRUTH = {"true": True, "false": False}
_KEYS = {
    "": ("title", "description", "repeat", "events"),
    "event": ("at", "on", "off", "for"),
    "on": ("interface", "fault", "params"),
    "off": ("interface", "fault"),
}

Loc = tuple[str | int, ...]
Params = Mapping[str, Value]
Fields = Mapping[str, yaml.Node]


class ScenarioError(ValueError):
    """The file is no scenario. Its text has one line for each problem: `file:line: path: what`."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault of one interface is switched on or off, so many seconds after a round's begin."""

    at: float
    on: bool
    interface: Interface
    fault: str
    params: Params


@dataclass(frozen=True, slots=True)
class Scenario:
    """`switches` are in order of time; after `repeat` seconds (None: never) it begins again."""

    name: str
    title: str
    description: str
    repeat: float | None
    switches: tuple[Switch, ...]


def names() -> list[str]:
    """The scenarios that ship with the stand-in."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name_or_file: str) -> Scenario:
    """A shipped scenario by its name, or one in a file. Raises `ScenarioError`."""
    file = FOLDER / f"{name_or_file}.yaml" if name_or_file in names() else Path(name_or_file)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError(
            f"there is no scenario {name_or_file!r}, and no such file can be read ({error.strerror}); "
            f"there are: {', '.join(names())}"
        ) from error
    if len(content) > MAX_BYTES:
        raise ScenarioError(f"{file}: is too large; expected at most {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{file}: is not UTF-8") from error
    return parse(text, str(file), file.stem)


def parse(text: str, file: str, name: str) -> Scenario:
    """Raises `ScenarioError` with all problems of the text at once."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError(f"{file}:{line}: not valid YAML: {error.problem}") from error
    except RecursionError as error:
        raise ScenarioError(f"{file}: not valid YAML: nested too deeply") from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"{file}: not valid YAML: {error}") from error
    return _Reader(file).scenario(root, name)


class _Wrong(Exception):
    """This value cannot be used; the problem is noted."""


@dataclass(frozen=True, slots=True)
class _Planned:
    switch: Switch
    node: yaml.Node
    loc: Loc


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[tuple[int, str]] = []

    def scenario(self, root: yaml.Node | None, name: str) -> Scenario:
        """Raises `ScenarioError`."""
        texts = {"title": "", "description": ""}
        repeat: float | None = None
        planned: list[_Planned] = []
        with suppress(_Wrong):
            fields = self._fields(root, (), "")
            for key in texts:
                with suppress(_Wrong):
                    texts[key] = " ".join(self._text(self._required(fields, key, root, ()), (key,)).split())
            with suppress(_Wrong):
                repeat = self._span(fields["repeat"], ("repeat",), above=0) if "repeat" in fields else None
            planned = self._events(self._required(fields, "events", root, ()))
        planned.sort(key=lambda each: (each.switch.at, each.switch.on))
        if not self._problems:
            self._check_course(planned, repeat)
        if self._problems:
            raise ScenarioError("\n".join(text for _line, text in sorted(self._problems)))
        return Scenario(name, texts["title"], texts["description"], repeat, tuple(each.switch for each in planned))

    def _events(self, node: yaml.Node) -> list[_Planned]:
        if not isinstance(node, yaml.SequenceNode):
            self._fail(node, ("events",), "expected a list")
        planned: list[_Planned] = []
        for index, event in enumerate(node.value):
            with suppress(_Wrong):
                planned += self._event(event, ("events", index))
        return planned

    def _event(self, node: yaml.Node, loc: Loc) -> list[_Planned]:
        fields = self._fields(node, loc, "event")
        if ("on" in fields) == ("off" in fields):
            self._fail(node, loc, "expected either on or off")
        at = self._span(self._required(fields, "at", node, loc), (*loc, "at"))
        lasts = self._span(fields["for"], (*loc, "for"), above=0) if "for" in fields else None
        if lasts is not None and "off" in fields:
            self._fail(fields["for"], (*loc, "for"), "goes with on, not with off")
        verb = "on" if "on" in fields else "off"
        return self._switches(fields[verb], (*loc, verb), at, lasts)

    def _switches(self, node: yaml.Node, loc: Loc, at: float, lasts: float | None) -> list[_Planned]:
        verb = str(loc[-1])
        fields = self._fields(node, loc, verb)
        spec = self._fault(self._required(fields, "fault", node, loc), (*loc, "fault"))
        where = self._required(fields, "interface", node, loc)
        planned = []
        for place in self._interfaces(where, (*loc, "interface"), spec):
            params = self._params(fields.get("params"), (*loc, "params"), spec, place) if verb == "on" else {}
            planned.append(_Planned(Switch(at, verb == "on", place, spec.name, params), node, loc))
            if lasts is not None:
                planned.append(_Planned(Switch(at + lasts, False, place, spec.name, {}), node, loc))
        return planned

    def _fault(self, node: yaml.Node, loc: Loc) -> FaultSpec:
        name = self._text(node, loc)
        if name not in CATALOGUE:
            self._fail(node, loc, f"there is no fault {name!r}; `efento-uptime standin fault catalogue` shows them")
        return CATALOGUE[name]

    def _interfaces(self, node: yaml.Node, loc: Loc, spec: FaultSpec) -> Sequence[Interface]:
        """One name, a list of them, or `all`: wherever the fault fits."""
        entries = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not entries:
            self._fail(node, loc, "expected at least one interface")
        if len(entries) == 1 and self._text(entries[0], loc) == ALL:
            return spec.interfaces
        found = []
        for entry in entries:
            try:
                found.append(find(self._text(entry, loc), spec.name)[0])
            except FaultError as error:
                self._fail(entry, loc, str(error))
        return found

    def _params(self, node: yaml.Node | None, loc: Loc, spec: FaultSpec, place: Interface) -> Params:
        known = {parameter.name: parameter for parameter in spec.parameters_of(place)}
        given: dict[str, object] = {}
        for key, value in self._pairs(node, loc) if node is not None else ():
            parameter = known.get(key)
            given[key] = self._value(value, (*loc, key), parameter) if parameter else None
        try:
            return spec.checked(place, given)
        except FaultError as error:
            self._fail(node or yaml.ScalarNode("", ""), loc, str(error))

    def _value(self, node: yaml.Node, loc: Loc, parameter: Parameter) -> Value:
        """By the parameter's type: `5.00` is a text where a text is wanted."""
        text = self._text(node, loc)
        match parameter.default:
            case bool() if text in _TRUTH:
                return _TRUTH[text]
            case int() if not isinstance(parameter.default, bool) and _INTEGER.fullmatch(text):
                return int(text)
            case float() if _NUMBER.fullmatch(text):
                return float(text)
        return text

    def _check_course(self, planned: Sequence[_Planned], repeat: float | None) -> None:
        """Nothing is switched on twice, or off before it is on, or beyond the round's end."""
        on: set[tuple[Interface, str]] = set()
        for each in planned:
            switch, key = each.switch, (each.switch.interface, each.switch.fault)
            what = f"{switch.fault} on {switch.interface}"
            if repeat is not None and switch.at > repeat:
                self._note(each.node, each.loc, f"{what}: ends or begins after {repeat:g} s, when all is repeated")
            if switch.on and key in on:
                self._note(each.node, each.loc, f"{what}: is on already at {switch.at:g} s")
            if not switch.on and key not in on:
                self._note(each.node, each.loc, f"{what}: is not on at {switch.at:g} s")
            if switch.on:
                on.add(key)
            else:
                on.discard(key)

    def _fields(self, node: yaml.Node | None, loc: Loc, kind: str) -> Fields:
        fields = dict(self._pairs(node, loc))
        for key, value in fields.items():
            if key not in _KEYS[kind]:
                self._note(value, (*loc, key), f"unknown key; expected: {', '.join(_KEYS[kind])}")
        return fields

    def _required(self, fields: Fields, key: str, node: yaml.Node | None, loc: Loc) -> yaml.Node:
        if key not in fields:
            self._fail(node, loc, f"{key} is missing")
        return fields[key]

    def _pairs(self, node: yaml.Node | None, loc: Loc) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, loc, "expected keys with values")
        pairs: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self._text(key, loc)
            if name in pairs:
                self._fail(key, (*loc, name), "stands there twice")
            pairs[name] = value
        return list(pairs.items())

    def _text(self, node: yaml.Node, loc: Loc) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self._fail(node, loc, "expected a text")
        return str(node.value)

    def _span(self, node: yaml.Node, loc: Loc, *, above: float = -1) -> float:
        found = _SPAN.fullmatch(self._text(node, loc))
        if not found or (seconds := float(found[1]) * _SECONDS[found[2]]) <= above:
            self._fail(node, loc, "expected a length of time such as 30s, 2m or 1h")
        return seconds

    def _fail(self, node: yaml.Node | None, loc: Loc, what: str) -> Never:
        self._note(node, loc, what)
        raise _Wrong

    def _note(self, node: yaml.Node | None, loc: Loc, what: str) -> None:
        line = node.start_mark.line + 1 if node is not None and node.start_mark else 1
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
        self._problems.append((line, ": ".join(part for part in (f"{self._file}:{line}", path, what) if part)))
