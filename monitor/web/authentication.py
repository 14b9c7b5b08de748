"""Who asks: bearer tokens (RFC 6750), compared in constant time."""

import hmac
from collections.abc import Mapping

from aiohttp import web
from pydantic import SecretStr


def authenticated(request: web.Request, tokens: Mapping[str, SecretStr]) -> str:
    """The name of the token that came with the request. Raises `web.HTTPUnauthorized`, which tells nothing more."""
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    given = sent.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "bearer" else b""
    found = ""
    for name, token in tokens.items():  # always all of them, so that the time tells nothing
        if hmac.compare_digest(given, token.get_secret_value().encode()):
            found = name
    if not found:
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"}, text="")
    return found
