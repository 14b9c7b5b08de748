"""One HTTP exchange in which everything is bounded: time, size, redirects, decompression. A fresh connection each time.

Whatever goes wrong is a `ProbeFailed` with its reason. No header, query or body goes into a detail: they hold secrets.
"""

import asyncio
import functools
import json
import ssl
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from multidict import MultiMapping
from yarl import URL

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.network_errors import network_failure

MEBIBYTE = 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
USER_AGENT = "efento-uptime"
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an exchange may take: seconds in all, bytes of the decoded body, redirects followed."""

    seconds: float = 10.0
    body_bytes: int = MEBIBYTE
    redirects: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """`url` is sent as it stands, so its query must be encoded. `ca_file`: trust these authorities and no others."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    ca_file: str | None = None

    def name(self) -> str:
        """For details: without the query, which may hold a secret."""
        return f"{self.method} {self.url.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; `body` is decoded. `name` is the request's, for details."""

    name: str
    status: int
    headers: MultiMapping[str]
    header_count: int
    body: bytes

    def content_type(self) -> str:
        """In lower case and without parameters, e.g. `application/json`."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def require_type(self, expected: str) -> None:
        """Raises `ProbeFailed` (content) for another content type; `expected` e.g. `application/json`."""
        if self.content_type() != expected.lower():
            found = self.content_type()[:100] or "none"
            raise ProbeFailed(Reason.CONTENT, f"{self.name}: content type {found}, expected {expected}")

    def json(self) -> Any:
        """Raises `ProbeFailed` (protocol) for a body that is not JSON in UTF-8."""
        try:
            return json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            what = f"{len(self.body)} bytes of {self.content_type() or 'no content type'}"
            raise ProbeFailed(Reason.PROTOCOL, f"{self.name}: {what} are not JSON") from error

    def json_object(self) -> dict[str, Any]:
        """Raises `ProbeFailed`: content for another type than JSON, protocol for what is none, schema for no object."""
        self.require_type("application/json")
        body = self.json()
        if not isinstance(body, dict):
            raise ProbeFailed(Reason.SCHEMA, f"{self.name}: the answer is no object")
        return body


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


async def exchange(
    request: Request, bounds: Bounds, journey: Journey | None = None, *, final: Collection[int] = ()
) -> Answer:
    """Asks, follows as many redirects as allowed and returns the answer, whatever its status.

    A redirect whose status is in `final` is an answer and not followed. With a journey, keeps how long the last
    hop's phases took as figures. Raises `ProbeFailed`.
    """
    try:
        async with asyncio.timeout(bounds.seconds):
            for _ in range(bounds.redirects + 1):
                answer = await _hop(request, bounds, journey)
                if answer.status not in REDIRECTS - set(final) or "Location" not in answer.headers:
                    return answer
                request = _redirected(request, answer)
    except TimeoutError as error:
        raise ProbeFailed(Reason.TIMEOUT, f"{request.name()}: not complete within {bounds.seconds:g} s") from error
    raise ProbeFailed(Reason.REDIRECT, f"{answer.name}: redirected on, limit {bounds.redirects}")


def require_status(answer: Answer, *expected: int) -> None:
    """Raises `ProbeFailed`: auth for 401 and 403, status for the rest."""
    if answer.status not in expected:
        reason = Reason.AUTH if answer.status in (401, 403) else Reason.STATUS
        wanted = ", ".join(map(str, expected))
        raise ProbeFailed(reason, f"{answer.name}: status {answer.status}, expected {wanted}")


def _redirected(request: Request, answer: Answer) -> Request:
    try:
        target = URL(request.url, encoded=True).join(URL(answer.headers["Location"]))
    except ValueError as error:
        raise ProbeFailed(Reason.REDIRECT, f"{answer.name}: redirected to what is no URL") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise ProbeFailed(Reason.REDIRECT, f"{answer.name}: redirected to scheme {target.scheme[:20]!r}")
    if request.url.startswith("https:") and target.scheme == "http":
        raise ProbeFailed(Reason.REDIRECT, f"{answer.name}: redirected from https to http")
    same_origin = urlsplit(request.url)[:2] == urlsplit(str(target))[:2]
    method = request.method if answer.status in (307, 308) or request.method == "HEAD" else "GET"
    return Request(
        method,
        str(target),
        request.headers if same_origin else {},  # another host must not learn the secrets
        request.body if method == request.method else None,
        request.ca_file,
    )


async def _hop(request: Request, bounds: Bounds, journey: Journey | None) -> Answer:
    phases = _Phases(journey) if journey else None
    try:
        async with _session(request, phases) as session, _response(session, request) as response:
            if phases:
                phases.headers_came()
            body = await _body(response, request.name(), bounds.body_bytes)
            if phases:
                phases.body_came()
            return Answer(request.name(), response.status, response.headers, len(response.raw_headers), body)
    except (aiohttp.ClientError, OSError, ValueError, AssertionError) as error:
        raise _failure(error, request.name()) from error


def _session(request: Request, phases: "_Phases | None") -> aiohttp.ClientSession:
    secure = request.url.startswith("https:")
    connector = aiohttp.TCPConnector(
        force_close=True,
        limit=1,
        use_dns_cache=False,
        ssl=tls_context(request.ca_file) if secure else True,
    )
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        trace_configs=[phases.config()] if phases else None,
    )


def _response(session: aiohttp.ClientSession, request: Request) -> Any:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate", **request.headers}
    return session.request(
        request.method,
        URL(request.url, encoded=True),
        headers=headers,
        data=request.body,
        allow_redirects=False,
        skip_auto_headers=("Content-Type",),
    )


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Raises `Blocked` where the file of authorities cannot be used: it is ours."""
    try:
        return _trusting_context(ca_file)
    except (OSError, ValueError) as error:
        raise Blocked(f"{ca_file}: our file of trusted authorities cannot be used: {type(error).__name__}") from error


