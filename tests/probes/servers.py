"""Small servers on 127.0.0.1 that behave as badly as a test wants, and what counts their leftovers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from probes.contract import Journey

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SERVER_TASKS = ("_accept_connection2", "tcp_server.<locals>.serve", "RequestHandler.start")
Answers = Callable[[bytes], list[bytes]]


@asynccontextmanager
async def tcp_server(handler: Handler) -> AsyncIterator[int]:
    """Serves each connection with the handler; gives the port. Whatever still runs at the end is cut off."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        tasks.discard(task)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answering(*pieces: bytes) -> Handler:
    """Reads a request's headers, writes the pieces, closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    return handle


def answering_then_silent(*pieces: bytes) -> Handler:
    """Half-open: reads a request's headers, writes the pieces, and never ends."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()

    return handle


def endless(head: bytes, piece: bytes) -> Handler:
    """Answers with the head, then the same piece for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return handle


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"\x00\xff\x13 what is this?\r\n\r\n" * 8)
    await writer.drain()
    await reader.read()


async def slamming(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


def http_answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def udp_server(answers: Answers) -> AsyncIterator[int]:
    """Answers every datagram with what the function makes of it; gives the port."""

    class Server(asyncio.DatagramProtocol):
        transport: asyncio.DatagramTransport

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is not a subclass

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for answer in answers(data):
                self.transport.sendto(answer, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


def acknowledge(request: bytes, code: int = 0x41, payload: bytes = b"") -> bytes:
    """A piggybacked CoAP answer; code 0x41 is 2.01."""
    token = request[4 : 4 + (request[0] & 0x0F)]
    head = bytes([0x60 | len(token), code]) + request[2:4] + token
    return head + (b"\xff" + payload if payload else b"")


async def closed_port() -> int:
    """A TCP port at which nobody listens, most probably at UDP neither."""
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


def open_sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += str(entry.readlink()).startswith("socket:")
    return count


def client_tasks() -> set[str]:
    """The tasks that are neither the test nor the servers above."""
    others = (repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task())
    return {task for task in others if not any(word in task for word in SERVER_TASKS)}


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits until the condition holds; fails when it does not within the time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the condition is anything a test can see, not an event
            await asyncio.sleep(0.005)


def failed_step(journey: Journey) -> str:
    return journey.failed_step.name if journey.failed_step else ""
