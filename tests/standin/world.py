"""Plain clients of the stand-in, made by hand from the protocols' definitions, so that they share nothing with it."""

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from monitor.clock import ManualClock
from probes.efento.proto.efento_pb2 import MeasurementType, ProtoMeasurements
from standin import StandIn

SERIAL = "282C02FFFF01"
T = 1_790_000_100  # 2026-09-21 14:15:00 UTC
V1 = bytes.fromhex(
    "0a06282c02ffff01100118b4012210080110e4f7c4d50620ae032a03000205220f080210e4f7c4d50620502a03"
    "00000228f493c5d506300140014805"
)
DEVICE_INFO = bytes.fromhex("0a06282c02ffff01188a0c")  # the serial number and software 06.10
DEADLINE_SECONDS = 10.0
SILENCE_SECONDS = 0.5

CON, NON, ACK, RST = range(4)
GET, POST = 1, 2


def code(dotted: str) -> int:
    return int(dotted[0]) * 32 + int(dotted[2:])


@dataclass(frozen=True, slots=True)
class Datagram:
    kind: int
    code: int
    message_id: int
    token: bytes
    payload: bytes
    raw: bytes


def datagram(kind: int, method: int, message_id: int, token: bytes, path: str, payload: bytes) -> bytes:
    """RFC 7252, 3: header, token, one Uri-Path option (number 11) for each segment, marker, payload."""
    head = bytes([1 << 6 | kind << 4 | len(token), method]) + message_id.to_bytes(2, "big") + token
    for index, segment in enumerate(path.split("/") if path else []):
        head += bytes([(0 if index else 11) << 4 | len(segment)]) + segment.encode()
    return head + (b"\xff" + payload if payload else b"")


def taken_apart(raw: bytes) -> Datagram:
    """The stand-in's replies have no options."""
    token_end = 4 + (raw[0] & 0x0F)
    assert raw[0] >> 6 == 1 and (len(raw) == token_end or raw[token_end] == 0xFF), raw.hex()
    return Datagram(
        raw[0] >> 4 & 3, raw[1], int.from_bytes(raw[2:4], "big"), raw[4:token_end], raw[token_end + 1 :], raw
    )


class Sensor:
    """A sensor's socket. Use as a context manager."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))
        self._message_ids = itertools.count(1)

    def __enter__(self) -> "Sensor":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    async def send(
        self, path: str, payload: bytes = b"", *, kind: int = CON, method: int = POST, message_id: int | None = None
    ) -> int:
        number = next(self._message_ids) if message_id is None else message_id
        await self.send_raw(datagram(kind, method, number, b"tk%02d" % (number % 100), path, payload))
        return number

    async def send_raw(self, raw: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, raw)

    async def receive_raw(self, seconds: float = DEADLINE_SECONDS) -> bytes:
        async with asyncio.timeout(seconds):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65_535)

    async def receive(self) -> Datagram:
        return taken_apart(await self.receive_raw())

    async def ask(self, path: str, payload: bytes = b"", *, method: int = POST) -> Datagram:
        await self.send(path, payload, method=method)
        return await self.receive()


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """What came back over a bare TCP connection, and how it ended: closed, reset, refused, silent or unending."""

    received: bytes
    ending: str

    @property
    def status(self) -> int:
        return int(self.received.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        lines = self.received.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}

    @property
    def body(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[2]

    def json(self) -> Any:
        return json.loads(self.body)


UNENDING_BYTES = 150_000


async def http_exchange(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", patience: float = SILENCE_SECONDS
) -> HttpExchange:
    """One request on a connection of its own; `patience` is how many seconds without a byte count as silence."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return HttpExchange(b"", "refused")
    fields = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **headers}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(head.encode() + b"\r\n" + body)
    try:
        return await _read(reader, patience)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, patience: float) -> HttpExchange:
    received = b""
    while len(received) < UNENDING_BYTES:
        try:
            async with asyncio.timeout(patience):
                piece = await reader.read(65_536)
        except TimeoutError:
            return HttpExchange(received, "silent")
        except ConnectionResetError:
            return HttpExchange(received, "reset")
        if not piece:
            return HttpExchange(received, "closed")
        received += piece
    return HttpExchange(received, "unending")


@dataclass
class World:
    """A running stand-in, its clock, and a customer's means to talk to it."""

    platform: StandIn
    clock: ManualClock
    http: aiohttp.ClientSession
    sensor: Sensor
    _moments: "itertools.count[int]" = field(default_factory=lambda: itertools.count(T, 180))

    def url(self, interface: str) -> str:
        return str(self.platform.addresses[interface]["url"])

    def port(self, interface: str) -> int:
        return int(self.platform.addresses[interface]["port"])

    def next_moment(self) -> int:
        return next(self._moments)

    @property
    def api_token(self) -> str:
        return self.platform.live.current.api_token

    async def api(self, path: str, *, token: str | None = None, **query: str) -> Any:
        """The JSON of a 200 answer of the REST API."""
        headers = {"Authorization": token or self.api_token}
        async with self.http.get(self.url("api") + path, params=query, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def history(self, first: str = "2026-01-01 00:00:00", last: str = "2027-12-31 00:00:00") -> Any:
        points = (await self.api("/measurement-points", **{"location-ids": "10"}))["measurementPoints"]
        number = next(point["id"] for point in points if point["device"]["serialNumber"] == SERIAL)
        answer = await self.api(f"/measurement-points/{number}/measurements", **{"from": first, "to": last})
        return answer["measurements"]

    async def stored(self, serial: str = SERIAL) -> list[dict[str, Any]]:
        """The raw truth, from the control interface."""
        async with self.http.get(self.url("control") + "/samples", params={"serial": serial}) as response:
            samples: list[dict[str, Any]] = (await response.json())["samples"]
            return samples

    async def control(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        async with self.http.request(method, self.url("control") + path, json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()


def measurements(time: int, *raw: int, period: int = 180) -> bytes:
    """A sensor's temperatures in tenths of a degree, the first one taken at `time`."""
    message = ProtoMeasurements(
        serial_number=bytes.fromhex(SERIAL), battery_status=True, measurement_period_base=period
    )
    message.channels.add(type=MeasurementType.MEASUREMENT_TYPE_TEMPERATURE, timestamp=time, sample_offsets=list(raw))
    return message.SerializeToString()


def gateway_item(measured_at: str, value: float, *, serial: str = SERIAL, handle: int = 1) -> dict[str, Any]:
    return {
        "serial": serial,
        "response_handle": handle,
        "battery": "ok",
        "signal": -67,
        "measured_at": measured_at,
        "measurement_interval": 180,
        "next_measurement_at": measured_at,
        "params": [
            {"channel": 1, "type": "temperature", "value": value},
            {"channel": 2, "type": "humidity", "value": 44},
        ],
    }
