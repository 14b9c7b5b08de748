"""What was restored, read-only, in the shape of the cloud's API, so that a client of the API can look at it."""

import asyncio
from zoneinfo import ZoneInfo

from aiohttp import web

from standin import answers
from standin.backups import scratch
from standin.backups.restores import Restore, Restores
from standin.http_server import error
from standin.parts import Context
from standin.rest import LOCATION_ID, ORGANIZATION_ID
from standin.storage import Point, Row

PATH = "/restored/{restore}/api/v2"


class RestoredApi:
    def __init__(self, context: Context, restores: Restores) -> None:
        self._context = context
        self._restores = restores

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{PATH}/organizations", self._organizations),
            web.get(f"{PATH}/locations", self._locations),
            web.get(f"{PATH}/measurement-points", self._points),
            web.get(f"{PATH}/measurement-points/{{id:[0-9]+}}/measurements", self._history),
        ]

    async def _organizations(self, request: web.Request) -> web.Response:
        self._restore(request)
        return web.json_response({"organizations": [{"id": ORGANIZATION_ID, "name": "Stand-in"}]})

    async def _locations(self, request: web.Request) -> web.Response:
        self._restore(request)
        return web.json_response({"locations": [{"id": LOCATION_ID, "name": "Loopback"}]})

    async def _points(self, request: web.Request) -> web.Response:
        restore = self._restore(request)
        shown = []
        for point in await self._known_points(restore):
            current = await self._rows(
                restore,
                "SELECT *, max(time) FROM samples WHERE point_id = ? AND copy = 0 GROUP BY channel ORDER BY channel",
                point.id,
            )
            shown.append(answers.measurement_point(point, [answers.sample(row) for row in current], self._zone))
        return web.json_response({"measurementPoints": shown})

    async def _history(self, request: web.Request) -> web.Response:
        restore, number = self._restore(request), int(request.match_info["id"])
        if number not in [point.id for point in await self._known_points(restore)]:
            return error(404, "There is no such measurement point.")
        zone = self._context.live.current.query_zone
        try:
            first, last = answers.window(request.query.get("from", ""), request.query.get("to", ""), zone)
        except (ValueError, OverflowError):
            return error(400, "from and to must be of the form YYYY-MM-DD HH:MM:SS")
        query = "SELECT * FROM samples WHERE point_id = ? AND time BETWEEN ? AND ? ORDER BY time, copy, channel"
        samples = [answers.sample(row) for row in await self._rows(restore, query, number, first, last)]
        return web.json_response({"measurements": answers.measurements(samples, self._zone)})

    @property
    def _zone(self) -> ZoneInfo:
        return self._context.live.current.answer_zone

    def _restore(self, request: web.Request) -> Restore:
        restore = self._restores.find(request.match_info["restore"])
        if restore is None or restore.database is None:
            raise web.HTTPNotFound(reason="There is no such restored history.")
        return restore

    async def _known_points(self, restore: Restore) -> list[Point]:
        return [Point(*row) for row in await self._rows(restore, "SELECT id, serial, created_ms FROM points")]

    async def _rows(self, restore: Restore, query: str, *values: int) -> list[Row]:
        assert restore.database
        return await asyncio.to_thread(scratch.rows, restore.database, query, values)
