"""The restore drill: when it is due, how far it is, and what became of it.

A restore may take longer than a check: it goes on, and a later check looks again. After a failed drill nothing is known
until the next one has ended; from the second failure in a row on the failure stands until a drill succeeds.
"""

import asyncio
from dataclasses import dataclass, field

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.ingest import SensorOptions
from probes.efento.recovery_command import NotFinished, Scratch, require_checksum, run
from probes.efento.recovery_endpoint import Look, RestoredHistory, RestoreEndpoint, UnknownRestore
from probes.efento.recovery_manifest import CLOCK_TOLERANCE, Backup
from probes.efento.recovery_options import CommandOptions, DrillOptions, EndpointOptions
from probes.efento.recovery_output import read_output
from probes.efento.recovery_record import DrillFailed, DrillRecord, Running
from probes.efento.recovery_verification import Restored, Verification
from probes.efento.snapshots import Seen

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
STANDS_AFTER = 2  # failed drills in a row


async def drill(sensors: SensorOptions, options: DrillOptions, journey: Journey, backup: Backup, seen: Seen) -> None:
    """Does what is due. `seen`: the samples that are in the backup. Raises `ProbeFailed` and `Blocked`."""
    record, now = DrillRecord(journey), _now(journey)
    if record.drilled_at is not None and record.drilled_at <= now + CLOCK_TOLERANCE:  # or our clock was wrong then
        journey.figure("last_drill_age_seconds", max(0.0, now - record.drilled_at))
        if record.running is None and now - record.drilled_at < options.every:
            return
    record.due_from_now(now)
    overdue = record.due_since is not None and now - record.due_since > options.grace
    if record.running is None and not any(seen.values()):
        if overdue or not options.every:
            raise Blocked("no sample is known to be in the backup", Reason.NOTHING_TO_VERIFY)
        return
    one = _Drill(sensors, options, journey, record, backup, seen)
    try:
        finished = await (one.by_endpoint(options.endpoint) if options.endpoint else one.by_command())
    except DrillFailed as failure:
        record.failed(failure)
        raise
    if finished:
        journey.figure("last_drill_age_seconds", 0)
    else:
        await _unfinished(options, journey, record, overdue)


async def _unfinished(options: DrillOptions, journey: Journey, record: DrillRecord, overdue: bool) -> None:
    if overdue:
        async with journey.step("drill_due"):
            allowed = f"{options.grace / 3600:.1f} h after it was due"
            raise ProbeFailed(Reason.STALE, f"no restore drill has succeeded within {allowed}")
    if record.failure and record.failure.count >= STANDS_AFTER:
        what = f"{record.failure.count} drills in a row failed, and the next has not ended"
        async with journey.step("restore"):
            raise ProbeFailed(record.failure.reason, f"{what}: {record.failure.detail}")
    if record.failure:
        raise Blocked(f"the last drill failed, and its repetition has not ended: {record.failure.detail}")
    if options.command:
        raise Blocked(f"the command was ended after {options.wait:g} s; the option drill.wait may be too short")
    if journey.one_shot:
        raise Blocked(f"the restore has not ended within {options.wait:g} s")


def _now(journey: Journey) -> float:
    return journey.now().timestamp()


