"""The interface of Efento gateways: `POST /api/v2/measurements` with JSON, answered by exactly 201."""

import hmac

from aiohttp import web
from pydantic import ValidationError

from standin.fault_model import Interface
from standin.faults import Faults
from standin.gateway_json import deliveries, first_problem
from standin.http_faults import fault_middleware
from standin.http_server import error, errors_as_json
from standin.intake import Intake, Outcome
from standin.settings import LiveSettings


class Gateway:
    """`Y` lists the handles of sensors to go on with, `N` those of sensors that the platform does not want."""

    def __init__(self, intake: Intake, faults: Faults, live: LiveSettings) -> None:
        self._intake = intake
        self._faults = faults
        self._live = live

    def application(self) -> web.Application:
        faulty = fault_middleware(Interface.GATEWAY, self._faults)
        application = web.Application(middlewares=[faulty, errors_as_json])
        application.router.add_post("/api/v2/measurements", self._measurements)
        return application

    async def _measurements(self, request: web.Request) -> web.Response:
        given = request.headers.get("X-Api-Token", "").encode()
        if not hmac.compare_digest(given, self._live.current.gateway_token.encode()):
            return error(401, "The X-Api-Token header is missing or wrong.")
        try:
            uploaded = deliveries(await request.read())
        except ValidationError as refusal:
            return error(400, first_problem(refusal))
        parts: frozenset[object] = frozenset().union(*(delivery.identity for _handle, delivery in uploaded))
        if self._intake.is_first_attempt(Interface.GATEWAY, parts):
            return error(500, "The measurements could not be stored.")
        wanted: dict[str, list[int]] = {"Y": [], "N": []}
        for handle, delivery in uploaded:
            outcome = await self._intake.accept(Interface.GATEWAY, delivery)
            wanted["Y" if outcome is Outcome.STORED else "N"].append(handle)
        if self._faults.active(Interface.GATEWAY, "empty"):
            return web.Response(status=201, body=b"")
        return web.json_response(wanted, status=201)
