"""The daemon's mail server takes what is for it, once it is on disk, and survives whatever comes."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from monitor.clock import SystemClock
from monitor.config import SmtpSection
from monitor.inbound import receive_mail

MAIL = b"Subject: Alarm\r\nMessage-ID: <1@a.example>\r\n\r\nTemperature 85.3\r\n"
TO = "probe@uptime.example"


class Post:
    """A store behind the receiver: keeps what it is given once for each key, and fails when it is told to."""

    def __init__(self) -> None:
        self.mails: dict[str | None, bytes] = {}
        self.failing = False
        self.stored = asyncio.Event()
        self.release = asyncio.Event()
        self.release.set()

    async def take(self, channel: str, content: bytes, key: str | None) -> bool:
        assert channel == "smtp"
        if self.failing:
            raise RuntimeError("the disk is full")
        is_new = key not in self.mails
        self.mails[key] = content
        self.stored.set()
        await self.release.wait()
        return is_new


@pytest.fixture
def post() -> Post:
    return Post()


@asynccontextmanager
async def server(post: Post, **settings: Any) -> AsyncIterator[int]:
    section = SmtpSection(**{"port": 0, "recipients": (TO, "@whole.example"), **settings})
    try:
        async with receive_mail(section, post.take, SystemClock()) as port:
            yield port
    finally:
        left = [task.get_coro() for task in asyncio.all_tasks() if "_handle_client" in repr(task)]
        assert not left


async def send(port: int, content: bytes = MAIL, to: str = TO, **options: Any) -> str:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=5) as client:
        _refused, answer = await client.sendmail("alerts@efento.example", to, content, **options)
        return answer


class Raw:
    """A sender that says exactly what a test wants, right or wrong."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._greeted = False

    async def say(self, *lines: bytes) -> str:
        """Sends lines and gives the last line of the answer to the last of them."""
        answer = b"" if self._greeted else await self.answer()
        for line in lines:
            self.writer.write(line + b"\r\n")
            answer = await self.answer()
        return answer.decode()

    async def answer(self) -> bytes:
        async with asyncio.timeout(5):
            while (line := await self.reader.readline())[3:4] == b"-":
                pass
        self._greeted = True
        return line.rstrip()

    async def begin_mail(self) -> None:
        assert (await self.say(b"EHLO me", b"MAIL FROM:<a@b.example>", b"RCPT TO:<%s>" % TO.encode(), b"DATA"))[
            :3
        ] == "354"

    async def ended(self) -> None:
        """The server cut or closed the connection."""
        async with asyncio.timeout(5):
            try:
                while await self.reader.read(1000):
                    pass
            except ConnectionResetError:
                pass


@asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sender = Raw(reader, writer)
    try:
        yield sender
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_a_mail_is_taken_as_it_travelled(post: Post) -> None:
    async with server(post) as port:
        assert "stored" in await send(port)
    assert list(post.mails.values()) == [MAIL]


@pytest.mark.parametrize("to", ["PROBE@Uptime.Example", "anybody@whole.example", "x@WHOLE.example"])
async def test_recipients_are_addresses_or_whole_domains_in_any_case(post: Post, to: str) -> None:
    async with server(post) as port:
        await send(port, to=to)
    assert len(post.mails) == 1


@pytest.mark.parametrize(
    "to", ["other@uptime.example", "x@sub.whole.example", "x@notwhole.example", "@whole.example", "probe"]
)
async def test_mail_for_anybody_else_is_refused(post: Post, to: str) -> None:
    async with server(post) as port, raw(port) as sender:
        await sender.say(b"EHLO me", b"MAIL FROM:<a@b.example>")
        assert (await sender.say(b"RCPT TO:<%s>" % to.encode()))[0] == "5"
        assert (await sender.say(b"DATA"))[:3] == "503"
    assert not post.mails


