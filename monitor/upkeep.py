"""The daemon's periodic work on the record: a seal a day, and after it the deletion of results that are old enough.

Both only when the wall clock says so, and neither in this process's way: a seal is made by a process of its own, and
results are deleted in small portions.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from monitor import logs
from monitor.clock import Clock, to_milliseconds
from monitor.config import Config
from monitor.metrics import Metrics
from monitor.store import Store, StoreError

LOOK_EVERY_SECONDS = 30.0
RETRY_SECONDS = 600.0


class NewSeal(Protocol):
    """What is told of the newest seal once sealing is done."""

    @property
    def number(self) -> int: ...
    @property
    def sealed_ms(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def runs_before_ms(self) -> int | None: ...


Sealer = Callable[[str, Path, int, int | None], Awaitable[NewSeal]]


async def seal_elsewhere(store_url: str, key_file: Path, now_ms: int, runs_before_ms: int | None) -> NewSeal:
    from monitor.seals.process import seal_in_process  # most starts of a daemon never come to it

    return await seal_in_process(store_url, key_file, now_ms, runs_before_ms=runs_before_ms)


class Upkeep:
    """Seals and deletes. `run` is to be a task of the daemon; `look` does what is due now, if anything."""

    def __init__(
        self, config: Config, store: Store, clock: Clock, metrics: Metrics, *, sealer: Sealer = seal_elsewhere
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._sealer = sealer
        self._sealed_ms: int | None = None
        self._not_before = clock.monotonic()
        self._prune_before_ms: int | None = None  # what is to be deleted now, if anything

    async def begin(self) -> None:
        """Takes over from the daemons before. A store that was never sealed counts as sealed when it came into use."""
        seals, agreements = await self._store.seals(), await self._store.agreements()
        self._sealed_ms = agreements[0].from_ms if agreements else to_milliseconds(self._clock.now())
        if seals:
            newest = seals[-1]
            self._sealed_ms = newest.sealed_ms
            self._metrics.sealed(newest.number, newest.sealed_ms, newest.digest)

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def look(self) -> None:
        """Does what is due. What fails is logged, counted, and tried again after a while; nothing is raised."""
        if self._clock.monotonic() < self._not_before:
            return
        now = self._clock.now()
        done = await self._seal(now) if self._seal_is_due(now) else True
        if done and self._prune_before_ms is not None:
            done = await self._prune(now, self._prune_before_ms)
        if not done:
            self._not_before = self._clock.monotonic() + RETRY_SECONDS

    def _seal_is_due(self, now: datetime) -> bool:
        at = self._config.sealing.at
        if at is None or self._sealed_ms is None:
            return False
        return self._sealed_ms < to_milliseconds(latest_time_of_day(now, at, self._config.zone))

    async def _seal(self, now: datetime) -> bool:
        now_ms, keep_seconds = to_milliseconds(now), self._config.keep_results_seconds
        runs_before_ms = None if keep_seconds is None else now_ms - round(keep_seconds * 1000)
        try:
            seal = await self._sealer(self._config.store_url, self._config.seal_key_path, now_ms, runs_before_ms)
        except Exception as error:  # whatever it was, checks go on and it is tried again
            self._metrics.seal_failures.inc()
            logs.get().error("seal.failed", error=str(error) or type(error).__name__)
            return False
        # Not the seal's own time: one that another daemon made just before it was due is none of today's.
        self._sealed_ms = max(seal.sealed_ms, now_ms)
        if seal.runs_before_ms == runs_before_ms:  # else another daemon was faster, and deletes itself
            self._prune_before_ms = runs_before_ms
        self._metrics.sealed(seal.number, seal.sealed_ms, seal.digest)
        logs.get().info("seal.made", number=seal.number, digest=seal.digest)
        return True

    async def _prune(self, now: datetime, before_ms: int) -> bool:
        try:
            deleted = await self._store.prune(before_ms, to_milliseconds(now))
        except StoreError as error:
            self._metrics.store_errors.inc()
            logs.get().error("store.failed", error=str(error))
            return False
        self._prune_before_ms = None
        self._metrics.pruned.inc(deleted)
        if deleted:
            logs.get().info("results.pruned", results=deleted, older_than_seconds=self._config.keep_results_seconds)
        return True


def latest_time_of_day(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The last instant up to `now` at which the zone's clocks showed that time of day, or jumped over it."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), at, tzinfo=zone).astimezone(UTC)
    if today <= now:
        return today
    # By the calendar, not by 24 hours: the day before may have had 23 or 25.
    return datetime.combine(local.date() - timedelta(days=1), at, tzinfo=zone).astimezone(UTC)
