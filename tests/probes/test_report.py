"""Reports: asked for at the stand-in, opened, and held against what was sent; and who is blamed for what."""

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

import probes
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.samples import SampleRun, SampleState
from probes.efento.verification import ReturnedSample
from probes.reports.content import LayoutOptions, samples
from probes.reports.file import CONTENT_TYPES, Format, Opened, opened
from standin import StandIn, StandInSettings
from standin.channels import Sample
from standin.reports import files
from tests.probes.platform import SERIAL, START, Record
from tests.probes.servers import eventually

KINDS = probes.discover()
OTHER = "282C02FFFF02"
FORMATS: tuple[Format, ...] = ("pdf", "csv", "xlsx")


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn.start(StandInSettings(now=Record().journey(START).now, serials=(SERIAL,))) as platform:
        yield platform


@pytest.fixture
async def record(standin: StandIn) -> Record:
    """Ten minutes of samples were sent and seen."""
    record = Record({SERIAL: [SampleRun(START - 600, START - 600, 10, SampleState.SEEN)]})
    await send(standin, record, SERIAL)
    assert len(record.in_state(SampleState.SEEN)) == 61
    record.runs[SERIAL] = [SampleRun(START - 590, START, 10, SampleState.SEEN)]
    return record


def api(standin: StandIn) -> dict[str, Any]:
    return {"url": standin.addresses["api"]["url"], "token": "standin-api-token", "timeout": 2}


def options(standin: StandIn, form: str = "csv", **more: Any) -> Any:
    interface = {"url": standin.addresses["reports"]["url"], "timeout": 1, "first_pause": 0.05}
    given = {
        "sensors": [SERIAL],
        "api": api(standin),
        "interface": interface,
        "format": form,
        "ready_within": 1,
        "settle": 0,
    }
    return KINDS["report"].options.model_validate({**given, "window": 600, **more})


async def take(given: Any, record: Record, later: float = 0) -> Journey:
    journey = record.journey(START + later, component="reports")
    try:
        await KINDS["report"].run(given, journey)
    finally:
        record.keep(journey)
    return journey


@pytest.mark.parametrize("form", FORMATS)
async def test_a_report_holds_every_sample(standin: StandIn, record: Record, form: str) -> None:
    journey = await take(options(standin, form), record)
    assert journey.figures["samples_verified"] == 60
    steps = [step.name for step in journey.timings() if step.component == "reports"]
    assert steps == ["request", "wait", "download", "open", "verify"]
    assert journey.figures["report_bytes"] > 1000


@pytest.mark.parametrize(
    ("fault", "form", "reason", "step"),
    [
        ("report-never-ready", "csv", Reason.TIMEOUT, "wait"),
        ("report-failed", "csv", Reason.CONTENT, "wait"),
        ("wrong-schema", "csv", Reason.SCHEMA, "request"),
        ("wrong-content-type", "csv", Reason.CONTENT, "request"),
        ("corrupt-report", "pdf", Reason.CONTENT, "open"),
        ("corrupt-report", "csv", Reason.CONTENT, "open"),
        ("corrupt-report", "xlsx", Reason.CONTENT, "open"),
        ("other-format", "pdf", Reason.CONTENT, "download"),
        ("other-format", "csv", Reason.CONTENT, "open"),
        ("other-format", "xlsx", Reason.CONTENT, "download"),
        ("empty-report", "pdf", Reason.MISSING, "verify"),
        ("other-period", "pdf", Reason.CONTENT, "verify"),
        ("other-period", "csv", Reason.CONTENT, "verify"),
        ("other-period", "xlsx", Reason.CONTENT, "verify"),
        ("missing-samples", "csv", Reason.MISSING, "verify"),
        ("altered-samples", "xlsx", Reason.ALTERED, "verify"),
        ("doubled-samples", "pdf", Reason.DOUBLED, "verify"),
    ],
)
async def test_what_is_wrong_is_named(
    standin: StandIn, record: Record, fault: str, form: str, reason: Reason, step: str
) -> None:
    standin.faults.switch_on("reports", fault)
    journey = record.journey(START, component="reports")
    with pytest.raises(ProbeFailed) as caught:
        await KINDS["report"].run(options(standin, form), journey)
    assert journey.failed_step is not None
    assert (caught.value.reason, journey.failed_step.name, journey.failed_step.component) == (reason, step, "reports")


