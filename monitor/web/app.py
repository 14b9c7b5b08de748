"""Routes and their answers. Every answer is made from one `Picture`, so that a page never contradicts itself."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from monitor.board import Board
from monitor.config import Config
from monitor.metrics import CONTENT_TYPE, Metrics
from monitor.web.pages import Pages
from monitor.web.past import Teller, add_past
from monitor.web.reports import add_reports
from monitor.web.runbooks import add_runbooks
from monitor.web.status import status_json
from probes.contract import Picture

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


# A picture is shown by a browser on our address: of what a journey kept, only what cannot hold a script.
PICTURE_TYPES = frozenset({"image/png"})


async def no_pictures(_result: str, _name: str) -> Picture | None:
    return None


@dataclass(frozen=True, slots=True)
class Sources:
    """What the pages are made from. `readiness` answers with the list of what is wrong; empty means ready.

    `picture` finds what was kept of a result, by the result's text id and the picture's name. `inbound_routes` are
    those that take something from outside; no other does. `told` tells an outage's story, with what the store kept.
    """

    config: Config
    board: Board
    metrics: Metrics
    readiness: Callable[[], Awaitable[list[str]]]
    picture: Callable[[str, str], Awaitable[Picture | None]] = no_pictures
    inbound_routes: Sequence[web.RouteDef] = ()
    told: Teller | None = None


SOURCES = web.AppKey("sources", Sources)
PAGES = web.AppKey("pages", Pages)


def application(sources: Sources) -> web.Application:
    app = inbound_application(sources.inbound_routes)
    app[SOURCES] = sources
    app[PAGES] = Pages(sources.config)
    app.router.add_get("/", _status_page)
    app.router.add_get("/style.css", _style)
    app.router.add_get("/api/v1/status", _status)
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _ready)
    app.router.add_get("/api/v1/results/{result}/pictures/{name}", _picture)
    add_past(app, app[PAGES], sources.board, sources.told)
    add_runbooks(app)
    add_reports(app, lambda _request: (sources.config, sources.board.picture().as_of_ms))
    return app


def inbound_application(routes: Sequence[web.RouteDef]) -> web.Application:
    """Nothing but the routes that take something from outside."""
    app = web.Application(middlewares=[_with_security_headers])
    app.add_routes(routes)
    return app


def listen(host: str, port: int) -> socket.socket:
    """Takes the address; whoever connects waits until `serve` answers. Raises `OSError`."""
    family, _kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server((str(address[0]), port), family=family)


@asynccontextmanager
async def serve(served: Sources | web.Application, listening: socket.socket) -> AsyncIterator[int]:
    """Serves an application, that of the pages or another, at the address that was taken; yields its port."""
    app = served if isinstance(served, web.Application) else application(served)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield int(listening.getsockname()[1])
    finally:
        await runner.cleanup()


@web.middleware
async def _with_security_headers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:  # also of a path or a method that there is not
        refusal.headers.update(SECURITY_HEADERS)
        raise
    response.headers.update(SECURITY_HEADERS)
    return response


async def _status_page(request: web.Request) -> web.Response:
    page = request.app[PAGES].status(request.app[SOURCES].board.picture())
    return web.Response(text=page, content_type="text/html")


async def _style(request: web.Request) -> web.Response:
    return web.Response(text=request.app[PAGES].style, content_type="text/css")


async def _status(request: web.Request) -> web.Response:
    return web.json_response(status_json(request.app[SOURCES].board.picture()))


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=await request.app[SOURCES].metrics.render(), headers={"Content-Type": CONTENT_TYPE})


async def _picture(request: web.Request) -> web.Response:
    wanted = request.match_info
    picture = await request.app[SOURCES].picture(wanted["result"], wanted["name"])
    if picture is None or picture.media_type not in PICTURE_TYPES:
        raise web.HTTPNotFound
    return web.Response(body=picture.content, content_type=picture.media_type)


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def _ready(request: web.Request) -> web.Response:
    problems = await request.app[SOURCES].readiness()
    text = "ready\n" if not problems else "".join(f"{problem}\n" for problem in problems)
    return web.Response(text=text, status=503 if problems else 200)
