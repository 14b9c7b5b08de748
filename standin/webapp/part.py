"""The part as the platform sees it: opened with the others, closed with them."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from standin.fault_model import Interface
from standin.faults import Faults
from standin.http_interface import HttpInterface
from standin.http_server import error
from standin.parts import Addresses, Context
from standin.webapp.data import shown_points
from standin.webapp.sessions import Sessions

PAGES = Path(__file__).parent / "pages"
_BROKEN_SCRIPT = "undefinedOnPurpose.start();\n"


class WebPart:
    """A small single-page application: the page, its script and style, login, data, logout."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cookie = context.live.current.webapp.session_cookie
        self._sessions = Sessions(context)
        self._files: dict[str, str] = {}
        routes = (
            web.get("/", self._page),
            web.get("/app.js", self._script),
            web.get("/app.css", self._style),
            web.post("/app/login", self._log_in),
            web.get("/app/data", self._data),
            web.post("/app/logout", self._log_out),
        )
        self._interface = HttpInterface(context, Interface.WEB, context.live.current.web_port, routes)

    @property
    def addresses(self) -> Addresses:
        return self._interface.addresses

    def control_routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def open(self) -> None:
        self._files = await asyncio.to_thread(_read_pages)
        await self._interface.open()

    async def close(self) -> None:
        await self._interface.close()

    @property
    def _faults(self) -> Faults:
        return self._context.faults

    async def _page(self, _request: web.Request) -> web.Response:
        wrong = self._faults.active(Interface.WEB, "wrong-page")
        return self._file("maintenance.html" if wrong else "index.html", "text/html")

    async def _script(self, _request: web.Request) -> web.Response:
        if self._faults.active(Interface.WEB, "missing-script"):
            return error(404, "Not Found")
        if self._faults.active(Interface.WEB, "broken-script"):
            return web.Response(text=_BROKEN_SCRIPT, content_type="application/javascript")
        return self._file("app.js", "application/javascript")

    async def _style(self, _request: web.Request) -> web.Response:
        return self._file("app.css", "text/css")

    async def _log_in(self, request: web.Request) -> web.Response:
        """Invented: JSON with `login` and `password`; the answer sets the session's cookie."""
        given = await _credentials(request)
        if given is None:
            return error(400, "A JSON object with login and password is expected.")
        session = self._sessions.begin(*given)
        if session is None:
            return error(401, "Login or password is wrong.")
        answer = web.json_response({"user": given[0]})
        answer.set_cookie(self._cookie, session, httponly=True, samesite="Strict", path="/")
        return answer

    async def _data(self, request: web.Request) -> web.Response:
        if not self._sessions.knows(request.cookies.get(self._cookie, "")):
            return error(401, "You are not logged in.")
        return web.json_response({"points": await shown_points(self._context)})

    async def _log_out(self, request: web.Request) -> web.Response:
        self._sessions.end(request.cookies.get(self._cookie, ""))
        answer = web.json_response({})
        answer.del_cookie(self._cookie, path="/")
        return answer

    def _file(self, name: str, content_type: str) -> web.Response:
        return web.Response(text=self._files[name], content_type=content_type, headers={"Cache-Control": "no-cache"})


def _read_pages() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in PAGES.iterdir() if path.is_file()}


async def _credentials(request: web.Request) -> tuple[str, str] | None:
    try:
        body = await request.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    login, password = body.get("login"), body.get("password")
    return (login, password) if isinstance(login, str) and isinstance(password, str) else None