@pytest.mark.parametrize("fault", ["altered-samples", "missing-samples"])
async def test_a_history_that_is_wrong_too_is_not_the_reports_fault(
    standin: StandIn, record: Record, fault: str
) -> None:
    standin.faults.switch_on("reports", fault)
    standin.faults.switch_on("api", "lost-history")
    with pytest.raises(Blocked, match="wrong in the history, too"):
        await take(options(standin), record)


@pytest.mark.parametrize(("fault", "given"), [("expired-token", {}), ("refuse", {})])
async def test_an_api_that_no_longer_knows_us_answers_for_it(
    standin: StandIn, record: Record, fault: str, given: dict[str, Any]
) -> None:
    standin.faults.switch_on("api", fault, **given)
    person = {"url": standin.addresses["api"]["url"], "login": "customer@example.com", "password": "standin-password"}
    identity = api(standin) if fault == "expired-token" else person
    journey = record.journey(START, component="reports")
    with pytest.raises(ProbeFailed):
        await KINDS["report"].run(options(standin, api=identity), journey)
    assert journey.failed_step is not None and journey.failed_step.component == "api"


async def send(standin: StandIn, record: Record, serial: str, now: int = START) -> None:
    """A sensor's samples up to now, as a regular check of ingest sends them."""
    gateway = {"url": standin.addresses["gateway"]["url"], "token": "standin-gateway-token"}
    kind, journey = KINDS["ingest_gateway"], record.journey(now)
    await kind.run(kind.options.model_validate({**gateway, "sensors": [serial], "api": api(standin)}), journey)
    record.keep(journey)


async def test_what_comes_in_while_a_report_is_made_need_not_be_in_it(standin: StandIn, record: Record) -> None:
    journey = record.journey(START, component="reports")
    given = options(standin, "pdf", sensors=[SERIAL, OTHER])
    check = asyncio.ensure_future(KINDS["report"].run(given, journey))
    await eventually(lambda: "download" in [step.name for step in journey.timings()])
    await send(standin, record, OTHER)
    assert record.in_state(SampleState.SEEN, OTHER) == [START] and not check.done()
    await check
    assert journey.figures["samples_verified"] == 60


async def test_what_a_sensor_sent_after_a_report_was_mailed_need_not_be_in_it(standin: StandIn, record: Record) -> None:
    """Though another sensor's newest sample in the report is younger: they take turns in sending."""
    await send(standin, record, OTHER, START - 300)
    await known(record, standin)
    await mail(record, standin)
    await send(standin, record, OTHER)
    assert len(record.in_state(SampleState.SEEN, OTHER)) == 31
    journey = await take(scheduled(standin, sensors=[SERIAL, OTHER]), record, 1)
    assert journey.figures["samples_verified"] == 61


async def test_a_sensor_that_a_mailed_report_lacks_is_missed(standin: StandIn, record: Record) -> None:
    rows = await rows_of(standin)
    await send(standin, record, OTHER)
    await known(record, standin)
    await mail(record, standin, rows=rows)
    with pytest.raises(ProbeFailed) as caught:
        await take(scheduled(standin, sensors=[SERIAL, OTHER]), record, 1)
    assert caught.value.reason is Reason.MISSING


async def test_nothing_on_record_is_nothing_to_verify(standin: StandIn) -> None:
    with pytest.raises(Blocked) as caught:
        await take(options(standin), Record())
    assert caught.value.reason is Reason.NOTHING_TO_VERIFY


