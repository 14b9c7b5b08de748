"""The interface of reports. Invented: the platform's own is not public.

`POST /api/v2/reports` asks for one and answers 202 with its number; `GET …/{id}` says how far it is, `GET …/{id}/file`
hands it out. The credentials are the API's.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from standin.answers import window
from standin.fault_model import Interface
from standin.http_interface import HttpInterface
from standin.http_server import Handler, error
from standin.parts import Addresses, Context
from standin.reports.files import CONTENT_TYPES
from standin.reports.jobs import Job, Jobs, Order

PATH = "/api/v2/reports"
_SENSORS = 100


class ReportPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._jobs = Jobs(context)
        self._clock: asyncio.Task[None] | None = None
        self._http = HttpInterface(
            context,
            Interface.REPORTS,
            context.live.current.reports_port,
            [
                web.post(PATH, self._ask),
                web.get(f"{PATH}/{{id:[0-9]+}}", self._state),
                web.get(f"{PATH}/{{id:[0-9]+}}/file", self._file),
            ],
            path=PATH,
            middlewares=[self._guarded],
        )

    @property
    def addresses(self) -> Addresses:
        return self._http.addresses

    def control_routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def open(self) -> None:
        await self._http.open()
        self._clock = self._context.background.start(self._jobs.mail_by_the_clock(), "reports.scheduled")

    async def close(self) -> None:
        if self._clock:
            self._clock.cancel()
        await self._http.close()

    @property
    def _guarded(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not self._context.tokens.allows(request.headers):
                return error(401, "The access token is missing, wrong or expired.")
            return await handler(request)

        return guard

    async def _ask(self, request: web.Request) -> web.Response:
        try:
            order = self._order(await request.json())
        except (ValueError, KeyError, TypeError, OverflowError):
            return error(400, "format, sensors, from and to are wanted; times as YYYY-MM-DD HH:MM:SS")
        return web.json_response({"id": self._jobs.take(order)}, status=202)

    def _order(self, wanted: dict[str, Any]) -> Order:
        form, serials = str(wanted["format"]), [str(serial).upper() for serial in wanted["sensors"]]
        if form not in CONTENT_TYPES or not 0 < len(serials) <= _SENSORS:
            raise ValueError(form)
        first, last = window(str(wanted["from"]), str(wanted["to"]), self._context.live.current.query_zone)
        return Order(form, serials, first, last)

    async def _state(self, request: web.Request) -> web.Response:
        job = self._job(request)
        return error(404, "There is no such report.") if job is None else web.json_response({"state": job.state})

    async def _file(self, request: web.Request) -> web.Response:
        job = self._job(request)
        if job is None or job.state != "ready":
            return error(404, "There is no such file.")
        name = f'attachment; filename="report.{job.order.form}"'
        content_type = CONTENT_TYPES[job.order.form]
        return web.Response(body=job.file, content_type=content_type, headers={"Content-Disposition": name})

    def _job(self, request: web.Request) -> Job | None:
        return self._jobs.numbered.get(int(request.match_info["id"]))
