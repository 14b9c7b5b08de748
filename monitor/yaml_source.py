"""YAML to plain values that remember their lines: the YAML 1.2 core schema, and stricter than it.

YAML 1.1, which PyYAML reads by itself, makes 1320 of `22:00`, false of `no`, a date of `2026-01-01`, 493 of `0755`, and
lets a repeated key win silently. Here they stay text (or decimal 755), and a repeated key is a problem with its line.
Mistakes are collected, not raised. No message repeats a value, a tag or an alias: any of them may be a password that
somebody forgot to quote. What the values mean is the business of `monitor/config`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1 << 20
MAX_DEPTH = 50  # of nested lists and mappings; whoever walks the values may use recursion
MAX_VALUES = 250_000  # with every alias written out, so that nine lines cannot stand for a billion values

Loc = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[type, ...]] = {
    _TAG + "null": (type(None),),
    _TAG + "bool": (bool,),
    _TAG + "int": (int,),
    _TAG + "float": (float, int),
}
# YAML 1.2 allows the line separators of Unicode inside a text, but the parser would break lines at them.
_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_CONSTANTS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_WRONG_TAG = "a tag (!) that is unknown or does not fit; expected a value without a tag, or text in quotes"
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
# What a message of the parser quotes may be part of a password, unless it is one character or a `<token>`.
_QUOTED = re.compile(r"'(?![<\\])[^']{2,}?'(?=[ ,]|$)")


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a file: where, and what was found and expected there. Line 0: the file as a whole."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.path, self.text) if part)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, and where the values in it stand; `keys` has the line of the key itself beside each."""

    line: int
    keys: Mapping[str, tuple[int, "Place"]] = field(default_factory=dict)
    items: tuple["Place", ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A file's value and the places in it. When it could not be read to its end, `complete` is false."""

    file: str
    value: Any
    place: Place
    problems: tuple[Problem, ...] = ()
    complete: bool = True

    def line(self, loc: Loc) -> int:
        """The line of the value at `loc`; of a key that is missing, the line of the mapping that lacks it."""
        return self._follow(loc)[0]

    def known(self, loc: Loc) -> Loc:
        """`loc` without the parts that are not in the file: pydantic puts names of its own for a union's branches."""
        return self._follow(loc)[1]

    def _follow(self, loc: Loc) -> tuple[int, Loc]:
        place, line = self.place, self.place.line
        known: list[str | int] = []
        for part in loc:
            if isinstance(part, str) and part in place.keys:
                line, place = place.keys[part]
            elif isinstance(part, int) and 0 <= part < len(place.items):
                place = place.items[part]
                line = place.line
            else:
                continue
            known.append(part)
        return (place.line if len(known) < len(loc) and place.keys else line), tuple(known)


def read(path: Path) -> Document:
    """The document in a file; a file that cannot be read is a document with a problem."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        return _unreadable(str(path), 0, f"cannot be read: {exc.strerror}")
    if len(content) > MAX_BYTES:
        return _unreadable(str(path), 0, f"is too large; expected at most {MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        return _unreadable(str(path), line, f"byte 0x{content[exc.start]:02x} is not UTF-8; expected UTF-8 text")
    return parse(text, str(path))


def parse(text: str, file: str) -> Document:
    if wrong := _NOT_ALLOWED.search(text):
        line = text.count("\n", 0, wrong.start()) + 1
        return _unreadable(file, line, f"character U+{ord(wrong[0]):04X} is not allowed; write it as an escape")
    return _Builder(file, yaml.parse(text, Loader=yaml.BaseLoader)).document()


def resolve_scalar(text: str) -> str | float | bool | None:
    """The value of a plain (unquoted) scalar by the core schema of YAML 1.2."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return float("-inf" if text[0] == "-" else "inf")
    return text


def printed(loc: Loc) -> str:
    """`probes[1].options.host`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part[:64], ensure_ascii=False)}]"
    return text


def _unreadable(file: str, line: int, text: str) -> Document:
    return Document(file, None, Place(max(line, 1)), (Problem(file, line, "", text),), complete=False)


class _Unusable(Exception):
    """Nothing sensible can be said of the rest of the file."""


@dataclass(frozen=True, slots=True)
class _Node:
    """`values` and `depth` are those with every alias written out."""

    value: Any
    place: Place
    values: int = 1
    depth: int = 0


class _Builder:
    """Makes one document of the parser's events. PyYAML's own composer knows nothing of limits and repeated keys."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self._file = file
        self._events = events
        self._anchors: dict[str, _Node | None] = {}  # None while the anchored value is still open
        self._problems: list[Problem] = []

    def document(self) -> Document:
        node, complete = _Node(None, Place(1)), False
        try:
            next(self._events)  # the stream's start
            if isinstance(next(self._events), yaml.DocumentStartEvent):
                node = self._node(next(self._events), ())
                next(self._events)  # the document's end
                self._refuse_second(next(self._events))
            complete = True
        except _Unusable:
            pass
        except yaml.MarkedYAMLError as exc:
            line = exc.problem_mark.line + 1 if exc.problem_mark else 1
            self._problem(line, (), f"not valid YAML: {_QUOTED.sub('…', exc.problem or 'unreadable')}")
        return Document(self._file, node.value, node.place, tuple(self._problems), complete)

    def _refuse_second(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._give_up(event, (), "a second document begins; expected only one in a file")

    def _node(self, event: Any, loc: Loc) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, loc)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(self._scalar(event, loc), Place(_line(event)))
        else:
            node = self._collection(event, loc)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, loc: Loc) -> _Node:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is not None:
            return node
        what = "that stands inside the value it repeats" if name in self._anchors else "of nothing"
        self._problem(_line(event), loc, f"an alias (*) {what}; expected an alias of a value above, or text in quotes")
        return _Node(None, Place(_line(event)))

    def _scalar(self, event: yaml.ScalarEvent, loc: Loc) -> object:
        tag = event.tag
        if (tag is None and event.style) or tag in ("!", _TAG + "str"):
            return event.value
        try:
            value = resolve_scalar(event.value)
        except ValueError:  # of an integer of more than 4300 digits
            self._problem(_line(event), loc, f"a number of {len(event.value)} digits; expected a shorter one")
            return None
        if tag is not None and type(value) not in _TAGGED.get(tag, ()):
            self._problem(_line(event), loc, _WRONG_TAG)
        return value

    def _collection(self, event: Any, loc: Loc) -> _Node:
        if len(loc) >= MAX_DEPTH:
            self._give_up(event, loc, f"nested too deeply; expected at most {MAX_DEPTH} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            self._problem(_line(event), loc, _WRONG_TAG)
        node = self._mapping(event, loc) if mapping else self._sequence(event, loc)
        if node.values > MAX_VALUES:
            self._give_up(event, loc, f"too many values with all aliases written out; expected at most {MAX_VALUES}")
        if len(loc) + node.depth > MAX_DEPTH:
            self._give_up(event, loc, f"nested too deeply by aliases; expected at most {MAX_DEPTH} levels")
        return node

    def _sequence(self, start: Any, loc: Loc) -> _Node:
        nodes: list[_Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            nodes.append(self._node(event, (*loc, len(nodes))))
        place = Place(_line(start), items=tuple(node.place for node in nodes))
        return _Node([node.value for node in nodes], place, *_size(nodes))

    def _mapping(self, start: Any, loc: Loc) -> _Node:
        nodes: dict[str, _Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, (*loc, "?")).value
            value = self._node(next(self._events), (*loc, key if isinstance(key, str) else "?"))
            if self._is_new_key(key, _line(event), lines, loc):
                nodes[key], lines[key] = value, _line(event)
        place = Place(_line(start), {key: (lines[key], node.place) for key, node in nodes.items()})
        return _Node({key: node.value for key, node in nodes.items()}, place, *_size(list(nodes.values())))

    def _is_new_key(self, key: object, line: int, lines: dict[str, int], loc: Loc) -> bool:
        if not isinstance(key, str):
            self._problem(
                line, loc, "a key that is not text; expected text (in quotes, a number or a word like true is)"
            )
            return False
        if key in lines:
            self._problem(line, (*loc, key), f"repeated key; expected it once, and it stands on line {lines[key]}")
            return False
        return True

    def _problem(self, line: int, loc: Loc, text: str) -> None:
        self._problems.append(Problem(self._file, line, printed(loc), text))

    def _give_up(self, event: Any, loc: Loc, text: str) -> None:
        self._problem(_line(event), loc[:3], text)
        raise _Unusable


def _size(nodes: list[_Node]) -> tuple[int, int]:
    return 1 + sum(node.values for node in nodes), 1 + max((node.depth for node in nodes), default=0)


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1
