"""Several stand-ins in one process, so that many faults can be tried at the same time.

`python -m tests.e2e.platforms NUMBER FILE` writes their addresses to the file as a JSON list, and ends by SIGTERM.
"""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from standin import StandIn, StandInSettings
from tests.e2e.configurations import Watch


async def main(number: int, file: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        platforms = [
            await stack.enter_async_context(StandIn.start(StandInSettings(serials=(Watch.sensor_of(index),))))
            for index in range(1, number + 1)
        ]
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps([platform.addresses for platform in platforms]))
        fresh.replace(file)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
