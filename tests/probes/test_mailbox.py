"""The mailbox against IMAP servers that misbehave, and mails of every make."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

import pytest

from monitor.clock import SystemClock
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.mailbox.channels import ImapChannel
from probes.mailbox.imap_session import ImapOptions
from probes.mailbox.mail_text import MAIL_BYTES, TEXT_CHARACTERS, mail_text
from tests.probes.platform import Record
from tests.probes.servers import client_tasks, eventually, open_sockets, tcp_server

MAIL = b"Subject: hello\r\n\r\nbody (with a bracket\r\n"
SILENCE = b""
USUAL = {
    "greeting": b"* OK ready\r\n",
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n",
    "LOGIN": b"{tag} OK logged in\r\n",
    "SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 5] .\r\n{tag} OK [READ-WRITE] done\r\n",
    "NOOP": b"{tag} OK done\r\n",
    "SEARCH": b"* SEARCH 4\r\n{tag} OK done\r\n",
    "FETCH": b'* 1 FETCH (UID 5 INTERNALDATE "23-Nov-2026 07:40:19 +0100" BODY[]<0> {%d}\r\n%s)\r\n{tag} OK done\r\n'
    % (len(MAIL), MAIL),
    "IDLE": b"+ idling\r\n",
    "DONE": b"{tag} OK done\r\n",
}


class FakeImap:
    """Answers each command from a table; `{tag}` stands for the command's. Counts its connections."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = USUAL | answers
        self.connections = 0
        self.commands: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.answers["greeting"])
        tag = b"*"
        while line := await reader.readline():
            words = line.split()
            if words[0] != b"DONE":
                tag = words[0]
            command = (words[0] if words[0] == b"DONE" else words[2] if words[1] == b"UID" else words[1]).decode()
            self.commands.append(command)
            writer.write(self.answers[command].replace(b"{tag}", tag))
            if self.answers[command].endswith(b"hang up\r\n"):
                return
            await writer.drain()


def journey_of(record: Record | None = None) -> Journey:
    clock = SystemClock()
    facts = record or Record()
    return Journey(probe="probe", component="notifications", now=clock.now, monotonic=clock.monotonic, facts=facts)


def options(port: int, **changes: Any) -> ImapOptions:
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "user": "probe", "password": "secret", "timeout": 0.3}
    return ImapOptions.model_validate({**given, "poll": 0.02, **changes})


@asynccontextmanager
async def channel_to(server: FakeImap, record: Record | None = None, **changes: Any) -> AsyncIterator[ImapChannel]:
    async with tcp_server(server.serve) as port:
        before = open_sockets()
        channel = ImapChannel(options(port, **changes), "mailbox", journey_of(record))
        try:
            yield channel
        finally:
            await channel.close()
            assert client_tasks() == set()
            await eventually(lambda: open_sockets() <= before)  # while the server would still hold its end open


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"greeting": SILENCE}, Reason.TIMEOUT),
        ({"greeting": b"* BYE go away\r\n"}, Reason.PROTOCOL),
        ({"greeting": b"\x00\xff\x13 what is this?\r\n" * 8}, Reason.PROTOCOL),
        ({"greeting": b"HTTP/1.1 200 OK\r\n\r\n", "CAPABILITY": SILENCE}, Reason.TIMEOUT),
        ({"CAPABILITY": SILENCE}, Reason.TIMEOUT),
        ({"CAPABILITY": b"* CAPABILITY POP3\r\n{tag} OK done\r\n"}, Reason.PROTOCOL),
        ({"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK done\r\n"}, Reason.AUTH),
        ({"LOGIN": SILENCE}, Reason.TIMEOUT),
        ({"LOGIN": b"{tag} NO wrong\r\n"}, Reason.AUTH),
        ({"LOGIN": b"* BYE hang up\r\n"}, Reason.RESET),
        ({"LOGIN": b"XYZ1 OK for somebody else\r\n"}, Reason.PROTOCOL),
        ({"SELECT": b"{tag} NO no such folder\r\n"}, Reason.PROTOCOL),
        ({"SELECT": b"{tag} OK but no numbers\r\n"}, Reason.PROTOCOL),
        ({"SELECT": b"* 1 EXISTS\r\n" * 200_000}, Reason.TOO_LARGE),
        ({"SELECT": b"x" * 2_000_000}, Reason.TOO_LARGE),
        ({"SELECT": b"* 1 FETCH {4000000000}\r\n" + b"x" * 2_000_000}, Reason.TOO_LARGE),
        ({"SEARCH": b"* SEARCH one two\r\n{tag} OK done\r\n"}, Reason.PROTOCOL),
        ({"SEARCH": SILENCE}, Reason.TIMEOUT),
        ({"SEARCH": b"* BYE hang up\r\n"}, Reason.RESET),
    ],
)
async def test_a_server_that_misbehaves_fails_in_time(answers: dict[str, bytes], reason: Reason) -> None:
    async with channel_to(FakeImap(**answers)) as channel, asyncio.timeout(5):
        with pytest.raises(ProbeFailed) as caught:
            await channel.open()
        assert caught.value.reason is reason
        assert "secret" not in caught.value.detail


