"""Did this process itself stand still? Without CPU, or stopped for a while, it lets every deadline pass unused."""

import asyncio
from collections import deque

from monitor import logs

TICK_SECONDS = 0.5
STALL_SECONDS = 1.0
KEPT = 100


class Stalls:
    """Watches the event loop's own clock. `watch` is to be a task."""

    def __init__(self) -> None:
        self._ticked: float | None = None
        self._seen: deque[tuple[float, float]] = deque(maxlen=KEPT)

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._ticked = loop.time()
                await asyncio.sleep(TICK_SECONDS)
                stalled = self._overslept(loop.time())
                if stalled >= STALL_SECONDS:
                    self._seen.append((loop.time(), stalled))
                    logs.get().warning("loop.stalled", seconds=round(stalled, 3))
        finally:
            self._ticked = None

    def longest(self, seconds: float) -> float:
        """How long the longest stall of the last so many seconds was; 0 where there was none worth a word."""
        now = asyncio.get_running_loop().time()
        present = self._overslept(now)  # one that has just ended, and was not noticed yet
        past = [stalled for ended, stalled in self._seen if ended >= now - seconds]
        return max([each for each in (present, *past) if each >= STALL_SECONDS], default=0.0)

    def _overslept(self, now: float) -> float:
        return 0.0 if self._ticked is None else now - self._ticked - TICK_SECONDS
