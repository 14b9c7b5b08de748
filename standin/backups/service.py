"""Backups and restores over HTTP. Invented: no public document describes them.

`GET /manifest.json` lists the backups. `POST /restores` `{"backup": id}` → 202 `{"id"}`; `GET /restores/{id}` tells the
state, and where the restored history is once it is done; `DELETE /restores/{id}` removes it.
"""

import hmac
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

from standin.backups.backups import Backups
from standin.backups.restored_api import PATH, RestoredApi
from standin.backups.restores import Restore, Restores
from standin.fault_model import Interface
from standin.http_server import Handler, error
from standin.parts import Context


class BackupService:
    def __init__(self, context: Context, backups: Backups, restores: Restores) -> None:
        self._context = context
        self._backups = backups
        self._restores = restores

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/manifest.json", self._manifest)
        yield web.post("/restores", self._start)
        yield web.get("/restores/{restore}", self._show)
        yield web.delete("/restores/{restore}", self._delete)
        yield from RestoredApi(self._context, self._restores).routes()

    def guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            """The token behind `Bearer`, or bare, as clients of the API send theirs."""
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._context.live.current.backups.token.encode()):
                return error(401, "The token is missing or wrong.")
            return await handler(request)

        return guard

    async def _manifest(self, _request: web.Request) -> web.Response:
        await self._restores.expire()
        return web.json_response(await self._backups.manifest())

    async def _start(self, request: web.Request) -> web.Response:
        try:
            wanted = str((await request.json())["backup"])
        except (ValueError, KeyError, TypeError):
            return error(400, 'The body must be {"backup": id}.')
        backup = self._backups.find(wanted)
        if backup is None:
            return error(404, "There is no such backup.")
        return web.json_response({"id": self._restores.start(backup).id}, status=202)

    async def _show(self, request: web.Request) -> web.Response:
        restore = self._restore(request)
        answer = {"state": restore.state, "seconds": round(self._restores.seconds(restore), 3)}
        if restore.state == "done":
            answer["url"] = str(request.url.origin()) + PATH.format(restore=restore.id)
        return web.json_response(answer)

    async def _delete(self, request: web.Request) -> web.Response:
        restore = self._restore(request)
        if self._context.faults.active(Interface.BACKUPS, "undeletable-restore"):
            return error(500, "The restored copy could not be removed.")
        await self._restores.delete(restore)
        return web.Response(status=204, body=b"")

    def _restore(self, request: web.Request) -> Restore:
        restore = self._restores.find(request.match_info["restore"])
        if restore is None:
            raise web.HTTPNotFound(reason="There is no such restore.")
        return restore
