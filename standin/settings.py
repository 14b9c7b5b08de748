"""What a stand-in platform is started with, and what of it can be changed while it runs."""

import ipaddress
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, model_validator

from standin.backups.settings import BackupSettings
from standin.clock import system_now
from standin.mqtt.settings import MqttSettings
from standin.network.settings import NetworkSettings
from standin.notifications.settings import Address, NotificationSettings
from standin.operations.settings import OperationsSettings
from standin.reports.settings import ReportSettings
from standin.scenario import Scenario
from standin.webapp.settings import WebSettings

# Read when the module is imported, because reading zone files would block the event loop later.
WARSAW = ZoneInfo("Europe/Warsaw")
UTC_ZONE = ZoneInfo("UTC")

SERIAL_PATTERN = r"^[0-9A-F]{12}$"
CHANGEABLE = (
    "answer_zone",
    "query_zone",
    "visibility_delay_seconds",
    "token_lifetime_seconds",
    "unknown_serial",
    "check_sensor_token",
    "current_time_in_replies",
    "notifications",
    "reports",
    "backups",
)


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"no time zone is called {value!r}") from error


Zone = Annotated[ZoneInfo, BeforeValidator(_zone), PlainSerializer(str)]
Port = Annotated[int, Field(ge=0, le=65535)]
Secret = Annotated[str, Field(repr=False, min_length=1)]
Serial = Annotated[str, Field(pattern=SERIAL_PATTERN)]


class AlertRule(BaseModel):
    """A threshold rule. `parameter` is a channel type of the REST API, `threshold` in the type's unit.

    An alert ends only when the value has come back by `hysteresis`. Without `serials` the rule is for all sensors. Each
    start and each end of an alert is sent once to all `emails` and `phones`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    parameter: str = "TEMPERATURE"
    condition: Literal["MORE_THAN", "LESS_THAN"] = "MORE_THAN"
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    hysteresis: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    serials: tuple[Serial, ...] = ()
    emails: tuple[Address, ...] = ()
    phones: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")], ...] = ()

    def watches(self, serial: str, parameter: str) -> bool:
        return parameter == self.parameter and (not self.serials or serial in self.serials)

    def fires(self, value: float) -> bool:
        return value > self.threshold if self.condition == "MORE_THAN" else value < self.threshold

    def is_over(self, value: float) -> bool:
        """Whether an alert ends at this value; between the threshold and this it goes on."""
        # Rounded, because 60.3 - 0.1 is a little less than 60.2, which is to end it.
        if self.condition == "MORE_THAN":
            return value <= round(self.threshold - self.hysteresis, 6)
        return value >= round(self.threshold + self.hysteresis, 6)


DEFAULT_RULES = (
    AlertRule(name="Temperature above 80", threshold=80.0),
    AlertRule(
        name="uptime-email",
        threshold=60.0,
        hysteresis=1.0,
        serials=("282C02FFFF21",),
        emails=("probe@uptime.example",),
    ),
    AlertRule(name="uptime-sms", threshold=60.0, hysteresis=1.0, serials=("282C02FFFF22",), phones=("+48500100200",)),
)


class StandInSettings(BaseModel):
    """Ports of 0 are chosen by the system. `database` None keeps the history in memory only.

    `answer_zone` is the zone of the REST API's answers, `query_zone` that of its `from` and `to`. `unknown_serial`
    says what becomes of a sensor that is not registered yet: it is created, its messages are acknowledged and
    ignored, or refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    host: str = "127.0.0.1"
    coap_port: Port = 0
    gateway_port: Port = 0
    api_port: Port = 0
    mqtt_port: Port = 0
    web_port: Port = 0
    reports_port: Port = 0
    sms_port: Port = 0
    backups_port: Port = 0
    operations_port: Port = 0
    tls_port: Port = 0
    dns_port: Port = 0
    reference_port: Port = 0
    control_host: str = "127.0.0.1"
    control_port: Port = 0
    allow_remote_control: bool = False
    database: Path | None = None

    api_token: Secret = "standin-api-token"
    gateway_token: Secret = "standin-gateway-token"
    sensor_token: Secret = "standin-sensor-token"
    login: str = "customer@example.com"
    password: Secret = "standin-password"
    token_lifetime_seconds: float = Field(default=3600.0, gt=0, allow_inf_nan=False)

    data_endpoint: str = "m"
    configuration_endpoint: str = "c"
    device_info_endpoint: str = "i"
    time_endpoint: str = "t"
    check_sensor_token: bool = False
    current_time_in_replies: bool = True
    serials: tuple[Serial, ...] = ()
    unknown_serial: Literal["create", "ignore", "refuse"] = "create"

    answer_zone: Zone = WARSAW
    query_zone: Zone = UTC_ZONE
    visibility_delay_seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    rules: tuple[AlertRule, ...] = DEFAULT_RULES
    mqtt: MqttSettings = MqttSettings()
    webapp: WebSettings = WebSettings()
    reports: ReportSettings = ReportSettings()
    notifications: NotificationSettings = NotificationSettings()
    backups: BackupSettings = BackupSettings()
    operations: OperationsSettings = OperationsSettings()
    network: NetworkSettings = NetworkSettings()
    scenario: InstanceOf[Scenario] | None = Field(default=None, exclude=True, repr=False)
    now: Callable[[], datetime] = Field(default=system_now, exclude=True, repr=False)

    @model_validator(mode="after")
    def _control_stays_local(self) -> "StandInSettings":
        if not self.allow_remote_control and not _is_loopback(self.control_host):
            raise ValueError(
                f"the control interface has no authentication: {self.control_host} is not a loopback address; "
                "set allow_remote_control where the network itself keeps strangers out"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class LiveSettings:
    """The settings in force at this moment."""

    def __init__(self, settings: StandInSettings) -> None:
        self.current = settings

    def change(self, changes: dict[str, Any]) -> StandInSettings:
        """Puts changed settings in force, all or none; raises `ValueError` for an unknown name or a wrong value."""
        refused = sorted(set(changes) - set(CHANGEABLE))
        if refused:
            raise ValueError(f"cannot be changed at run time: {', '.join(refused)}; can be: {', '.join(CHANGEABLE)}")
        kept = {name: getattr(self.current, name) for name in StandInSettings.model_fields}
        for name, change in changes.items():
            part = kept[name]
            # Of a part's settings only those that are given change.
            inside = isinstance(part, BaseModel) and isinstance(change, dict)
            kept[name] = {**part.__dict__, **change} if inside else change
        self.current = StandInSettings(**kept)
        return self.current

    def shown(self) -> dict[str, Any]:
        """What can be changed, as JSON values."""
        return self.current.model_dump(mode="json", include=set(CHANGEABLE))
