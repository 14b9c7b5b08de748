"""A sealed store with something of everything in it, and what somebody does to its bundle who means ill."""

import asyncio
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.reports.bundle import write_bundle
from monitor.reports.bundle_recompute import Recomputed, recompute
from monitor.reports.making import Order
from monitor.seals import seal
from monitor.sla.windows import ReasonClass, Window, WindowKind
from monitor.store import Store
from tests.reports.records import AGREEMENT, DAY, HOUR, MINUTE
from tests.seals.conftest import failure, recorded
from tests.store.histories import EVERY_MS, START_MS, history, import_rows, terms

PERIOD = "2026-09"
SEALED_MS = START_MS + DAY
AS_OF_MS = START_MS + 2 * DAY


@dataclass(frozen=True)
class Original:
    """A store's file, and a bundle of it."""

    file: Path
    key_file: Path
    bundle: Path
    newest: str  # number and digest of the newest seal

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def order(self, period: str = PERIOD, as_of_ms: int = AS_OF_MS) -> Order:
        return Order(self.url, period, as_of_ms, None)

    def copied(self, folder: Path) -> "Original":
        for file in self.file.parent.iterdir():
            shutil.copy2(file, folder)
        return replace(
            self,
            file=folder / self.file.name,
            key_file=folder / self.key_file.name,
            bundle=folder / self.bundle.name,
        )

    def packed(self, name: str = "again.zip", period: str = PERIOD, as_of_ms: int = AS_OF_MS) -> Path:
        place = self.file.with_name(name)
        write_bundle(self.order(period, as_of_ms), place)
        return place


def original(folder: Path) -> Original:
    """An outage, a blip, imported results, windows and an agreement in two seals, and some of each after them."""
    file, key_file = folder / "uptime.db", folder / "key.pem"
    return asyncio.run(_original(Original(file, key_file, folder / "bundle.zip", "")))


async def _original(made: Original) -> Original:
    file = made.file
    later, latest = START_MS + 100 * EVERY_MS, SEALED_MS + HOUR
    await recorded(file, [*history("uuuuuDDDuuuDu?u"), failure(START_MS + 15 * EVERY_MS)])
    async with await Store.open(made.url) as store:
        await store.record_agreement(AGREEMENT, START_MS)
        await store.import_results(
            import_rows(history("uuuuu", "old", start_ms=START_MS + 20 * EVERY_MS)),
            file_name="old.json",
            sha256="00",
            imported_ms=START_MS,
            terms_of=lambda newcomer: terms("old", from_ms=newcomer.first_ms),
        )
        await store.add_window(_window("A restore of the <test> system", START_MS + 5 * EVERY_MS))
        await store.add_window(_window("Another one", START_MS + 6 * EVERY_MS))
        await seal(store, made.key_file, SEALED_MS)
    await recorded(file, history("uuDDuu", start_ms=later), "boot-2")
    async with await Store.open(made.url) as store:
        newest = await seal(store, made.key_file, SEALED_MS + MINUTE)
    await recorded(file, history("uuuu", start_ms=latest), "boot-3", stop=False)
    async with await Store.open(made.url) as store:
        await store.add_window(_window("After the seal", latest))
    await asyncio.to_thread(write_bundle, made.order(), made.bundle)
    return replace(made, newest=f"{newest.number}:{newest.digest}")


def _window(text: str, start_ms: int) -> Window:
    return Window(
        WindowKind.EXCLUDED,
        start_ms,
        start_ms + EVERY_MS,
        text,
        "ann",
        start_ms + MINUTE,
        ("api",),
        reason_class=ReasonClass.AGREED,
        approver="bob",
    )


Change = Callable[[bytes], bytes | None]
"""From what a file has to what it is to have; None takes it away."""


def forged(bundle: Path, changes: Mapping[str, Change], added: Mapping[str, bytes] | None = None) -> Path:
    """Another bundle beside it, with right check sums."""
    place = bundle.with_name("forged.zip")
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content: bytes | None = source.read(entry)
            if entry.filename in changes:
                assert content is not None
                content = changes[entry.filename](content)
            if content is not None:
                target.writestr(entry.filename, content)
        for name, more in (added or {}).items():
            target.writestr(name, more)
    return place


def flipped(place: int) -> Change:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def swapped(old: bytes, new: bytes) -> Change:
    def change(content: bytes) -> bytes:
        assert content.count(old) >= 1
        return content.replace(old, new, 1)

    return change


def looked_at(bundle: Path, changes: Mapping[str, Change], added: Mapping[str, bytes] | None = None) -> Recomputed:
    return recompute(forged(bundle, changes, added))
