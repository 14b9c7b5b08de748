"""A platform of a few dozen lines that stores what it is sent and shows it, for tests of the Efento journeys.

Independent of the stand-in. `store_as` decides what becomes of a sample: lost, altered, doubled, moved.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from monitor.clock import SystemClock
from probes.contract import Journey, Message
from probes.efento.proto import efento_pb2 as pb
from probes.efento.samples import SampleRun, SampleState, marked
from tests.probes.servers import acknowledge, http_answer, tcp_server, udp_server

SERIAL = "282C02FFFF01"
POINT = 101
START = 1_790_000_100

Sample = tuple[int, list[float]]


def as_sent(sample: Sample) -> list[Sample]:
    return [sample]


@dataclass
class Platform:
    """What is stored, what was asked, and the knobs of a test."""

    points: dict[int, str] = field(default_factory=lambda: {POINT: SERIAL})
    samples: list[tuple[str, int, list[float]]] = field(default_factory=list)
    zone: str = "Europe/Warsaw"
    query_zone: str = "UTC"
    store_as: Callable[[Sample], Sequence[Sample]] = as_sent
    hidden_requests: int = 0  # so many history requests show nothing yet
    codes: list[int] = field(default_factory=list)  # CoAP codes of the next answers; afterwards 2.01
    statuses: list[int] = field(default_factory=list)  # statuses of the gateway's next answers; afterwards 201
    reply: bytes = b""
    gateway_headers: tuple[str, ...] = ()
    gateway_refuses: tuple[int, ...] = ()
    api_override: dict[str, bytes] = field(default_factory=dict)  # complete answers by last part of the path
    access_tokens: list[str] = field(default_factory=lambda: ["first", "second", "third"])
    coap: list[tuple[str, bytes]] = field(default_factory=list)
    gateway: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    coap_port: int = 0
    http_port: int = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/api/v2"

    def store(self, serial: str, time: int, values: list[float]) -> None:
        self.samples += [(serial, *sample) for sample in self.store_as((time, values))]

    def on_datagram(self, request: bytes) -> list[bytes]:
        token_length = request[0] & 0x0F
        path, payload = request[4 + token_length :].split(b"\xff", 1)
        self.coap.append((path[-1:].decode(), payload))
        code = self.codes.pop(0) if self.codes else 0x41
        if code == 0:
            return []
        if code == 0x41 and path.endswith(b"m"):
            self._store_message(pb.ProtoMeasurements.FromString(payload))
        return [acknowledge(request, code, self.reply)]

    def _store_message(self, message: pb.ProtoMeasurements) -> None:
        step = message.measurement_period_base * message.measurement_period_factor
        first = message.channels[0].timestamp
        columns = [[channel.start_point + offset for offset in channel.sample_offsets] for channel in message.channels]
        for n, raws in enumerate(zip(*columns, strict=True)):
            self.store(message.serial_number.hex().upper(), first + n * step, [raw / 10 for raw in raws])

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = line.split(" ")
        self.requests.append(f"{method} {target}")
        self.authorization.append(headers.get("authorization", ""))
        writer.write(self._answer(method, target, headers, body))
        await writer.drain()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        parts = urlsplit(target)
        what = parts.path.rpartition("/")[2]
        if what in self.api_override:
            return self.api_override[what]
        if method == "POST" and what == "measurements":
            return self._gateway_answer(json.loads(body))
        if what == "login":
            return _json({"accessToken": self.access_tokens[0]})
        if headers.get("authorization") not in ("token", f"Bearer {self.access_tokens[0]}"):
            return _json({"message": "not you"}, "401 Unauthorized")
        if what == "measurements":
            serial = self.points[int(parts.path.split("/")[-2])]
            query = parse_qs(parts.query)
            return _json({"measurements": self._history(serial, query["from"][0], query["to"][0])})
        return _json(self._content(what))

    def _gateway_answer(self, body: dict[str, Any]) -> bytes:
        self.gateway.append(body)
        status = self.statuses.pop(0) if self.statuses else 201
        handles = [measurement["response_handle"] for measurement in body["measurements"]]
        if status == 201:
            for measurement in body["measurements"]:
                when = datetime.strptime(measurement["measured_at"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
                self.store(
                    measurement["serial"], int(when.timestamp()), [param["value"] for param in measurement["params"]]
                )
        accepted = [handle for handle in handles if handle not in self.gateway_refuses]
        answer = json.dumps({"Y": accepted, "N": list(self.gateway_refuses)}).encode()
        return http_answer(answer, *self.gateway_headers, status=f"{status} Whatever")

    def _content(self, what: str) -> object:
        match what:
            case "organizations":
                return {"organizations": [{"id": 1}]}
            case "locations":
                return {"locations": [{"id": 10}, {"id": 11}]}
            case "measurement-points":
                channels = [{"number": 1, "type": "TEMPERATURE", "value": 4.2, "status": "OK"}]
                current = {"measurements": {"channels": channels}}
                points = [
                    {"id": point, "name": "Cold room", "device": {"serialNumber": serial}, **current}
                    for point, serial in self.points.items()
                ]
                return {"measurementPoints": points}
            case _:
                rule = {"name": "Above 8", "condition": "MORE_THAN"}
                times = {"createdAt": "2026-09-21 16:15:00", "neutralizedAt": None}
                return {"alerts": [{"id": 9, **times, "rule": rule}]}

    def _history(self, serial: str, first: str, last: str) -> list[dict[str, Any]]:
        if self.hidden_requests:
            self.hidden_requests -= 1
            return []
        begin, end = (
            datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.query_zone)).timestamp() for text in (first, last)
        )
        return [
            {
                "measuredAt": datetime.fromtimestamp(time, ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S"),
                "period": 10,
                "channels": [{"number": n, "value": v, "status": "OK"} for n, v in enumerate(values, start=1)],
            }
            for owner, time, values in sorted(self.samples)
            if owner == serial and begin <= time <= end
        ]


def _json(content: object, status: str = "200 OK") -> bytes:
    return api_answer(json.dumps(content).encode(), status=status)


def api_answer(body: bytes, *, status: str = "200 OK") -> bytes:
    return http_answer(body, "Content-Type: application/json", status=status)


@asynccontextmanager
async def running_platform() -> AsyncIterator[Platform]:
    platform = Platform()
    async with (
        udp_server(platform.on_datagram) as platform.coap_port,
        tcp_server(platform.on_connection) as platform.http_port,
    ):
        yield platform


@dataclass
class Record:
    """What a daemon would keep between checks, in memory. Is a `Facts`, and has an inbox."""

    runs: dict[str, list[SampleRun]] = field(default_factory=dict)
    memory: dict[str, str] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    inbox: "Letterbox" = field(default_factory=lambda: Letterbox())

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        return self.runs.get(serial, [])

    def recall(self, probe: str, key: str) -> str | None:
        return self.memory.get(key)

    async def commit(self, probe: str, key: str, value: str) -> None:
        self.memory[key] = value

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        total = self.spent.get(key, 0) + amount
        if total > limit:
            return False
        self.spent[key] = total
        return True

    def journey(self, now: float = START, *, component: str = "ingest", one_shot: bool = False) -> Journey:
        """A check at a wall clock that stands still."""
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=now)
        return Journey(
            probe="probe",
            component=component,
            now=lambda: moment,
            monotonic=SystemClock().monotonic,
            facts=self,
            inbox=self.inbox,
            one_shot=one_shot,
        )

    def keep(self, journey: Journey) -> None:
        self.memory |= journey.memory
        for mark in journey.marks:
            known = self.runs.get(mark.serial, [])
            self.runs[mark.serial] = marked(known, mark.period, mark.state, mark.times)

    def in_state(self, state: SampleState, serial: str = SERIAL) -> list[int]:
        return [time for run in self.sample_runs(serial) if run.state is state for time in run.times()]


class Letterbox:
    """An `Inbox` in memory; `put` is what a receiver does."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._changed = asyncio.Event()

    def put(self, channel: str, content: bytes, at: datetime | None = None) -> None:
        received_at = at or datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=START)
        self._messages.append(Message(len(self._messages) + 1, channel, received_at, content))
        self._changed.set()
        self._changed = asyncio.Event()

    async def newest(self, channel: str) -> int:
        return max((message.number for message in self._messages if message.channel == channel), default=0)

    async def after(self, channel: str, number: int) -> Sequence[Message]:
        while True:
            found = [each for each in self._messages if each.channel == channel and each.number > number]
            if found:
                return found
            await self._changed.wait()
