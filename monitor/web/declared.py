"""The API for what people declare: windows, and what was done about outages. Only where tokens are configured.

| answer | why |
| --- | --- |
| 200, 201 | done, and on disk |
| 400 | no JSON object, or with mistakes: `mistakes` has each one's `path` and what was `expected` |
| 401 | no token, or none that is known |
| 404, 405 | no such path or method; every path here while no token is configured |
| 408, 413, 415 | too slow, larger than 64 KiB, compressed |
| 409 | there is no such window in force, or no such outage, or the event cannot be |
| 503 | the store failed: nothing is on record, try again |
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from monitor import logs
from monitor.clock import iso
from monitor.declared import entry_json, listed, window_json
from monitor.declaring import Declaring
from monitor.given import DeclarationError
from monitor.store import StoreError
from monitor.web.alertmanager import acknowledge
from monitor.web.authentication import authenticated

BODY_BYTES = 65_536
BODY_SECONDS = 10.0
CONFLICTS = frozenset({"number", "outage"})  # mistakes in the path rather than in what was sent

Answer = Callable[[web.Request, str], Awaitable[web.Response]]


def routes(declaring: Declaring) -> Sequence[web.RouteDef]:
    """Nothing where no token is configured: then nobody could use them."""
    if not declaring.config.tokens:
        return ()
    api = _Api(declaring)
    return [
        web.get("/api/v1/windows", api.answer(api.windows), allow_head=False),
        web.post("/api/v1/windows", api.answer(api.add)),
        web.post(r"/api/v1/windows/{number:[1-9]\d{0,17}}/end", api.answer(api.end)),
        web.post(r"/api/v1/windows/{number:[1-9]\d{0,17}}/revoke", api.answer(api.revoke)),
        web.post("/api/v1/outages/{outage}/events", api.answer(api.note)),
        web.post("/api/v1/alertmanager", api.answer(api.alertmanager)),
    ]


class _Api:
    def __init__(self, declaring: Declaring) -> None:
        self._declaring = declaring

    def answer(self, handler: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answered(request: web.Request) -> web.Response:
            author = authenticated(request, self._declaring.config.tokens)
            try:
                return await handler(request, author)
            except DeclarationError as error:
                return _mistaken(error)
            except StoreError as error:
                logs.get().error("store.failed", path=request.path, error=str(error))
                return _refusal(503, "", "that the store can be used; nothing is on record, try again later")

        return answered

    async def windows(self, request: web.Request, _author: str) -> web.Response:
        everything = request.query.get("all", "") in ("1", "true")
        declaring = self._declaring
        found = listed(await declaring.entries(), declaring.config, declaring.now_ms(), everything=everything)
        return web.json_response({"windows": [window_json(each) for each in found]})

    async def add(self, request: web.Request, author: str) -> web.Response:
        entry = await self._declaring.add({"by": author, **await _object(request)})
        return _recorded("window.declared", author, entry_json(entry))

    async def end(self, request: web.Request, author: str) -> web.Response:
        values = {"by": author, **await _object(request)}
        entry = await self._declaring.end(int(request.match_info["number"]), values)
        return _recorded("window.ended", author, entry_json(entry))

    async def revoke(self, request: web.Request, author: str) -> web.Response:
        values = {"by": author, **await _object(request)}
        entry = await self._declaring.revoke(int(request.match_info["number"]), values)
        return _recorded("window.revoked", author, entry_json(entry))

    async def note(self, request: web.Request, author: str) -> web.Response:
        values = {"by": author, **await _object(request)}
        event = await self._declaring.note(request.match_info["outage"], values, via="api")
        shown = {"number": event.number, "outage": event.outage, "kind": event.kind.value, "at": iso(event.at_ms)}
        return _recorded("outage.noted", author, {**shown, "by": event.author, "note": event.note})

    async def alertmanager(self, request: web.Request, author: str) -> web.Response:
        return web.json_response(await acknowledge(self._declaring, await _object(request), author))


def _recorded(event: str, token: str, shown: Mapping[str, Any]) -> web.Response:
    logs.get().info(event, token=token, number=shown["number"])
    return web.json_response(shown, status=201)


def _mistaken(error: DeclarationError) -> web.Response:
    status = 409 if all(mistake.key in CONFLICTS for mistake in error.mistakes) else 400
    mistakes = [{"path": mistake.key, "expected": mistake.text} for mistake in error.mistakes]
    return web.json_response({"mistakes": mistakes}, status=status)


def _refusal(status: int, path: str, expected: str) -> web.Response:
    return web.json_response({"mistakes": [{"path": path, "expected": expected}]}, status=status)


def _refused(status: int, expected: str) -> web.HTTPException:
    """An answer that ends the request, with the same form as every other."""
    kinds: dict[int, type[web.HTTPException]] = {
        400: web.HTTPBadRequest,
        408: web.HTTPRequestTimeout,
        415: web.HTTPUnsupportedMediaType,
    }
    text = json.dumps({"mistakes": [{"path": "", "expected": expected}]})
    if status == 413:
        return web.HTTPRequestEntityTooLarge(BODY_BYTES, BODY_BYTES + 1, text=text, content_type="application/json")
    return kinds[status](text=text, content_type="application/json")


async def _object(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent; an empty body is an empty one."""
    body = await _body(request)
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise _refused(400, "JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise _refused(400, "a JSON object")
    return value


async def _body(request: web.Request) -> bytes:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _refused(415, "a body that is not compressed")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise _refused(413, f"at most {BODY_BYTES} bytes")
    except TimeoutError:
        raise _refused(408, "a body within ten seconds") from None
    except (ClientError, HttpProcessingError, web.RequestPayloadError, OSError):
        raise _refused(400, "a whole body") from None
    return bytes(body)
