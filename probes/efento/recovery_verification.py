"""Is every sample that was in the platform when the backup was made in what was restored, once and unaltered?"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from probes.contract import Blocked, Journey, Reason
from probes.efento.backlog import in_state
from probes.efento.cloud_api import CloudApi
from probes.efento.ingest import SensorOptions
from probes.efento.reading import Reading
from probes.efento.recovery_record import DrillFailed
from probes.efento.samples import SampleState
from probes.efento.signal import SensorSignal
from probes.efento.snapshots import Seen, Stretch
from probes.efento.verification import Findings, ReturnedSample, verify


class Restored(Protocol):
    """What a restore brought back, with the zone of its samples' times."""

    @property
    def zone(self) -> str: ...

    async def samples(self, serial: str, first: int, last: int) -> Sequence[ReturnedSample]: ...


@dataclass(frozen=True, slots=True)
class Verification:
    """`margin`: seconds looked at on both sides of a stretch, for samples that moved."""

    options: SensorOptions
    journey: Journey
    margin: int

    async def verify(self, restored: Restored, seen: Seen) -> None:
        """Raises `DrillFailed`, or `Blocked` where nothing was restored wrongly that the live history has right."""
        judged = 0
        for serial, stretches in seen.items():
            for group in _groups(stretches, self.margin):
                due = self._due(serial, group)
                judged += len(due)
                if due:
                    await self._verify(restored, self.options.signal(serial), due)
        self.journey.figure("samples_verified", judged)
        if not judged:
            raise Blocked("no sample is known to be in the backup", Reason.NOTHING_TO_VERIFY)

    def _due(self, serial: str, group: Sequence[Stretch]) -> frozenset[int]:
        """What was seen then and counts as seen still."""
        times = frozenset(time for first, last, period in group for time in range(first, last + 1, period))
        seen = in_state(self.journey.sample_runs(serial), SampleState.SEEN, group[0][0], group[-1][1])
        return times & seen

    async def _verify(self, restored: Restored, signal: SensorSignal, due: Collection[int]) -> None:
        rows = await restored.samples(signal.serial, min(due) - self.margin, max(due) + self.margin)
        await asyncio.sleep(0)  # a stretch takes a few milliseconds to judge
        findings = verify(rows, signal, ZoneInfo(restored.zone), due, judge_others=False)
        if not findings.ok():
            await self._blame(signal, findings)

    async def _blame(self, signal: SensorSignal, findings: Findings) -> None:
        """Only for what the live history has as it was sent: the rest was wrong before the backup was made."""
        wrong = findings.wrong_times()
        reading = Reading(
            CloudApi(self.options.api, self.journey), self.journey, signal, self.options.channels, self.margin
        )
        rows = await reading.fetch(min(wrong), max(wrong))
        live = reading.judge(rows, wrong)
        if not live.ok():
            live = await reading.look_wide(rows, live, wrong)
        blamed = _only(findings, wrong - live.wrong_times())
        if blamed.ok():
            raise Blocked(f"{signal.serial}: wrong in the platform's own history, too: {findings.describe()}")
        raise DrillFailed(blamed.reason(), f"{signal.serial}, restored: {blamed.describe()}")


def _groups(stretches: Sequence[Stretch], margin: int) -> Iterator[list[Stretch]]:
    """Stretches so close together that they are asked for at once."""
    group: list[Stretch] = []
    for stretch in sorted(stretches):
        if group and stretch[0] - group[-1][1] > 2 * margin:
            yield group
            group = []
        group.append(stretch)
    if group:
        yield group


def _only(findings: Findings, times: Collection[int]) -> Findings:
    return Findings(
        tuple(time for time in findings.missing if time in times),
        tuple(time for time in findings.doubled if time in times),
        tuple(time for time in findings.altered if time in times),
        tuple(shift for shift in findings.shifted if shift[0] in times),
    )
