"""A virtual cellular sensor: composes its messages, and obeys what the server's replies ask, as the device would.

What it must not forget between checks (configuration, counters) is kept as a small JSON text in the probe's memory.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from probes.contract import Journey
from probes.efento.backlog import Batch
from probes.efento.sensor_messages import (
    ASK_FOR_ACK_ALWAYS,
    SensorChannel,
    SensorConfiguration,
    SensorCounters,
    ServerReply,
    configuration_message,
    device_info_message,
    measurements_message,
    transfer_reason,
)
from probes.efento.signal import SensorSignal

TRANSMISSION_SLACK = 60  # seconds after the announced transmission at which a device counts as late


class SensorState(BaseModel):
    """What a sensor keeps while it sleeps. Times are Unix seconds, intervals seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    started_at: int
    configuration: SensorConfiguration
    attempts: int = 0
    successes: int = 0
    retries: int = 0  # since the last success


@dataclass
class VirtualSensor:
    """One sensor during one check. `requests` collects what the replies asked for: `i`, `c`."""

    signal: SensorSignal
    channels: tuple[str, ...]
    cloud_token: str
    journey: Journey
    state: SensorState
    requests: set[str] = field(default_factory=set)

    def measurements(self, batch: Batch) -> bytes:
        """The message of a batch, counted as an attempt: a failure is followed by one with the retry count raised."""
        announced = _unix(self.journey) + self.state.configuration.transmission_interval + TRANSMISSION_SLACK
        columns = [[channel.raw(time) for time in batch.times] for channel in self.signal.channels]
        message = measurements_message(
            batch.serial,
            period=batch.period,
            first=batch.times[0],
            channels=[SensorChannel(name, column) for name, column in zip(self.channels, columns, strict=True)],
            next_transmission_at=announced,
            reason=transfer_reason(retries=self.state.retries, first_after_reset=self.state.successes == 0),
            configuration_hash=self.state.configuration.hash,
            cloud_token=self.cloud_token,
        )
        # Counted before it is known how it ends, so that a check cut off by its deadline counts as a retry too.
        self._update(attempts=self.state.attempts + 1, retries=self.state.retries + 1)
        return message

    def device_info(self) -> bytes:
        now = _unix(self.journey)
        counters = SensorCounters(max(0, now - self.state.started_at), self.state.attempts, self.state.successes)
        return device_info_message(self.signal.serial, now=now, counters=counters, cloud_token=self.cloud_token)

    def configuration(self) -> bytes:
        return configuration_message(
            self.signal.serial,
            configuration=self.state.configuration,
            channel_types=self.channels,
            cloud_token=self.cloud_token,
        )

    def accepted(self, reply: ServerReply) -> None:
        """A message was acknowledged: takes over new settings and notes what is asked for."""
        self._update(successes=self.state.successes + 1, retries=0)
        if reply.current_time is not None:
            offset = reply.current_time - self.journey.now().timestamp()
            self.journey.figure("clock_offset_seconds", offset)
        if reply.device_info_request:
            self.requests.add("i")
        if reply.configuration_request:
            self.requests.add("c")
        self._adopt(reply)

    def _adopt(self, reply: ServerReply) -> None:
        now = self.state.configuration
        wanted = SensorConfiguration(
            period_base=reply.period_base or now.period_base,
            period_factor=reply.period_factor or now.period_factor,
            transmission_interval=reply.transmission_interval or now.transmission_interval,
            ack_interval=reply.ack_interval or now.ack_interval,
            hash=now.hash,
            changed_at=now.changed_at,
        )
        if wanted != now:
            changed = replace(wanted, hash=now.hash % 0xFFFFFFFF + 1, changed_at=_unix(self.journey))
            self._update(configuration=changed)
            self.requests.add("c")  # a device reports its configuration whenever that has changed

    def _update(self, **changes: Any) -> None:
        self.state = self.state.model_copy(update=changes)
        if not self.journey.one_shot:
            self.journey.remember(_key(self.signal.serial), self.state.model_dump_json())


def wake_up(
    journey: Journey, signal: SensorSignal, channels: tuple[str, ...], *, period: int, cloud_token: str
) -> VirtualSensor:
    """The sensor as an earlier check left it, or fresh from the factory."""
    return VirtualSensor(signal, channels, cloud_token, journey, _recalled(journey, signal.serial, period))


def _recalled(journey: Journey, serial: str, period: int) -> SensorState:
    text = journey.recall(_key(serial))
    if text:
        with suppress(ValidationError):
            return SensorState.model_validate_json(text)
    now = _unix(journey)
    configuration = SensorConfiguration(
        period_base=period,
        period_factor=1,
        transmission_interval=max(60, period),
        ack_interval=ASK_FOR_ACK_ALWAYS,
        hash=1,
        changed_at=now,
    )
    return SensorState(started_at=now, configuration=configuration)


def _key(serial: str) -> str:
    return f"sensor:{serial}"


def _unix(journey: Journey) -> int:
    return int(journey.now().timestamp())
