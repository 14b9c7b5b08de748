"""A service that is called, on loopback, and does whatever a test wants with the connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

Behaviour = Callable[["Service", asyncio.StreamWriter], Awaitable[None]]
TOKEN = "5ecret-5ecret-5ecret"


@dataclass(frozen=True, slots=True)
class Call:
    line: str
    body: str


class Service:
    """`calls` are those that came, `gone` is set by whoever waits for a client that hangs up."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.calls: list[Call] = []
        self.news = asyncio.Event()
        self.open = 0
        self.closed = asyncio.Event()
        self.port = 0
        self.at: list[float] = []

    def url(self, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/ping/{TOKEN}{rest}"

    @property
    def lines(self) -> list[str]:
        """Methods and what followed the secret part of the address."""
        return [call.line.replace(f"/ping/{TOKEN}", "") for call in self.calls]

    async def called(self, times: int) -> None:
        while len(self.calls) < times:
            self.news.clear()
            await self.news.wait()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.closed.clear()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line[15:]) for line in head.splitlines() if line.startswith("Content-Length:")), 0)
            self.at.append(asyncio.get_running_loop().time())
            body = (await reader.readexactly(length)).decode()
            self.calls.append(Call(head.partition(" HTTP/")[0], body))
            self.news.set()
            await self.behaviour(self, writer)
            await writer.drain()
            writer.write_eof()
            while await reader.read(65_536):
                """The other end is to hang up."""
        except (ConnectionError, asyncio.IncompleteReadError):
            """It has."""
        finally:
            writer.close()
            self.open -= 1
            self.closed.set()


@asynccontextmanager
async def service(behaviour: Behaviour) -> AsyncIterator[Service]:
    one = Service(behaviour)
    async with asyncio.TaskGroup() as group:
        tasks = []
        server = await asyncio.start_server(
            lambda reader, writer: tasks.append(group.create_task(one.connected(reader, writer))), "127.0.0.1", 0
        )
        one.port = server.sockets[0].getsockname()[1]
        try:
            yield one
        finally:
            server.close()
            for task in tasks:
                task.cancel()


def answering(status: str = "200 OK", text: str = "OK", *headers: str) -> Behaviour:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", *headers])

    async def answer(_service: Service, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{head}\r\n\r\n{text}".encode())

    return answer


def saying(raw: bytes, then: bytes = b"") -> Behaviour:
    """`then` is said again and again, until the other end hangs up."""

    async def say(_service: Service, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        while then:
            writer.write(then)
            await writer.drain()
            await asyncio.sleep(0)

    return say


async def silence(_service: Service, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


def half_open(raw: bytes) -> Behaviour:
    """Says so much, and then nothing more."""

    async def say(_service: Service, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await asyncio.Event().wait()

    return say


async def redirect_to_itself(service: Service, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 302 Found\r\nLocation: {service.url()}\r\nContent-Length: 0\r\n\r\n".encode())


async def hang_up(_service: Service, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
