"""A thread for what would otherwise keep the loop waiting: the database is asked in it, one piece of work at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from monitor.store.records import StoreError

T = TypeVar("T")


class Worker:
    """Does what it is given in the order in which it was given.

    A caller who is cancelled does not wait for the end of the work: the thread goes on with it, and whatever was given
    later finds it finished.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._closing: Future[None] | None = None

    async def do(self, work: Callable[[], T]) -> T:
        """Raises what the work raises, and `StoreError` after `close`."""
        return await asyncio.wrap_future(self._given(work))

    def post(self, work: Callable[[], object]) -> None:
        """Has it done without waiting for it, and whatever happens to the caller; nothing is done after `close`."""
        if self._closing is None:
            self._given(work)

    async def close(self, last: Callable[[], None]) -> None:
        """Waits for all that was given, does the last piece of work, and ends the thread."""
        if self._closing is None:
            self._closing = self._given(last)
            self._thread.shutdown(wait=False)
        # The thread comes to its end whoever waits for it: shielded, because whoever waits may be cancelled.
        await asyncio.shield(asyncio.wrap_future(self._closing))
        self._thread.shutdown()  # it has nothing left to do but to end

    def _given(self, work: Callable[[], T]) -> Future[T]:
        if self._closing is not None:
            raise StoreError("the store is closed")
        return self._thread.submit(work)
