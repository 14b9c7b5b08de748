"""A stand-in, a clock that a test moves, and a liar in between, for the tests of operations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitor.clock import ManualClock
from probes.contract import Journey, ProbeFailed
from probes.efento.operations_names import Naming
from probes.operations import Options, operations
from standin import StandIn, StandInSettings
from standin.clock import from_unix
from tests.probes.platform import START, Record
from tests.probes.servers import failed_step

PATHS = ("organizations", "users", "devices", "rules", "invitations")
KINDS = ("organization", "user", "device", "rule", "invitation")
NAMING = Naming("efento-uptime", "", "probe")
FIELDS = {
    "organizations": {},
    "users": {"email": "a@example.invalid", "organizationId": 1},
    "devices": {"serialNumber": "282C02FE0001", "organizationId": 1},
}


@dataclass
class Stage:
    platform: StandIn
    clock: ManualClock
    http: aiohttp.ClientSession
    record: Record = field(default_factory=Record)
    last: Journey | None = None
    undone: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.platform.addresses["operations"]["url"])

    async def check(self, *, one_shot: bool = False, patience: float = 5, **changes: Any) -> Journey:
        """One check, with the undoing that the daemon does after it."""
        now = self.clock.now().timestamp()
        self.last = journey = self.record.journey(now, component="operations", one_shot=one_shot)
        interface = {"url": self.url, "token": "standin-api-token", "timeout": patience}
        given = {"interface": interface, "visible_within": 0.2, **changes}
        try:
            await operations(Options.model_validate(given), journey)
        finally:
            for entry in reversed(journey.undos):
                if entry.pending:
                    await self._undo(entry.name, entry.action)
        return journey

    async def _undo(self, name: str, action: Any) -> None:
        try:
            await action()
            self.undone.append(name)
        except ProbeFailed:
            return

    async def failing(self, **changes: Any) -> ProbeFailed:
        with pytest.raises(ProbeFailed) as caught:
            await self.check(**changes)
        return caught.value

    @property
    def step(self) -> str:
        assert self.last
        return failed_step(self.last)

    async def names(self, path: str) -> list[str]:
        async with self.http.get(f"{self.url}/{path}") as response:
            return [each["name"] for each in (await response.json())[path]]

    async def left(self) -> list[str]:
        """What is there but the organisation that was always there."""
        return [name for path in PATHS for name in await self.names(path) if name != "Stand-in"]

    async def make(self, path: str, name: str) -> int:
        async with self.http.post(f"{self.url}/{path}", json={"name": name, **FIELDS[path]}) as response:
            assert response.status == 201
            return int((await response.json())["id"])

    def name(self, age: float, naming: Naming = NAMING) -> str:
        return naming.fresh(self.clock.now() - timedelta(seconds=age))


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    clock = ManualClock(from_unix(START))
    headers = {"Authorization": "standin-api-token"}
    async with (
        StandIn.start(StandInSettings(now=clock.now)) as platform,
        aiohttp.ClientSession(headers=headers) as http,
    ):
        yield Stage(platform, clock, http)


class LyingServer:
    """Passes all on to the platform, and says of what it creates that it has another number; none: that it failed."""

    def __init__(self, platform: str, number: int | None) -> None:
        self._platform, self._number = platform, number

    async def __aenter__(self) -> str:
        async def handle(request: web.Request) -> web.Response:
            url = self._platform.removesuffix("/api/v2") + request.path_qs
            headers = {"Authorization": request.headers["Authorization"], "Content-Type": "application/json"}
            body = await request.read()
            async with self._http.request(request.method, url, data=body, headers=headers) as answer:
                if request.method == "POST":
                    return web.json_response({"id": self._number}, status=201 if self._number else 502)
                return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        self._http = aiohttp.ClientSession()
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/v2"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._http.close()
