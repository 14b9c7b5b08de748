"""The restores under way and done: each in a directory of its own, until it is deleted or has expired."""

import asyncio
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from standin.backups import scratch
from standin.backups.backups import Backup
from standin.fault_model import Interface
from standin.faults import ActiveFault
from standin.parts import Context


@dataclass(eq=False, slots=True)
class Restore:
    """Times are the event loop's. `database` is there once the state is `done`."""

    id: str
    directory: Path
    started: float
    state: str = "running"
    finished: float | None = None
    database: Path | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)
    copying: "asyncio.Future[Path] | None" = field(default=None, repr=False)


class Restores:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[str, Restore] = {}
        self.directory = Path()

    def find(self, number: str) -> Restore | None:
        return self._known.get(number)

    def seconds(self, restore: Restore) -> float:
        """How long it took, or takes already."""
        return (restore.finished or asyncio.get_running_loop().time()) - restore.started

    def start(self, backup: Backup) -> Restore:
        number = secrets.token_hex(8)
        restore = Restore(number, self.directory / number, asyncio.get_running_loop().time())
        if not self._active("lost-restore"):
            self._known[number] = restore
            work = self._restore(restore, backup)
            restore.task = self._context.background.start(work, f"restore[{number}]")
        return restore

    async def delete(self, restore: Restore) -> None:
        self._known.pop(restore.id, None)
        if restore.task:
            restore.task.cancel()
            await asyncio.wait([restore.task])
        if restore.copying:  # a thread cannot be cancelled; it would write into the directory after its removal
            await asyncio.wait([restore.copying])
        await asyncio.to_thread(shutil.rmtree, restore.directory, ignore_errors=True)

    async def expire(self) -> None:
        oldest = asyncio.get_running_loop().time() - self._context.live.current.backups.restores_expire_seconds
        for restore in [each for each in self._known.values() if each.started < oldest]:
            await self.delete(restore)

    async def close(self) -> None:
        for restore in list(self._known.values()):
            await self.delete(restore)

    async def _restore(self, restore: Restore, backup: Backup) -> None:
        if slow := self._active("slow-restore"):
            with suppress(TimeoutError):
                await asyncio.wait_for(slow.ended.wait(), slow.number("seconds"))
        try:
            if self._active("failing-restore"):
                raise OSError("the restore fails")
            work = partial(scratch.restore, Path(backup.file), restore.directory, list(self._changes()))
            restore.copying = asyncio.get_running_loop().run_in_executor(None, work)
            restore.database = await asyncio.shield(restore.copying)
            restore.state = "done"
        except (OSError, sqlite3.Error):
            restore.state = "failed"
        restore.finished = asyncio.get_running_loop().time()

    def _changes(self) -> Iterator[scratch.Change]:
        if fault := self._active("incomplete-restore"):
            yield scratch.without_some(int(fault.number("every")))
        if fault := self._active("altered-restore"):
            yield scratch.altered(fault.number("amount"))
        if fault := self._active("shifted-restore"):
            yield scratch.shifted(round(fault.number("seconds")))
        if self._active("doubled-restore"):
            yield scratch.doubled

    def _active(self, fault: str) -> ActiveFault | None:
        return self._context.faults.active(Interface.BACKUPS, fault)
