"""The JSON in which gateways word measurements, whatever carries it: HTTP or MQTT."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from standin.channels import Sample
from standin.intake import Delivery
from standin.settings import SERIAL_PATTERN

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


def deliveries(body: bytes) -> list[tuple[int, Delivery]]:
    """The measurements of a message with their handles. Raises `ValidationError` for what is none."""
    upload = _Upload.model_validate_json(body)
    return [(item.response_handle, item.delivery()) for item in upload.measurements]


def first_problem(refusal: ValidationError) -> str:
    """Where the body is wrong and why, without repeating what was in it."""
    problem = refusal.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
