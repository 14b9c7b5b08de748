"""Cellular sensor: is a measurement sent over CoAP accepted, and can it be read back?"""

from dataclasses import dataclass

from pydantic import Field

from probes.contract import Journey, ProbeFailed, Reason, probe
from probes.efento.backlog import Batch
from probes.efento.coap import CREATED, CoapReply, coap_session
from probes.efento.ingest import Device, IngestOptions, ingest
from probes.efento.sensor_messages import parse_reply
from probes.efento.signal import SensorSignal
from probes.efento.virtual_sensor import VirtualSensor, wake_up
from probes.option_types import HeaderSecret, Host, Port, Seconds

UNAUTHORISED = ("4.01", "4.03")


class Options(IngestOptions):
    host: Host = Field(description="The platform's CoAP server, a name or an address")
    port: Port = Field(5683, description="Its UDP port")
    token: HeaderSecret | None = Field(None, description="Cloud token, at most 36 characters", max_length=36)
    answer_timeout: Seconds = Field(
        5.0, description="Seconds to wait for an answer to one message, with its retransmissions (2–3 s, 4–6 s, …)"
    )
    data_endpoint: str = Field("m", description="Path of measurements", min_length=1, max_length=64)
    info_endpoint: str = Field("i", description="Path of device information", min_length=1, max_length=64)
    configuration_endpoint: str = Field("c", description="Path of configurations", min_length=1, max_length=64)


@dataclass
class CoapDevice:
    """Opens a socket for each message, as a cellular modem that has slept does."""

    options: Options
    journey: Journey
    sensor: VirtualSensor

    async def deliver(self, batch: Batch) -> None:
        reply = await self._post(self.options.data_endpoint, self.sensor.measurements(batch))
        self.sensor.accepted(parse_reply(reply.payload))

    async def obey(self) -> None:
        """Sends the device information and the configuration that the replies asked for."""
        if not self.sensor.requests:
            return
        async with self.journey.step("obey"):
            if "i" in self.sensor.requests:
                await self._post(self.options.info_endpoint, self.sensor.device_info())
            if "c" in self.sensor.requests:
                await self._post(self.options.configuration_endpoint, self.sensor.configuration())

    async def _post(self, path: str, payload: bytes) -> CoapReply:
        options = self.options
        async with coap_session(options.host, options.port) as session:
            reply = await session.post(path, payload, wait=options.answer_timeout)
        if reply.code != CREATED:
            self.journey.evidence("coap_reply", f"{reply.code} {reply.payload.hex()}")
            reason = Reason.AUTH if reply.code in UNAUTHORISED else Reason.STATUS
            raise ProbeFailed(reason, f"/{path} answered {reply.code}, expected {CREATED}")
        return reply


@probe("ingest_coap", Options)
async def ingest_coap(options: Options, journey: Journey) -> None:
    def device_of(signal: SensorSignal) -> Device:
        token = options.token.get_secret_value() if options.token else ""
        sensor = wake_up(journey, signal, options.channels, period=options.period, cloud_token=token)
        return CoapDevice(options, journey, sensor)

    await ingest(options, journey, device_of)
