"""Makes the backups: real copies of the database, in another directory, with an index that outlives the process."""

import asyncio
import hashlib
import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from standin.clock import from_unix
from standin.fault_model import Interface
from standin.parts import Context

INDEX = "backups.json"
LOOK_SECONDS = 0.5  # how soon a changed setting, or the end of a fault, is noticed


@dataclass(frozen=True, slots=True)
class Backup:
    """`taken_at` and `samples_until` in RFC 3339, UTC; the latter is the newest sample in it, or None."""

    id: str
    taken_at: str
    location: str
    bytes: int
    sha256: str
    samples_until: str | None
    file: str

    def older(self, by: timedelta) -> "Backup":
        until = self.samples_until and _rfc3339(datetime.fromisoformat(self.samples_until) - by)
        return replace(self, taken_at=_rfc3339(datetime.fromisoformat(self.taken_at) - by), samples_until=until)


class Backups:
    """`directory` is where they are kept, to be set before the first one; it is made with that."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.directory = Path()
        self._kept: list[Backup] = []
        self._made = 0
        self._making = asyncio.Lock()

    async def load(self) -> None:
        """Takes up what an earlier process left."""
        self._kept = await asyncio.to_thread(_read_index, self.directory)

    async def make(self) -> Backup:
        async with self._making:
            return await self._make()

    async def _make(self) -> Backup:
        settings, now = self._context.live.current, self._context.live.current.now()
        self._made += 1
        name = f"{now:%Y%m%dT%H%M%S%fZ}-{self._made}"
        await asyncio.to_thread(self.directory.mkdir, parents=True, exist_ok=True)
        part = self.directory / f"{name}.part"
        until = await self._newest_sample()
        await self._context.storage.back_up(part)
        file = part.with_suffix(".sqlite")
        size, digest = await asyncio.to_thread(_finish, part, file)
        made = Backup(name, _rfc3339(now), settings.backups.location, size, digest, until, str(file))
        every = [*self._kept, made]
        dropped, self._kept = every[: -settings.backups.keep], every[-settings.backups.keep :]
        await asyncio.to_thread(_write_index, self.directory, self._kept, dropped)
        return made

    async def _newest_sample(self) -> str | None:
        rows = await self._context.storage.rows("SELECT max(time) AS newest FROM samples")
        newest = rows[0]["newest"]
        return None if newest is None else _rfc3339(from_unix(newest))

    async def shown(self) -> list[Backup]:
        """As the manifest lists them, which is not always the truth. The first one is made when it is asked for."""
        faults, settings = self._context.faults, self._context.live.current
        if faults.active(Interface.BACKUPS, "no-backups"):
            return []
        async with self._making:
            if not self._kept:
                await self._make()
        backups = self._kept
        if stale := faults.active(Interface.BACKUPS, "stale-backup"):
            newest = datetime.fromisoformat(backups[-1].taken_at)
            age = timedelta(hours=stale.number("hours"))
            backups = [each.older(newest - (settings.now() - age)) for each in backups]
        if faults.active(Interface.BACKUPS, "same-place"):
            backups = [replace(each, location=settings.backups.home_location) for each in backups]
        return backups

    async def manifest(self) -> dict[str, Any]:
        return {
            "source_location": self._context.live.current.backups.home_location,
            "backups": [asdict(each) for each in await self.shown()],
        }

    def find(self, number: str) -> Backup | None:
        return next((each for each in self._kept if each.id == number), None)

    async def make_for_ever(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; a backup that is being made then is finished."""
        loop, faults, last = asyncio.get_running_loop(), self._context.faults, -math.inf
        while not stop.is_set():
            every = self._context.live.current.backups.every_seconds
            halted = any(faults.active(Interface.BACKUPS, name) for name in ("no-backups", "stale-backup"))
            if loop.time() >= last + every and not halted:
                last = loop.time()
                await self.make()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(every, LOOK_SECONDS))


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _finish(part: Path, file: Path) -> tuple[int, str]:
    """Gives the file its name once it is whole; its size and digest."""
    content = part.read_bytes()
    part.rename(file)
    return len(content), hashlib.sha256(content).hexdigest()


def _read_index(directory: Path) -> list[Backup]:
    try:
        known = json.loads((directory / INDEX).read_text())
        return [Backup(**each) for each in known["backups"] if Path(each["file"]).is_file()]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _write_index(directory: Path, kept: list[Backup], dropped: list[Backup]) -> None:
    for each in dropped:
        Path(each.file).unlink(missing_ok=True)
    part = directory / f"{INDEX}.part"
    part.write_text(json.dumps({"backups": [asdict(each) for each in kept]}))
    part.rename(directory / INDEX)
