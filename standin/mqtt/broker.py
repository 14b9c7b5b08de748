"""The broker's side of one connection: who may come in, what becomes of a message, and the faults in between.

A message is acknowledged after the platform has taken it, never before. What is not of the topic that the platform
listens to, or is not a measurement, is acknowledged and ignored: MQTT 3.1.1 has no other answer.
"""

import asyncio
import contextlib
import hmac
import secrets

import structlog
from pydantic import ValidationError

from standin.fault_model import MQTT
from standin.faults import ActiveFault, Faults
from standin.gateway_json import deliveries, first_problem
from standin.intake import Intake
from standin.mqtt import packets
from standin.mqtt.listener import reset
from standin.mqtt.packets import Code, Connect, Kind, MalformedPacket, Packet
from standin.settings import LiveSettings

KEEP_ALIVE_GRACE = 1.5  # MQTT 3.1.1, 3.1.2.10
CONNECT_SECONDS = 30.0  # for a client that connects and says nothing
MQTT_3_1_1 = ("MQTT", 4)

log = structlog.get_logger()


class Broker:
    def __init__(self, intake: Intake, faults: Faults, live: LiveSettings) -> None:
        self._intake = intake
        self._faults = faults
        self._live = live

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Returns when the connection is to be closed. Raises `OSError`, `IncompleteReadError` as the client goes."""
        with contextlib.suppress(MalformedPacket, TimeoutError):  # both are answered by closing the connection
            session = _Session(reader, writer, self._faults)
            first = await session.request(CONNECT_SECONDS)
            if first is None or first.kind != Kind.CONNECT:
                return
            connect = packets.connect(first)
            code = self._judged(connect)
            if not await session.answer(packets.connack(code), greeting=True) or code:
                return
            limit = connect.keep_alive * KEEP_ALIVE_GRACE if connect.keep_alive else None
            while (packet := await session.request(limit)) and packet.kind != Kind.DISCONNECT:
                answer = await self._answer(packet)
                if answer and not await session.answer(answer):
                    return

    def _judged(self, connect: Connect) -> int:
        if refused := self._faults.active(MQTT, "refuse-login"):
            return int(refused.number("code"))
        if (connect.protocol, connect.level) != MQTT_3_1_1:
            return Code.WRONG_VERSION
        if connect.username is None:
            return Code.NOT_AUTHORISED
        known = self._live.current.mqtt
        right = _equal(connect.username.encode(), known.username) & _equal(connect.password or b"", known.password)
        return Code.ACCEPTED if right else Code.BAD_CREDENTIALS

    async def _answer(self, packet: Packet) -> bytes:
        """The bytes to send, which may be none. Raises `MalformedPacket`."""
        match packet.kind:
            case Kind.PUBLISH:
                return await self._publish(packet)
            case Kind.SUBSCRIBE:
                return packets.suback(packet)
            case Kind.PINGREQ:
                return packets.pingresp()
            case _:
                raise MalformedPacket(f"packet of type {packet.kind}")

    async def _publish(self, packet: Packet) -> bytes:
        message = packets.publish(packet)
        if packets.matches(self._live.current.mqtt.topic, message.topic):
            await self._take(message.payload)
        if message.packet_id is None:
            return b""
        unknown = self._faults.active(MQTT, "unknown-packet")
        return packets.puback(message.packet_id ^ 0x8000 if unknown else message.packet_id)

    async def _take(self, payload: bytes) -> None:
        try:
            uploaded = deliveries(payload)
        except ValidationError as refusal:
            log.warning("standin.message_ignored", interface=str(MQTT), problem=first_problem(refusal))
            return
        for _handle, delivery in uploaded:
            await self._intake.accept(MQTT, delivery)


class _Session:
    """A client's connection behind the interface's faults."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, faults: Faults) -> None:
        self._reader = reader
        self._writer = writer
        self._faults = faults

    async def request(self, limit: float | None) -> Packet | None:
        """The next packet; None where a fault drops it and the connection ends. Raises `TimeoutError` at the limit."""
        async with asyncio.timeout(limit):
            packet = await packets.read_packet(self._reader)
        if slow := self._faults.active(MQTT, "slow"):
            await asyncio.sleep(slow.number("seconds"))
        if timeout := self._faults.active(MQTT, "timeout"):
            await self._silence(timeout)
            return None
        if self._faults.active(MQTT, "reset"):
            reset(self._writer)
            return None
        return packet

    async def answer(self, answer: bytes, *, greeting: bool = False) -> bool:
        """Sends it as the faults would have it; False where the connection ends."""
        if self._faults.active(MQTT, "garbage"):
            self._writer.write(b"\xff" + secrets.token_bytes(63))  # there is no packet of type 15
            return False
        if not greeting and self._faults.active(MQTT, "cut-off"):
            return False
        if not greeting and (half_open := self._faults.active(MQTT, "half-open")):
            await self._silence(half_open)
            return False
        self._writer.write(answer)
        await self._writer.drain()
        return True

    async def _silence(self, fault: ActiveFault) -> None:
        """Until the fault ends or the client gives up, so that those who gave up do not pile up."""
        async with asyncio.TaskGroup() as group:
            ways = [group.create_task(fault.ended.wait()), group.create_task(self._gone())]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()

    async def _gone(self) -> bool:
        with contextlib.suppress(OSError):
            while await self._reader.read(2**16):
                pass
        return True


def _equal(given: bytes, wanted: str) -> bool:
    return hmac.compare_digest(given, wanted.encode())
