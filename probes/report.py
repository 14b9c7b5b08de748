"""Report: can a customer get one, and does it hold what was measured?"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from probes.contract import Blocked, Journey, ProbeFailed, Reason, probe
from probes.efento.backlog import in_state
from probes.efento.cloud_api import CloudApi
from probes.efento.ingest import SensorOptions
from probes.efento.reading import Reading
from probes.efento.samples import SampleState
from probes.efento.snapshots import Stretch, before, keep, seen_now
from probes.efento.verification import Findings, ReturnedSample, verify, wall_text
from probes.option_types import Seconds
from probes.reports.content import LayoutOptions, period, require_period, samples
from probes.reports.file import Format, opened, require_type
from probes.reports.interface import InterfaceOptions, ReportInterface
from probes.reports.mailed import MailOptions, newest_mailed

DAY = 86_400
LONGEST_SPAN = 32 * DAY  # of a mailed report: one sample of 1970 must not ask for the whole history

Due = dict[str, frozenset[int]]
"""Of each sensor the times (Unix seconds) at which a sample must be in the report."""


class Options(SensorOptions):
    mode: Literal["request", "scheduled"] = Field(
        "request", description="`request`: ask for a report; `scheduled`: one that the platform mails by itself"
    )
    interface: InterfaceOptions | None = Field(None, description="Where reports are asked for; with `request`")
    mail: MailOptions | None = Field(None, description="Where scheduled reports arrive; with `scheduled`")
    format: Format = Field("pdf", description="Format of the report")
    layout: LayoutOptions = Field(default_factory=LayoutOptions, description="How a report is laid out")
    settle: float = Field(
        60.0,
        description="Seconds that a sample must have been in the history before a report must hold it (assumption)",
        ge=0,
    )
    window: int = Field(
        3600,
        description="Seconds of history asked for, or looked for in what is mailed",
        ge=60,
        le=31 * DAY,
    )
    ready_within: Seconds = Field(60.0, description="Seconds until a report must be ready (assumption)")
    open_within: Seconds = Field(30.0, description="Seconds that opening the file may take")
    period_tolerance: float = Field(
        60.0, description="Seconds by which the period that a report names may differ from the one asked for", ge=0
    )
    margin: int = Field(900, description="Seconds around it asked for in the API before a report is blamed", ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> "Options":
        wanted, other = ("interface", "mail") if self.mode == "request" else ("mail", "interface")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"mode {self.mode} needs {wanted} and takes no {other}")
        return self

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.interface.timeout + self.ready_within if self.interface else 0.0

    def channels_needed(self) -> set[str]:
        """Inbox channels that must be configured."""
        return {"smtp"} if self.mail is not None and self.mail.receiver == "smtp" else set()


@probe("report", Options)
async def report(options: Options, journey: Journey) -> None:
    if options.interface is not None:
        await _requested(options, options.interface, journey)
    elif options.mail is not None:
        await _scheduled(options, options.mail, journey)


async def _requested(options: Options, interface: InterfaceOptions, journey: Journey) -> None:
    api = CloudApi(options.api, journey)
    desk = ReportInterface(interface, api, journey)
    last = _newest_seen(options, journey)
    first = last - options.window
    due = _due(options, journey, first, last)  # what comes in from now on, need not be in it
    async with journey.step("request"):
        asked = journey.monotonic()
        number = await desk.ask(options.format, options.sensors, api.query_time(first, 0), api.query_time(last, 0))
    async with journey.step("wait"):
        await desk.wait(number, options.ready_within)
        journey.figure("ready_seconds", journey.monotonic() - asked)
    async with journey.step("download"):
        answer = await desk.fetch(number)
        journey.figure("report_bytes", len(answer.body))
        require_type(answer.body, options.format, answer.content_type())
    async with journey.step("open"):
        file = await opened(answer.body, options.format, options.open_within)
    async with journey.step("verify"):
        zone = ZoneInfo(options.api.answer_zone)
        require_period(file, options.layout, _wall(first, zone), _wall(last, zone), options.period_tolerance)
        found = await asyncio.to_thread(samples, file, options.layout, options.channels)
        await _verify(options, journey, api, found, due)


async def _scheduled(options: Options, mail: MailOptions, journey: Journey) -> None:
    """The newest report that was mailed, whenever that was: once verified it is good until it is too old.

    What was sent only after the report was made cannot be in it, whatever the time of the samples: it must hold what
    was known to be in the history a while before it came.
    """
    snapshots = keep(journey, seen_now(options.sensors, journey, options.window, (0,)))
    mailed = await newest_mailed(mail, options.format, journey)
    journey.figure("report_age_seconds", mailed.age_seconds)
    if mailed.content is None:
        return
    journey.figure("report_bytes", len(mailed.content))
    async with journey.step("open"):
        require_type(mailed.content, options.format, mailed.content_type)
        file = await opened(mailed.content, options.format, options.open_within)
    async with journey.step("verify"):
        found = await asyncio.to_thread(samples, file, options.layout, options.channels)
        known = before(snapshots, mailed.arrived_at - options.settle)
        if not any(known.values()):
            raise Blocked("no sample is known to have been stored before the report was made", Reason.NOTHING_TO_VERIFY)
        first, last = _span(period(file, options.layout), found.values(), ZoneInfo(options.api.answer_zone))
        due = {serial: _within(known.get(serial, ()), first, last) for serial in options.sensors}
        await _verify(options, journey, CloudApi(options.api, journey), found, due)
    mailed.remember_good(journey)


def _newest_seen(options: Options, journey: Journey) -> int:
    """The end of the window: a sample that is known to be in the platform's history, and was for a while."""
    seen = [
        run.last for serial in options.sensors for run in journey.sample_runs(serial) if run.state is SampleState.SEEN
    ]
    newest = max(seen, default=int(journey.now().timestamp()))
    return min(newest, int(journey.now().timestamp() - options.settle))


