"""Certificates of every kind of wrongness, against the kind that watches them and against the kind `http`."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probes.contract import Journey, ProbeFailed, Reason
from probes.http import Options as HttpOptions
from probes.http import http
from probes.tls_certificate import Options, tls_certificate
from tests.probes.platform import Record
from tests.probes.servers import (
    Handler,
    answering,
    client_tasks,
    eventually,
    failed_step,
    garbage,
    http_answer,
    open_sockets,
    silent,
    slamming,
    tcp_server,
)
from tests.probes.tls import DAY, Authority, tls_server

PAGE = answering(http_answer(b"welcome"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path)


@pytest.fixture(autouse=True)
async def _nothing_is_left() -> AsyncIterator[None]:
    before = open_sockets()
    yield
    await eventually(lambda: open_sockets() == before)
    assert client_tasks() == set()


def a_check() -> Journey:
    return Record().journey(datetime.now(UTC).timestamp())


async def take(authority: Authority, port: int, **options: Any) -> Journey:
    journey = a_check()
    given = {"host": "127.0.0.1", "port": port, "ca_file": authority.certificate, "timeout": 5, **options}
    await tls_certificate(Options.model_validate(given), journey)
    return journey


async def fails(authority: Authority, port: int, **options: Any) -> tuple[Reason, str, str, Journey]:
    journey = a_check()
    given = {"host": "127.0.0.1", "port": port, "ca_file": authority.certificate, "timeout": 5, **options}
    with pytest.raises(ProbeFailed) as caught:
        await tls_certificate(Options.model_validate(given), journey)
    return caught.value.reason, caught.value.detail, failed_step(journey), journey


async def test_a_good_certificate_is_up_and_its_facts_are_kept(authority: Authority) -> None:
    async with tls_server(authority.server_context(), silent) as port:
        journey = await take(authority, port, server_name="localhost")
    assert [timing.name for timing in journey.timings()] == ["connect", "handshake", "certificate"]
    assert journey.figures["certificate_expiring"] == 0
    assert journey.figures["certificate_expires_in_seconds"] == pytest.approx(90 * 86400, abs=60)
    ends = journey.figures["certificate_expiry_timestamp_seconds"] - datetime.now(UTC).timestamp()
    assert ends == pytest.approx(90 * 86400, abs=60)
    facts = dict(line.split(": ", 1) for line in journey.evidence_items()["certificate"].splitlines())
    assert (facts["subject"], facts["issuer"]) == ("CN=localhost", "CN=Test authority")
    assert facts["names"] == "localhost, 127.0.0.1"
    assert len(bytes.fromhex(facts["SHA-256 fingerprint"])) == 32
    assert (
        datetime.fromisoformat(facts["not after"]).timestamp()
        == journey.figures["certificate_expiry_timestamp_seconds"]
    )


@pytest.mark.parametrize(("ends", "warn_before", "expiring"), [(20, "21d", 1), (22, "21d", 0), (1, "23h", 0)])
async def test_a_certificate_near_its_end_is_still_up(
    authority: Authority, ends: int, warn_before: str, expiring: int
) -> None:
    async with tls_server(authority.server_context(ends=ends * DAY), silent) as port:
        journey = await take(authority, port, warn_before=warn_before)
    assert journey.figures["certificate_expiring"] == expiring


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"ends": -timedelta(hours=1)}, "the certificate has expired"),
        ({"begins": timedelta(hours=1)}, "the certificate is not yet valid"),
        ({"hosts": ("elsewhere.example", "127.0.0.2")}, "the certificate is for another address"),
    ],
)
async def test_an_invalid_certificate_is_down_and_says_why(
    authority: Authority, certificate: dict[str, Any], words: str
) -> None:
    async with tls_server(authority.server_context(**certificate), silent) as port:
        reason, detail, step, journey = await fails(authority, port)
    assert (reason, step) == (Reason.TLS, "handshake")
    assert detail == f"127.0.0.1:{port} as 127.0.0.1: {words}"
    assert "SHA-256 fingerprint" in journey.evidence_items()["certificate"]
    assert "certificate_expires_in_seconds" in journey.figures


async def test_a_certificate_of_another_name_is_down(authority: Authority) -> None:
    async with tls_server(authority.server_context(), silent) as port:
        _, detail, _, _ = await fails(authority, port, server_name="cloud.example")
    assert detail.endswith("as cloud.example: the certificate is for another host")


async def test_a_certificate_of_a_strange_authority_is_down(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path, "Stranger")
    async with tls_server(stranger.server_context(), silent) as port:
        reason, detail, _, journey = await fails(authority, port)
        assert (await fails(authority, port, ca_file=None))[0] is Reason.TLS
    assert (reason, detail.partition(": ")[2]) == (Reason.TLS, "the chain does not lead to a trusted authority")
    assert "issuer: CN=Stranger" in journey.evidence_items()["certificate"]


async def only_old_versions(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What a server says that knows none of the client's versions (RFC 8446, 6.2). asyncio's own servers are mute."""
    await reader.read(65_536)
    writer.write(bytes.fromhex("15030300020246"))
    await writer.drain()
    await reader.read()


async def test_an_old_version_of_tls_is_down(authority: Authority) -> None:
    async with tcp_server(only_old_versions) as port:
        reason, detail, step, _ = await fails(authority, port)
        with pytest.raises(ProbeFailed) as caught:
            await fetch(authority, port)
    assert (reason, step, caught.value.reason) == (Reason.TLS, "handshake", Reason.TLS)
    assert "no TLS handshake: TLSV1_ALERT_PROTOCOL_VERSION" in detail


