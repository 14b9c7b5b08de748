"""MQTT: is a measurement published to the broker acknowledged, and can it be read back?"""

from dataclasses import dataclass

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from probes.contract import Journey, ProbeFailed, Reason, probe
from probes.efento.backlog import Batch
from probes.efento.gateway_json import measurements_json
from probes.efento.ingest import Device, IngestOptions, ingest
from probes.efento.mqtt import Broker, Session, session
from probes.efento.mqtt_tls import TlsFiles
from probes.efento.signal import SensorSignal
from probes.option_types import HeaderSecret, Host, Port, Seconds

TOPIC_BYTES = 65_535
SERIAL_PLACE = "{serial}"


class Options(IngestOptions):
    host: Host = Field(description="The MQTT broker, a name or an address")
    port: Port = Field(1883, description="Its TCP port; with TLS mostly 8883")
    topic: str = Field(
        "efento/{serial}/measurements",
        description="Where measurements are published; {serial} becomes the sensor's serial number (assumption)",
        min_length=1,
    )
    username: str | None = Field(None, description="User name to log in with; none: anonymously", min_length=1)
    password: HeaderSecret | None = Field(None, description="The user's password")
    answer_timeout: Seconds = Field(
        5.0, description="Seconds to connect, to be let in, and to wait for the acknowledgement, each"
    )
    tls: bool = Field(False, description="Whether the connection is encrypted")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    certificate_file: FilePath | None = Field(None, description="The client's certificate, PEM, where one is asked for")
    key_file: FilePath | None = Field(None, description="The key of the client's certificate, PEM")
    key_password: SecretStr | None = Field(None, description="What the key is encrypted with; none: it is not")

    @field_validator("topic")
    @classmethod
    def _a_topic(cls, topic: str) -> str:
        rest = topic.replace(SERIAL_PLACE, "")
        if any(character in rest for character in "+#{}\0") or len(topic.encode()) > TOPIC_BYTES:
            raise ValueError("a topic without +, # and braces, but for {serial}")
        return topic

    @model_validator(mode="after")
    def _what_belongs_together(self) -> "Options":
        if self.password is not None and self.username is None:
            raise ValueError("password: MQTT knows none without a username")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file: only both together")
        if not self.tls and (self.ca_file or self.certificate_file):
            raise ValueError("ca_file, certificate_file: only with tls")
        return self

    def broker(self) -> Broker:
        password = self.password.get_secret_value() if self.password else None
        return Broker(self.host, self.port, self.answer_timeout, self.username, password, self._tls_files())

    def _tls_files(self) -> TlsFiles | None:
        if not self.tls:
            return None
        key_password = self.key_password.get_secret_value() if self.key_password else ""
        return TlsFiles(self.ca_file, self.certificate_file, self.key_file, key_password)


@dataclass(frozen=True)
class MqttDevice:
    """Opens a connection for each message, as a sensor that has slept does."""

    options: Options
    journey: Journey
    signal: SensorSignal

    async def deliver(self, batch: Batch) -> None:
        topic = self.options.topic.replace(SERIAL_PLACE, batch.serial)
        message = measurements_json(batch, self.signal, self.options.channels)
        async with session(self.options.broker()) as opened:
            try:
                await self._publish(opened, topic, message)
            except ProbeFailed as failure:
                if failure.reason is Reason.PROTOCOL:
                    self.journey.evidence("mqtt_answer", opened.answer.hex(" "))
                raise

    async def obey(self) -> None:
        """A broker's acknowledgement asks for nothing."""

    async def _publish(self, opened: Session, topic: str, message: bytes) -> None:
        async with self.journey.step("connect"):
            await opened.open()
        async with self.journey.step("login"):
            await opened.login()
        async with self.journey.step("publish"):
            await opened.publish_confirmed(topic, message)


@probe("ingest_mqtt", Options)
async def ingest_mqtt(options: Options, journey: Journey) -> None:
    def device_of(signal: SensorSignal) -> Device:
        return MqttDevice(options, journey, signal)

    await ingest(options, journey, device_of)
