"""What sections of a configuration file have in common: their base, and the types of their values."""

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.config.values import expected


class Sensitive:
    """Marks a text that may hold a password and yet is no `SecretStr`: it is in no message."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        """A section of which all lines are commented out reads as nothing, and means its defaults."""
        return {} if value is None else value


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # also the name of a folder of zones, or of no file at all
        raise expected("the IANA name of a time zone, e.g. Europe/Warsaw") from None
    return name


def _a_title(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise expected("one line of text")
    return text


def a_number(value: Any) -> Any:
    # By default pydantic takes true for 1; texts such as "5683" it must take, because references yield them.
    if isinstance(value, bool):
        raise expected("a number")
    return value


def spelt(pattern: str, wanted: str) -> AfterValidator:
    """Like a `pattern`, but its message says in words what is wanted."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise expected(wanted)
        return text

    return AfterValidator(check)


_NAME = "[a-z][a-z0-9-]{0,62}"
_KEY = "[a-z][a-z0-9_-]{0,62}"
_URL = r"(sqlite|postgresql)(\+[a-z0-9]+)?://.+"

Name = Annotated[
    str,
    spelt(_NAME, "at most 63 lower-case letters, digits and hyphens, a letter first"),
    Field(json_schema_extra={"pattern": f"^{_NAME}$"}),
]
ComponentKey = Annotated[
    str,
    spelt(_KEY, "a key of at most 63 lower-case letters, digits, hyphens and underscores, a letter first"),
    Field(json_schema_extra={"pattern": f"^{_KEY}$"}),
]
StoreUrl = Annotated[
    str,
    Sensitive(),
    spelt(_URL, "the URL of a database, e.g. sqlite:///uptime.db"),
    Field(json_schema_extra={"pattern": f"^{_URL}$"}),
]
Title = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_a_title)]
Zone = Annotated[str, AfterValidator(_a_zone)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(a_number)]
Factor = Annotated[float, Field(ge=1.1, le=100, allow_inf_nan=False), BeforeValidator(a_number)]
ConfirmAfter = Annotated[int, Field(ge=1, le=10), BeforeValidator(a_number)]
Quorum = Annotated[int, Field(ge=1, le=100), BeforeValidator(a_number)]
