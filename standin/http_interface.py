"""One HTTP interface of the platform: its routes behind its faults, on a port that can be closed."""

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

from standin.fault_model import Interface
from standin.http_faults import fault_middleware
from standin.http_server import HttpServer, errors_as_json
from standin.parts import Addresses, Context, address


class HttpInterface:
    """`path` is where clients begin. The further `middlewares` stand inside those for faults and errors."""

    def __init__(
        self,
        context: Context,
        interface: Interface,
        port: int,
        routes: Iterable[web.RouteDef],
        *,
        path: str = "",
        middlewares: Iterable[Middleware] = (),
    ) -> None:
        faulty = fault_middleware(interface, context.faults)
        application = web.Application(middlewares=[faulty, errors_as_json, *middlewares])
        application.router.add_routes(routes)
        self._name, self._path, self._host = str(interface), path, context.live.current.host
        self._server = HttpServer(self._host, port, application, context.background)
        context.faults.watch(interface, "refuse", self._server.refuse)

    @property
    def addresses(self) -> Addresses:
        return {self._name: address("http", self._host, self._server.port, self._path)}

    async def open(self) -> None:
        await self._server.open()

    async def close(self) -> None:
        await self._server.close()
