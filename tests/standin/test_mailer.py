"""Mails reach a mail server whatever it does first, and never more than once."""

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest

from monitor.demo import HOST, free_port
from standin.background import Background
from standin.mailer import WAITING_MAILS, Mailer, MailState
from standin.settings import LiveSettings, StandInSettings
from tests.standin.receivers import Mailbox, until


def mail(subject: str, to: str = "a@uptime.example") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "platform@standin.example", to, subject
    message.set_content("21,5 °C\n")
    return message


@pytest.fixture
def live() -> LiveSettings:
    return LiveSettings(StandInSettings())


def point_at(live: LiveSettings, port: int | None, **changes: object) -> None:
    server = {"smtp_host": None if port is None else "127.0.0.1", "smtp_port": port or 25}
    live.change({"notifications": {**server, "retry_seconds": 0.02, **changes}})


async def test_a_mail_arrives_once_as_it_was_written(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    async with Mailbox().open() as box:
        point_at(live, box.port)
        mailer.send(mail("Grüße"))
        assert box.raw == []  # nothing is sent before the caller goes on
        await until(lambda: mailer.mails[0].state is MailState.SENT)
        await background.close()
    (arrived,) = box.mails
    assert (arrived["Subject"], arrived.get_content().strip()) == ("Grüße", "21,5 °C")
    assert arrived["Message-ID"] and arrived["Date"]
    assert (box.recipients, mailer.mails[0].attempts) == (["a@uptime.example"], 1)


async def test_a_server_that_comes_later_gets_the_mail(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    port = free_port(HOST)
    point_at(live, port, attempts=20)
    mailer.send(mail("later"))
    await until(lambda: mailer.mails[0].attempts >= 2)
    assert str(port) in mailer.mails[0].problem
    async with Mailbox().open(port) as box:
        await until(lambda: mailer.mails[0].state is MailState.SENT)
        await background.close()
    assert [arrived["Subject"] for arrived in box.mails] == ["later"]


@pytest.mark.parametrize(
    ("answers", "attempts", "state", "asked"),
    [
        (["451 4.3.0 try later"], 6, MailState.SENT, 2),
        (["451 later", "421 later", "450 later"], 6, MailState.SENT, 4),
        (["550 5.1.1 nobody here"], 6, MailState.REFUSED, 1),
        (["451 later"] * 3, 3, MailState.GIVEN_UP, 3),
    ],
)
async def test_an_answer_decides_whether_there_is_another_try(
    live: LiveSettings, answers: list[str], attempts: int, state: MailState, asked: int
) -> None:
    background = Background()
    mailer = Mailer(live, background)
    async with Mailbox(answers=list(answers)).open() as box:
        point_at(live, box.port, attempts=attempts, retry_seconds=0.01)
        mailer.send(mail("retried"))
        await until(lambda: mailer.mails[0].settled_at)
        await background.close()
    (entry,) = mailer.mails
    assert (entry.state, entry.attempts, box.asked) == (state, asked, asked)
    assert len(box.raw) == (state is MailState.SENT)
    assert bool(entry.problem) == (state is not MailState.SENT)


async def test_pauses_grow(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    point_at(live, free_port(HOST), attempts=4, retry_seconds=0.04)
    loop = asyncio.get_running_loop()
    started = loop.time()
    mailer.send(mail("never"))
    await until(lambda: mailer.mails[0].settled_at)
    assert mailer.mails[0].state is MailState.GIVEN_UP
    assert loop.time() - started >= 0.04 + 0.08 + 0.16  # and none after the last try
    await background.close()


async def test_mails_wait_for_a_server_and_keep_their_order(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    for number in range(3):
        mailer.send(mail(f"no. {number}"))
    await asyncio.sleep(0)  # each task takes its mail
    assert {entry.state for entry in mailer.mails} == {MailState.WAITING}
    async with Mailbox().open() as box:
        point_at(live, box.port)
        await until(lambda: len(box.raw) == 3)
        await until(lambda: all(entry.state is MailState.SENT for entry in mailer.mails))
        point_at(live, None)
        mailer.send(mail("again without"))
        for _ in range(3):
            await asyncio.sleep(0)  # it has been seen that there is none
        point_at(live, box.port)
        await until(lambda: len(box.raw) == 4)
        await background.close()
    assert {arrived["Subject"] for arrived in box.mails} == {"no. 0", "no. 1", "no. 2", "again without"}


async def test_only_so_many_wait_for_a_server(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    for number in range(WAITING_MAILS + 2):
        mailer.send(mail(str(number)))
    await until(lambda: mailer.mails[1].state is MailState.DROPPED)
    states = [entry.state for entry in mailer.mails]
    assert states == [MailState.DROPPED] * 2 + [MailState.WAITING] * WAITING_MAILS
    await background.close()


async def test_each_recipient_is_served_alone(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    async with Mailbox(answers=["550 nobody here"]).open() as box:
        point_at(live, box.port)
        mailer.send(mail("to two", to="first@uptime.example, Second <second@uptime.example>"))
        await until(lambda: all(entry.settled_at for entry in mailer.mails))
        await background.close()
    assert sorted(entry.state for entry in mailer.mails) == [MailState.REFUSED, MailState.SENT]
    assert len(box.recipients) == 1


async def test_a_mail_that_cannot_be_sent_harms_nobody(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    async with Mailbox().open() as box:
        point_at(live, box.port)
        mailer.send(mail("to nobody", to=""))
        nameless = mail("from nobody")
        del nameless["From"]
        mailer.send(nameless)
        await until(lambda: all(entry.settled_at for entry in mailer.mails))
        await background.close()
    assert [entry.state for entry in mailer.mails] == [MailState.REFUSED]
    assert box.raw == []


async def test_a_delay_is_kept(live: LiveSettings) -> None:
    background = Background()
    mailer = Mailer(live, background)
    async with Mailbox().open() as box:
        point_at(live, box.port)
        loop = asyncio.get_running_loop()
        started = loop.time()
        mailer.send(mail("late"), delay_seconds=0.2)
        mailer.send(mail("at once"))
        await until(lambda: len(box.raw) == 2)
        assert loop.time() - started >= 0.2
        await background.close()
    assert {arrived["Subject"] for arrived in box.mails} == {"at once", "late"}


@pytest.mark.parametrize("greeting", [b"", b"220 mail.test ready\r\n"])
async def test_closing_leaves_nothing_of_a_conversation_with_a_silent_server(
    live: LiveSettings, greeting: bytes
) -> None:
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    connected = asyncio.Event()

    async def say_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_little, "127.0.0.1", 0)
    async with server:
        background = Background()
        mailer = Mailer(live, background)
        point_at(live, server.sockets[0].getsockname()[1])
        mailer.send(mail("unanswered"))
        await connected.wait()
        await background.close()
    await until(lambda: asyncio.all_tasks() == tasks)
    await until(lambda: open_sockets() == sockets)
    assert mailer.mails[0].state is MailState.WAITING


def open_sockets() -> list[str]:
    links = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return sorted(str(link) for link in links if str(link).startswith("socket:"))


async def test_a_task_that_loses_its_cancellation_is_cancelled_again() -> None:
    background = Background()
    lost = asyncio.Event()

    async def lose_one() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(3600)

    background.start(lose_one(), "loses one")
    await asyncio.sleep(0)
    await background.close()
    assert lost.is_set()
