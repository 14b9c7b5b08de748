"""A process that spends as fast as it can and prints each time that it was allowed to, for tests that kill it.

Arguments: the store's address, the limit. It begins at a line on its standard input, and ends at the limit.
"""

import asyncio
import sys

from monitor.store import Store


async def main(url: str, limit: int) -> None:
    async with await Store.open(url) as store:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        while await store.spend("sms", "today", 1, limit):
            sys.stdout.write("spent\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
