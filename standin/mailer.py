"""Sends the platform's mails to the mail server of its settings, by real SMTP.

A server that is not there, is silent or answers 4xx is tried again a few times, at growing distances; what it answers
by 5xx is refused for good. While the settings name no server, mails wait in memory, the oldest giving way to the
newest. Each recipient is served alone, so that a mail that is tried again holds up no other.
"""

import asyncio
import secrets
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum

import aiosmtplib
from aiosmtplib.email import extract_recipients

from standin.background import Background
from standin.settings import LiveSettings

WAITING_MAILS = 200
KEPT_MAILS = 1000
CONNECTIONS = 8
SERVER_TIMEOUT_SECONDS = 10.0
FAREWELL_TIMEOUT_SECONDS = 1.0
_LOOK_SECONDS = 0.1


class MailState(StrEnum):
    WAITING = "waiting"  # for its time, for a server in the settings, or for the next try
    SENT = "sent"
    REFUSED = "refused"  # by the server, for good
    GIVEN_UP = "given_up"  # after the last try
    DROPPED = "dropped"  # too many waited for a server


@dataclass(slots=True)
class Mail:
    """One mail to one recipient, and what became of it. `message` is let go when that is settled."""

    message: EmailMessage | None
    recipient: str
    subject: str
    created_at: datetime
    state: MailState = MailState.WAITING
    attempts: int = 0
    settled_at: datetime | None = None
    problem: str = ""


class Mailer:
    """`mails` are the newest ones, oldest first, whatever became of them."""

    def __init__(self, live: LiveSettings, background: Background) -> None:
        self._live = live
        self._background = background
        self.mails: deque[Mail] = deque(maxlen=KEPT_MAILS)
        self._without_server: deque[Mail] = deque()
        self._connections = asyncio.Semaphore(CONNECTIONS)

    def send(self, message: EmailMessage, *, delay_seconds: float = 0.0) -> None:
        """Returns at once; the mail is delivered in the background, tried again where the server does not take it.

        Goes to all that the message's To, Cc and Bcc name. It is given a Date and a Message-ID if it has none.
        """
        now = self._live.current.now()
        if "Date" not in message:
            message["Date"] = format_datetime(now)
        if "Message-ID" not in message:
            # Not `make_msgid`, which asks the name service for this machine's name.
            message["Message-ID"] = f"<{secrets.token_hex(16)}@standin.example>"
        subject = str(message["Subject"] or "")
        try:
            recipients = extract_recipients(message)
        except ValueError as problem:
            recipients = []
            self.mails.append(Mail(None, "", subject, now, MailState.REFUSED, 0, now, str(problem)))
        for recipient in recipients:
            mail = Mail(message, recipient, subject, now)
            self.mails.append(mail)
            self._background.start(self._deliver(mail, delay_seconds), "mail.deliver")

    async def _deliver(self, mail: Mail, delay_seconds: float = 0.0) -> None:
        settings = self._live.current.notifications
        pause_seconds = settings.retry_seconds
        await asyncio.sleep(delay_seconds)
        for left in reversed(range(settings.attempts)):
            if self._live.current.notifications.smtp_host is None:
                self._await_server(mail)
                return
            if await self._is_settled(mail):
                return
            if left:
                await asyncio.sleep(pause_seconds)
                pause_seconds *= 2
        self._settle(mail, MailState.GIVEN_UP, mail.problem)

    async def _is_settled(self, mail: Mail) -> bool:
        """Tries once; False where another try is worth it."""
        mail.attempts += 1
        assert mail.message
        try:
            await self._hand_over(mail.message, mail.recipient)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            return self._failed(mail, refusal.recipients[0])
        except (aiosmtplib.SMTPException, OSError) as problem:
            return self._failed(mail, problem)
        except ValueError as problem:  # a message that cannot be put into SMTP
            self._settle(mail, MailState.REFUSED, str(problem))
        else:
            self._settle(mail, MailState.SENT)
        return True

    async def _hand_over(self, message: EmailMessage, recipient: str) -> None:
        async with self._connections:
            settings = self._live.current.notifications
            client = aiosmtplib.SMTP(
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                start_tls=False,  # everything stays on loopback, and a test's certificate is nobody's
                local_hostname="localhost",  # otherwise looked up
                timeout=SERVER_TIMEOUT_SECONDS,
            )
            try:
                await client.connect()
                await client.send_message(message, recipients=[recipient])
                with suppress(aiosmtplib.SMTPException):  # the mail is taken, whatever becomes of the farewell
                    await client.quit(timeout=FAREWELL_TIMEOUT_SECONDS)
            finally:
                client.close()  # at once: the library's own context would wait for a farewell when it is cancelled

    def _failed(self, mail: Mail, problem: Exception) -> bool:
        mail.problem = str(problem) or type(problem).__name__
        for_good = isinstance(problem, aiosmtplib.SMTPResponseException) and problem.code >= 500
        if for_good:
            self._settle(mail, MailState.REFUSED, mail.problem)
        return for_good

    def _settle(self, mail: Mail, state: MailState, problem: str = "") -> None:
        mail.state, mail.problem, mail.settled_at = state, problem, self._live.current.now()
        mail.message = None  # it may hold a large report

    def _await_server(self, mail: Mail) -> None:
        if not self._without_server:
            self._background.start(self._release_when_there_is_a_server(), "mail.await_server")
        elif len(self._without_server) >= WAITING_MAILS:
            self._settle(self._without_server.popleft(), MailState.DROPPED, "too many mails wait for a server")
        self._without_server.append(mail)

    async def _release_when_there_is_a_server(self) -> None:
        """One look for all that wait."""
        # Settings are changed in another thread, which could not set an event of this loop.
        while self._live.current.notifications.smtp_host is None:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        while self._without_server:
            self._background.start(self._deliver(self._without_server.popleft()), "mail.deliver")
