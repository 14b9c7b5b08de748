"""When checks start: APScheduler keeps the times, `Checks` keeps the tasks.

APScheduler's own asyncio executor cancels and swallows jobs at shutdown, so a job here does nothing but tell `Checks`
to start one. Every start that was late, and every one that did not take place, is reported with its cause.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from monitor import logs
from monitor.clock import EPOCH, Clock, to_milliseconds
from monitor.config import ProbeConfig

# A start this much after its time is on record as late; below it is the noise of a busy machine.
LATE_AFTER_SECONDS = 1.0
# First checks after a start of the daemon are spread over at most this long.
FIRST_CHECKS_WITHIN_SECONDS = 10.0
# A loop that sleeps for long wakes up tens of milliseconds late (the kernel's timer slack); a short tick avoids that,
# and finds out soon that the wall clock was stepped.
TICK_SECONDS = 1.0
CLOCK_STEP_SECONDS = 0.5
# The undoing of a check that is cut off has a time limit of its own; only where that fails it is cut off, too.
UNDO_GRACE_SECONDS = 0.5
GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class ScheduleEvent:
    """A start that was late or did not take place. `event` is `late`, `skipped` or `overrun`."""

    probe: str
    scheduled_ms: int
    event: str
    cause: str
    late_ms: int


class GridTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no type information
    """Fires at every multiple of `every_seconds` since the epoch, plus a phase: cadence cannot drift."""

    def __init__(self, every_seconds: float, phase_seconds: float) -> None:
        self._every = timedelta(seconds=every_seconds)
        self._anchor = EPOCH + timedelta(seconds=phase_seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        if previous_fire_time is None:
            return self._anchor + -((self._anchor - now) // self._every) * self._every
        return self._anchor + ((previous_fire_time - self._anchor) // self._every + 1) * self._every


class LoopExecutor(BaseExecutor):  # type: ignore[misc]
    """Calls the job at once, in the loop, with the times it was due at. The job must not block."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        job.func(*job.args, run_times=run_times)
        self._run_job_success(job.id, [])


class Checks:
    """The tasks of running checks; at most one of each probe at a time.

    A check that is cut off has `undo_seconds` to undo what its journey left behind.
    """

    def __init__(
        self, group: asyncio.TaskGroup, run: Callable[[ProbeConfig], Awaitable[None]], undo_seconds: float = 0.0
    ) -> None:
        self._group = group
        self._run = run
        self._undo_seconds = undo_seconds
        self._undoing: set[str] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._started: dict[str, float] = {}

    def start(self, probe: ProbeConfig, at: float) -> None:
        """Starts a check; `at` is the monotonic time, for `running_since`."""
        task = self._group.create_task(self._check(probe), name=f"check[{probe.id}]")
        self._running[probe.id] = task
        self._started[probe.id] = at
        self._undoing.discard(probe.id)
        task.add_done_callback(lambda _task: self._running.pop(probe.id, None))

    def undo_begins(self, probe_id: str) -> None:
        """The running check's journey has ended; what it left behind is being undone."""
        self._undoing.add(probe_id)

    def is_undoing(self, probe_id: str) -> bool:
        return probe_id in self._running and probe_id in self._undoing

    def running_since(self, probe_id: str) -> float | None:
        return self._started[probe_id] if probe_id in self._running else None

    def oldest_start(self) -> float | None:
        """The monotonic time at which the oldest of the running checks began; None without one."""
        return min((self._started[probe_id] for probe_id in self._running), default=None)

    def __len__(self) -> int:
        return len(self._running)

    async def drain(self, seconds: float) -> int:
        """Waits for the running checks, then cancels the rest; returns how many were cut off.

        A check that is cut off leaves no result: the stop is ours, not the platform's failure. It is given the time to
        undo what it did. One that is at that already has been judged, and is waited for until its result is stored.
        """
        await self._finished(seconds)
        cut_off = self._cancel(probe_id for probe_id in self._running if not self.is_undoing(probe_id))
        await self._finished(self._undo_seconds + UNDO_GRACE_SECONDS)
        cut_off |= self._cancel(self._running)  # the second cancel ends also the undoing
        await self._finished(None)
        return len(cut_off)

    def _cancel(self, probe_ids: Iterable[str]) -> set[str]:
        cancelled = set(probe_ids)
        for probe_id in cancelled:
            self._running[probe_id].cancel()
        return cancelled

    async def _finished(self, seconds: float | None) -> None:
        if self._running:
            await asyncio.wait(list(self._running.values()), timeout=seconds)

    async def _check(self, probe: ProbeConfig) -> None:
        await self._run(probe)


def phases(probes: Sequence[ProbeConfig]) -> dict[str, float]:
    """For each probe the fraction of its interval at which it starts: evenly spread, whatever their number.

    Multiples of the golden ratio, modulo one, are never close together.
    """
    return {probe.id: (index * GOLDEN_RATIO) % 1.0 for index, probe in enumerate(probes)}


