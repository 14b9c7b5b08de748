"""Reads a sensor's samples back through the API and judges them; shared by the journeys that need to know.

The API answers for its own failures: every request is a step of the component that owns it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.cloud_api import CloudApi, UnknownSensor
from probes.efento.signal import SensorSignal
from probes.efento.verification import Findings, ReturnedSample, verify, wrong_zone

ZONES_APART = 26 * 3600  # from UTC−12 to UTC+14


@dataclass(frozen=True, slots=True)
class Reading:
    """A sensor's history as the API shows it. `margin`: seconds asked for on both sides beyond the wanted times."""

    api: CloudApi
    journey: Journey
    signal: SensorSignal
    channels: tuple[str, ...]
    margin: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.api.options.answer_zone)

    async def fetch(self, first: int, last: int) -> list[ReturnedSample]:
        """From `first` to `last` (Unix seconds) and the margin around it."""
        async with self.journey.step("api", self.api.options.component):
            try:
                return await self.api.history(
                    self.signal.serial, first - self.margin, last + self.margin, self.channels
                )
            except UnknownSensor as unknown:
                # Nothing was ever stored for it, or it was taken away; whether that is a loss, the caller knows.
                self.journey.evidence("measurement point", unknown.detail)
                return []

    def judge(
        self,
        rows: Iterable[ReturnedSample],
        due: Collection[int],
        *,
        excused: Collection[int] = (),
        judge_others: bool = False,
    ) -> Findings:
        return verify(rows, self.signal, self.zone, due, excused=excused, judge_others=judge_others)

    async def look_wide(self, rows: list[ReturnedSample], findings: Findings, due: Collection[int]) -> Findings:
        """Before samples are called lost: could a wrongly configured zone have hidden them? Then raises `Blocked`.

        `rows` are the answer in which samples are wrong. Otherwise returns the findings, told apart more precisely: a
        missing sample may turn out to stand hours away.
        """
        self._refuse_wrong_zone(rows, due)
        if not findings.missing:
            return findings
        newest = max(findings.missing)
        try:
            wide = await self.fetch(newest - ZONES_APART, newest + ZONES_APART)
        except ProbeFailed as failure:
            if failure.reason is Reason.TOO_LARGE:
                return findings
            raise
        self._refuse_wrong_zone(wide, due)
        missed = frozenset(findings.missing)
        wide_findings = self.judge(wide, missed)
        if not wide_findings.wrong_times():
            await self._refuse_wrong_query_zone(missed)
        shifted = tuple(shift for shift in wide_findings.shifted if shift[0] in missed)
        gone = missed - {time for time, _ in shifted}
        return Findings(tuple(sorted(gone)), findings.doubled, findings.altered, (*findings.shifted, *shifted))

    def _refuse_wrong_zone(self, rows: list[ReturnedSample], due: Collection[int]) -> None:
        explanation = wrong_zone(rows, self.signal, self.zone, due)
        if explanation:
            raise Blocked(f"{explanation}; correct the option api.answer_zone", Reason.WRONG_ZONE)

    async def _refuse_wrong_query_zone(self, missed: Collection[int]) -> None:
        """The wide window holds all that the narrow one lacked: asked for wrongly, unless it came in this moment."""
        again = await self.fetch(min(missed), max(missed))
        if set(self.judge(again, missed).missing) == set(missed):
            zone = self.api.options.query_zone
            raise Blocked(
                f"samples of a window asked for in zone {zone} are found only in a wider one; "
                "correct the option api.query_zone",
                Reason.WRONG_ZONE,
            )