@dataclass
class _Drill:
    sensors: SensorOptions
    options: DrillOptions
    journey: Journey
    record: DrillRecord
    backup: Backup
    seen: Seen
    _begun: float | None = field(default=None, init=False)  # in monotonic seconds, when it was begun by this check

    async def by_endpoint(self, options: EndpointOptions) -> bool:
        """Whether the drill has ended, and well."""
        endpoint = RestoreEndpoint(options, self.journey)
        try:
            async with self.journey.step("restore"):
                running = await self._known(endpoint) or await self._started(endpoint)
                look = await self._ended(endpoint, running)
        except DrillFailed:
            self._remove_later(endpoint)
            raise
        if look is None:
            return False
        history = RestoredHistory.at(look.url, options, self.sensors.api, self.sensors.channels, self.journey)
        try:
            await self._verified(history, running.seen)
        except DrillFailed:
            self._remove_later(endpoint)
            raise
        await self.record.succeeded(_now(self.journey))
        async with self.journey.step("undo_restore"):
            await self._removed(endpoint, running.restore)
        return True

    async def by_command(self) -> bool:
        """Whether the drill has ended, and well."""
        options = self.options.command
        assert options
        if options.checksum:
            async with self.journey.step("checksum"):
                await require_checksum(self.backup)
        scratch = Scratch(options.scratch_parent)
        async with self.journey.step("restore"):
            try:
                output = await self._run(options, scratch)
            except NotFinished:
                self._require_in_time(self.options.wait)
                return False
            serials = self.seen.keys()
            history = await read_output(output, options, self.sensors.channels, serials)
        await self._verified(history, self.seen)
        await self.record.succeeded(_now(self.journey))
        async with self.journey.step("undo_restore"):
            await scratch.remove()
        return True

    async def _run(self, options: CommandOptions, scratch: Scratch) -> bytes:
        await scratch.make(self.journey)
        stretches = [stretch for of_one in self.seen.values() for stretch in of_one]
        places = {
            "backup": self.backup.file or self.backup.id,
            "id": self.backup.id,
            "scratch": str(scratch.path),
            "first": str(min(first for first, _, _ in stretches) - self.options.margin),
            "last": str(max(last for _, last, _ in stretches) + self.options.margin),
        }
        self._begun = self.journey.monotonic()
        limit = min(self.options.wait, self.options.max_restore)
        output = await run(options, places, scratch.path, limit, self.journey)
        self.journey.figure("restore_seconds", self.journey.monotonic() - self._begun)
        return output

    async def _known(self, endpoint: RestoreEndpoint) -> Running | None:
        """The restore that an earlier check began; one that has expired since is forgotten."""
        if self.record.running is None:
            return None
        try:
            await endpoint.look(self.record.running.restore)
        except UnknownRestore as unknown:
            self.journey.evidence("forgotten", unknown.detail)
            self.record.forget()
        return self.record.running

    async def _started(self, endpoint: RestoreEndpoint) -> Running:
        """Begins one. It is removed at the end of this check, unless it is on record so that a later one finds it."""
        self._begun = self.journey.monotonic()
        # A task, because only the answer tells the number: a check that is cut off meanwhile has to wait for it.
        starting = asyncio.create_task(endpoint.start(self.backup.id), name=f"restore[{self.journey.probe}]")
        undo = self.journey.undo("restore", lambda: _remove_started(endpoint, starting))
        restore = await asyncio.shield(starting)
        now = _now(self.journey)
        seen = {serial: list(stretches) for serial, stretches in self.seen.items()}
        running = Running(restore=restore, backup=self.backup.id, started_at=now, running_at=now, seen=seen)
        if not self.journey.one_shot:
            await self.record.started(running)
            undo.done()
        return running

    async def _ended(self, endpoint: RestoreEndpoint, running: Running) -> Look | None:
        """How it ended, or None where it runs on and may."""
        until, pause = self.journey.monotonic() + self.options.wait, FIRST_PAUSE
        while True:
            try:
                look = await endpoint.look(running.restore)
            except UnknownRestore:
                self.record.forget()
                raise
            if look.done:
                self._judge_time(running, look)
                return look
            self._require_in_time(self._elapsed(running))
            left = until - self.journey.monotonic()
            if left <= 0:
                self.record.still_running(_now(self.journey))
                return None
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _elapsed(self, running: Running) -> float:
        if self._begun is not None:
            return self.journey.monotonic() - self._begun
        return max(0.0, _now(self.journey) - running.started_at)

    def _judge_time(self, running: Running, look: Look) -> None:
        """It may have ended long before we looked: then only as long is certain as it was seen running."""
        observed = self._elapsed(running)
        self.journey.figure("restore_seconds", observed if look.seconds is None else min(look.seconds, observed))
        certain = running.running_at - running.started_at
        self._require_in_time(certain if look.seconds is None else look.seconds)

    def _require_in_time(self, seconds: float) -> None:
        if seconds >= self.options.max_restore:
            allowed = f"{self.options.max_restore / 3600:.1f} h"
            raise DrillFailed(Reason.TIMEOUT, f"the restore takes longer than {allowed}: {seconds / 3600:.1f} h")

    async def _verified(self, restored: Restored, seen: Seen) -> None:
        async with self.journey.step("verify"):
            await Verification(self.sensors, self.journey, self.options.margin).verify(restored, seen)

    def _remove_later(self, endpoint: RestoreEndpoint) -> None:
        """After the check, what a drill that failed left behind."""
        if self.record.running is not None:
            restore = self.record.running.restore
            self.journey.undo("restore", lambda: endpoint.remove(restore))

    async def _removed(self, endpoint: RestoreEndpoint, restore: str) -> None:
        undo = self.journey.undo("restore", lambda: endpoint.remove(restore))
        self.record.forget()
        try:
            await endpoint.remove(restore)
        except ProbeFailed as failure:
            undo.done()  # it was tried; only what was cut off is to be tried again
            raise ProbeFailed(Reason.LEFTOVER, f"{failure.reason}: {failure.detail}") from failure
        undo.done()


async def _remove_started(endpoint: RestoreEndpoint, starting: "asyncio.Task[str]") -> None:
    try:
        restore = await starting
    except ProbeFailed:
        return  # told by the check itself, if it was not cut off; there is no number to remove anything by
    await endpoint.remove(restore)