class Schedule:
    """Starts every probe's checks on its grid, and sooner while it fails."""

    def __init__(
        self,
        probes: Sequence[ProbeConfig],
        checks: Checks,
        clock: Clock,
        on_event: Callable[[ScheduleEvent], None],
        on_lateness: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._probes = {probe.id: probe for probe in probes}
        self._phases = phases(probes)
        self._checks = checks
        self._clock = clock
        self._on_event = on_event
        self._on_lateness = on_lateness
        self._scheduler = AsyncIOScheduler(
            executors={"default": LoopExecutor()},
            job_defaults={"coalesce": False, "max_instances": 1_000_000, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._stopped = False

    def start(self, fresh: frozenset[str] = frozenset()) -> None:
        """Begins. A probe in `fresh` has a recent enough result and waits for its turn on the grid."""
        now = self._clock.now()
        for probe in self._probes.values():
            self._scheduler.add_job(self._due, self._grid(probe), args=[probe], id=probe.id)
            if probe.id not in fresh:
                spread = min(FIRST_CHECKS_WITHIN_SECONDS, probe.every_seconds) * self._phases[probe.id]
                self._once(probe, "first", now + timedelta(seconds=spread))
        self._scheduler.start()

    def stop(self) -> None:
        """No check starts from now on."""
        self._stopped = True
        self._scheduler.shutdown(wait=False)

    def recheck(self, probe_id: str) -> None:
        """Asks for the next check at the pace of a failing probe, unless its regular one comes sooner."""
        if self._stopped:
            return
        probe = self._probes[probe_id]
        at = self._clock.now() + timedelta(seconds=probe.recheck_seconds)
        if self._scheduler.get_job(probe_id).next_run_time > at:
            self._once(probe, "recheck", at)

    async def watch_clock(self) -> None:
        """Puts the grid right whenever the wall clock was stepped: without it, a clock set back by an hour would keep
        the daemon blind for an hour. Runs until cancelled."""
        offset = self._offset()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            step = self._offset() - offset
            offset += step
            if abs(step) >= CLOCK_STEP_SECONDS and not self._stopped:
                logs.get().warning("clock.stepped", seconds=round(step, 3))
                self._realign(step)

    def _offset(self) -> float:
        return (self._clock.now() - EPOCH).total_seconds() - self._clock.monotonic()

    def _realign(self, step: float) -> None:
        for probe in self._probes.values():
            self._scheduler.reschedule_job(probe.id, trigger=self._grid(probe))
            event = ScheduleEvent(
                probe.id, to_milliseconds(self._clock.now()), "late", "wall clock stepped", round(abs(step) * 1000)
            )
            self._on_event(event)

    def _grid(self, probe: ProbeConfig) -> GridTrigger:
        return GridTrigger(probe.every_seconds, probe.every_seconds * self._phases[probe.id])

    def _once(self, probe: ProbeConfig, why: str, at: datetime) -> None:
        self._scheduler.add_job(
            self._due_once, DateTrigger(at, UTC), args=[probe], id=f"{why}:{probe.id}", replace_existing=True
        )

    def _due_once(self, probe: ProbeConfig, run_times: Sequence[datetime] = ()) -> None:
        if not self._stopped and self._checks.running_since(probe.id) is None:
            self._checks.start(probe, self._clock.monotonic())

    def _due(self, probe: ProbeConfig, run_times: Sequence[datetime] = ()) -> None:
        """A turn on the grid. Several times at once: the loop stood still, and all but the last are gone."""
        if self._stopped:
            return
        now = self._clock.now()
        *missed, scheduled = run_times
        if missed:
            cause = f"the event loop or the machine stood still for {len(missed)} turns"
            self._report(probe, missed[0], now, "skipped", cause)
        late_seconds = (now - scheduled).total_seconds()
        since = self._checks.running_since(probe.id)
        if since is not None:
            running_for = self._clock.monotonic() - since
            if running_for >= probe.every_seconds / 2:
                what = "is still being undone" if self._checks.is_undoing(probe.id) else "still runs"
                cause = f"the check before it {what}, since {running_for:.1f} s"
                self._report(probe, scheduled, now, "overrun", cause)
            return  # else: a recheck began a moment ago and answers the same question
        self._on_lateness(late_seconds)
        if late_seconds > LATE_AFTER_SECONDS:
            self._report(probe, scheduled, now, "late", "the event loop was busy")
        self._checks.start(probe, self._clock.monotonic())

    def _report(self, probe: ProbeConfig, scheduled: datetime, now: datetime, event: str, cause: str) -> None:
        late_ms = round((now - scheduled).total_seconds() * 1000)
        logs.get().warning("check." + event, probe=probe.id, cause=cause, late_ms=late_ms)
        self._on_event(ScheduleEvent(probe.id, to_milliseconds(scheduled), event, cause, late_ms))
