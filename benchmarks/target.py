"""An HTTP server on a free port of this machine, as cheap as can be: the same small page for every connection.

Prints its port. Runs until it is terminated.
"""

import asyncio
import sys

BODY = b"<!doctype html><title>target</title>" + b"<p>All is well.</p>" * 50
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY)


class _Page(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._request = b""

    def data_received(self, data: bytes) -> None:
        self._request += data
        if self._request.endswith(b"\r\n\r\n"):
            self._transport.write(HEAD + BODY)
            self._transport.close()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Page, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
