"""Types of options that several kinds share, each with its check."""

import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a URL that begins with http:// or https:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL without user name and password; there are options for secrets")
    if parts.fragment or any(character.isspace() for character in url):
        raise ValueError("a URL without blanks and without a part after #")
    _ = parts.port  # raises ValueError for a port that is no port
    return url


def _base_url(url: str) -> str:
    if urlsplit(_http_url(url)).query:
        raise ValueError("a URL without a part after ?")
    return url.rstrip("/")


def _zone(key: str) -> str:
    try:
        ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no such time zone: {key!r}; expected e.g. Europe/Warsaw") from error
    return key


def _header_value(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value or not value.isprintable():
        raise ValueError("must not be empty and must not contain control characters")
    return secret


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression; this is none: {error}") from error
    return text


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s/]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
ZoneKey = Annotated[str, AfterValidator(_zone)]
HeaderSecret = Annotated[SecretStr, AfterValidator(_header_value)]
Serial = Annotated[str, BeforeValidator(_upper), Field(pattern=r"^282C02[0-9A-F]{6}$")]
Pattern = Annotated[str, AfterValidator(_pattern)]