def _due(options: Options, journey: Journey, first: int, last: int) -> Due:
    """The samples of a period that are known to be in the platform's history at this moment."""
    return {serial: in_state(journey.sample_runs(serial), SampleState.SEEN, first, last) for serial in options.sensors}


def _within(stretches: Sequence[Stretch], first: int, last: int) -> frozenset[int]:
    times = (range(start, end + 1, period) for start, end, period in stretches)
    return frozenset(time for stretch in times for time in stretch if first <= time <= last)


async def _verify(
    options: Options, journey: Journey, api: CloudApi, found: Mapping[str, Sequence[ReturnedSample]], due: Due
) -> None:
    """Raises `ProbeFailed` for samples wrong in the report alone, `Blocked` where there is nothing to compare."""
    everything = frozenset[int]().union(*due.values())
    journey.figure("samples_verified", sum(map(len, due.values())))
    if not everything:
        raise Blocked("no sample of the period is known to have been stored", Reason.NOTHING_TO_VERIFY)
    around = min(everything) - DAY, max(everything) + DAY
    for serial in options.sensors:
        runs = journey.sample_runs(serial)
        excused = in_state(runs, SampleState.PENDING, *around) | in_state(runs, SampleState.LOST, *around)
        findings = await asyncio.to_thread(  # perhaps a month
            verify,
            found.get(serial, ()),
            options.signal(serial),
            ZoneInfo(options.api.answer_zone),
            due[serial],
            excused=excused,
            judge_others=False,  # of others a check that is sending them at this moment may know more
        )
        if not findings.ok():
            await _ask_history(options, journey, api, serial, findings)
            raise ProbeFailed(findings.reason(), f"{serial}: {findings.describe()}")


async def _ask_history(options: Options, journey: Journey, api: CloudApi, serial: str, findings: Findings) -> None:
    """A sample that the platform's history does not show as it was sent is not the report's to answer for."""
    wrong = findings.wrong_times()
    reading = Reading(api, journey, options.signal(serial), options.channels, options.margin)
    rows = await reading.fetch(min(wrong), max(wrong))
    also = reading.judge(rows, wrong).wrong_times() & wrong
    if also:
        raise Blocked(f"{serial}: {len(also)} of {len(wrong)} wrong samples are wrong in the history, too")


def _span(
    said: tuple[datetime, datetime] | None, found: Iterable[Sequence[ReturnedSample]], zone: ZoneInfo
) -> tuple[int, int]:
    """The period that a mailed report is of, which nobody asked for: as it says, or else of the samples that it has."""
    walls = sorted(sample.wall for rows in found for sample in rows)
    if not walls and said is None:
        raise ProbeFailed(Reason.MISSING, "the report has no samples")
    first, last = (wall.replace(tzinfo=zone).timestamp() for wall in said or (walls[0], walls[-1]))
    every = [first, last, *(wall.replace(tzinfo=zone).timestamp() for wall in (*walls[:1], *walls[-1:]))]
    if max(every) - min(every) > LONGEST_SPAN:
        shown = ", ".join(wall_text(int(time)) for time in sorted(every))
        raise ProbeFailed(Reason.CONTENT, f"the report is of a stretch of time too long to be one: {shown}")
    return int(first), int(last)


def _wall(time: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(time, UTC).astimezone(zone).replace(tzinfo=None)