async def test_thousands_of_lines_at_once_are_read() -> None:
    lines = b"* OK noise\r\n" * 5000
    async with channel_to(FakeImap(NOOP=lines + USUAL["NOOP"])) as channel:
        assert await channel.open() == []


async def test_a_mail_is_read_with_its_time() -> None:
    server = FakeImap(SEARCH=b"* SEARCH 4 5\r\n{tag} OK done\r\n")
    async with channel_to(server) as channel:
        (arrival,) = await channel.open()
        assert (arrival.key, arrival.text) == ("5", "hello\n\nbody (with a bracket\n")
        assert arrival.received_at == 1795416019
        server.answers["SEARCH"] = b"* SEARCH 5\r\n{tag} OK done\r\n"  # the newest, which is not new
        assert await channel.wait(0.05) == []


async def test_a_server_without_idle_is_polled() -> None:
    server = FakeImap(CAPABILITY=b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")
    async with channel_to(server) as channel:
        await channel.open()
        assert channel.resolution_seconds == 0.02
        await channel.wait(0.2)
    assert "IDLE" not in server.commands
    assert server.commands.count("NOOP") >= 4


@pytest.mark.parametrize(
    "answers",
    [
        {"IDLE": SILENCE},
        {"IDLE": b"{tag} NO not today\r\n"},
        {"DONE": SILENCE},
        {"DONE": b"{tag} BAD what\r\n", "IDLE": b"* BYE hang up\r\n"},
    ],
)
async def test_a_server_that_fails_in_idle_is_polled_over_a_new_connection(answers: dict[str, bytes]) -> None:
    server = FakeImap(**answers)
    async with channel_to(server) as channel, asyncio.timeout(5):
        await channel.open()
        server.answers["SELECT"] = USUAL["SELECT"]
        assert await channel.wait(0.5) == []
        server.answers["SEARCH"] = b"* SEARCH 5\r\n{tag} OK done\r\n"
        (arrival,) = await channel.wait(1)
        assert arrival.key == "5"
    assert server.connections == 2
    assert server.commands.count("IDLE") == 1


async def test_a_folder_that_is_numbered_anew_while_mails_are_awaited_blocks() -> None:
    server = FakeImap(IDLE=b"{tag} NO not today\r\n")
    async with channel_to(server) as channel:
        await channel.open()
        server.answers["SELECT"] = USUAL["SELECT"].replace(b"UIDVALIDITY 7", b"UIDVALIDITY 8")
        with pytest.raises(Blocked, match="renumbered"):
            await channel.wait(1)


@pytest.mark.parametrize(("remembered", "first"), [("7:3", 3), ("8:3", 5), ("7:", 5), ("nonsense", 5)])
async def test_the_search_begins_where_the_last_check_stopped(remembered: str, first: int) -> None:
    record = Record(memory={"position": remembered})
    server = FakeImap(SEARCH=b"* SEARCH 3 4\r\n{tag} OK done\r\n")
    async with channel_to(server, record) as channel:
        assert [arrival.key for arrival in await channel.open()] == (["3", "4"] if first == 3 else [])


async def test_nothing_is_deleted_of_a_server_that_cannot_delete_single_mails() -> None:
    server = FakeImap(STORE=b"{tag} OK done\r\n")
    async with channel_to(server) as channel:
        await channel.open()
        await channel.tidy(["4"])
    assert "EXPUNGE" not in server.commands


def made(subject: str, text: str, *, html: str = "", charset: str = "utf-8", cte: str = "quoted-printable") -> bytes:
    mail = EmailMessage()
    mail["Subject"] = subject
    if text:
        mail.set_content(text, charset=charset, cte=cte)
    if html:
        mail.add_alternative(html, subtype="html") if text else mail.set_content(html, subtype="html")
    return mail.as_bytes()


@pytest.mark.parametrize(
    "content",
    [
        made("Wartość 85.3", "85.3 °C\n"),
        made("Wartość 85.3", "85.3 °C\n", cte="base64"),
        made("Wartość 85.3", "85.3 °C\n", charset="iso-8859-2", cte="8bit"),
        made("Wartość 85.3", "85.3 °C\n", html="<p>something else</p>"),
        made("Wartość 85.3", "", html="<style>p {}</style><p>85.3&nbsp;°C</p>"),
    ],
)
def test_subject_and_text_are_read_whatever_the_encoding(content: bytes) -> None:
    subject, _, text = mail_text(content).partition("\n\n")
    assert (subject, text.strip()) == ("Wartość 85.3", "85.3 °C")


def nasty() -> Iterator[bytes]:
    yield b""
    yield bytes(range(256)) * 20
    yield b"Subject: =?utf-8?b?!!!?=\r\n\r\nx"
    yield b"Subject: =?nonsense?q?=FF?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff"
    yield b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n"
    yield b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%"
    yield b"Content-Type: text/html\r\n\r\n<" + b"<a " * 5000
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1500))
    yield nested
    yield b"Subject: x\r\n\r\n" + b"y" * 4 * MAIL_BYTES
    yield b"Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n" * 200


@pytest.mark.parametrize("content", list(nasty()), ids=len)
def test_no_mail_is_an_error_nor_takes_long(content: bytes) -> None:
    started = time.monotonic()
    text = mail_text(content)
    assert len(text) <= TEXT_CHARACTERS
    assert time.monotonic() - started < 0.2
