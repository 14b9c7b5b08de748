"""Where other daemons, cron jobs and webhooks say that they live: `/ping/TOKEN`, with `/start` or `/fail` after it.

An unknown token is answered as any path that there is not. What comes along is not looked at.
"""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from monitor.heartbeats.peers import Peers, Word

METHODS = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_POST)
BODY_BYTES = 1_048_576  # far above what Alertmanager sends of one alert


def routes(peers: Peers) -> list[web.RouteDef]:
    """The routes to add to a web application."""
    words = {"": Word.WELL, "/start": Word.START, "/fail": Word.FAIL}
    return [web.route("*", f"/ping/{{token}}{path}", _handler(peers, word)) for path, word in words.items()]


def _handler(peers: Peers, word: Word) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def called(request: web.Request) -> web.Response:
        name = peers.named(request.match_info["token"])
        if name is None:
            raise web.HTTPNotFound
        if request.method not in METHODS:
            raise web.HTTPMethodNotAllowed(request.method, METHODS)
        if (request.content_length or 0) > BODY_BYTES:
            raise web.HTTPRequestEntityTooLarge(BODY_BYTES, request.content_length or 0)
        peers.called(name, word)
        return web.Response(text="OK\n")

    return called
