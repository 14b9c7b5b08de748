"""Reads what people declared, key by key, and notes every mistake instead of stopping at the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from monitor.config import Config
from monitor.instants import NoInstant, parse_instant
from monitor.redaction import Redactor

NAME_CHARACTERS = 120
TEXT_CHARACTERS = 1000
ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the value at `key`, and what was expected there."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"


class DeclarationError(Exception):
    """Nothing was recorded, because of all these mistakes."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(map(str, mistakes)))
        self.mistakes = mistakes


class Given:
    """Reads values one by one and notes every mistake; `finish` raises them."""

    def __init__(self, values: Mapping[str, Any], config: Config, keys: tuple[str, ...]) -> None:
        self._values = values
        self._config = config
        self._redactor = Redactor(config.secrets())
        self._mistakes: dict[str, Mistake] = {}
        for key in values:
            if key not in keys:
                self.wrong(self._redactor.clean(str(key))[:40], f"unknown key; expected one of {', '.join(keys)}")

    def wrong(self, key: str, text: str) -> None:
        """Only the first mistake of a key counts: a later one follows from it."""
        self._mistakes.setdefault(key, Mistake(key, text))

    def is_wrong(self, key: str) -> bool:
        return key in self._mistakes

    def finish(self) -> None:
        if self._mistakes:
            raise DeclarationError(list(self._mistakes.values()))

    def line(self, key: str, *, required: bool = True, longest: int = NAME_CHARACTERS) -> str:
        """One line of text, without secrets that somebody pasted into it: it is kept for ever."""
        value = self._values.get(key)
        text = self._redactor.clean(value).strip() if isinstance(value, str) else ""
        if value is not None and not isinstance(value, str):
            self.wrong(key, "found something else; expected text")
        elif not text and required:
            self.wrong(key, "missing; expected text")
        elif len(text) > longest or not text.isprintable():
            self.wrong(key, f"expected one line of at most {longest} characters")
        return text

    def instant(self, key: str, *, required: bool = False) -> int | None:
        value = self._values.get(key)
        if value is None:
            if required:
                self.wrong(key, "missing; expected a time")
            return None
        try:
            return parse_instant(value if isinstance(value, str) else "", self._config.zone)
        except NoInstant as error:
            self.wrong(key, f"{self._found(value)}; expected {error.expected}")
            return None

    def choice(self, key: str, choices: type[ChoiceT], *, required: bool = True) -> ChoiceT | None:
        value = self._values.get(key)
        if value is None and not required:
            return None
        try:
            return choices(str(value))
        except ValueError:
            self.wrong(key, f"{self._found(value)}; expected {one_of(choices)}")
            return None

    def components(self) -> tuple[str, ...]:
        """Those that are named, in the order of the configuration; none: all."""
        value = self._values.get("components")
        known = [terms.key for terms in self._config.components]
        if value is not None and not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
            self.wrong("components", "found something else; expected a list of texts")
            return ()
        for each in value or ():
            if each not in known:
                self.wrong("components", f"{self._found(each)}; expected some of {', '.join(known)}")
        return tuple(key for key in known if key in (value or ()))

    def _found(self, value: object) -> str:
        if value is None:
            return "missing"
        return f"found {self._redactor.clean(value)[:60]!r}" if isinstance(value, str) else "found something else"


def one_of(choices: type[StrEnum]) -> str:
    return f"one of {', '.join(choices)}"
