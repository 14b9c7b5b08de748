"""The sensors' CoAP interface: a thin datagram server on aiocoap's message codec.

A server library would repair or refuse what a broken platform sends: resets, foreign tokens, cut datagrams. So the
message layer is done here: piggybacked answers, silence on NON, duplicates answered from memory, ping answered by RST.
"""

import asyncio
import contextlib
import secrets
import socket
from dataclasses import dataclass

import structlog

from standin.background import Background
from standin.codec import CoapMessage, Code, Kind, code_of, decode, encode
from standin.fault_model import Interface
from standin.faults import Faults
from standin.sensor_service import SensorReply, SensorRequest, SensorService

# RFC 7252, 4.8.2: for so long a message ID must not be used again for another message.
EXCHANGE_LIFETIME_SECONDS = 247.0
_LARGEST_DATAGRAM = 65_535
_WRONG_SCHEMA = b"\x42\x09yesterday"  # field 8, the current time, as a text
_REPLY_FAULTS = ("garbage", "half-open", "unknown-token", "wrong-schema", "truncated", "empty")
_REOPEN_SECONDS = 0.1

Address = tuple[str, int]
log = structlog.get_logger()


@dataclass(slots=True)
class _Exchange:
    """A message that arrived, so that its duplicates are recognised. `reply` is None until there is one."""

    forgotten_at: float
    reply: SensorReply | None = None


class CoapServer:
    """Listens from `open` to `close`, between which the socket can be closed and opened on the same port."""

    def __init__(self, host: str, port: int, service: SensorService, faults: Faults, background: Background) -> None:
        self._host = host
        self.port = port
        self._service = service
        self._faults = faults
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._exchanges: dict[tuple[Address, int], _Exchange] = {}
        faults.watch(Interface.COAP, "refuse", self._refuse)

    def open(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.bind((self._host, self.port))
        except BaseException:
            opened.close()
            raise
        self.port = opened.getsockname()[1]
        self._socket = opened
        self._loop.add_reader(opened, self._receive)

    def close(self) -> None:
        if self._retry:
            self._retry.cancel()
        if self._socket:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _refuse(self, on: bool) -> None:
        self.close()
        if not on:
            self._reopen()

    def _reopen(self) -> None:
        """While the socket was closed, a client's passing socket may have been given its port."""
        try:
            self.open()
        except OSError:
            self._retry = self._loop.call_later(_REOPEN_SECONDS, self._reopen)

    def _receive(self) -> None:
        while self._socket:
            try:
                datagram, remote = self._socket.recvfrom(_LARGEST_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                return  # the report that an earlier answer reached nobody
            self._dispatch(datagram, remote)

    def _send(self, datagram: bytes, remote: Address) -> None:
        if self._socket:
            with contextlib.suppress(OSError):  # the sensor is gone; it will send again
                self._socket.sendto(datagram, remote)

    def _dispatch(self, datagram: bytes, remote: Address) -> None:
        message = decode(datagram)
        if message is None:
            return
        if message.is_ping:
            self._send(_empty(Kind.RST, message.message_id), remote)
        elif message.is_request and not self._is_dropped(message, remote):
            self._take(message, remote)

    def _is_dropped(self, message: CoapMessage, remote: Address) -> bool:
        """The faults under which a request does not even arrive."""
        if self._faults.active(Interface.COAP, "timeout"):
            return True
        if self._faults.active(Interface.COAP, "reset"):
            self._send(_empty(Kind.RST, message.message_id), remote)
            return True
        return False

    def _take(self, message: CoapMessage, remote: Address) -> None:
        now = self._loop.time()
        self._forget(now)
        known = self._exchanges.get((remote, message.message_id))
        if known is None:
            exchange = self._exchanges[remote, message.message_id] = _Exchange(now + EXCHANGE_LIFETIME_SECONDS)
            self._background.start(self._handle(message, remote, exchange), f"coap[{message.message_id}]")
        elif known.reply and message.kind == Kind.CON:
            self._send_reply(message, remote, known.reply)

    def _forget(self, now: float) -> None:
        """Drops the exchanges that are over: the first ones, as all live equally long."""
        while self._exchanges and next(iter(self._exchanges.values())).forgotten_at <= now:
            del self._exchanges[next(iter(self._exchanges))]

    async def _handle(self, message: CoapMessage, remote: Address, exchange: _Exchange) -> None:
        reply = await self._reply(message)
        if slow := self._faults.active(Interface.COAP, "slow"):
            await asyncio.sleep(slow.number("seconds"))
        exchange.reply = reply
        if message.kind == Kind.CON:
            self._send_reply(message, remote, reply)

    async def _reply(self, message: CoapMessage) -> SensorReply:
        if wrong := self._faults.active(Interface.COAP, "wrong-status"):
            return SensorReply(code_of(wrong.text("code")))
        request = SensorRequest(message.code, message.path, message.payload, message.kind == Kind.CON)
        try:
            return await self._service.answer(request)
        except Exception:
            log.exception("standin.message_failed", path=request.path)
            return SensorReply(Code.INTERNAL_SERVER_ERROR)

    def _send_reply(self, request: CoapMessage, remote: Address, reply: SensorReply) -> None:
        """Sends the reply as the faults would have it."""
        on = {name for name in _REPLY_FAULTS if self._faults.active(Interface.COAP, name)}
        if "garbage" in on:
            datagram = b"\xff" + secrets.token_bytes(31)  # the first two bits say protocol version 3
        elif "half-open" in on:
            datagram = _empty(Kind.ACK, request.message_id)  # promises an answer that never comes
        else:
            payload = _spoiled(reply.payload, on)
            token = _foreign_token(request.token) if "unknown-token" in on else request.token
            datagram = encode(CoapMessage(Kind.ACK, reply.code, request.message_id, token, payload=payload))
        self._send(datagram, remote)


def _spoiled(payload: bytes, faults: set[str]) -> bytes:
    if "empty" in faults:
        return b""
    if "wrong-schema" in faults:
        payload = _WRONG_SCHEMA
    # Half of a message could by chance end between two fields; without its last byte it never does.
    return payload[:-1] if "truncated" in faults else payload


def _foreign_token(token: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in token) or b"\xff"


def _empty(kind: Kind, message_id: int) -> bytes:
    return encode(CoapMessage(kind, Code.EMPTY, message_id))
