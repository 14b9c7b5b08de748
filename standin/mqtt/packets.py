"""The packets of MQTT 3.1.1 that a client which publishes sends to its broker, and the broker's answers to them.

A broker library would acknowledge a message before anybody has taken it, and would repair what a broken platform
sends. So the little that is needed of the protocol is done here. Numbers in comments are of the standard's sections.
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum

LARGEST_BYTES = 2**20
LENGTH_BYTES = 4
LARGEST_SUBSCRIPTION = 100
WILL, PASSWORD, USERNAME = 0x04, 0x40, 0x80
SUBSCRIPTION_REFUSED = 0x80


class Kind(IntEnum):
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class Code(IntEnum):
    """What a CONNACK says (3.2.2.3)."""

    ACCEPTED = 0
    WRONG_VERSION = 1
    BAD_CREDENTIALS = 4
    NOT_AUTHORISED = 5


class MalformedPacket(ValueError):
    """What came is not a packet of MQTT 3.1.1."""


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Connect:
    protocol: str
    level: int
    keep_alive: int
    username: str | None
    password: bytes | None


@dataclass(frozen=True, slots=True)
class Publish:
    """`packet_id` is None with QoS 0."""

    topic: str
    qos: int
    packet_id: int | None
    payload: bytes


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Raises `MalformedPacket`, and `IncompleteReadError` at the end of the stream."""
    first = (await reader.readexactly(1))[0]
    length = 0
    for place in range(LENGTH_BYTES):  # 2.2.3: seven bits a byte, the lowest first
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    else:
        raise MalformedPacket("a length of more than four bytes")
    if length > LARGEST_BYTES:
        raise MalformedPacket(f"a packet of {length} bytes")
    return Packet(first >> 4, first & 0x0F, await reader.readexactly(length))


def connect(packet: Packet) -> Connect:
    """Raises `MalformedPacket`."""
    body = _Body(packet.body)
    protocol, level, flags, keep_alive = body.text(), body.byte(), body.byte(), body.number()
    body.text()  # the client's identifier; there are no sessions to keep under it
    if flags & WILL:
        body.text()
        body.data()
    username = body.text() if flags & USERNAME else None
    password = body.data() if flags & PASSWORD else None
    return Connect(protocol, level, keep_alive, username, password)


def publish(packet: Packet) -> Publish:
    """Raises `MalformedPacket`."""
    body = _Body(packet.body)
    topic, qos = body.text(), packet.flags >> 1 & 3
    if qos > 1 or "+" in topic or "#" in topic:
        raise MalformedPacket("a message with QoS above 1, which is not offered here, or with a pattern for its topic")
    return Publish(topic, qos, body.number() if qos else None, body.rest())


def connack(code: int) -> bytes:
    return _encoded(Kind.CONNACK, bytes([0, code]))


def puback(packet_id: int) -> bytes:
    return _encoded(Kind.PUBACK, packet_id.to_bytes(2, "big"))


def pingresp() -> bytes:
    return _encoded(Kind.PINGRESP, b"")


def suback(packet: Packet) -> bytes:
    """Refuses every topic: there is nothing for sensors to hear here. Raises `MalformedPacket`."""
    body = _Body(packet.body)
    packet_id, topics = body.number(), 0
    while body.left:
        body.text()
        body.byte()
        topics += 1
    if topics > LARGEST_SUBSCRIPTION:
        raise MalformedPacket(f"a subscription of {topics} topics")
    return _encoded(Kind.SUBACK, packet_id.to_bytes(2, "big") + bytes([SUBSCRIPTION_REFUSED] * topics))


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic is one of a pattern's (4.7)."""
    wanted, found = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted, found = wanted[:-1], found[: len(wanted) - 1]
    return len(wanted) == len(found) and all(level in ("+", name) for level, name in zip(wanted, found, strict=True))


def _encoded(kind: Kind, body: bytes) -> bytes:
    return bytes([kind << 4, len(body)]) + body  # none of the answers is longer than one length byte tells


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def byte(self) -> int:
        return self._take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self._take(2), "big")

    def data(self) -> bytes:
        return self._take(self.number())

    def text(self) -> str:
        try:
            return self.data().decode()
        except UnicodeDecodeError as error:
            raise MalformedPacket("a text that is not UTF-8") from error

    def rest(self) -> bytes:
        return self._take(self.left)

    def _take(self, size: int) -> bytes:
        if size > self.left:
            raise MalformedPacket("a packet that ends too early")
        taken = self._body[self._at : self._at + size]
        self._at += size
        return taken
