"""`/components/{key}` and `/outages/{id}`: the past of a component, and the story of an outage."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from monitor.board import Board
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.told import Told
from monitor.web.pages import ComponentPast, Pages

Teller = Callable[[Record, Outage], Awaitable[Told]]


def add_past(app: web.Application, pages: Pages, board: Board, told: Teller | None) -> None:
    """Adds the routes; without a teller that of outages is missing."""

    async def component(request: web.Request) -> web.Response:
        key = request.match_info["key"]
        picture = board.picture()
        found = next((each for each in picture.components if each.terms.key == key), None)
        if found is None:
            raise web.HTTPNotFound
        past = ComponentPast(board.days(key), board.outages(key)[::-1], board.windows(key)[::-1])
        return web.Response(text=pages.component(picture, found, past), content_type="text/html")

    async def outage(request: web.Request) -> web.Response:
        found = board.outage(request.match_info["id"])
        if found is None or told is None:
            raise web.HTTPNotFound
        return web.Response(text=pages.outage(await told(*found)), content_type="text/html")

    app.router.add_get("/components/{key}", component)
    app.router.add_get("/outages/{id}", outage)
