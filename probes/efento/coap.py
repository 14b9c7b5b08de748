"""Confirmable CoAP requests (RFC 7252) over one UDP socket, bounded in time, memory and answer size.

aiocoap's message codec, but our own exchange. Its client context drops whatever it does not recognise, so that a
server that answers garbage looks like one that is silent; it lets an undecodable option escape into the event loop,
needs IPv6 in the kernel, and a cancel while it is being made leaves its socket open.
"""

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiocoap import error as aiocoap_error  # type: ignore[import-untyped]
from aiocoap.message import Message  # type: ignore[import-untyped]
from aiocoap.numbers.codes import EMPTY, POST, Code  # type: ignore[import-untyped]
from aiocoap.numbers.types import ACK, CON, RST  # type: ignore[import-untyped]

from probes.contract import ProbeFailed, Reason
from probes.network_errors import network_failure

CREATED = "2.01"
INBOX_DATAGRAMS = 64
PAYLOAD_LIMIT = 8192
TOKEN_BYTES_MAX = 8


@dataclass(frozen=True, slots=True)
class Retransmission:
    """RFC 7252, section 4.8: the first wait is `ack_timeout` seconds times 1 … `factor`, and doubles each time."""

    ack_timeout: float = 2.0
    factor: float = 1.5
    retransmissions: int = 4


RFC_7252 = Retransmission()


@dataclass(frozen=True, slots=True)
class CoapReply:
    """A response: its code as people write it, e.g. `2.01`, and its payload."""

    code: str
    payload: bytes


class _Inbox(asyncio.DatagramProtocol):
    """Keeps what arrives, up to a limit, so that a flood cannot fill the memory."""

    def __init__(self) -> None:
        self.items: asyncio.Queue[bytes | OSError] = asyncio.Queue(INBOX_DATAGRAMS)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):  # e.g. an ICMP message that nobody listens at the port
            self._put(exc)

    def _put(self, item: bytes | OSError) -> None:
        if not self.items.full():
            self.items.put_nowait(item)


class CoapSession:
    """A client endpoint towards one server; made by `coap_session`. One exchange at a time, as the RFC wants it."""

    def __init__(
        self, transport: asyncio.DatagramTransport, inbox: _Inbox, peer: str, retransmission: Retransmission
    ) -> None:
        self._transport = transport
        self._inbox = inbox
        self._peer = peer
        self._retransmission = retransmission
        self._message_id = secrets.randbelow(0x10000)
        self._ignored: list[str] = []
        self._ignored_count = 0

    async def post(self, path: str, payload: bytes, *, wait: float) -> CoapReply:
        """One confirmable POST, waited for during `wait` seconds in all.

        Raises `ProbeFailed`: timeout for silence, protocol where something came that is no answer, refused, reset.
        """
        self._message_id = (self._message_id + 1) & 0xFFFF
        token = secrets.token_bytes(4)
        request = Message(code=POST, payload=payload, _mtype=CON, _mid=self._message_id, _token=token)
        request.opt.uri_path = tuple(path.strip("/").split("/"))
        self._ignored, self._ignored_count = [], 0
        try:
            async with asyncio.timeout(wait):
                answer = await self._exchange(request)
        except TimeoutError as error:
            raise self._unanswered(wait) from error
        if len(answer.payload) > PAYLOAD_LIMIT:
            raise ProbeFailed(
                Reason.TOO_LARGE, f"{self._peer}: {len(answer.payload)} bytes of payload, limit {PAYLOAD_LIMIT}"
            )
        return CoapReply(answer.code.dotted, bytes(answer.payload))

    async def _exchange(self, request: Message) -> Message:
        """Sends until something acknowledges, then waits for the response; time is limited by the caller."""
        datagram = request.encode()
        pause = self._retransmission.ack_timeout * random.uniform(1, self._retransmission.factor)
        for _ in range(self._retransmission.retransmissions + 1):
            self._transport.sendto(datagram)
            try:
                async with asyncio.timeout(pause):
                    message = await self._next_of(request)
            except TimeoutError:
                pause *= 2
                continue
            while message.code is EMPTY:  # acknowledged; the response comes as a message of its own
                message = await self._next_of(request)
            return message
        raise TimeoutError

    async def _next_of(self, request: Message) -> Message:
        """The next message that belongs to the request: its empty acknowledgement or its response."""
        while True:
            item = await self._inbox.items.get()
            if isinstance(item, OSError):
                raise network_failure(item, self._peer) from item
            message = self._decoded(item)
            if message is not None and self._belongs(message, request):
                return message

    def _decoded(self, datagram: bytes) -> Message | None:
        if datagram and datagram[0] & 0x0F > TOKEN_BYTES_MAX:
            self._ignore(f"a token length of {datagram[0] & 0x0F}")
            return None
        try:
            return Message.decode(datagram)
        except (aiocoap_error.Error, ValueError, IndexError) as error:
            self._ignore(f"{len(datagram)} bytes that are no CoAP message ({type(error).__name__})")
            return None

    def _belongs(self, message: Message, request: Message) -> bool:
        if message.mtype is RST and message.mid == request.mid:
            raise ProbeFailed(Reason.RESET, f"{self._peer} rejected the message (RST)")
        if message.mtype is ACK and message.mid == request.mid:
            return self._acknowledges(message, request)
        if message.mtype not in (ACK, RST) and message.code.is_response() and message.token == request.token:
            if message.mtype is CON:
                self._send_empty(ACK, message.mid)
            return True
        if message.mtype is CON:
            self._send_empty(RST, message.mid)
        self._ignore(f"{message.mtype.name} {_code_text(message.code)} that answers no request of ours")
        return False

    def _acknowledges(self, message: Message, request: Message) -> bool:
        if message.code is EMPTY:
            return True
        if message.token != request.token:
            raise ProbeFailed(Reason.PROTOCOL, f"{self._peer} acknowledged with an unknown token")
        if not message.code.is_response():
            raise ProbeFailed(Reason.PROTOCOL, f"{self._peer} acknowledged with code {_code_text(message.code)}")
        return True

    def _send_empty(self, kind: object, message_id: int) -> None:
        self._transport.sendto(Message(code=EMPTY, payload=b"", _mtype=kind, _mid=message_id).encode())

    def _ignore(self, what: str) -> None:
        self._ignored_count += 1
        if len(self._ignored) < 3:
            self._ignored.append(what)

    def _unanswered(self, wait: float) -> ProbeFailed:
        if self._ignored:
            came = ", ".join(self._ignored)
            detail = f"{self._peer}: no answer within {wait:g} s, but {self._ignored_count} other datagrams: {came}"
            return ProbeFailed(Reason.PROTOCOL, detail)
        return ProbeFailed(Reason.TIMEOUT, f"{self._peer}: no answer within {wait:g} s")


def _code_text(code: Code) -> str:
    return f"{code >> 5}.{code & 31:02}"


@asynccontextmanager
async def coap_session(host: str, port: int, retransmission: Retransmission = RFC_7252) -> AsyncIterator[CoapSession]:
    """Opens a socket towards the server and closes it in every case. Raises `ProbeFailed` (dns, network)."""
    peer = f"coap://{host}:{port}"
    try:
        transport, inbox = await asyncio.get_running_loop().create_datagram_endpoint(
            _Inbox, remote_addr=(host, port), family=socket.AF_UNSPEC
        )
    except OSError as error:
        raise network_failure(error, peer) from error
    try:
        yield CoapSession(transport, inbox, peer, retransmission)
    finally:
        transport.abort()
