"""What the daemon puts on record and asks the record for, while the store may be away for a while."""

import asyncio

from monitor import logs
from monitor.calendars import public_holidays
from monitor.clock import Clock, to_milliseconds
from monitor.config import Config
from monitor.metrics import Metrics
from monitor.results import Result
from monitor.schedule import ScheduleEvent
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.store import Store, StoreError
from monitor.told import Told, told, untold
from probes.contract import Picture

# After a failed write the store is tried again at this pace; the result waits in memory meanwhile.
STORE_RETRY_SECONDS = 1.0
FORGET_MESSAGES_EVERY_SECONDS = 3600.0


class RecordKeeping:
    """Each failure of the store is counted and logged. Only `record` waits for it; all else does without."""

    def __init__(self, store: Store, config: Config, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._metrics = metrics

    def failed(self, error: StoreError, **facts: str) -> None:
        self._metrics.store_errors.inc()
        logs.get().error("store.failed", **facts, error=str(error))

    async def record(self, result: Result) -> None:
        """Stores a result, however long the store needs. While it waits, the probe's next check is an overrun."""
        while True:
            try:
                await self._store.record(result)
                return
            except StoreError as error:
                self.failed(error, probe=result.probe)
            try:
                await asyncio.sleep(STORE_RETRY_SECONDS)
            except asyncio.CancelledError:
                self._metrics.lost.inc()
                logs.get().error("result.lost", probe=result.probe, verdict=result.verdict.value)
                raise

    async def record_event(self, event: ScheduleEvent) -> None:
        try:
            await self._store.record_event(event.probe, event.scheduled_ms, event.event, event.cause, event.late_ms)
        except StoreError as error:
            self.failed(error, probe=event.probe)

    async def forget_messages(self) -> None:
        """Keeps received messages only as long as was asked for."""
        keep_ms = round(self._config.inbound.keep_seconds * 1000)
        while True:
            try:
                await self._store.forget_messages(to_milliseconds(self._clock.now()) - keep_ms)
            except StoreError as error:
                self.failed(error)
            await asyncio.sleep(FORGET_MESSAGES_EVERY_SECONDS)

    async def picture(self, result: str, name: str) -> Picture | None:
        """What was kept of a stored result, named as outside the store."""
        try:
            result_id = await self._store.result_id(result)
            kept = [] if result_id is None else await self._store.pictures(result_id)
        except StoreError as error:
            self.failed(error)
            return None
        return next((picture for picture in kept if picture.name == name), None)

    async def told(self, record: Record, outage: Outage) -> Told:
        """An outage's story; what only the store knows is left out while it cannot be read."""
        try:
            return await told(self._store, record, outage, public_holidays)
        except StoreError as error:
            self.failed(error)
            return untold(record, outage, public_holidays)
