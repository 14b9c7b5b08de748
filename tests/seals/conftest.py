"""A store with something of everything in it, sealed twice, and what an attacker does to its file."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from monitor.results import Result
from monitor.seals import Sealed, Verified, seal, verify
from monitor.sla.windows import Window, WindowKind
from monitor.store import Store
from probes.contract import Picture
from tests.store.histories import EVERY_MS, HERE, START_MS, history, import_rows, terms

DAY_MS = 86_400_000
SEALED_MS = START_MS + DAY_MS
EDGE_MS = START_MS + 6 * EVERY_MS  # seal 2 proves the runs from before, so that their results can go


@dataclass(frozen=True)
class Sealing:
    """A sealed store: its file and the key's, and the seals."""

    file: Path
    key_file: Path
    seals: list[Sealed]

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def tamper(self, *statements: str) -> int:
        """What somebody does who can write the file; returns how many rows were met by the last statement."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                met = connection.execute(statement).rowcount
        return met

    async def seal(self, now_ms: int, *, rotate: bool = False, runs_before_ms: int | None = None) -> Sealed:
        async with await Store.open(self.url) as store:
            return await seal(store, self.key_file, now_ms, rotate=rotate, runs_before_ms=runs_before_ms)

    async def verified(self, expected: dict[int, list[str]] | None = None, trusted: str | None = None) -> Verified:
        async with await Store.open(self.url, read_only=True) as store:
            return await verify(store, expected=expected, trusted=trusted)


async def record(store: Store, results: list[Result]) -> None:
    for each in results:
        await store.record(each)


async def recorded(
    file: Path, results: list[Result], boot_id: str = "boot-1", *, stop: bool = True, terms_ms: int = START_MS
) -> None:
    """What a daemon leaves behind that found this."""
    async with await Store.open(f"sqlite:///{file}") as store, asyncio.TaskGroup() as tasks:
        await store.record_terms(HERE, terms_ms, [terms("web"), terms("mail")])
        await store.begin(HERE, boot_id, "1.0", results[0].started_ms if results else START_MS)
        tasks.create_task(store.run())
        await record(store, results)
        if results:
            await store.record_event("web", results[0].started_ms, "late", "busy", 40)
            await store.heartbeat(results[-1].started_ms)
            if stop:
                await store.clean_stop(results[-1].started_ms + 1)
        store.stop()


def failure(at_ms: int) -> Result:
    """A failed check with all that can be kept of one."""
    found = history("D", "mail", start_ms=at_ms)[0]
    return replace(found, detail="no answer", evidence={"url": "http://x"}, pictures=(Picture("p", "image/png", b"1"),))


def window(text: str = "announced", recorded_ms: int = START_MS) -> Window:
    return Window(WindowKind.MAINTENANCE, START_MS, START_MS + 1000, text, "ann", recorded_ms)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Sealing:
    """Made once: it takes longer than most of what is done with a copy of it."""
    return asyncio.run(_original(tmp_path_factory.mktemp("sealed")))


@pytest.fixture
def sealed(original: Sealing, tmp_path: Path) -> Sealing:
    """Ten results, imported ones, and some rows of other tables in seal 1; more of each in seal 2."""
    for file in original.file.parent.iterdir():
        shutil.copy2(file, tmp_path)
    return replace(original, file=tmp_path / original.file.name, key_file=tmp_path / original.key_file.name)


async def _original(folder: Path) -> Sealing:
    file, key_file = folder / "uptime.db", folder / "key.pem"
    seals = []
    later = START_MS + 100 * EVERY_MS
    await recorded(file, [*history("uuuDDDuuu"), failure(START_MS + 9 * EVERY_MS)])
    async with await Store.open(f"sqlite:///{file}") as store:
        await store.import_results(
            import_rows(history("uuDD", "old")),
            file_name="old.json",
            sha256="00",
            imported_ms=START_MS,
            terms_of=lambda newcomer: terms("old", from_ms=newcomer.first_ms),
        )
        await store.add_window(window())
        await store.add_window(window("second"))
        seals.append(await seal(store, key_file, SEALED_MS))
    await recorded(file, history("uuuu", start_ms=later), "boot-2", terms_ms=SEALED_MS + 1)
    async with await Store.open(f"sqlite:///{file}") as store:
        await store.add_window(window("third", SEALED_MS + 1))
        seals.append(await seal(store, key_file, SEALED_MS + DAY_MS, runs_before_ms=EDGE_MS))
    return Sealing(file, key_file, seals)
