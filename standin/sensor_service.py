"""The sensors' endpoints above the transport: measurements, configuration, device information, time."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from probes.efento.proto.efento_pb2 import ProtoConfig, ProtoDeviceInfo, ProtoMeasurements
from standin.channels import samples_of
from standin.codec import Code
from standin.fault_model import Interface
from standin.intake import Delivery, Intake, Outcome
from standin.settings import LiveSettings
from standin.storage import Storage

_SERIAL_BYTES = 6
_PROTO = TypeVar("_PROTO", ProtoConfig, ProtoDeviceInfo, ProtoMeasurements)
_CODES = {
    Outcome.STORED: Code.CREATED,
    Outcome.IGNORED: Code.CREATED,
    Outcome.REFUSED: Code.UNAUTHORIZED,
    Outcome.FAILED: Code.INTERNAL_SERVER_ERROR,
}


@dataclass(frozen=True, slots=True)
class SensorRequest:
    method: int
    path: str
    payload: bytes
    confirmable: bool


@dataclass(frozen=True, slots=True)
class SensorReply:
    code: int
    payload: bytes = b""


class _Refused(Exception):
    def __init__(self, code: Code) -> None:
        super().__init__(str(code))
        self.reply = SensorReply(code)


class SensorService:
    """Answers one request at a time from what is stored; knows nothing of datagrams.

    A message that cannot be parsed is answered by 5.00, one that was understood but is refused by 4.00, one of an
    unknown sensor or with a wrong cloud token by 4.01.
    """

    def __init__(self, storage: Storage, intake: Intake, live: LiveSettings) -> None:
        self._storage = storage
        self._intake = intake
        self._live = live

    async def answer(self, request: SensorRequest) -> SensorReply:
        settings = self._live.current
        handlers = {
            settings.data_endpoint: self._measurements,
            settings.configuration_endpoint: self._configuration,
            settings.device_info_endpoint: self._device_info,
        }
        try:
            if request.path == settings.time_endpoint:
                return self._time(request)
            handler = handlers.get(request.path)
            if handler is None:
                raise _Refused(Code.NOT_FOUND)
            if request.method != Code.POST:
                raise _Refused(Code.METHOD_NOT_ALLOWED)
            return await handler(request)
        except _Refused as refusal:
            return refusal.reply

    def _time(self, request: SensorRequest) -> SensorReply:
        """Unix time as four bytes, big endian. Devices ask by Code.POST or Code.GET, depending on their firmware."""
        if request.method not in (Code.GET, Code.POST):
            raise _Refused(Code.METHOD_NOT_ALLOWED)
        return SensorReply(Code.CONTENT, self._unix_seconds().to_bytes(4, "big"))

    async def _measurements(self, request: SensorRequest) -> SensorReply:
        message = _parsed(ProtoMeasurements, request.payload)
        serial = self._serial(message.serial_number)
        self._check_token(message.cloud_token)
        try:
            samples = samples_of(message)
        except ValueError as error:
            raise _Refused(Code.BAD_REQUEST) from error
        delivery = Delivery(serial, samples, message.battery_status, message.transfer_reason)
        if self._intake.is_first_attempt(Interface.COAP, delivery.identity or frozenset([request.payload])):
            return SensorReply(Code.INTERNAL_SERVER_ERROR)
        outcome = await self._intake.accept(Interface.COAP, delivery)
        return await self._acknowledged(outcome, serial, request)

    async def _configuration(self, request: SensorRequest) -> SensorReply:
        message = _parsed(ProtoConfig, request.payload)
        serial = self._serial(message.serial_number)
        message.ClearField("cloud_token")  # a secret of the device, not to be shown by the control interface
        return await self._kept("configuration", serial, message, request)

    async def _device_info(self, request: SensorRequest) -> SensorReply:
        message = _parsed(ProtoDeviceInfo, request.payload)
        serial = self._serial(message.serial_number)
        self._check_token(message.cloud_token)
        message.ClearField("cloud_token")
        return await self._kept("device_info", serial, message, request)

    async def _kept(
        self, endpoint: str, serial: str, message: ProtoConfig | ProtoDeviceInfo, request: SensorRequest
    ) -> SensorReply:
        if self._intake.is_first_attempt(Interface.COAP, frozenset([(endpoint, request.payload)])):
            return SensorReply(Code.INTERNAL_SERVER_ERROR)
        admitted = await self._intake.admit(serial)
        if isinstance(admitted, Outcome):
            return await self._acknowledged(admitted, serial, request)
        fields = json.dumps(MessageToDict(message, preserving_proto_field_name=True, use_integers_for_enums=True))
        await self._storage.keep_message(serial, endpoint, self._intake.now_ms(), request.confirmable, fields)
        return await self._acknowledged(Outcome.STORED, serial, request)

    async def _acknowledged(self, outcome: Outcome, serial: str, request: SensorRequest) -> SensorReply:
        if outcome is not Outcome.STORED:
            return SensorReply(_CODES[outcome])
        # Nobody hears the reply to a non-confirmable message, so what is queued waits for the next confirmable one.
        payload = await self._reply_payload(serial) if request.confirmable else b""
        return SensorReply(Code.CREATED, payload)

    async def _reply_payload(self, serial: str) -> bytes:
        reply = ProtoConfig()
        for queued in await self._storage.take_replies(serial):
            reply.MergeFromString(queued)
        if self._live.current.current_time_in_replies:
            reply.current_time = self._unix_seconds()
        if not await self._storage.has_message(serial, "device_info"):
            reply.device_info_request = True
        return reply.SerializeToString(deterministic=True)

    def _unix_seconds(self) -> int:
        return self._intake.now_ms() // 1000

    def _serial(self, raw: bytes) -> str:
        if len(raw) != _SERIAL_BYTES:
            raise _Refused(Code.BAD_REQUEST)
        return raw.hex().upper()

    def _check_token(self, token: str) -> None:
        if self._live.current.check_sensor_token and token != self._live.current.sensor_token:
            raise _Refused(Code.UNAUTHORIZED)


def _parsed(kind: Callable[[], _PROTO], payload: bytes) -> _PROTO:
    message = kind()
    try:
        message.ParseFromString(payload)
    except DecodeError as error:
        raise _Refused(Code.INTERNAL_SERVER_ERROR) from error
    return message
