"""Makes seals and puts them on record; `sealing` drafts them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from monitor.seals import keys
from monitor.seals.headers import Header, parsed
from monitor.seals.keys import SealKey
from monitor.seals.sealed import Sealed
from monitor.seals.sealing import LARGEST_SEAL, Drafting
from monitor.store import Store
from monitor.store.sealing import Rows


async def seal(
    store: Store,
    key_file: Path,
    now_ms: int,
    *,
    rotate: bool = False,
    runs_before_ms: int | None = None,
    largest: int = LARGEST_SEAL,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Sealed:
    """Seals every row on record that is not sealed yet; with `rotate`, by a new key that the former one vouches for.

    With `runs_before_ms` also the runs of that time, so that the results that make them can be deleted.

    Raises `KeyProblem` where the key cannot be used, and `StoreError` where the store cannot be.
    """
    key = await _key(store, key_file, now_ms, rotate=rotate)
    made = 0
    while True:
        drafting = Drafting(key, now_ms, largest, on_rows, runs_before_ms)
        row, more = await store.read_rows(drafting.draft)
        if not await store.add_seal(row):
            break  # another process sealed at the same time: its seal holds
        made += 1
        if not more:
            break
    newest = (await store.seals())[-1]
    header = await store.read_rows(_newest_header)
    before_ms = None if header.runs is None else header.runs.before_ms
    return Sealed(newest.number, newest.sealed_ms, newest.digest, newest.key, newest.rows, made, before_ms)


def _newest_header(rows: Rows) -> Header:
    newest = rows.newest_seal()
    assert newest is not None, "one was just made"
    return parsed(newest.header)


async def _key(store: Store, file: Path, now_ms: int, *, rotate: bool) -> SealKey:
    key = await asyncio.to_thread(keys.load_or_make, file)
    await store.add_seal_key(key.row(now_ms))
    if not rotate:
        return key
    fresh = await asyncio.to_thread(keys.write_fresh, file)
    successor = await asyncio.to_thread(keys.load, fresh)
    # On record before it is in use: a seal by a key that nobody vouched for would look like somebody else's.
    await store.add_seal_key(successor.row(now_ms, key))
    await asyncio.to_thread(keys.replace, file, fresh)
    return successor