async def test_a_bomb_is_opened_within_bounds() -> None:
    """A spreadsheet of two gigabytes of blanks, in two megabytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b" " * 100)
        with archive.open("xl/workbook.xml", "w", force_zip64=True) as part:
            for _ in range(2000):
                part.write(b" " * 2**20)
    with pytest.raises(ProbeFailed) as caught:
        await opened(file.getvalue(), "xlsx", 10)
    assert caught.value.reason is Reason.CONTENT


def readers() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"reader.py" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_no_reader_is_left_behind_by_a_cancel() -> None:
    content = await asyncio.to_thread(files.made, files.Report(START, START, ZoneInfo("UTC"), ()), "pdf")
    for turns in (1, 5, 50, 500):
        opening = asyncio.create_task(opened(content, "pdf", 10))
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        assert readers() == []


async def test_a_reader_that_takes_too_long_is_ended() -> None:
    content = await asyncio.to_thread(files.made, files.Report(START, START, ZoneInfo("UTC"), ()), "pdf")
    with pytest.raises(ProbeFailed, match=r"within 0\.01 s"):
        await opened(content, "pdf", 0.01)
    assert readers() == []


async def test_a_minus_may_be_the_typographers() -> None:
    text = f"2026-11-23 08:30:00 {SERIAL} TEMPERATURE \u22125.3"
    found = samples(Opened(text=text), LayoutOptions(), ("TEMPERATURE",))
    assert found[SERIAL][0].raws == (-53,)


def test_a_layout_of_another_platform_can_be_put_in() -> None:
    layout = LayoutOptions(time="Czas", sensor="Czujnik", channel="Typ", value="Wartość", time_format="%d.%m.%Y %H:%M")
    rows = [["Raport"], ["Czujnik", "Czas", "Wartość", "Typ"], [SERIAL, "23.11.2026 08:30", "21,5", "TEMPERATURE"]]
    found = samples(Opened(rows=rows), layout, ("TEMPERATURE",))
    assert found == {SERIAL: [ReturnedSample(datetime(2026, 11, 23, 8, 30), (215,))]}  # noqa: DTZ001


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "scheduled"},
        {"mode": "scheduled", "mail": {}},
        {"mode": "request", "interface": None},
        {"layout": {"period": "no groups"}},
        {"layout": {"pdf_row": "("}},
    ],
)
def test_options_that_do_not_hold_together_are_refused(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "sensors": [SERIAL],
        "api": {"url": "http://127.0.0.1/api", "token": "t"},
        "interface": {"url": "http://127.0.0.1/reports"},
    }
    KINDS["report"].options.model_validate(given)
    with pytest.raises(ValidationError):
        KINDS["report"].options.model_validate({**given, **wrong})


def scheduled(standin: StandIn, form: str = "csv", **more: Any) -> Any:
    return options(standin, form, mode="scheduled", interface=None, mail={"max_age": 3600}, **more)


def at(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=START + seconds)


async def rows_of(standin: StandIn) -> list[tuple[str, Sample]]:
    return [
        (point.serial, Sample(row["channel"], row["type"], row["time"], row["value"], row["period"]))
        for point in await standin.storage.points()
        for row in await standin.storage.samples(point)
    ]


async def known(record: Record, standin: StandIn) -> None:
    """A check at START: what is in the history by then must be in reports that come later."""
    with suppress(ProbeFailed):
        await look_at(scheduled(standin, sensors=[SERIAL, OTHER]), record, 0)


async def mail(
    record: Record,
    standin: StandIn,
    form: Format = "csv",
    *,
    amount: float = 0.0,
    rows: list[tuple[str, Sample]] | None = None,
    report: files.Report | None = None,
) -> None:
    """A report that comes a second after START."""
    rows = await rows_of(standin) if rows is None else rows
    rows = [(serial, files_altered(each, amount)) for serial, each in rows]
    report = report or files.Report(START - 600, START, standin.live.current.answer_zone, rows)
    message = EmailMessage()
    message["Subject"] = "Scheduled report of a day"
    message.set_content("attached")
    maintype, _, subtype = CONTENT_TYPES[form][0].partition("/")
    content = await asyncio.to_thread(files.made, report, form)
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=f"r.{form}")
    record.inbox.put("smtp", message.as_bytes(), at(1))


def files_altered(sample: Sample, amount: float) -> Sample:
    assert sample.value is not None
    return Sample(sample.channel, sample.type, sample.time, sample.value + amount, sample.period)


@pytest.mark.parametrize("form", FORMATS)
async def test_a_mailed_report_is_verified_and_good_until_it_is_too_old(
    standin: StandIn, record: Record, form: Format
) -> None:
    record.inbox.put("smtp", b"Subject: something else\r\n\r\nhello\r\n", at(-10))
    await known(record, standin)
    await mail(record, standin, form)
    first = await take(scheduled(standin, form), record, 1)
    assert first.figures["samples_verified"] == 60
    again = await take(scheduled(standin, form), record, 1)
    assert "samples_verified" not in again.figures and again.figures["report_age_seconds"] == 0
    await look_at(scheduled(standin, form), record, 1000, 2000, 3000, 3601)
    late = record.journey(START + 3602, component="reports")
    with pytest.raises(ProbeFailed) as caught:
        await KINDS["report"].run(scheduled(standin, form), late)
    assert (caught.value.reason, late.failed_step and late.failed_step.name) == (Reason.MISSING, "arrival")


async def test_a_wrong_mailed_report_stays_wrong_until_a_right_one_comes(standin: StandIn, record: Record) -> None:
    await known(record, standin)
    await mail(record, standin, amount=1.0)
    for _ in range(2):
        with pytest.raises(ProbeFailed) as caught:
            await take(scheduled(standin), record, 1)
        assert caught.value.reason is Reason.ALTERED
    record.inbox.put("smtp", b"Subject: something else\r\n\r\nhello\r\n", at(1))
    await mail(record, standin)
    await take(scheduled(standin), record, 1)


async def test_that_none_has_come_yet_is_no_failure_before_its_time(standin: StandIn, record: Record) -> None:
    journey = await take(scheduled(standin), record)
    assert journey.figures["report_age_seconds"] == 0
    await look_at(scheduled(standin), record, 1000, 2000, 3000, 3600)
    with pytest.raises(ProbeFailed):
        await look_at(scheduled(standin), record, 3601)


async def test_what_came_while_nobody_was_there_to_receive_it_is_not_missed(standin: StandIn, record: Record) -> None:
    """After two hours without a check the time in which a report must come begins anew."""
    await known(record, standin)
    await mail(record, standin)
    await look_at(scheduled(standin), record, 1, 1000, 8200, 9300, 10400, 11500)
    with pytest.raises(ProbeFailed):
        await look_at(scheduled(standin), record, 11801)


async def look_at(given: Any, record: Record, *seconds: int) -> None:
    """Checks that begin so long after START."""
    for later in seconds:
        journey = record.journey(START + later, component="reports")
        await KINDS["report"].run(given, journey)
        record.keep(journey)


async def test_one_sample_of_1970_does_not_ask_for_the_whole_history(standin: StandIn, record: Record) -> None:
    early = Sample(1, "TEMPERATURE", 0, 1.0, 10)
    rows = [*await rows_of(standin), (SERIAL, early)]
    report = files.Report(START - 600, START, standin.live.current.answer_zone, rows)
    message = EmailMessage()
    message["Subject"] = "Scheduled report"
    message.set_content("attached")
    content = await asyncio.to_thread(files.made, report, "csv")
    message.add_attachment(content, maintype="text", subtype="csv", filename="r.csv")
    await known(record, standin)
    record.inbox.put("smtp", message.as_bytes(), at(1))
    with pytest.raises(ProbeFailed) as caught:
        await take(scheduled(standin), record, 1)
    assert caught.value.reason is Reason.CONTENT


async def test_a_machine_that_cannot_start_the_reader_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(Blocked):
        await opened(b"a,b\n", "csv", 5)


async def test_a_clock_that_was_ahead_does_not_keep_a_report_young(standin: StandIn, record: Record) -> None:
    record.memory["mailed:since"] = "4000000000.0"
    await take(scheduled(standin), record)
    await look_at(scheduled(standin), record, 1000, 2000, 3000)
    with pytest.raises(ProbeFailed):
        await look_at(scheduled(standin), record, 3601)


async def test_samples_of_the_last_moments_need_not_be_there_yet(standin: StandIn, record: Record) -> None:
    journey = await take(options(standin, settle=100), record)
    assert journey.figures["samples_verified"] == 50


async def test_an_empty_report_of_a_time_in_which_nothing_came_in_is_right(standin: StandIn, record: Record) -> None:
    """When receiving was down for as long as a report covers, reports are not what failed."""
    await known(record, standin)
    report = files.Report(START - 4000, START - 3000, standin.live.current.answer_zone, ())
    await mail(record, standin, report=report)
    with pytest.raises(Blocked) as caught:
        await take(scheduled(standin, window=3600), record, 1)
    assert caught.value.reason is Reason.NOTHING_TO_VERIFY


async def test_an_empty_report_of_a_time_in_which_samples_came_in_is_not(standin: StandIn, record: Record) -> None:
    await known(record, standin)
    await mail(record, standin, rows=[])
    with pytest.raises(ProbeFailed) as caught:
        await take(scheduled(standin), record, 1)
    assert caught.value.reason is Reason.MISSING
