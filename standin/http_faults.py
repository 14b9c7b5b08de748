"""The faults of the HTTP interfaces that lie in the answer's transport, as an aiohttp middleware."""

import asyncio
import secrets
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Middleware

from standin.fault_model import Interface
from standin.faults import ActiveFault, Faults
from standin.http_server import Handler, error

_BLANKS = b" " * 2**20
_ENDLESS_PIECE = b" " * 2**14
_ENDLESS_PAUSE_SECONDS = 0.05
_GZIP = 16 + zlib.MAX_WBITS
_WRONG_SHAPE = {"result": {"ok": True, "rows": "none"}}

Answer = Callable[[web.Request, ActiveFault], Awaitable[web.StreamResponse]]
Spoiler = Callable[[web.Request, web.Response, ActiveFault], Awaitable[web.StreamResponse]]


def fault_middleware(interface: Interface, faults: Faults) -> Middleware:
    """Applies the interface's faults: `slow` first, then those that drop the request, then those of its answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if slow := faults.active(interface, "slow"):
            await asyncio.sleep(slow.number("seconds"))
        for name, answer in _INSTEAD.items():
            if fault := faults.active(interface, name):
                return await answer(request, fault)
        response = cast(web.Response, await handler(request))
        for name, spoil in _SPOILERS.items():
            if fault := faults.active(interface, name):
                spoiled = await spoil(request, response, fault)
                if spoiled.prepared:
                    return spoiled
                response = cast(web.Response, spoiled)
        return response

    return middleware


async def _timeout(request: web.Request, fault: ActiveFault) -> web.StreamResponse:
    await fault.ended.wait()
    return _hang_up(request)


async def _reset(request: web.Request, _fault: ActiveFault) -> web.StreamResponse:
    if request.transport:
        # Lingering for zero seconds makes the system send a reset in place of a proper end.
        connection = cast(socket.socket, request.transport.get_extra_info("socket"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return _hang_up(request)


async def _wrong_status(_request: web.Request, fault: ActiveFault) -> web.StreamResponse:
    return error(int(fault.number("status")), "The service is not available.")


async def _redirect(request: web.Request, _fault: ActiveFault) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": request.path_qs})


async def _wrong_schema(_request: web.Request, response: web.Response, _fault: ActiveFault) -> web.StreamResponse:
    return web.json_response(_WRONG_SHAPE, status=response.status)


async def _wrong_content_type(_request: web.Request, response: web.Response, fault: ActiveFault) -> web.StreamResponse:
    response.content_type = fault.text("content_type")
    return response


async def _garbage(request: web.Request, response: web.Response, _fault: ActiveFault) -> web.StreamResponse:
    if request.transport:
        request.transport.write(b"\xff" + secrets.token_bytes(63))
        request.transport.close()
    await response.prepare(request)  # the head stays in memory, the connection being closed
    return response


async def _truncated(request: web.Request, response: web.Response, _fault: ActiveFault) -> web.StreamResponse:
    half = await _half(request, response)
    if request.transport:
        request.transport.close()
    return half


async def _half_open(request: web.Request, response: web.Response, fault: ActiveFault) -> web.StreamResponse:
    half = await _half(request, response)
    await fault.ended.wait()
    _hang_up(request)
    return half


async def _endless(request: web.Request, response: web.Response, fault: ActiveFault) -> web.StreamResponse:
    endless = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    await endless.prepare(request)
    while not fault.ended.is_set():
        await endless.write(_ENDLESS_PIECE)
        await asyncio.sleep(_ENDLESS_PAUSE_SECONDS)
    _hang_up(request)
    return endless


async def _gzip_bomb(_request: web.Request, response: web.Response, fault: ActiveFault) -> web.StreamResponse:
    bomb = await asyncio.to_thread(_bomb, _body(response), int(fault.number("mebibytes")))
    headers = {"Content-Encoding": "gzip", "Content-Type": response.content_type}
    return web.Response(body=bomb, status=response.status, headers=headers)


_INSTEAD: dict[str, Answer] = {
    "timeout": _timeout,
    "reset": _reset,
    "wrong-status": _wrong_status,
    "redirect-loop": _redirect,
}
_SPOILERS: dict[str, Spoiler] = {
    "wrong-schema": _wrong_schema,
    "wrong-content-type": _wrong_content_type,
    "gzip-bomb": _gzip_bomb,
    "garbage": _garbage,
    "truncated": _truncated,
    "half-open": _half_open,
    "endless": _endless,
}


def _hang_up(request: web.Request) -> web.StreamResponse:
    """Ends the connection; the response returned is never sent."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Sends the head, which announces the whole body, and half of the body."""
    body = _body(response)
    half = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    return half


def _body(response: web.Response) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def _bomb(body: bytes, mebibytes: int) -> bytes:
    """The body behind so many mebibytes of blanks, which JSON allows."""
    packer = zlib.compressobj(wbits=_GZIP)
    pieces = [packer.compress(_BLANKS) for _ in range(mebibytes)]
    return b"".join([*pieces, packer.compress(body), packer.flush()])
