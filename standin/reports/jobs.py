"""Report jobs: asked for, made a little later, kept for a while. And those that are mailed by the clock."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage

from standin.answers import sample
from standin.channels import Sample
from standin.clock import unix_milliseconds
from standin.fault_model import Interface
from standin.faults import ActiveFault
from standin.intake import altered
from standin.parts import Context
from standin.reports import files

_LOOK_SECONDS = 0.1
_HTML = b"<!doctype html><title>Report</title><p>Your report could not be shown."


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; `first` and `last` are Unix seconds, both included."""

    form: str
    serials: Sequence[str]
    first: int
    last: int


@dataclass(slots=True)
class Job:
    order: Order
    ordered_at: datetime
    state: str = "pending"
    file: bytes = b""


class Jobs:
    """`numbered` are the jobs that are still kept, by their number."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = 5001
        self.numbered: dict[int, Job] = {}

    def take(self, order: Order) -> int:
        """Begins to make a report; returns the job's number at once."""
        self._forget_old()
        number, self._next = self._next, self._next + 1
        job = self.numbered[number] = Job(order, self._now())
        self._context.background.start(self._work(job), f"report[{number}]")
        return number

    async def mail_by_the_clock(self) -> None:
        """Runs until cancelled. The interval may be changed, or switched on, at any time."""
        last = self._now()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            scheduled = self._context.live.current.reports.scheduled
            now = self._now()
            if scheduled.every_seconds is None:
                last = now
            elif now - last >= timedelta(seconds=scheduled.every_seconds):
                await self._mail(now - timedelta(seconds=scheduled.covers_seconds), now)
                last = now

    async def _work(self, job: Job) -> None:
        await asyncio.sleep(self._context.live.current.reports.delay_seconds)
        if self._fault("report-never-ready"):
            return
        if self._fault("report-failed"):
            job.state = "failed"
            return
        job.file = await self._file(job.order)
        job.state = "ready"

    async def _mail(self, since: datetime, until: datetime) -> None:
        scheduled = self._context.live.current.reports.scheduled
        if self._fault("no-scheduled-report"):
            return
        serials = scheduled.sensors or [point.serial for point in await self._context.storage.points()]
        order = Order(scheduled.format, serials, int(since.timestamp()), int(until.timestamp()))
        content = await self._file(order)
        report = files.Report(order.first, order.last, self._context.live.current.answer_zone, ())
        for address in scheduled.emails:
            message = EmailMessage()
            message["From"] = self._context.live.current.notifications.mail_from
            message["To"] = address
            message["Subject"] = f"Scheduled report {report.wall(order.first)} – {report.wall(order.last)}"
            message.set_content(report.title() + ". The report is attached.\n")
            maintype, _, subtype = files.CONTENT_TYPES[order.form].partition("/")
            message.add_attachment(content, maintype=maintype, subtype=subtype, filename=f"report.{order.form}")
            self._context.mailer.send(message)

    async def _file(self, order: Order) -> bytes:
        """As the faults of this moment would have it."""
        if other := self._fault("other-period"):
            earlier = round(other.number("seconds"))
            order = replace(order, first=order.first - earlier, last=order.last - earlier)
        samples = [] if self._fault("empty-report") else self._spoiled(await self._samples(order))
        report = files.Report(order.first, order.last, self._context.live.current.answer_zone, samples)
        content = await asyncio.to_thread(files.made, report, order.form)
        if self._fault("corrupt-report"):
            third = len(content) // 3
            return content[:third] + b"\x00" * (third // 2) + content[third + third // 2 : -third // 2]
        return _HTML if self._fault("other-format") else content

    async def _samples(self, order: Order) -> list[tuple[str, Sample]]:
        storage, found = self._context.storage, []
        for serial in order.serials:
            point = await storage.point(serial)
            now_ms = unix_milliseconds(self._now())
            rows = await storage.history(point, order.first, order.last, now_ms) if point else []
            found += [(serial, sample(row)) for row in rows]
        return found

    def _spoiled(self, samples: list[tuple[str, Sample]]) -> list[tuple[str, Sample]]:
        if self._fault("missing-samples"):
            samples = [each for index, each in enumerate(samples) if index % 3]
        if alter := self._fault("altered-samples"):
            samples = [(serial, altered(each, alter.number("amount"))) for serial, each in samples]
        return [each for each in samples for _copy in (1, 2)] if self._fault("doubled-samples") else samples

    def _fault(self, name: str) -> ActiveFault | None:
        return self._context.faults.active(Interface.REPORTS, name)

    def _forget_old(self) -> None:
        oldest = self._now() - timedelta(seconds=self._context.live.current.reports.kept_seconds)
        self.numbered = {number: job for number, job in self.numbered.items() if job.ordered_at > oldest}

    def _now(self) -> datetime:
        return self._context.live.current.now()
