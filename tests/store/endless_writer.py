"""A daemon that records as fast as it can and prints each id that was acknowledged, for tests that kill it.

Arguments: the store's address, the boot id, the first result's time, how many results each probe has (0: endless).
"""

import asyncio
import sys
from itertools import count, islice

from monitor.store import Store
from tests.store.histories import EVERY_MS, HERE, START_MS, result, terms

PROBES = [f"probe-{number}" for number in range(6)]
PATTERN = "uuuuuDDuu?uuuDuu"


async def probe(store: Store, name: str, start_ms: int, results: int) -> None:
    for number in islice(count(), results or None):
        letter = PATTERN[(number + len(name)) % len(PATTERN)]
        result_id = await store.record(result(letter, start_ms + number * EVERY_MS, name))
        sys.stdout.write(f"{result_id}\n")
        sys.stdout.flush()


async def main(url: str, boot_id: str, start_ms: int, results: int) -> None:
    async with await Store.open(url) as store, asyncio.TaskGroup() as tasks:
        await store.record_terms(HERE, START_MS, [terms(name) for name in PROBES])
        await store.begin(HERE, boot_id, "1.0", start_ms)
        tasks.create_task(store.run())
        async with asyncio.TaskGroup() as probing:
            for name in PROBES:
                probing.create_task(probe(store, name, start_ms, results))
        store.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