async def test_the_oldest_version_accepted_is_a_setting(authority: Authority) -> None:
    context = authority.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with tls_server(context, silent) as port:
        await take(authority, port)
        assert (await fails(authority, port, min_version="1.3"))[2] == "handshake"


@pytest.mark.parametrize(
    ("handler", "reason"), [(garbage, Reason.TLS), (slamming, Reason.RESET), (silent, Reason.TIMEOUT)]
)
async def test_a_server_that_cannot_speak_tls_is_down(authority: Authority, handler: Handler, reason: Reason) -> None:
    async with tcp_server(handler) as port:
        found, _, step, _ = await fails(authority, port, timeout=0.2)
    assert (found, step) == (reason, "handshake")


async def mail_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220-mail.example\r\n220 ready\r\n")
    assert (await reader.readline()).startswith(b"EHLO ")
    writer.write(b"250-mail.example\r\n250 STARTTLS\r\n")
    assert await reader.readline() == b"STARTTLS\r\n"
    writer.write(b"220 go ahead\r\n")


async def mailbox_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* OK ready\r\n")
    assert await reader.readline() == b"a STARTTLS\r\n"
    writer.write(b"* CAPABILITY IMAP4rev1\r\na OK begin\r\n")


async def mail_server_without_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 ready\r\n")
    await reader.readline()
    writer.write(b"250 mail.example\r\n")
    await reader.readline()
    writer.write(b"454 not now\r\n")
    await reader.read()


@pytest.mark.parametrize(("protocol", "before"), [("smtp", mail_server), ("imap", mailbox_server)])
async def test_mail_servers_begin_in_the_clear(authority: Authority, protocol: str, before: Handler) -> None:
    async with tls_server(authority.server_context(), silent, before=before) as port:
        journey = await take(authority, port, starttls=protocol)
    assert [timing.name for timing in journey.timings()] == ["connect", "starttls", "handshake", "certificate"]
    async with tls_server(authority.server_context(ends=-timedelta(hours=1)), silent, before=before) as port:
        _, detail, _, journey = await fails(authority, port, starttls=protocol)
    assert detail.endswith("has expired")
    assert "subject" in journey.evidence_items()["certificate"]


async def test_a_mail_server_that_does_not_encrypt_is_down(authority: Authority) -> None:
    async with tcp_server(mail_server_without_tls) as port:
        reason, detail, step, _ = await fails(authority, port, starttls="smtp")
    assert (reason, step) == (Reason.PROTOCOL, "starttls")
    assert "454 not now" in detail
    async with tcp_server(garbage) as port:
        assert (await fails(authority, port, starttls="imap", timeout=0.2))[0] is Reason.TIMEOUT  # it waits for us


@pytest.mark.parametrize("turns", [1, 5, 20, 40, 80])
async def test_a_cancel_during_the_handshake_leaves_nothing(authority: Authority, turns: int) -> None:
    """The fixture looks for what is left."""
    async with tcp_server(silent) as port:
        check = asyncio.create_task(take(authority, port))
        for _ in range(turns):
            await asyncio.sleep(0)
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check


@pytest.mark.parametrize("warn_before", ["21", "three days", "-1d", "1w", ""])
def test_a_span_needs_its_unit(warn_before: str) -> None:
    with pytest.raises(ValidationError, match="warn_before"):
        Options.model_validate({"host": "x", "warn_before": warn_before})


def test_an_empty_file_of_authorities_is_none_and_a_missing_one_refused(tmp_path: Path) -> None:
    assert Options.model_validate({"host": "x", "ca_file": ""}).ca_file is None
    with pytest.raises(ValidationError, match="ca_file"):
        Options.model_validate({"host": "x", "ca_file": tmp_path / "none.pem"})


async def fetch(authority: Authority | None, port: int, host: str = "127.0.0.1") -> None:
    given = {"url": f"https://{host}:{port}/", "timeout": 5, "contains": "welcome"}
    ca_file = authority.certificate if authority else None
    await http(HttpOptions.model_validate({**given, "ca_file": ca_file}), a_check())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_http_trusts_the_authorities_of_its_file(authority: Authority, host: str) -> None:
    async with tls_server(authority.server_context(), PAGE) as port:
        await fetch(authority, port, host)


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"ends": -timedelta(hours=1)}, "expired"),
        ({"begins": timedelta(hours=1)}, "not yet valid"),
        ({"hosts": ("elsewhere.example",)}, "mismatch"),
    ],
)
async def test_http_refuses_an_invalid_certificate(
    authority: Authority, certificate: dict[str, Any], words: str
) -> None:
    async with tls_server(authority.server_context(**certificate), PAGE) as port:
        with pytest.raises(ProbeFailed) as caught:
            await fetch(authority, port)
    assert caught.value.reason is Reason.TLS
    assert words in caught.value.detail


async def test_http_refuses_an_authority_that_is_not_in_its_file(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority.create(tmp_path, "Stranger")
    async with tls_server(stranger.server_context(), PAGE) as port:
        for trusted in (authority, None):
            with pytest.raises(ProbeFailed) as caught:
                await fetch(trusted, port)
            assert caught.value.reason is Reason.TLS
