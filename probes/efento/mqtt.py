"""A message to an MQTT broker, with QoS 1: connect, log in, publish, wait for the acknowledgement.

aiomqtt makes its connection in a thread, which outlives a cancel, and does not notice a connection that is lost while
it waits: a silent broker would leave a socket and a task behind at each try. So asyncio makes the connection here, and
aiomqtt uses it as its socket.
"""

import asyncio
import logging
import math
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aiomqtt
from aiohappyeyeballs import start_connection

from probes.contract import ProbeFailed, Reason
from probes.efento.mqtt_tls import TlsFiles, tls_context
from probes.network_errors import network_failure

CONNACK_HEAD, PUBACK_HEAD = b"\x20\x02", b"\x40\x02"  # MQTT 3.1.1, 3.2 and 3.4: type, and the two bytes that follow
PACKET_BYTES = 4  # of either; a broker has nothing else to say to a client that only publishes
ANSWER_BYTES = 64
REFUSALS = {
    1: (Reason.STATUS, "unacceptable protocol version"),
    2: (Reason.STATUS, "client identifier rejected"),
    3: (Reason.STATUS, "server unavailable"),
    4: (Reason.AUTH, "bad user name or password"),
    5: (Reason.AUTH, "not authorised"),
}
# Servers must take identifiers of up to 23 letters and digits, and need not take others (MQTT 3.1.1, 3.1.3.1).
IDENTIFIER_PREFIX, IDENTIFIER_BYTES = "uptime", 8
NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, 5
KEEP_ALIVE = 60  # seconds; nothing is sent to keep the connection alive, so it is at least twice any wait

_QUIET = logging.getLogger(f"{__name__}.paho")  # what paho has to say is in the failure's detail
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True, slots=True)
class Broker:
    """`seconds` limits each of connecting (with TLS), logging in and publishing. No `tls`: unencrypted."""

    host: str
    port: int
    seconds: float
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles | None = None

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


class Wire(asyncio.Protocol):
    """A connection of asyncio's, which paho uses as its socket."""

    def __init__(self, on_data: Callable[[], None], on_lost: Callable[[Exception | None], None]) -> None:
        self._on_data = on_data
        self._on_lost = on_lost
        self._unread = bytearray()
        self._transport: asyncio.Transport | None = None
        self.answer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # asyncio's own TLS transport is not a subclass

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self.answer += data
        self._on_data()

    def connection_lost(self, error: Exception | None) -> None:
        self._on_lost(error)

    @property
    def has_unread(self) -> bool:
        return bool(self._unread)

    def recv(self, size: int) -> bytes:
        if not self._unread:
            raise BlockingIOError
        piece = bytes(self._unread[:size])
        del self._unread[:size]
        return piece

    def send(self, data: bytes | bytearray) -> int:
        assert self._transport is not None
        self._transport.write(bytes(data))
        return len(data)

    def close(self) -> None:
        """At once: neither a peer that does not read nor one that does not end TLS may keep the socket open."""
        if self._transport is not None:
            self._transport.abort()

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""


