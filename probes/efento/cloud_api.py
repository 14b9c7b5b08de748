"""Client of the cloud's REST API, as an integrator's program would use it.

Lenient on fields that it does not know, strict on those that it needs. Times travel as wall time without a zone; which
zone is configured, and `verification.py` tells when the platform uses another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from pydantic import Field, FilePath, ValidationError, model_validator

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason
from probes.efento.cloud_schema import (
    Alert,
    Alerts,
    ChannelValue,
    History,
    HistoryRow,
    Locations,
    Login,
    MeasurementPoint,
    Organisations,
    Points,
    Schema,
)
from probes.efento.signal import CHANNEL_TYPES
from probes.efento.verification import ReturnedSample
from probes.option_types import BaseUrl, HeaderSecret, Seconds, ZoneKey

NAMED_SCHEMA_ERRORS = 3


class ApiOptions(ProbeOptions):
    """Where the API is and who asks: with an API token, or as a person with login and password."""

    url: BaseUrl = Field(description="Base URL of the API, e.g. https://cloud.example.net/api/v2")
    token: HeaderSecret | None = Field(None, description="API token; instead of login and password")
    login: str | None = Field(None, description="User name or email of a person; with password", min_length=1)
    password: HeaderSecret | None = Field(None, description="The person's password")
    component: str = Field("api", description="Key of the component that answers for the API")
    answer_zone: ZoneKey = Field("Europe/Warsaw", description="Zone of the times that the API answers (assumption)")
    query_zone: ZoneKey = Field("UTC", description="Zone of the times in requests to the API (assumption)")
    location_ids: Literal["comma", "repeated"] = Field("comma", description="How a list of ids is written (assumption)")
    answer_limit: int = Field(8 * 1024 * 1024, description="Largest answer accepted, in bytes", ge=1024)
    timeout: Seconds = Field(5.0, description="Longest time for one request, in seconds")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")

    @model_validator(mode="after")
    def _one_identity(self) -> "ApiOptions":
        if (self.login is None) != (self.password is None) or (self.token is None) == (self.login is None):
            raise ValueError("either token, or login and password")
        return self


SchemaT = TypeVar("SchemaT", bound=Schema)
Query = Sequence[tuple[str, str]]


class UnknownSensor(ProbeFailed):
    """No measurement point shows the sensor: it has not been set up, or nothing was ever stored for it."""


@dataclass
class CloudApi:
    """One check's view of the API. Logs in when needed, and once again when the access token has expired meanwhile."""

    options: ApiOptions
    journey: Journey
    _access_token: str | None = None

    async def login(self) -> None:
        """Exchanges login and password for an access token. Does nothing with an API token."""
        if self.options.login is None or self.options.password is None:
            return
        headers = {
            "X-USER-LOGIN": self.options.login,
            "X-USER-PASSWORD": self.options.password.get_secret_value(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await self._exchange("POST", "/login", headers)
        _require_ok(answer)
        self._access_token = _read(Login, answer).access_token
        self.journey.secret(self._access_token)

    async def authorization(self) -> dict[str, str]:
        """The header under which the platform's other interfaces are asked in the same name; logs in where needed."""
        if self.options.login is not None and self._access_token is None:
            await self.login()
        return self._authorization()

    async def organisations(self) -> list[int]:
        found = await self._get(Organisations, "/organizations")
        return [organisation.id for organisation in found.organizations]

    async def locations(self, organisation: int) -> list[int]:
        found = await self._get(Locations, "/locations", [("organization-id", str(organisation))])
        return [location.id for location in found.locations]

    async def measurement_points(self, locations: Sequence[int]) -> tuple[MeasurementPoint, ...]:
        """The measurement points of these locations with their current values."""
        if not locations:
            return ()
        ids = [str(location) for location in locations]
        if self.options.location_ids == "comma":
            ids = [",".join(ids)]
        found = await self._get(Points, "/measurement-points", [("location-ids", value) for value in ids])
        return found.points

    async def point_of(self, serial: str) -> int:
        """The id of the measurement point that this sensor measures for; remembered for later checks.

        Raises `ProbeFailed` (content) when the API lists no such sensor.
        """
        known = self.journey.recall(_point_key(serial))
        if known and known.isdecimal():
            return int(known)
        for organisation in await self.organisations():
            for point in await self.measurement_points(await self.locations(organisation)):
                if point.device is not None and point.device.serial_number.upper() == serial:
                    self.journey.remember(_point_key(serial), str(point.id))
                    return point.id
        raise UnknownSensor(Reason.CONTENT, f"{self.options.url}: no measurement point has sensor {serial}")

    async def history(self, serial: str, first: int, last: int, channels: Sequence[str]) -> list[ReturnedSample]:
        """What the platform holds of the sensor from `first` to `last` (Unix seconds, both included).

        `channels` are the sensor's channel types in the order of their numbers.
        """
        query = [("from", self.query_time(first, -1)), ("to", self.query_time(last, +1))]
        point = await self.point_of(serial)
        try:
            found = await self._get(History, f"/measurement-points/{point}/measurements", query)
        except ProbeFailed as failure:
            if failure.reason in (Reason.STATUS, Reason.AUTH):
                self.journey.remember(_point_key(serial), "")  # the sensor may have moved to another point
            raise
        return [_sample(row, channels) for row in found.measurements]

    async def alerts(self, points: Sequence[int], first: int, last: int) -> tuple[Alert, ...]:
        """The alerts of these measurement points between two times (Unix seconds)."""
        query = [
            ("select-by", "MEASUREMENT_POINTS"),
            *(("select-by-ids", str(point)) for point in points),
            ("from", self.query_time(first, -1)),
            ("to", self.query_time(last, +1)),
        ]
        return (await self._get(Alerts, "/alerts", query)).alerts

    async def _get(self, schema: type[SchemaT], path: str, query: Query = ()) -> SchemaT:
        answer = await self._exchange("GET", path, await self.authorization(), query)
        if answer.status == 401 and self.options.login is not None:
            await self.login()
            answer = await self._exchange("GET", path, self._authorization(), query)
        _require_ok(answer)
        return _read(schema, answer)

    def _authorization(self) -> dict[str, str]:
        """An API token stands bare, a person's access token behind `Bearer`."""
        if self.options.token is not None:
            return {"Authorization": self.options.token.get_secret_value()}
        return {"Authorization": f"Bearer {self._access_token}"}

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str], query: Query = ()) -> Answer:
        # Blanks in times must travel as %20; a plus sign is not understood everywhere.
        url = f"{self.options.url}{path}" + (f"?{urlencode(query, quote_via=quote, safe=',:')}" if query else "")
        ca_file = str(self.options.ca_file) if self.options.ca_file else None
        request = Request(method, url, {"Accept": "application/json", **headers}, ca_file=ca_file)
        answer = await exchange(request, Bounds(self.options.timeout, self.options.answer_limit))
        if answer.status >= 400:
            self.journey.evidence("api_error", answer.body[:2048])
        return answer

    def query_time(self, time: int, outwards: int) -> str:
        """Unix seconds as wall time in the query's zone; an hour further out when that wall time comes twice."""
        zone = ZoneInfo(self.options.query_zone)
        wall = datetime.fromtimestamp(time, UTC).astimezone(zone).replace(tzinfo=None)
        if wall.replace(tzinfo=zone, fold=0).utcoffset() != wall.replace(tzinfo=zone, fold=1).utcoffset():
            wall += timedelta(hours=outwards)
        return wall.strftime("%Y-%m-%d %H:%M:%S")