@functools.lru_cache(maxsize=64)
def _trusting_context(ca_file: str | None) -> ssl.SSLContext:
    """Made once, because loading the authorities takes tens of milliseconds."""
    return ssl.create_default_context(cafile=ca_file)


async def _body(response: aiohttp.ClientResponse, name: str, limit: int) -> bytes:
    """The decoded body. It is unpacked no further than one byte beyond the limit, so that a bomb stays small."""
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""), name)
    body = bytearray()
    packed_bytes = 0
    try:
        async for piece in response.content.iter_any():
            packed_bytes += len(piece)
            body += unpacker.decompress(piece, limit + 1) if unpacker else piece
            if len(body) > limit:
                raise ProbeFailed(Reason.TOO_LARGE, f"{name}: the body is larger than {limit} bytes")
    except zlib.error as error:
        raise ProbeFailed(Reason.PROTOCOL, f"{name}: the body is not compressed as announced") from error
    if unpacker and packed_bytes and (not unpacker.eof or unpacker.unused_data):
        raise ProbeFailed(Reason.PROTOCOL, f"{name}: the compressed body is cut off or too long")
    return bytes(body)


def _unpacker(content_encoding: str, name: str) -> "zlib._Decompress | None":
    encoding = content_encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in _WINDOW_BITS:
        raise ProbeFailed(Reason.PROTOCOL, f"{name}: content encoding {encoding[:40]!r} was not asked for")
    return zlib.decompressobj(_WINDOW_BITS[encoding])


def _failure(error: Exception, name: str) -> ProbeFailed:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return ProbeFailed(Reason.DNS, f"{name}: the host has no address")
        case aiohttp.ClientConnectorCertificateError():
            return ProbeFailed(Reason.TLS, f"{name}: {error.certificate_error}")
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return ProbeFailed(Reason.TLS, f"{name}: {type(error).__name__} {getattr(error, 'strerror', '')}".strip())
        case aiohttp.ClientConnectorError():
            return network_failure(error.os_error, name)
        case aiohttp.ServerDisconnectedError():
            return ProbeFailed(Reason.RESET, f"{name}: the connection was closed before an answer came")
        case aiohttp.ClientPayloadError():
            return ProbeFailed(Reason.PROTOCOL, f"{name}: the body is cut off or garbled")
        case OSError():
            return network_failure(error, name)
        case _:
            return ProbeFailed(Reason.PROTOCOL, f"{name}: not an answer in HTTP ({type(error).__name__})")


class _Phases:
    """How long the parts of a hop took: name resolution, connection with TLS, first byte, transfer."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._since = journey.monotonic()

    def config(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        config.on_dns_resolvehost_start.append(self._begin)
        config.on_dns_resolvehost_end.append(self._resolved)
        config.on_connection_create_start.append(self._begin)
        config.on_connection_create_end.append(self._connected)
        return config

    def headers_came(self) -> None:
        self._end("first_byte_seconds")

    def body_came(self) -> None:
        self._end("transfer_seconds")

    async def _begin(self, *_: object) -> None:
        self._since = self._journey.monotonic()

    async def _resolved(self, *_: object) -> None:
        self._end("resolve_seconds")

    async def _connected(self, *_: object) -> None:
        self._end("connect_seconds")

    def _end(self, figure: str) -> None:
        now = self._journey.monotonic()
        self._journey.figure(figure, now - self._since)
        self._since = now
