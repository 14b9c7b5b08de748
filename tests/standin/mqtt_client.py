"""A sensor that publishes, made by hand from the definition of MQTT 3.1.1: it shares nothing with the broker."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.standin.customer import CELSIUS
from tests.standin.world import DEADLINE_SECONDS, SERIAL, SILENCE_SECONDS, World, gateway_item

OTHER = "282C02FFFF02"
USER, PASSWORD = "standin", "standin-mqtt-password"
TOPIC = f"efento/{SERIAL}/measurements"
ACCEPTED, PUBACK = bytes.fromhex("20020000"), bytes.fromhex("40020007")  # of packet 7
PINGREQ, PINGRESP, DISCONNECT = bytes.fromhex("c000"), bytes.fromhex("d000"), bytes.fromhex("e000")


def packet(head: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while left > 127:
        length, left = length + bytes([left & 127 | 128]), left >> 7
    return bytes([head]) + length + bytes([left]) + body


def text(of: str) -> bytes:
    return len(of.encode()).to_bytes(2, "big") + of.encode()


def connect(
    user: str | None = USER,
    password: str | None = PASSWORD,
    *,
    level: int = 4,
    keep_alive: int = 60,
    will: bool = False,
) -> bytes:
    flags = 2 | (0x04 if will else 0) | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = text("MQTT") + bytes([level, flags]) + keep_alive.to_bytes(2, "big") + text("client")
    texts = [*(("will", "gone") if will else ()), *(each for each in (user, password) if each is not None)]
    return packet(0x10, body + b"".join(map(text, texts)))


def publish(payload: bytes, *, topic: str = TOPIC, qos: int = 1) -> bytes:
    return packet(0x30 | qos << 1, text(topic) + (b"\0\x07" if qos else b"") + payload)


def sample(moment: int) -> bytes:
    measured_at = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return json.dumps({"measurements": [gateway_item(measured_at, CELSIUS)]}).encode()


@dataclass
class Client:
    """A connection of bare bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes, patience: float = SILENCE_SECONDS, size: int = 4) -> bytes | str:
        """The answer's bytes, or how it ended: closed, reset, silent."""
        self.writer.write(request)
        try:
            async with asyncio.timeout(patience):
                return await self.reader.readexactly(size)
        except TimeoutError:
            return "silent"
        except asyncio.IncompleteReadError:
            return "closed"
        except ConnectionResetError:
            return "reset"


def client(world: World) -> AbstractAsyncContextManager[Client]:
    return client_at(world.port("mqtt"))


@asynccontextmanager
async def client_at(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@dataclass
class Talk:
    """What came back to CONNECT and to PUBLISH of a sample taken at `moment`."""

    moment: int
    answers: list[bytes | str] = field(default_factory=list)


async def talk(world: World, patience: float = SILENCE_SECONDS) -> Talk:
    """Publishes as long as it is let: the answers end with the first that is not the right one."""
    done = Talk(world.next_moment())
    try:
        async with client(world) as sensor:
            done.answers.append(await sensor.ask(connect(), patience))
            if done.answers == [ACCEPTED]:
                done.answers.append(await sensor.ask(publish(sample(done.moment)), patience))
    except ConnectionRefusedError:
        done.answers.append("refused")
    return done


async def deliver(world: World) -> int:
    done = await talk(world, DEADLINE_SECONDS)
    assert done.answers == [ACCEPTED, PUBACK]
    return done.moment


def broker_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("mqtt[")]
