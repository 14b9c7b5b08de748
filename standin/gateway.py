"""The interface of Efento gateways: `POST /api/v2/measurements` with JSON, answered by exactly 201."""

import hmac
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from standin.catalogue import Interface
from standin.channels import Sample
from standin.faults import Faults
from standin.http_faults import fault_middleware
from standin.http_server import error, errors_as_json
from standin.intake import Delivery, Intake, Outcome
from standin.settings import SERIAL_PATTERN, LiveSettings

_TYPES = {"pressure_diff": "DIFFERENTIAL_PRESSURE", "pressure": "ATMOSPHERIC_PRESSURE", "open-close": "OPEN_CLOSE"}
_STATES = {"open": 1.0, "closed": 0.0, "alarm": 1.0, "ok": 0.0}


def _moment(text: Any) -> datetime:
    """A time in UTC. The manual shows it bare, deployed receivers want ` UTC` behind it; both are taken."""
    if not isinstance(text, str):
        raise ValueError("a time must be a text")
    return datetime.strptime(text.removesuffix(" UTC"), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _quantity(value: Any) -> float:
    if isinstance(value, str) and value.lower() in _STATES:
        return _STATES[value.lower()]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("neither a number nor a known state")
    return float(value)


Moment = Annotated[datetime, BeforeValidator(_moment)]
Quantity = Annotated[float, BeforeValidator(_quantity), Field(allow_inf_nan=False)]
Serial = Annotated[str, BeforeValidator(lambda text: text.upper() if isinstance(text, str) else text)]


class _Parameter(BaseModel):
    channel: int = Field(ge=1, le=6)
    type: Annotated[str, AfterValidator(lambda name: _TYPES.get(name, name.upper().replace("-", "_")))]
    value: Quantity


class _Measurement(BaseModel):
    serial: Serial = Field(pattern=SERIAL_PATTERN)
    response_handle: int
    battery: Literal["ok", "low"] = "ok"
    signal: int | None = None
    measured_at: Moment
    measurement_interval: int = Field(ge=1)
    next_measurement_at: Moment | None = None
    params: list[_Parameter]

    def delivery(self) -> Delivery:
        time, period = int(self.measured_at.timestamp()), self.measurement_interval
        samples = [Sample(each.channel, each.type, time, each.value, period) for each in self.params]
        return Delivery(self.serial, samples, self.battery == "ok")


class _Upload(BaseModel):
    measurements: list[_Measurement]

    def deliveries(self) -> list[tuple[int, Delivery]]:
        return [(item.response_handle, item.delivery()) for item in self.measurements]


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
            upload = _Upload.model_validate_json(await request.read())
        except ValidationError as refusal:
            return error(400, _first_problem(refusal))
        deliveries = upload.deliveries()
        parts: frozenset[object] = frozenset().union(*(delivery.identity for _handle, delivery in deliveries))
        if self._intake.is_first_attempt(Interface.GATEWAY, parts):
            return error(500, "The measurements could not be stored.")
        wanted: dict[str, list[int]] = {"Y": [], "N": []}
        for handle, delivery in deliveries:
            outcome = await self._intake.accept(Interface.GATEWAY, delivery)
            wanted["Y" if outcome is Outcome.STORED else "N"].append(handle)
        if self._faults.active(Interface.GATEWAY, "empty"):
            return web.Response(status=201, body=b"")
        return web.json_response(wanted, status=201)


def _first_problem(refusal: ValidationError) -> str:
    """Where the body is wrong and why, without repeating what was in it."""
    problem = refusal.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