async def test_a_bounce_without_sender_is_taken_too(post: Post) -> None:
    async with server(post) as port, raw(port) as sender:
        assert (await sender.say(b"EHLO me", b"MAIL FROM:<>"))[:3] == "250"


async def test_no_250_before_the_mail_is_on_disk(post: Post) -> None:
    post.release.clear()
    async with server(post) as port:
        sending = asyncio.ensure_future(send(port))
        await post.stored.wait()
        await asyncio.sleep(0.02)
        assert not sending.done()
        post.release.set()
        assert "stored" in await sending


async def test_a_mail_that_cannot_be_stored_comes_again(post: Post) -> None:
    post.failing = True
    async with server(post) as port:
        with capture_logs() as logs, pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await send(port)
        assert refused.value.code == 451
        assert [entry["event"] for entry in logs] == ["mail.not_stored"]
        post.failing = False
        await send(port)
    assert list(post.mails.values()) == [MAIL]


async def test_a_mail_that_was_sent_twice_is_two_mails(post: Post) -> None:
    """A doubled notification is a fault of the platform, and must be seen as two."""
    async with server(post) as port:
        await send(port)
        await send(port)
        await asyncio.gather(send(port), send(port))
    assert len(post.mails) == 4


async def test_a_mail_that_was_tried_again_is_one_mail(post: Post) -> None:
    """The sender lost the connection before it had our answer, so that it had to send again."""
    async with server(post) as port:
        post.release.clear()
        async with raw(port) as sender:
            await sender.begin_mail()
            sender.writer.write(MAIL + b".\r\n")
            await post.stored.wait()
        post.release.set()
        await send(port)
        assert len(post.mails) == 1
        await send(port)
        assert len(post.mails) == 2


async def test_without_an_answer_to_our_answer_a_copy_is_a_retry(post: Post) -> None:
    async with server(post) as port:
        async with raw(port) as sender:
            await sender.begin_mail()
            assert (await sender.say(MAIL + b"."))[:3] == "250"
        await send(port)
        assert len(post.mails) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"x" * 200_000,
        "Zażółć gęślą jaźń".encode(),
        b"\x80\xff\xfe bytes",
        b"nul \x00 and bell \x07",
        b"bare\nnewline and\rreturn",
        b"\n.\nMAIL FROM:<smuggled@b.example>",
        b"\r.\r",
        b"Subject: x\nBcc: injected@b.example",
    ],
    ids=lambda line: repr(line[:12]),
)
async def test_odd_content_is_taken_byte_for_byte(post: Post, line: bytes) -> None:
    content = b"Subject: odd\r\n\r\n" + line + b"\r\n"
    async with server(post) as port, raw(port) as sender:
        await sender.begin_mail()
        assert (await sender.say(content + b"."))[:3] == "250"
    assert list(post.mails.values()) == [content]


async def test_dots_are_unstuffed(post: Post) -> None:
    async with server(post) as port, raw(port) as sender:
        await sender.begin_mail()
        await sender.say(b"..\r\n...x\r\n.")
    assert list(post.mails.values()) == [b".\r\n..x\r\n"]


async def test_what_is_too_large_is_refused(post: Post) -> None:
    async with server(post, size_limit=2_000) as port:
        async with raw(port) as sender:
            assert (await sender.say(b"EHLO me", b"MAIL FROM:<a@b.example> SIZE=2001"))[:3] == "552"
        async with raw(port) as sender:
            await sender.begin_mail()
            assert (await sender.say(b"x" * 900 + b"\r\n" + b"y" * 900 + b"\r\n" + b"z" * 900 + b"\r\n."))[:3] == "552"
            assert (await sender.say(b"NOOP"))[:3] == "250"
    assert not post.mails


@pytest.mark.parametrize(("excess", "code"), [(0, "250"), (1, "552")])
async def test_the_size_limit_is_exact(post: Post, excess: int, code: str) -> None:
    content = b"x" * (100_000 - 2 + excess) + b"\r\n"
    async with server(post, size_limit=100_000) as port, raw(port) as sender:
        await sender.begin_mail()
        assert (await sender.say(content + b"."))[:3] == code


