"""An HTTPS server whose certificate can be made wrong. Each connection gets one page, over TLS done by hand.

Done by hand, because the faults lie before and in the handshake, where a server's library decides by itself.
"""

import asyncio
import contextlib
import secrets
import ssl
from datetime import date

from standin.background import Background
from standin.clock import system_now
from standin.fault_model import Interface
from standin.faults import Faults
from standin.mqtt.listener import Listener, reset
from standin.network.authority import DAY, HOUR, Authority, Wish
from standin.network.holding import hold

_BODY = b"<!doctype html><title>Stand-in</title><p>This is the stand-in's front door.\n"
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
_HEAD_BYTES = 16_384
_PIECE_BYTES = 65_536
_CONTEXTS = 16


class FrontDoor:
    def __init__(self, host: str, port: int, authority: Authority, faults: Faults, background: Background) -> None:
        self._authority = authority
        self._faults = faults
        self._background = background
        self._contexts: dict[tuple[Wish, date], ssl.SSLContext] = {}
        self._listener = Listener(host, port, self._serve, background)
        faults.watch(Interface.TLS, "refuse", self._listener.refuse)

    @property
    def port(self) -> int:
        return self._listener.port

    async def open(self) -> None:
        await self._context()  # now, so that the first client does not wait for it
        self._listener.open()

    def close(self) -> None:
        self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if slow := self._faults.active(Interface.TLS, "slow"):
            await asyncio.sleep(slow.number("seconds"))
        if held := self._faults.active(Interface.TLS, "timeout"):
            await hold(reader, writer, held, self._background)
        elif self._faults.active(Interface.TLS, "reset"):
            await reader.read(1)
            reset(writer)
        elif self._faults.active(Interface.TLS, "garbage"):
            await reader.read(1)
            writer.write(b"\xff" + secrets.token_bytes(63))
            await writer.drain()
        else:
            tunnel = _Tunnel(await self._context(), reader, writer)
            with contextlib.suppress(ssl.SSLError):  # the client does not want this certificate
                await tunnel.serve(_PAGE + _BODY)

    async def _context(self) -> ssl.SSLContext:
        # By the machine's clock, because a client's TLS library goes by it and by no other.
        now = system_now()
        key = (self._wish(), now.date())
        if key not in self._contexts:
            if len(self._contexts) >= _CONTEXTS:
                self._contexts.clear()
            self._contexts[key] = await asyncio.to_thread(self._authority.context, key[0], now)
        return self._contexts[key]

    def _wish(self) -> Wish:
        """The first fault that is on decides."""
        if self._faults.active(Interface.TLS, "expired-certificate"):
            return Wish(begins=-30 * DAY, ends=-HOUR)
        if self._faults.active(Interface.TLS, "not-yet-valid"):
            return Wish(begins=HOUR)
        if self._faults.active(Interface.TLS, "wrong-host"):
            return Wish(host="elsewhere.example")
        if self._faults.active(Interface.TLS, "untrusted-certificate"):
            return Wish(trusted=False)
        if expiring := self._faults.active(Interface.TLS, "expiring-certificate"):
            return Wish(ends=expiring.number("days") * DAY)
        return Wish()


class _Tunnel:
    """The server's end of TLS over a stream."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def serve(self, answer: bytes) -> None:
        """Answers the first request and closes. Raises `ssl.SSLError` where the client does not agree."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
            try:
                head += self._tls.read(_PIECE_BYTES)  # takes part in the handshake as well
            except ssl.SSLWantReadError:
                if not await self._exchange():
                    return
        self._tls.write(answer)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._send()
        await self._writer.drain()

    async def _exchange(self) -> bool:
        """Sends what is to be sent and takes what comes; False at the end of the stream."""
        self._send()
        piece = await self._reader.read(_PIECE_BYTES)
        self._incoming.write(piece)
        return bool(piece)

    def _send(self) -> None:
        if piece := self._outgoing.read():
            self._writer.write(piece)
