"""What both kinds of notification probe are configured with: the virtual sensor, its rule, and the alarms it raises."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, FilePath, model_validator

from probes.contract import ProbeOptions
from probes.efento.alarm_values import Walk
from probes.efento.cloud_api import ApiOptions
from probes.efento.ingest import ChannelName
from probes.efento.signal import CHANNEL_TYPES
from probes.option_types import HeaderSecret, HttpUrl, Seconds, Serial, ZoneKey

Finite = Annotated[float, Field(allow_inf_nan=False)]
Range = tuple[Finite, Finite]


class GatewayOptions(ProbeOptions):
    """Where the sensor's values are posted."""

    url: HttpUrl = Field(description="Where gateways post, e.g. https://cloud.example.net/api/v2/measurements")
    token: HeaderSecret | None = Field(None, description="Sent as X-Api-Token")
    timeout: Seconds = Field(5.0, description="Seconds to wait for the answer to one request")
    attempts: int = Field(3, description="How often a value is sent before it counts as not accepted", ge=1, le=10)
    retry_pause: Seconds = Field(0.5, description="Seconds between two tries")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")


class RoundOptions(ProbeOptions):
    """One round: an alarm value is sent, its message awaited; a normal value is sent, the all-clear awaited."""

    sensor: Serial = Field(
        description="Serial number of a virtual sensor that is used for nothing else and has this one rule"
    )
    sensor_name: str | None = Field(None, description="How messages name the sensor; none: by its serial", min_length=1)
    rule: str = Field(description="Name of the alert rule, as it stands in messages; best a unique one", min_length=1)
    channel: ChannelName = Field("TEMPERATURE", description="What the sensor measures")
    normal: Range = Field(description="Lowest and highest value at which the rule is at rest")
    alarm: Range = Field(description="Lowest and highest value at which the rule raises its alarm")
    resolution: Finite = Field(0.1, description="Step between values, in the channel's unit", gt=0)
    gateway: GatewayOptions = Field(description="How the sensor's values are sent")
    ingest_component: str = Field("ingest", description="Key of the component that answers for sending values")
    api: ApiOptions = Field(description="The API that tells which values the platform holds, before anyone is blamed")
    arrival_deadline: Seconds = Field(
        60.0, description="Seconds from an accepted value until its message must be here (assumption)"
    )
    linger: float = Field(2.0, description="Seconds to wait for doubles of the messages", ge=0, le=600)
    zone: ZoneKey = Field("Europe/Warsaw", description="Zone of the times in messages (assumption)")
    time_tolerance: Seconds = Field(
        120.0, description="Seconds by which a message's time may differ from that of sending (assumption)"
    )

    @model_validator(mode="after")
    def _ranges(self) -> "RoundOptions":
        self.walk(self.normal)
        self.walk(self.alarm)
        if self.normal[0] <= self.alarm[1] and self.alarm[0] <= self.normal[1]:
            raise ValueError("the ranges normal and alarm overlap")
        return self

    def walk(self, values: Range) -> Walk:
        """Raises `ValueError`."""
        return Walk.through(CHANNEL_TYPES[self.channel], *values, self.resolution)

    def claims(self) -> set[str]:
        """What no other probe may use: its values would raise and end this one's alarms."""
        return {self.sensor}

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return 2 * (self.gateway.timeout + self.arrival_deadline) + self.linger

    @property
    def shown_sensor(self) -> str:
        return self.sensor_name or self.sensor

    @property
    def message_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)
