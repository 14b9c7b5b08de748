"""The part as the platform sees it: opened with the others, closed with them."""

from collections.abc import Iterable

from aiohttp import web

from standin.fault_model import Interface
from standin.http_interface import HttpInterface
from standin.operations.service import Operations
from standin.parts import Addresses, Context
from standin.rest import BASE


class OperationsPart:
    def __init__(self, context: Context) -> None:
        self._operations = Operations(context)
        self._interface = HttpInterface(
            context,
            Interface.OPERATIONS,
            context.live.current.operations_port,
            self._operations.routes(),
            path=BASE,
            middlewares=[self._operations.guard()],
        )

    @property
    def addresses(self) -> Addresses:
        return self._interface.addresses

    def control_routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def open(self) -> None:
        await self._operations.objects.open()
        await self._interface.open()

    async def close(self) -> None:
        await self._interface.close()
