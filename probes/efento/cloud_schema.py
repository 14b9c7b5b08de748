"""The shapes of the cloud API's answers: lenient on fields that nobody needs, strict on the others."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SHAPE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def _wall_time(value: object) -> datetime:
    if not isinstance(value, str) or not SHAPE.fullmatch(value):
        raise ValueError("not a time of the form YYYY-MM-DD HH:MM:SS")
    time = datetime.fromisoformat(value)
    if not 1971 <= time.year <= 9000:
        raise ValueError("not a believable year")
    return time


WallTime = Annotated[datetime, BeforeValidator(_wall_time)]


class Schema(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)


class Entity(Schema):
    id: int


class ChannelKind(Schema):
    number: int
    type: str


class Device(Schema):
    serial_number: str = Field(alias="serialNumber")
    channels: tuple[ChannelKind, ...] = Field((), strict=False)


class ChannelValue(Schema):
    number: int
    value: float | None
    status: str = "OK"


class CurrentValues(Schema):
    channels: tuple[ChannelValue, ...] = Field(strict=False)


class MeasurementPoint(Schema):
    id: int
    name: str
    device: Device | None = None
    measurements: CurrentValues | None = None


class HistoryRow(Schema):
    measured_at: WallTime = Field(alias="measuredAt")
    period: int
    channels: tuple[ChannelValue, ...] = Field(strict=False)


class AlertRule(Schema):
    name: str
    condition: str


class Alert(Schema):
    id: int
    created_at: WallTime = Field(alias="createdAt")
    neutralized_at: WallTime | None = Field(None, alias="neutralizedAt")
    rule: AlertRule


class Organisations(Schema):
    organizations: tuple[Entity, ...] = Field(strict=False)


class Locations(Schema):
    locations: tuple[Entity, ...] = Field(strict=False)


class Points(Schema):
    points: tuple[MeasurementPoint, ...] = Field(alias="measurementPoints", strict=False)


class History(Schema):
    measurements: tuple[HistoryRow, ...] = Field(strict=False)


class Alerts(Schema):
    alerts: tuple[Alert, ...] = Field(strict=False)


class Login(Schema):
    access_token: str = Field(alias="accessToken", min_length=1)
