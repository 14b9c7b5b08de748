"""Whatever the platform or a stranger answers is judged: no answer may become our own mistake, unknown for ever."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from probes.contract import Journey, ProbeFailed, Reason
from probes.efento.operations_api import OperationsApi
from probes.efento.operations_options import ORGANIZATION, InterfaceOptions
from probes.efento.recovery_endpoint import RestoreEndpoint
from probes.efento.recovery_manifest import fetch_manifest, moment
from probes.efento.recovery_options import EndpointOptions, ManifestOptions, OutputFields
from probes.efento.recovery_output import _sample
from probes.efento.signal import CHANNEL_TYPES
from probes.efento.web_data import moment as shown_moment
from probes.frontend import Options as FrontendOptions
from probes.frontend import frontend
from probes.mailbox.mail_text import mail_text
from probes.reports.mailed import MailOptions, _attachment, _is_report
from probes.sms.polling import CreditOptions
from tests.probes.platform import START, Record, api_answer
from tests.probes.servers import answering, http_answer, tcp_server

HUGE = b"1" + b"0" * 400
WARSAW = ZoneInfo("Europe/Warsaw")


def journey() -> Journey:
    return Record().journey(component="reports")


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e308, -1e308])
def test_a_number_that_no_sensor_sends_is_no_raw_value(value: float) -> None:
    assert CHANNEL_TYPES["TEMPERATURE"].raw(value) is None


@pytest.mark.parametrize(
    "value", [10**400, float("inf"), "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9" * 5000]
)
def test_a_time_beyond_all_times_is_none(value: Any) -> None:
    assert (moment(value), shown_moment(value, WARSAW)) == (None, None)
    assert shown_moment("0001-01-01T00:00:00+14:00", WARSAW) is None


@pytest.mark.parametrize(
    "mail",
    [
        b"Content-Type: text/html\r\n\r\nalarm<![foo[x]]>",
        b"Content-Type: text/html\r\n\r\nalarm<![ x",
    ],
)
def test_a_mail_whose_html_nobody_understands_is_still_a_mail(mail: bytes) -> None:
    """Or it would stop the probe at every check, until somebody deletes it."""
    assert "alarm" in mail_text(mail)


async def manifest(entry: bytes) -> Any:
    async with tcp_server(answering(api_answer(b'{"backups": [%s]}' % entry))) as port:
        options = ManifestOptions.model_validate({"url": f"http://127.0.0.1:{port}/"})
        return await fetch_manifest(options, journey())


async def test_a_backup_of_an_impossible_time_or_size() -> None:
    with pytest.raises(ProbeFailed) as caught:
        await manifest(b'{"id": 1, "taken_at": %s}' % HUGE)
    assert caught.value.reason is Reason.SCHEMA
    found = await manifest(b'{"id": 1, "taken_at": 1790000000, "bytes": %s}' % HUGE)
    assert found.backups[0].bytes is None


@pytest.mark.parametrize("told", [rb'"\ud800"', b'".."', b'""', b"true"])
async def test_an_id_that_makes_no_url(told: bytes) -> None:
    async with tcp_server(answering(api_answer(b'{"id": %s}' % told))) as port:
        endpoint = EndpointOptions.model_validate({"url": f"http://127.0.0.1:{port}"})
        with pytest.raises(ProbeFailed) as caught:
            await RestoreEndpoint(endpoint, journey()).start("1")
        assert caught.value.reason is Reason.SCHEMA
        interface = InterfaceOptions.model_validate({"url": f"http://127.0.0.1:{port}", "token": "secret"})
        with pytest.raises(ProbeFailed) as caught:
            await OperationsApi(interface, journey()).create(ORGANIZATION, {})
        assert caught.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    ("told", "reason"),
    [(b'"seconds": %s, "url": "/ok"' % HUGE, None), (b'"url": "http://[bad/"', Reason.SCHEMA)],
)
async def test_a_restore_that_tells_nonsense(told: bytes, reason: Reason | None) -> None:
    async with tcp_server(answering(api_answer(b'{"state": "done", %s}' % told))) as port:
        options = EndpointOptions.model_validate({"url": f"http://127.0.0.1:{port}"})
        endpoint = RestoreEndpoint(options, journey())
        if reason is None:
            assert (await endpoint.look("1")).seconds is None
            return
        with pytest.raises(ProbeFailed) as caught:
            await endpoint.look("1")
        assert caught.value.reason is reason


def test_a_printed_sample_with_a_huge_number() -> None:
    row = {"serial": "x", "time": 1_790_000_000, "channel": 1, "value": 10**400}
    with pytest.raises(ProbeFailed) as caught:
        _sample(row, OutputFields(), 1)
    assert caught.value.reason is Reason.SCHEMA


async def test_a_huge_balance_is_no_balance() -> None:
    async with tcp_server(answering(api_answer(b'{"sms": %s}' % HUGE))) as port:
        credit = CreditOptions.model_validate({"url": f"http://127.0.0.1:{port}/", "token": "secret"})
        with pytest.raises(ProbeFailed) as caught:
            await credit.left()
    assert caught.value.reason is Reason.SCHEMA


async def test_a_cookie_that_is_no_text_is_a_secret_all_the_same() -> None:
    page = http_answer(b'<script src="/app.js"></script>', "Content-Type: text/html", "Set-Cookie: s=" + "\xff" * 9)
    async with tcp_server(answering(page)) as port:
        given = {"url": f"http://127.0.0.1:{port}/", "login": {"login": "a", "password": "b"}}
        visit = journey()
        with pytest.raises(ProbeFailed):
            await frontend(FrontendOptions.model_validate(given), visit)
    assert len(visit.secrets) == 1


def test_a_mail_that_stumbles_the_library_is_no_report() -> None:
    record = Record()
    for head in (b"Subject: =?utf-8?b?//79?=\xff", b"From: =?x?=", b"Subject: " + b"=?a?q?" * 20_000):
        record.inbox.put("smtp", head + b"\r\n\r\nScheduled report")
    record.inbox.put("smtp", b"Subject: Scheduled report\r\nContent-Type: multipart/mixed\r\n\r\nx")
    *others, last = record.inbox._messages
    assert not any(_is_report(each, MailOptions()) for each in others)
    assert _is_report(last, MailOptions())
    with pytest.raises(ProbeFailed):
        _attachment(last, "pdf")


async def test_what_was_remembered_by_another_version_is_not_believed() -> None:
    """A secret that a text happens to hold is blotted out before it is stored."""
    record = Record()
    record.memory = {"mailed:since": "[redacted]", "mailed:position": "[redacted]", "mailed:good_at": "[redacted]"}
    from probes.reports.mailed import newest_mailed

    found = await newest_mailed(MailOptions(), "pdf", record.journey(START))
    assert (found.position, found.age_seconds) == (0, 0)
