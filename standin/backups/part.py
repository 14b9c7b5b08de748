"""The part as the platform sees it: opened with the others, closed with them."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from standin.backups.backups import Backups
from standin.backups.restores import Restores
from standin.backups.service import BackupService
from standin.fault_model import Interface
from standin.http_interface import HttpInterface
from standin.parts import Addresses, Context

BESIDE_THE_DATABASE = "backups-other-location"
RESTORES = "restores"


class BackupPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop = asyncio.Event()
        self._temporary: Path | None = None
        self._maker: asyncio.Task[None] | None = None
        self._backups = Backups(context)
        self._restores = Restores(context)
        service = BackupService(context, self._backups, self._restores)
        self._interface = HttpInterface(
            context,
            Interface.BACKUPS,
            context.live.current.backups_port,
            service.routes(),
            middlewares=[service.guard()],
        )

    @property
    def addresses(self) -> Addresses:
        return self._interface.addresses

    def control_routes(self) -> Iterable[web.RouteDef]:
        return (web.post("/backups", self._make_one),)

    async def open(self) -> None:
        directory = await self._directory()
        self._backups.directory, self._restores.directory = directory, directory / RESTORES
        await asyncio.to_thread(shutil.rmtree, directory / RESTORES, ignore_errors=True)  # of a process that was killed
        await self._backups.load()
        self._maker = self._context.background.start(self._backups.make_for_ever(self._stop), "backups.make")
        await self._interface.open()

    async def close(self) -> None:
        self._stop.set()
        if self._maker:
            await asyncio.wait([self._maker])
        await self._interface.close()
        await self._restores.close()
        if self._temporary:
            await asyncio.to_thread(shutil.rmtree, self._temporary, ignore_errors=True)

    async def _directory(self) -> Path:
        settings = self._context.live.current
        if settings.backups.directory:
            return settings.backups.directory
        if settings.database:
            return settings.database.absolute().parent / BESIDE_THE_DATABASE
        self._temporary = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="standin-backups-"))
        return self._temporary

    async def _make_one(self, _request: web.Request) -> web.Response:
        """Makes a backup at once."""
        return web.json_response(asdict(await self._backups.make()), status=201)
