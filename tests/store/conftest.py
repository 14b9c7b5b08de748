"""A store in a file of its own, and a daemon's way of using it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from monitor.store import Committed, Store
from tests.store.histories import HERE, START_MS, terms

Recording = Callable[..., AbstractAsyncContextManager[Store]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "uptime.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a copy of it is a new store."""
    file = tmp_path_factory.mktemp("empty") / "uptime.db"

    async def make() -> None:
        await (await Store.open(f"sqlite:///{file}")).close()

    asyncio.run(make())
    return file


@pytest.fixture
def recording(url: str) -> Recording:
    """Opens the store as a daemon does: terms recorded, writer begun, `run` running; stopped and drained in the end."""

    @asynccontextmanager
    async def opened(
        boot_id: str = "boot-1",
        probes: Sequence[str] = ("web",),
        on_committed: Callable[[list[Committed]], None] | None = None,
        now_ms: int = START_MS,
    ) -> AsyncIterator[Store]:
        async with await Store.open(url) as store, asyncio.TaskGroup() as tasks:
            await store.record_terms(HERE, now_ms, [terms(probe) for probe in probes])
            await store.begin(HERE, boot_id, "1.0", now_ms, on_committed=on_committed)
            tasks.create_task(store.run(), name="store")
            try:
                yield store
            finally:
                store.stop()

    return opened