def _point_key(serial: str) -> str:
    return f"point:{serial}"


def _require_ok(answer: Answer) -> None:
    try:
        require_status(answer, 200)
    except ProbeFailed as failure:
        message = _error_message(answer)
        if not message:
            raise
        raise ProbeFailed(failure.reason, f"{failure.detail}: {message}") from None


def _error_message(answer: Answer) -> str:
    try:
        body = answer.json()
    except ProbeFailed:
        return ""
    message = body.get("message") if isinstance(body, dict) else None
    return message[:200] if isinstance(message, str) else ""


def _read(schema: type[SchemaT], answer: Answer) -> SchemaT:
    answer.require_type("application/json")
    body: Any = answer.json()
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: {_where(error)}") from None


def _where(error: ValidationError) -> str:
    """Each place with what was expected there, never with what was found: that may be a secret."""
    errors = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in errors[:NAMED_SCHEMA_ERRORS]]
    more = len(errors) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _sample(row: HistoryRow, channels: Sequence[str]) -> ReturnedSample:
    values = {channel.number: channel for channel in row.channels}
    return ReturnedSample(
        row.measured_at, tuple(_raw(values.get(number), name) for number, name in enumerate(channels, start=1))
    )


def _raw(channel: ChannelValue | None, type_name: str) -> int | None:
    if channel is None or channel.value is None or not channel.status.startswith("OK"):
        return None
    return CHANNEL_TYPES[type_name].raw(channel.value)
