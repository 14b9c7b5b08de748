"""Finds acknowledged samples again: a receipt proves nothing until the platform shows what it received."""

import asyncio
from collections.abc import Sequence

from pydantic import Field

from probes.contract import Journey, ProbeFailed, ProbeOptions
from probes.efento.backlog import in_state, pending
from probes.efento.cloud_api import ApiOptions, CloudApi
from probes.efento.reading import Reading
from probes.efento.samples import SampleRun, SampleState
from probes.efento.signal import SensorSignal
from probes.efento.verification import Findings, ReturnedSample
from probes.option_types import Seconds

SAMPLES_AT_ONCE = 720
OLDER_SAMPLES = 20
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 1.0


class ReadBackOptions(ProbeOptions):
    """How soon an acknowledged sample must be visible."""

    deadline: Seconds = Field(
        5.0, description="Seconds from the acknowledgement until a sample must be visible (assumption)"
    )
    margin: int = Field(
        900, description="Seconds asked for before and after the samples, for clocks that differ", ge=0, le=86400
    )


Windows = dict[tuple[int, int], list[ReturnedSample]]


async def read_back(
    options: ReadBackOptions,
    api: ApiOptions,
    journey: Journey,
    signal: SensorSignal,
    channels: tuple[str, ...],
    period: int,
    fresh: Sequence[int],
) -> None:
    """Waits until the samples of this check, and those that earlier checks left pending, are all there once and right.

    Raises `ProbeFailed` with the findings at the deadline, or `Blocked` where a wrongly configured zone hides them.
    """
    older = [] if journey.one_shot else pending(journey.sample_runs(signal.serial), SAMPLES_AT_ONCE - len(fresh))
    due = frozenset((*older, *fresh))
    reading = Reading(CloudApi(api, journey), journey, signal, channels, options.margin)
    async with journey.step("read_back"):
        started = journey.monotonic()
        rows, findings = await _poll(reading, due, started + options.deadline)
        if not findings.missing:
            journey.figure("read_back_seconds", journey.monotonic() - started)
        if not findings.ok():
            findings = await reading.look_wide(rows, findings, due)
            await _require_older_right(reading, rows, journey.sample_runs(signal.serial), due)
        if not journey.one_shot:
            wrong = findings.wrong_times() & due
            journey.mark(signal.serial, period, SampleState.SEEN, sorted(due - wrong))
            journey.mark(signal.serial, period, SampleState.LOST, sorted(wrong))
        if not findings.ok():
            raise ProbeFailed(findings.reason(), f"{signal.serial}: {findings.describe()}")


async def _require_older_right(
    reading: Reading, rows: Sequence[ReturnedSample], runs: Sequence[SampleRun], due: frozenset[int]
) -> None:
    """Samples that were seen as they were sent, and are shown otherwise now, tell that the history itself is wrong.

    Then it answers for the fresh ones, too, and what became of those stays open. Raises `ProbeFailed`.
    """
    newest = max(due)
    known = sorted(in_state(runs, SampleState.SEEN, newest - reading.margin, newest) - due)[-OLDER_SAMPLES:]
    findings = reading.judge(rows, known)
    if 2 * len(findings.wrong_times().intersection(known)) > len(known):
        async with reading.journey.step("older_samples", reading.api.options.component):
            raise ProbeFailed(
                findings.reason(), f"{reading.signal.serial}, seen before and wrong now: {findings.describe()}"
            )


async def _poll(reading: Reading, due: frozenset[int], deadline: float) -> tuple[list[ReturnedSample], Findings]:
    """Asks until nothing is missing or the time is over; a window that holds all it should is not asked for again."""
    windows: Windows = {window: [] for window in _windows(due, reading.margin)}
    pause = FIRST_PAUSE
    missing = due
    while True:
        for first, last in windows:
            if any(first <= time <= last for time in missing):
                windows[first, last] = await reading.fetch(first, last)
        rows = [row for window in windows.values() for row in window]
        findings = reading.judge(rows, due)
        missing = frozenset(findings.missing)
        left = deadline - reading.journey.monotonic()
        if not missing or left <= 0:
            return rows, findings
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _windows(due: frozenset[int], margin: int) -> list[tuple[int, int]]:
    """Stretches that hold the times and, with the margin around each, do not overlap."""
    windows: list[tuple[int, int]] = []
    for time in sorted(due):
        if windows and time - windows[-1][1] <= 2 * margin + 1:
            windows[-1] = (windows[-1][0], time)
        else:
            windows.append((time, time))
    return windows
