"""A stand-in with backups, a clock that a test moves, and what a daemon would have on record, for recovery's tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.clock import ManualClock
from probes.contract import Blocked, Journey, ProbeFailed
from probes.efento.samples import SampleRun, SampleState
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from probes.recovery import Options, recovery
from standin import StandIn, StandInSettings
from standin.backups.settings import BackupSettings
from standin.channels import Sample
from standin.clock import from_unix
from standin.storage import Upload
from tests.probes.platform import SERIAL, START, Record
from tests.probes.servers import failed_step

SIGNAL = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]
DAY = 86_400


def bearer() -> dict[str, str]:
    return {"Authorization": "Bearer standin-backup-token"}


@dataclass
class Stage:
    """A stand-in with a clock, and what a daemon would have on record."""

    platform: StandIn
    clock: ManualClock
    http: aiohttp.ClientSession
    record: Record = field(default_factory=Record)
    last: Journey | None = None

    @property
    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def url(self, interface: str) -> str:
        return str(self.platform.addresses[interface]["url"])

    async def store(self, first: int, last: int) -> None:
        """Samples that the platform has, every ten seconds."""
        now_ms = self.now * 1000
        point = await self.platform.storage.add_point(SERIAL, now_ms)
        times = range(first, last + 1, 10)
        samples = [Sample(1, "TEMPERATURE", time, SIGNAL.value(time), 10) for time in times]
        async with self.platform.storage.transaction():
            await self.platform.storage.store_upload(point, Upload(SERIAL, samples, now_ms, now_ms, True))

    def saw(self, first: int, last: int) -> None:
        """Samples that an ingest probe found in the platform."""
        self.record.runs[SERIAL] = sorted(
            [*self.record.runs.get(SERIAL, []), SampleRun(first, last, 10, SampleState.SEEN)]
        )

    async def back_up(self) -> dict[str, Any]:
        async with self.http.post(self.url("control") + "/backups") as response:
            made: dict[str, Any] = await response.json()
            return made

    async def check(self, *, one_shot: bool = False, drill: dict[str, Any] | None = None, **changes: Any) -> Journey:
        """One check with what the daemon does around it: it keeps what is to be kept, and undoes."""
        journey = self.last = self.record.journey(self.now, component="recovery", one_shot=one_shot)
        try:
            await recovery(Options.model_validate(self.options(drill or {}, changes)), journey)
        finally:
            if not one_shot:
                self.record.keep(journey)
            for entry in reversed(journey.undos):
                if entry.pending:
                    await entry.action()
        return journey

    def options(self, drill: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        place = {"token": "standin-backup-token", "timeout": changes.pop("patience", 5)}
        endpoint = {"url": self.url("backups") + "/restores", **place}
        return {
            "sensors": [SERIAL],
            "api": {"url": self.url("api"), "token": "standin-api-token", "timeout": place["timeout"]},
            "manifest": {"url": self.url("backups") + "/manifest.json", **place},
            "drill": {"every": 0, "wait": 5, "clock_tolerance": 0, "endpoint": endpoint, **drill},
            **changes,
        }

    async def failing(self, **changes: Any) -> ProbeFailed:
        with pytest.raises(ProbeFailed) as caught:
            await self.check(**changes)
        return caught.value

    async def blocked(self, **changes: Any) -> Blocked:
        with pytest.raises(Blocked) as caught:
            await self.check(**changes)
        return caught.value

    @property
    def step(self) -> str:
        assert self.last
        return failed_step(self.last)

    def restore(self) -> str:
        """The restore that the probe has on record."""
        return str(json.loads(self.record.memory["drill"])["restore"])

    async def status_of(self, restore: str) -> int:
        async with self.http.get(f"{self.url('backups')}/restores/{restore}", headers=bearer()) as response:
            return response.status

    async def restores(self) -> list[str]:
        """The directories of what was restored and is still there."""
        directory = self.platform.live.current.backups.directory
        assert directory
        return await asyncio.to_thread(lambda: [each.name for each in (directory / "restores").glob("*")])


@asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Stage]:
    """Five minutes of samples, seen by a check before the newest backup was made."""
    clock = ManualClock(from_unix(START))
    settings = StandInSettings(
        now=clock.now, backups=BackupSettings(every_seconds=3600, directory=directory / "backups")
    )
    async with StandIn.start(settings) as platform, aiohttp.ClientSession() as http:
        stage = Stage(platform, clock, http)
        await stage.store(START - 300, START)
        stage.saw(START - 300, START)
        await stage.blocked()  # nobody can know yet what was there when the first backup was made
        clock.advance(10)
        await stage.back_up()
        clock.advance(5)
        yield stage
