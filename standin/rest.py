"""The REST API of the cloud under `/api/v2`: login, organisations, locations, measurement points, history, alerts."""

from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Middleware

from standin import answers
from standin.channels import Sample
from standin.clock import unix_milliseconds
from standin.fault_model import Interface
from standin.faults import Faults
from standin.http_faults import fault_middleware
from standin.http_server import Handler, error, errors_as_json
from standin.settings import LiveSettings
from standin.storage import Point, Storage
from standin.tokens import Tokens

BASE = "/api/v2"
ORGANIZATION_ID = 1
LOCATION_ID = 10


class BadQuery(Exception):
    """A query parameter is missing or wrong; the text says which and why."""


class Rest:
    def __init__(self, storage: Storage, tokens: Tokens, faults: Faults, live: LiveSettings) -> None:
        self._storage = storage
        self._tokens = tokens
        self._faults = faults
        self._live = live

    def application(self) -> web.Application:
        faulty = fault_middleware(Interface.API, self._faults)
        application = web.Application(middlewares=[faulty, errors_as_json, self._guard()])
        application.router.add_routes(
            [
                web.post(f"{BASE}/login", self._log_in),
                web.get(f"{BASE}/organizations", self._organizations),
                web.get(f"{BASE}/locations", self._locations),
                web.get(f"{BASE}/measurement-points", self._points),
                web.get(f"{BASE}/measurement-points/{{id:[0-9]+}}/measurements", self._history),
                web.get(f"{BASE}/alerts", self._alerts),
            ]
        )
        return application

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path != f"{BASE}/login" and not self._tokens.allows(request.headers):
                return error(401, "The access token is missing, wrong or expired.")
            try:
                return await handler(request)
            except BadQuery as problem:
                return error(400, str(problem))

        return guard

    async def _log_in(self, request: web.Request) -> web.Response:
        login, password = request.headers.get("X-USER-LOGIN", ""), request.headers.get("X-USER-PASSWORD", "")
        token = self._tokens.log_in(login, password)
        if token is None:
            return error(401, "Login or password is wrong.")
        return web.json_response({"accessToken": token})

    async def _organizations(self, _request: web.Request) -> web.Response:
        return web.json_response({"organizations": [{"id": ORGANIZATION_ID, "name": "Stand-in"}]})

    async def _locations(self, request: web.Request) -> web.Response:
        organizations = _numbers(request, "organization-id")
        if organizations != [ORGANIZATION_ID]:
            return error(404, "There is no such organization.")
        return web.json_response({"locations": [{"id": LOCATION_ID, "name": "Loopback"}]})

    async def _points(self, request: web.Request) -> web.Response:
        """Location numbers can be separated by commas or the parameter repeated: clients do either."""
        asked = _numbers(request, "location-ids")
        points = await self._storage.points() if LOCATION_ID in asked else []
        zone = self._live.current.answer_zone
        shown = [answers.measurement_point(point, await self._current(point), zone) for point in points]
        return web.json_response({"measurementPoints": shown})

    async def _history(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        point = next((each for each in await self._storage.points() if each.id == number), None)
        if point is None:
            return error(404, "There is no such measurement point.")
        first, last = self._window(request)
        now = self._live.current.now()
        rows = await self._storage.history(point, first, last, unix_milliseconds(now))
        samples = answers.answered_samples(rows, self._faults, now)
        return web.json_response(
            {
                "measurementPoint": {"id": point.id, "device": answers.device(point, await self._current(point))},
                "measuredByDevices": [{"serialNumber": point.serial}],
                "measurements": answers.measurements(samples, self._live.current.answer_zone),
            }
        )

    async def _alerts(self, request: web.Request) -> web.Response:
        """Alerts of the chosen measurement points; with `from` and `to` those that began between them."""
        if request.query.get("select-by") != "MEASUREMENT_POINTS":
            raise BadQuery("select-by must be MEASUREMENT_POINTS")
        chosen = {
            point.serial for point in await self._storage.points() if point.id in _numbers(request, "select-by-ids")
        }
        first, last = self._window(request) if {"from", "to"} & set(request.query) else (0, 2**53)
        zone = self._live.current.answer_zone
        rows = [row for row in await self._storage.alerts() if row["serial"] in chosen]
        shown = [answers.alert(row, zone) for row in rows if first <= row["created_ms"] // 1000 <= last]
        return web.json_response({"alerts": shown})

    async def _current(self, point: Point) -> list[Sample]:
        now: datetime = self._live.current.now()
        rows = await self._storage.current_values(point, unix_milliseconds(now))
        return answers.current_samples(rows, self._faults)

    def _window(self, request: web.Request) -> tuple[int, int]:
        if "from" not in request.query or "to" not in request.query:
            raise BadQuery("from and to are required")
        try:
            return answers.window(request.query["from"], request.query["to"], self._live.current.query_zone)
        except (ValueError, OverflowError) as problem:
            raise BadQuery("from and to must be of the form YYYY-MM-DD HH:MM:SS") from problem


def _numbers(request: web.Request, name: str) -> list[int]:
    texts = [part.strip() for text in request.query.getall(name, []) for part in text.split(",")]
    if not texts or not all(text.isdecimal() and text.isascii() for text in texts):
        raise BadQuery(f"{name} must be one or more numbers")
    return [int(text) for text in texts]
