"""The part as the platform sees it: opened with the others, closed with them."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from standin.clock import system_now
from standin.fault_model import Interface
from standin.mqtt.listener import Listener
from standin.network.authority import Authority
from standin.network.front_door import FrontDoor
from standin.network.holding import hold
from standin.network.name_server import NameServer
from standin.parts import Addresses, Context, address

_FOLDER = "tls"


class NetworkPart:
    """The front door, the name server, and the reference place: a port that takes connections and closes them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        settings, faults, background = context.live.current, context.faults, context.background
        self._host = settings.host
        self._name_server = NameServer(self._host, settings.dns_port, settings.network.zone, faults, background)
        self._reference = Listener(self._host, settings.reference_port, self._refer, background)
        faults.watch(Interface.REFERENCE, "refuse", self._reference.refuse)
        self._temporary: Path | None = None
        self._authority: Authority | None = None
        self._front_door: FrontDoor | None = None

    @property
    def addresses(self) -> Addresses:
        assert self._authority and self._front_door
        return {
            "tls": address("https", self._host, self._front_door.port) | {"ca_file": str(self._authority.ca_file)},
            "dns": address("dns", self._host, self._name_server.port),
            "reference": address("tcp", self._host, self._reference.port),
        }

    def control_routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def open(self) -> None:
        context, settings = self._context, self._context.live.current
        folder = settings.database.absolute().parent / _FOLDER if settings.database else await self._made_folder()
        hosts = dict.fromkeys((settings.network.zone, "localhost", "127.0.0.1", "::1", settings.host))
        self._authority = Authority(folder, tuple(hosts))
        await asyncio.to_thread(self._authority.open, system_now())
        self._front_door = FrontDoor(self._host, settings.tls_port, self._authority, context.faults, context.background)
        await self._front_door.open()
        await self._name_server.open()
        self._reference.open()

    async def close(self) -> None:
        self._reference.close()
        self._name_server.close()
        if self._front_door:
            self._front_door.close()
        if self._temporary:
            await asyncio.to_thread(shutil.rmtree, self._temporary, ignore_errors=True)

    async def _made_folder(self) -> Path:
        self._temporary = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="standin-tls-"))
        return self._temporary

    async def _refer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if held := self._context.faults.active(Interface.REFERENCE, "timeout"):
            await hold(reader, writer, held, self._context.background)
