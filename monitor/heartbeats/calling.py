"""Calls a secret URL once, within a time limit, and says in words of our own why it did not get through.

The words name neither the address nor anything of the answer: libraries' errors contain the URL, and whoever has the
URL can call it.
"""

import asyncio
import ssl
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from monitor.version import VERSION

ANSWER_BYTES = 64  # so much of an answer is looked at
BODY_BYTES = 10_000
_HEADERS = {"User-Agent": f"efento-uptime/{VERSION}"}
# What healthchecks answers, with status 200, to calls that it did not take.
_NOT_TAKEN = {b"OK (not found)": "the service does not know this address", b"OK (rate limited)": "called too often"}


def with_suffix(url: str, suffix: str | None) -> str:
    """An address with more path, more parameters, or both: `/fail`, `?status=down`."""
    parts, more = urlsplit(url), urlsplit(suffix or "")
    path = parts.path.rstrip("/") + more.path if more.path else parts.path
    query = "&".join(filter(None, [parts.query, more.query]))
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


async def call(method: str, url: str, text: str, timeout_seconds: float) -> str:
    """Why it did not get through; empty where it did. `text` goes along with a POST. Leaves no connection behind.

    Redirects are not followed: the address would be shown to whomever they name.
    """
    body = text.encode()[:BODY_BYTES] if method == "POST" else None
    connector = aiohttp.TCPConnector(force_close=True)  # the next call is a minute away
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            aiohttp.ClientSession(connector=connector, headers=_HEADERS) as session,
            session.request(method, url, data=body, allow_redirects=False) as answer,
        ):
            if not 200 <= answer.status <= 299:
                return f"answered with status {answer.status}"
            return _NOT_TAKEN.get((await answer.content.read(ANSWER_BYTES)).strip(), "")
    except Exception as error:  # whatever it is, its own text has no place anywhere
        return _why(error)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name has no address"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if isinstance(error.os_error, ConnectionRefusedError) else "cannot be reached"
    if isinstance(error, (aiohttp.ClientConnectionError, OSError)):
        return "the connection broke off"
    if isinstance(error, aiohttp.ClientError):
        return "the answer was no HTTP"
    return type(error).__name__
