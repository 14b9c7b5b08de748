"""The tasks that a running stand-in has: each has a name, and none outlives it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

_CANCEL_AGAIN_SECONDS = 0.25


class Background:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    async def close(self) -> None:
        """Cancels what still runs and waits for its end; raises what any of the tasks failed with."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            # Again after a while: `asyncio.wait_for` of Python 3.11, which libraries use, loses a cancellation that
            # comes at the moment at which what it waits for is done.
            await asyncio.wait(set(self._tasks), timeout=_CANCEL_AGAIN_SECONDS)
            await asyncio.sleep(0)  # lets the done callbacks run
        if self._failures:
            raise ExceptionGroup(
                "tasks of the stand-in failed", [e for e in self._failures if isinstance(e, Exception)]
            )

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            self._failures.append(failure)
