"""Many concurrent callers, one transaction: whatever is waiting when a commit ends goes into the next one together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from monitor.store.records import StoreError

Work = TypeVar("Work")
LARGEST_GROUP = 1_000


class GroupCommit(Generic[Work]):
    """`commit` stores a whole group or nothing of it, and returns a number for each piece of work.

    A `StoreError` from it goes to every caller of the group, and the next group is tried. Any other exception is a
    mistake of ours: it goes to the callers as a `StoreError` too, and ends `run`.
    """

    def __init__(self, commit: Callable[[Sequence[Work]], Awaitable[Sequence[int]]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[Work | None, asyncio.Future[int]]] = []
        self._news = asyncio.Event()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, work: Work) -> int:
        """Returns once the work is on disk."""
        return await self._entry(work)

    async def flush(self) -> None:
        """Returns once everything that was put before has been stored or refused."""
        await self._entry(None)

    def stop(self) -> None:
        """Nothing more is taken; `run` returns when all that is waiting has been dealt with."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Stores what is put, group by group. To be run once, as a task of the daemon."""
        try:
            while self._waiting or not self._stopping:
                await self._news.wait()
                await self._next_group()
        finally:
            self._stopping = True
            _fail(self._waiting, StoreError("the store is being closed"))

    def _entry(self, work: Work | None) -> asyncio.Future[int]:
        if self._stopping:
            raise StoreError("the store is being closed")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        self._news.set()
        return future

    async def _next_group(self) -> None:
        group, self._waiting = self._waiting[:LARGEST_GROUP], self._waiting[LARGEST_GROUP:]
        if not self._waiting and not self._stopping:
            self._news.clear()
        try:
            numbers = iter(await self._commit([work for work, _ in group if work is not None]))
        except StoreError as error:
            _fail(group, error)
            return
        except BaseException as error:
            _fail(group, StoreError(f"the store stopped writing: {type(error).__name__}"))
            raise
        for work, future in group:
            number = 0 if work is None else next(numbers)
            if not future.done():  # its caller may have been cancelled
                future.set_result(number)


def _fail(group: "Sequence[tuple[Work | None, asyncio.Future[int]]]", error: StoreError) -> None:
    for _, future in group:
        if not future.done():
            # One exception a caller: they are raised, and their tracebacks grow, in different tasks.
            failure = StoreError(*error.args)
            failure.__cause__ = error.__cause__
            future.set_exception(failure)
