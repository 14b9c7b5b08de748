"""The platform's name server: the zone behind its faults, over UDP and TCP on the same port."""

import asyncio
import contextlib
import secrets
import socket

import dns.exception
import dns.message
import dns.rcode

from standin.background import Background
from standin.fault_model import Interface
from standin.faults import Faults
from standin.mqtt.listener import Listener
from standin.network.holding import hold
from standin.network.zone import Zone, datagram, refusing, with_address

_PORT_TRIES = 20
_REOPEN_SECONDS = 0.1
_LARGEST_DATAGRAM = 65_535

Address = tuple[str, int]


class NameServer:
    def __init__(self, host: str, port: int, zone_name: str, faults: Faults, background: Background) -> None:
        self._host = host
        self.port = port
        self._zone_name = zone_name
        self._faults = faults
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._zone: Zone | None = None
        self._listener: Listener | None = None
        self._socket: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None
        faults.watch(Interface.DNS, "refuse", self._refuse)

    async def open(self) -> None:
        self._zone = await asyncio.to_thread(Zone, self._zone_name)
        for last in (*[False] * (_PORT_TRIES - 1), True):
            listener = Listener(self._host, self.port, self._serve, self._background)
            listener.open()
            try:
                self._open_udp(listener.port)
            except OSError:
                listener.close()
                if self.port or last:
                    raise
                continue  # a free TCP port whose UDP port is somebody's
            self._listener, self.port = listener, listener.port
            return

    def close(self) -> None:
        self._close_udp()
        if self._listener:
            self._listener.close()

    def _refuse(self, on: bool) -> None:
        if self._listener:
            self._listener.refuse(on)
        self._close_udp()
        if not on:
            self._reopen_udp()

    def _open_udp(self, port: int) -> None:
        opened = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.bind((self._host, port))
        except BaseException:
            opened.close()
            raise
        self._socket = opened
        self._loop.add_reader(opened, self._receive, opened)

    def _reopen_udp(self) -> None:
        """While the socket was closed, a client's passing socket may have been given its port."""
        try:
            self._open_udp(self.port)
        except OSError:
            self._retry = self._loop.call_later(_REOPEN_SECONDS, self._reopen_udp)

    def _close_udp(self) -> None:
        if self._retry:
            self._retry.cancel()
        if self._socket:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _receive(self, opened: socket.socket) -> None:
        try:
            wire, client = opened.recvfrom(_LARGEST_DATAGRAM)
        except OSError:
            return  # nothing, or the report that an earlier answer reached nobody
        if not self._faults.active(Interface.DNS, "timeout"):
            self._background.start(self._answer(wire, client), f"dns[{self.port}].answer")

    async def _answer(self, wire: bytes, client: Address) -> None:
        answer = await self._reply(wire, over_udp=True)
        if answer and self._socket:
            with contextlib.suppress(OSError):  # the client is gone
                self._socket.sendto(answer, client)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries with their length before them (RFC 1035, 4.2.2), until the client goes."""
        while length := int.from_bytes(await reader.readexactly(2), "big"):
            wire = await reader.readexactly(length)
            if held := self._faults.active(Interface.DNS, "timeout"):
                await hold(reader, writer, held, self._background)
                return
            answer = await self._reply(wire, over_udp=False)
            if not answer:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()

    async def _reply(self, wire: bytes, *, over_udp: bool) -> bytes:
        """What to send, as the faults would have it; nothing for what is no query."""
        if slow := self._faults.active(Interface.DNS, "slow"):
            await asyncio.sleep(slow.number("seconds"))
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return b""
        if not isinstance(query, dns.message.QueryMessage) or len(query.question) != 1:
            return b""
        if self._faults.active(Interface.DNS, "garbage"):
            return b"\xff" + secrets.token_bytes(31)
        response = self._response(query)
        return datagram(response, query) if over_udp else response.to_wire(max_size=65_535)

    def _response(self, query: dns.message.Message) -> dns.message.Message:
        assert self._zone is not None
        if self._faults.active(Interface.DNS, "servfail"):
            return refusing(query, dns.rcode.SERVFAIL)
        if self._faults.active(Interface.DNS, "nxdomain"):
            return refusing(query, dns.rcode.NXDOMAIN)
        response = self._zone.response(query)
        if wrong := self._faults.active(Interface.DNS, "wrong-answer"):
            return with_address(response, query, wrong.text("address"))
        return response
