"""MQTT brokers on a `tcp_server` that behave as badly as a test wants."""

import asyncio
import json
from datetime import UTC, datetime

from tests.probes.platform import Platform
from tests.probes.servers import Handler, silent

ACCEPTED = bytes.fromhex("20020000")


def saying(*answers: bytes, then: Handler = silent) -> Handler:
    """A broker that answers the client's packets in turn with these bytes, and then behaves as told."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await packet(reader)
            writer.write(answer)
        await then(reader, writer)

    return handle


async def packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(1)
    length = 0
    for shift in (0, 7, 14, 21):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        if byte < 128:
            break
    return head + await reader.readexactly(length)


async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes the connection."""


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await packet(reader)


async def endlessly_acknowledging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes.fromhex("4002ffff") * 100)
        await writer.drain()


def acknowledging(platform: Platform, seen: list[bytes]) -> Handler:
    """A broker that hands what it is sent to the platform."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await packet(reader))
        writer.write(ACCEPTED)
        seen.append(published := await packet(reader))
        topic_end = 3 + int.from_bytes(published[1:3], "big")
        for item in json.loads(published[topic_end + 2 :])["measurements"]:
            when = datetime.strptime(item["measured_at"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
            platform.store(item["serial"], int(when.timestamp()), [param["value"] for param in item["params"]])
        writer.write(b"\x40\x02" + published[topic_end : topic_end + 2])
        seen.append(await packet(reader))

    return handle
