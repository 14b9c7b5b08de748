"""Reads alarm and all-clear messages: which rule, sensor, value and time they tell. Pure; no text is an error."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

FIELDS = frozenset({"rule", "sensor", "value", "time"})
NEEDED = frozenset({"rule", "sensor", "value"})
# So much of a message is searched: a configured pattern that needs quadratic time stays a matter of milliseconds.
SEARCHED_CHARACTERS = 4096
NUMBER = r"(?P<value>[-+]?\d{1,9}(?:[.,]\d{1,6})?)"
TIME = r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for pattern in patterns:
        try:
            names += re.compile(pattern).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
    if len(set(names)) < len(names) or not NEEDED <= set(names) <= FIELDS:
        raise ValueError("the groups rule, sensor, value and, where there is one, time, each in one pattern only")
    return patterns


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


TextPatterns = Annotated[tuple[str, ...], BeforeValidator(_as_list), AfterValidator(_patterns), Field(min_length=1)]


class Kind(StrEnum):
    ALARM = "alarm"
    ALL_CLEAR = "all-clear"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a message says. `kind` None: it is neither an alarm nor an all-clear, or cannot be read.

    `value` is None where the message was cut before its value; `wall` is its time, in the zone of messages.
    """

    kind: Kind | None
    rule: str = ""
    sensor: str = ""
    value: float | None = None
    wall: datetime | None = None


UNREADABLE = Notice(None)


@dataclass(frozen=True, slots=True)
class Wording:
    """How messages are worded: of each kind all patterns must be found. Texts of `cut_at` characters lack their end."""

    alarm: tuple[str, ...]
    all_clear: tuple[str, ...]
    cut_at: int | None = None

    def read(self, text: str) -> Notice:
        for kind, patterns in ((Kind.ALARM, self.alarm), (Kind.ALL_CLEAR, self.all_clear)):
            notice = self._read(kind, patterns, text)
            if notice is not None:
                return notice
        return UNREADABLE

    def _read(self, kind: Kind, patterns: tuple[str, ...], text: str) -> Notice | None:
        cut = self.cut_at is not None and len(text) >= self.cut_at
        found: dict[str, str] = {}
        for pattern in patterns:
            match = re.search(pattern, text[:SEARCHED_CHARACTERS], re.MULTILINE)
            if match is None:
                # Of what was cut off only the value can be done without: the time stands for it.
                if cut and re.compile(pattern).groupindex.keys() == {"value"}:
                    continue
                return None
            found |= {name: value for name, value in match.groupdict().items() if value is not None}
        wall = _wall(found.get("time"))
        if not {"rule", "sensor"} <= found.keys() or ("value" not in found and wall is None):
            return None
        value = float(found["value"].replace(",", ".")) if "value" in found else None
        return Notice(kind, found["rule"], found["sensor"], value, wall)


def _wall(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def plain(name: str) -> str:
    """A name as an SMS writes it, for comparing: single blanks, no accents."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_WITHOUT_DECOMPOSITION))
    return " ".join(decomposed.encode("ascii", "ignore").decode().split())


_WITHOUT_DECOMPOSITION = str.maketrans("łŁ", "lL")