class Session(aiomqtt.Client):
    """One connection to a broker. Made by `session`, which closes it. All methods raise `ProbeFailed`."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=IDENTIFIER_PREFIX + secrets.token_hex(IDENTIFIER_BYTES),
            keepalive=min(65_535, max(KEEP_ALIVE, math.ceil(2 * broker.seconds))),
            timeout=math.inf,
            logger=_QUIET,
        )
        self._broker = broker
        self._failure: ProbeFailed | None = None
        self._acknowledged = False
        self._wire = Wire(self._read, self._lost)
        self._client._create_socket = lambda: self._wire  # type: ignore[method-assign]

    @property
    def answer(self) -> bytes:
        """The beginning of all that the broker has sent."""
        return bytes(self._wire.answer[:ANSWER_BYTES])

    async def open(self) -> None:
        context = await tls_context(self._broker.tls) if self._broker.tls else None
        with self._network_errors():
            async with self._in_time("no connection"):
                await _connect(self._broker, context, self._wire)

    async def login(self) -> None:
        async with self._in_time("no answer to CONNECT"):
            # Takes the wire for its socket, so that it has nothing to wait for.
            self._client.connect(self._broker.host, self._broker.port, self._keepalive)
            await self._connected
        if len(self._wire.answer) < PACKET_BYTES or not self._wire.answer.startswith(CONNACK_HEAD):
            raise self._failure or ProbeFailed(Reason.PROTOCOL, f"{self._broker.where}: CONNECT was not answered")
        code = self._wire.answer[PACKET_BYTES - 1]
        if code:
            reason, meaning = REFUSALS.get(code, (Reason.PROTOCOL, "a code that MQTT does not know"))
            raise ProbeFailed(reason, f"{self._broker.where}: CONNECT was refused with {code}: {meaning}")

    async def publish_confirmed(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has acknowledged the message."""
        if self._failure:
            raise self._failure
        async with self._in_time("no acknowledgement of the message"):
            try:
                await self.publish(topic, payload, qos=1, timeout=math.inf)
            except aiomqtt.MqttError as error:
                raise self._failure or ProbeFailed(Reason.RESET, f"{self._broker.where}: {error}") from error
        if not self._acknowledged:
            raise self._failure or ProbeFailed(Reason.PROTOCOL, f"{self._broker.where}: the message was not sent")

    def close(self) -> None:
        """Takes leave if that is possible. The socket is closed in the event loop's next turn."""
        if self._acknowledged:
            self._client.disconnect()
            self._client.loop_write()
        self._wire.close()

    @asynccontextmanager
    async def _in_time(self, lacking: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._broker.seconds):
                yield
        except TimeoutError as error:
            detail = f"{self._broker.where}: {lacking} within {self._broker.seconds:g} s"
            raise ProbeFailed(Reason.TIMEOUT, detail) from error

    @contextmanager
    def _network_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise network_failure(error, self._broker.where) from error
        except UnicodeError as error:
            raise ProbeFailed(Reason.DNS, f"{self._broker.where}: not the name of a host") from error

    def _read(self) -> None:
        if not _is_answer(self._wire.answer):
            self._fail(ProbeFailed(Reason.PROTOCOL, f"{self._broker.where}: the answer is not of MQTT"))
            return
        while self._wire.has_unread and self._client.socket() is not None:
            self._client.loop_read()

    def _lost(self, error: Exception | None) -> None:
        where = self._broker.where
        if isinstance(error, OSError):
            self._fail(network_failure(error, where))
        else:
            self._fail(ProbeFailed(Reason.RESET, f"{where}: the connection was closed before the answer came"))

    def _fail(self, failure: ProbeFailed) -> None:
        """Keeps the first failure and wakes who waits for an answer."""
        self._failure = self._failure or failure
        self._wire.close()
        self._answered()
        for confirmation in self._pending_publishes.values():
            confirmation.set()

    def _answered(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    # In place of aiomqtt's: the answer's code is judged in `login`, and there is neither a descriptor to watch nor a
    # connection to keep alive.

    def _on_connect(self, *_: Any) -> None:
        self._answered()

    def _on_disconnect(self, *_: Any) -> None:
        self._answered()

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        self._acknowledged = True
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_socket_open(self, *_: Any) -> None: ...

    def _on_socket_close(self, *_: Any) -> None: ...

    def _on_socket_register_write(self, *_: Any) -> None:
        self._loop.call_soon(self._client.loop_write)

    def _on_socket_unregister_write(self, *_: Any) -> None: ...


@asynccontextmanager
async def session(broker: Broker) -> AsyncIterator[Session]:
    """A session not yet opened, whose connection is closed at the end of the block, however that ends."""
    opened = Session(broker)
    try:
        yield opened
    finally:
        opened.close()


async def _connect(broker: Broker, context: ssl.SSLContext | None, wire: Wire) -> None:
    """Tries the host's addresses almost at once, as browsers do: a silent one must not use up the time of another."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    connected = await start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
    await loop.create_connection(
        lambda: wire,
        sock=connected,
        ssl=context,
        server_hostname=broker.host if context else None,
        ssl_handshake_timeout=broker.seconds + 1 if context else None,  # ours strikes first
    )


def _is_answer(received: bytearray) -> bool:
    """Whether it is a short row of CONNACK and PUBACK packets, the last one perhaps not complete yet."""
    heads = (bytes(received[at : at + 2]) for at in range(0, len(received), PACKET_BYTES))
    return len(received) <= ANSWER_BYTES and all(CONNACK_HEAD.startswith(h) or PUBACK_HEAD.startswith(h) for h in heads)
