"""History: is every sample that was seen once still there, once and unaltered, today and years later?"""

from collections.abc import Sequence

from pydantic import Field

from probes.contract import Blocked, Journey, ProbeFailed, Reason, probe
from probes.efento.backlog import in_state
from probes.efento.cloud_api import CloudApi
from probes.efento.ingest import SensorOptions
from probes.efento.reading import Reading
from probes.efento.samples import SampleRun, SampleState
from probes.efento.verification import utc_text

DAY = 86400


class Options(SensorOptions):
    window: int = Field(3600, description="Seconds of history that are verified at a time", ge=60, le=DAY)
    margin: int = Field(900, description="Seconds asked for before and after it, for clocks that differ", ge=0, le=DAY)
    ages: tuple[int, ...] = Field(
        (1, 7, 30, 365, 730, 1095, 1460, 1825, 2190),
        description="Ages in days at which a window is verified once a day, up to the retention promised",
    )
    ages_at_once: int = Field(2, description="Most ages verified in one check", ge=1, le=100)


@probe("history", Options)
async def history(options: Options, journey: Journey) -> None:
    client = CloudApi(options.api, journey)
    verified = 0
    for serial in options.sensors:
        reading = Reading(client, journey, options.signal(serial), options.channels, options.margin)
        runs = journey.sample_runs(serial)
        verified += await _verify_recent(options, journey, reading, runs)
        verified += await _verify_ages(options, journey, reading, runs)
    journey.figure("samples_verified", verified)
    if not verified:
        raise Blocked("no sample is known to have been stored yet", Reason.NOTHING_TO_VERIFY)


async def _verify_recent(options: Options, journey: Journey, reading: Reading, runs: Sequence[SampleRun]) -> int:
    """The window that ends with the newest sample seen; with nothing on record, whatever the last window holds."""
    seen = [run.last for run in runs if run.state is SampleState.SEEN]
    anchor = max(seen) if seen else int(journey.now().timestamp())
    return await _verify(options, journey, reading, runs, anchor)


async def _verify_ages(options: Options, journey: Journey, reading: Reading, runs: Sequence[SampleRun]) -> int:
    """Ages not verified today; only a success is remembered, so that the repetition of a failed check fails again."""
    now = int(journey.now().timestamp())
    today = str(now // DAY)
    verified = taken = 0
    for age in options.ages:
        key = f"age:{reading.signal.serial}:{age}"
        anchor = now - age * DAY
        on_record = in_state(runs, SampleState.SEEN, anchor - options.window + 1, anchor)
        if taken == options.ages_at_once or not on_record or journey.recall(key) == today:
            continue
        verified += await _verify(options, journey, reading, runs, anchor)
        journey.remember(key, today)
        taken += 1
    return verified


async def _verify(options: Options, journey: Journey, reading: Reading, runs: Sequence[SampleRun], anchor: int) -> int:
    """Verifies the window that ends at `anchor` (Unix seconds); returns how many samples were judged."""
    first = anchor - options.window + 1
    due = in_state(runs, SampleState.SEEN, first, anchor)
    around = first - options.margin - DAY, anchor + options.margin + DAY
    excused = in_state(runs, SampleState.PENDING, *around) | in_state(runs, SampleState.LOST, *around)
    async with journey.step("fetch"):
        rows = await reading.fetch(first, anchor)
    async with journey.step("verify"):
        # What is newer than all that was seen may be under way at this moment, and ingest answers for it.
        findings = reading.judge(rows, due, excused=excused, judge_others=True).until(anchor)
        if not findings.ok():
            findings = await reading.look_wide(rows, findings, due)
            serial, when = reading.signal.serial, utc_text(anchor)
            raise ProbeFailed(findings.reason(), f"{serial}, window until {when}: {findings.describe()}")
    return len(rows)
