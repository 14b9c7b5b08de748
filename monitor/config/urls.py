"""Addresses that stand in a configuration."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from monitor.config.values import expected


def a_public_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:
        usable = False
    if not usable:
        raise expected("a URL that begins with http:// or https:// and names a host")
    return url


def without_slash(url: str) -> str:
    """So that a path can be added."""
    return url.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(a_public_url)]
BaseUrl = Annotated[PublicUrl, AfterValidator(without_slash)]