async def test_an_empty_mail_is_a_mail(post: Post) -> None:
    async with server(post) as port, raw(port) as sender:
        await sender.begin_mail()
        assert (await sender.say(b"."))[:3] == "250"
    assert list(post.mails.values()) == [b""]


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
async def test_a_mail_is_the_same_however_it_is_cut(post: Post, pieces: int) -> None:
    """Also where the network cuts the end of the mail in two."""
    content = b"\r\n.a.\r\n\r\n.\n.\r\r\n" + b"." * 70_000 + b"\r\n"
    sent = content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    async with server(post) as port, raw(port) as sender:
        await sender.begin_mail()
        for at in range(0, 40, pieces):
            sender.writer.write(sent[at : at + pieces])
            await asyncio.sleep(0)
        rest = sent[range(0, 40, pieces)[-1] + pieces :]
        for piece in (rest[:-4], rest[-4:-2], rest[-2:]):
            sender.writer.write(piece)
            await asyncio.sleep(0.001)
        assert (await sender.answer())[:3] == b"250"
    assert list(post.mails.values()) == [content]


async def test_too_many_connections_are_told_to_come_back(post: Post) -> None:
    async with server(post, connections=2) as port, raw(port) as first, raw(port) as second:
        assert (await first.answer())[:3] == b"220"
        assert (await second.answer())[:3] == b"220"
        async with raw(port) as third:
            assert (await third.answer())[:3] == b"421"
            await third.ended()
        first.writer.transport.abort()
        for _attempt in range(100):
            async with raw(port) as again:
                if (await again.answer())[:3] == b"220":
                    break
        else:
            pytest.fail("the place of a connection that ended stays taken")


@pytest.mark.parametrize(("networks", "code"), [(("192.0.2.0/24",), b"554"), (("192.0.2.0/24", "127.0.0.0/8"), b"220")])
async def test_only_allowed_networks_may_connect(post: Post, networks: tuple[str, ...], code: bytes) -> None:
    async with server(post, networks=networks) as port, raw(port) as sender:
        assert (await sender.answer())[:3] == code


@pytest.mark.parametrize(
    "begun", [[], [b"EHLO me"], [b"EHLO me", b"MAIL FROM:<a@b.example>", b"RCPT TO:<%s>" % TO.encode(), b"DATA"]]
)
async def test_silence_ends_a_connection(post: Post, begun: list[bytes]) -> None:
    async with server(post, idle=1) as port, raw(port) as sender:
        await sender.answer()
        if begun:
            await sender.say(*begun)
        await sender.ended()


async def turns_until(done: Awaitable[object]) -> int:
    """How often others had their turn meanwhile."""
    turns, task = 0, asyncio.ensure_future(done)
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    await task
    return turns


@pytest.mark.parametrize("flood", [b"NOOP\r\n", b"\r\n", b"\xff\r\n"])
async def test_a_flood_of_commands_is_cut_and_holds_up_nobody(post: Post, flood: bytes) -> None:
    """All of it is there to be read at once, so that reading it never waits."""
    async with server(post, commands=50) as port, raw(port) as sender:
        await sender.say(b"EHLO me")
        sender.writer.write(flood * 100_000)
        assert await turns_until(sender.ended()) > (50 if b"NOOP" in flood else 500)


async def test_reading_a_mail_holds_up_nobody(post: Post) -> None:
    async with server(post) as port, raw(port) as sender:
        await sender.begin_mail()
        sender.writer.write(b"x.\r\n" * 10_000 + b".\r\n")
        assert await turns_until(sender.answer()) > 10_000


