"""An HTTP interface that can stop listening and begin again on the same port, at once."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from standin.background import Background

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_BACKLOG = 128
_DRAIN_SECONDS = 0.2


class HttpServer:
    """Serves an application from `open` to `close`; `stop_listening` and `listen` take effect before they return."""

    def __init__(self, host: str, port: int, application: web.Application, background: Background) -> None:
        self._host = host
        self.port = port
        self._background = background
        # A handler that waits for ever must end when its client goes away.
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=_DRAIN_SECONDS
        )
        self._reservation: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        await self._runner.setup()
        # A bound socket that does not listen keeps the port ours while connections are refused.
        self._reservation = self._bound(self.port)
        self.port = self._reservation.getsockname()[1]
        self.listen()

    def listen(self) -> None:
        """From here on the system accepts connections; they are served as soon as the loop has taken the socket."""
        self._listener = self._bound(self.port)
        self._listener.listen(_BACKLOG)
        self._background.start(self._attach(self._listener), f"http[{self.port}].attach")

    def stop_listening(self) -> None:
        """Closes the socket and all connections."""
        if self._server:
            self._server.close()
            self._server = None
        if self._listener:
            self._listener.close()
            self._listener = None
        if self._runner.server:
            for connection in self._runner.server.connections:
                connection.force_close()

    def refuse(self, on: bool) -> None:
        if on:
            self.stop_listening()
        else:
            self.listen()

    async def close(self) -> None:
        self.stop_listening()
        if self._reservation:
            self._reservation.close()
        await self._runner.cleanup()

    async def _attach(self, listener: socket.socket) -> None:
        if listener is not self._listener:
            return  # refused again before the loop came here
        assert self._runner.server
        loop = asyncio.get_running_loop()
        # In two steps, so that there is never a moment in which the loop serves a server that we do not know.
        self._server = await loop.create_server(self._runner.server, sock=listener, start_serving=False)
        await self._server.start_serving()

    def _bound(self, port: int) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind((self._host, port))
        except BaseException:
            bound.close()
            raise
        return bound


def error(status: int, message: str) -> web.Response:
    """An error as the platform words it: JSON with a `message`."""
    return web.json_response({"message": message}, status=status)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns aiohttp's own plain-text errors (no such path, method not allowed, …) into the platform's form."""
    try:
        return await handler(request)
    except web.HTTPError as refusal:
        return error(refusal.status, refusal.reason)
