"""References: a text `env:NAME`, `env:NAME:-default` or `file:PATH` stands for a value kept outside the file.

What a reference yields is always text, and no message contains it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.yaml_source import Document, Loc, Problem, printed

MAX_FILE_BYTES = 65_536

_PREFIX = re.compile(r"(env|file):")
_VARIABLE = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-.*)?", re.DOTALL)


class _Unavailable(Exception):
    """Carries the part of the message after the reference."""


@dataclass(slots=True)
class Resolved:
    """A document's value with its references replaced.

    `references` has the reference (without its default) by the place where it stood, `failed` the places where one
    could not be resolved: nothing more can be said of them.
    """

    value: Any = None
    references: dict[Loc, str] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    failed: set[Loc] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def resolve(document: Document, environ: Mapping[str, str], folder: Path) -> Resolved:
    """Paths in `file:` references are relative to `folder`."""
    resolved = Resolved()
    resolved.value = _replaced(document.value, (), _Source(document, environ, folder), resolved)
    return resolved


@dataclass(frozen=True, slots=True)
class _Source:
    document: Document
    environ: Mapping[str, str]
    folder: Path

    def text(self, reference: str) -> str | None:
        if reference.startswith("file:"):
            return self._file(reference.removeprefix("file:"))
        if (match := _VARIABLE.fullmatch(reference)) is None:
            raise _Unavailable("is not a reference; expected env:NAME, env:NAME:-default or file:PATH")
        if value := self.environ.get(match["name"]):
            return value
        if match["default"] is not None:
            # As an empty value in YAML, an empty default means nothing at all rather than an empty text.
            return match["default"].removeprefix(":-") or None
        state = "empty" if match["name"] in self.environ else "not set"
        raise _Unavailable(f"is {state}; expected a value in the environment")

    def _file(self, name: str) -> str:
        path = self.folder / name
        try:
            if not name or not path.is_file():
                raise _Unavailable("is no file; expected the path of one, relative to the configuration file")
            with path.open("rb") as stream:
                content = stream.read(MAX_FILE_BYTES + 1)
            text = content.decode()
        except OSError as exc:
            raise _Unavailable(f"cannot be read: {exc.strerror}; expected a readable file") from None
        except ValueError:
            raise _Unavailable("cannot be read; expected a file of UTF-8 text") from None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text or len(content) > MAX_FILE_BYTES:
            raise _Unavailable(f"is empty or too large; expected a file of 1 to {MAX_FILE_BYTES} bytes")
        return text


def _replaced(value: Any, loc: Loc, source: _Source, resolved: Resolved) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, (*loc, key), source, resolved) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, (*loc, index), source, resolved) for index, item in enumerate(value)]
    if isinstance(value, str) and _PREFIX.match(value):
        return _looked_up(value, loc, source, resolved)
    return value


def _looked_up(reference: str, loc: Loc, source: _Source, resolved: Resolved) -> str | None:
    shown = _shown(reference)
    resolved.references[loc] = shown
    try:
        text = source.text(reference)
    except _Unavailable as exc:
        document = source.document
        resolved.failed.add(loc)
        resolved.problems.append(Problem(document.file, document.line(loc), printed(loc), f"{shown} {exc}"))
        return None
    if text is not None:
        resolved.texts.add(text)
    return text


def _shown(reference: str) -> str:
    """Without the default, which may be a secret; of a malformed one (is it a value, perhaps?) the kind alone."""
    if reference.startswith("file:"):
        return reference if reference.isprintable() and len(reference) <= 200 else "file:…"
    match = _VARIABLE.fullmatch(reference)
    return f"env:{match['name']}" if match else "env:…"