async def test_nonsense_ends_a_connection_and_hurts_nobody(post: Post) -> None:
    with capture_logs() as logs:
        async with server(post, commands=10) as port:
            for noise in (
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10,
                b"\x16\x03\x01\x02\x00\x01\x00" + bytes(range(256)) * 50 + b"\r\n" * 50,
                b"VRFY \xff\xfe\r\nMAIL FROM:<\xff>\r\n" + b"hunter2 \r\n" * 20,
                b"EHLO me\r\n" * 30,
                b"MAIL FROM:" + b"(" * 900 + b"\r\nQUIT\r\n",
                b"EHLO me\r\nMAIL FROM:<" + b'"' * 500 + b"@" * 300 + b">\r\nRCPT TO:<@>\r\nRCPT TO:<\r\nQUIT\r\n",
                b"EHLO me\r\nAUTH PLAIN AGEAYg==\r\nSTARTTLS\r\nEXPN x\r\nQUIT\r\n",
            ):
                async with raw(port) as sender:
                    sender.writer.write(noise)
                    sender.writer.write_eof()
                    await sender.ended()
            await send(port)
    assert len(post.mails) == 1
    assert "hunter2" not in repr(logs).lower()


async def test_no_log_line_has_what_senders_wrote(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with capture_logs() as logs:
        async with server(post) as port, raw(port) as sender:
            await sender.say(b"HUNTER2 x", b"EHLO me", b"MAIL FROM:<hunter2@b.example>")
            await sender.say(b"RCPT TO:<hunter2@c.example>", b"RCPT TO:<%s>" % TO.encode(), b"DATA")
            await sender.say(b"Subject: hunter2\r\n\r\nhunter2\r\n.")
    [received] = [entry for entry in logs if entry["event"] == "mail.received"]
    assert (received["bytes"], received["new"], received["peer"]) == (29, True, "127.0.0.1")
    assert "hunter2" not in (repr(logs) + caplog.text).lower()


async def test_the_end_cuts_connections_in_any_state(post: Post, certificate: Path) -> None:
    post.release.clear()
    async with server(post, certificate_file=str(certificate)) as port:
        senders = [Raw(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(3)]
        await senders[1].begin_mail()
        senders[1].writer.write(MAIL + b".\r\n")
        await post.stored.wait()
        assert (await senders[2].say(b"EHLO me", b"STARTTLS"))[:3] == "220"  # and then no handshake
    for sender in senders:
        await sender.ended()
        sender.writer.transport.abort()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none) + made.public_bytes(pem))
    yield path


async def test_starttls(post: Post, certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    async with server(post, certificate_file=str(certificate), require_tls=True) as port:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1", port=port, start_tls=True, tls_context=context, timeout=5
        ) as client:
            await client.sendmail("a@b.example", TO, MAIL)
            assert set(client.esmtp_extensions) == {"size", "8bitmime", "smtputf8", "help"}
        async with raw(port) as sender:
            assert (await sender.say(b"EHLO me", b"MAIL FROM:<a@b.example>"))[:3] == "530"
    assert list(post.mails.values()) == [MAIL]


async def test_a_failed_or_silent_handshake_ends(post: Post, certificate: Path) -> None:
    async with server(post, certificate_file=str(certificate), connections=2, idle=1) as port:
        for noise in (b"no handshake at all\r\n" * 10, b""):
            async with raw(port) as sender:
                await sender.answer()
                assert (await sender.say(b"EHLO me", b"STARTTLS"))[:3] == "220"
                sender.writer.write(noise)
                await sender.ended()
        async with raw(port) as one, raw(port) as two:
            assert [(await one.answer())[:3], (await two.answer())[:3]] == [b"220", b"220"]


async def test_a_certificate_that_is_not_there_is_an_error_at_the_start(post: Post, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with server(post, certificate_file=str(tmp_path / "none.pem")):
            pytest.fail("must not start")


async def test_a_port_that_is_taken_is_an_error_at_the_start(post: Post) -> None:
    async with server(post) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with server(post, port=port):
                pytest.fail("must not start")
