"""A TCP port that can stop listening and begin again, at once, and that knows its connections."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable

import structlog

from standin.background import Background

_BACKLOG = 128
_AT_ONCE = struct.pack("ii", 1, 0)  # lingering for zero seconds: the system sends a reset in place of a proper end

log = structlog.get_logger()

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Serves each connection in a task of its own from `open` to `close`, and closes it when that ends."""

    def __init__(self, host: str, port: int, serve: Serve, background: Background) -> None:
        self._host = host
        self.port = port
        self._serve = serve
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._reservation: socket.socket | None = None
        self._listening: socket.socket | None = None
        self._connections: dict[socket.socket, asyncio.Task[None]] = {}

    def open(self) -> None:
        # A bound socket that does not listen keeps the port ours while connections are refused.
        self._reservation = self._bound()
        self.port = self._reservation.getsockname()[1]
        self._listen()

    def refuse(self, on: bool) -> None:
        """Closes the port and all connections, or opens the port again."""
        if on:
            self._stop()
        else:
            self._listen()

    def close(self) -> None:
        self._stop()
        if self._reservation:
            self._reservation.close()

    def _listen(self) -> None:
        self._listening = self._bound()
        self._listening.listen(_BACKLOG)
        self._loop.add_reader(self._listening, self._accept)

    def _stop(self) -> None:
        if self._listening:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        for task in self._connections.values():
            task.cancel()

    def _accept(self) -> None:
        assert self._listening is not None
        with contextlib.suppress(OSError):  # the client is gone already
            connection, _address = self._listening.accept()
            connection.setblocking(False)
            task = self._background.start(self._connected(connection), f"mqtt[{self.port}].connection")
            self._connections[connection] = task
            task.add_done_callback(lambda _task: self._forget(connection))

    def _forget(self, connection: socket.socket) -> None:
        del self._connections[connection]
        # Where the task was cancelled before its first step nobody else does; otherwise after the transport has.
        self._loop.call_soon(connection.close)

    async def _connected(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client is gone
        except Exception:
            log.exception("standin.connection_failed", port=self.port)
        finally:
            writer.transport.abort()  # what was written is with the system already; what was not has no reader

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind((self._host, self.port))
        except BaseException:
            bound.close()
            raise
        return bound


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by a TCP reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    writer.transport.abort()
