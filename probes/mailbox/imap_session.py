"""One logged-in connection to our mailbox, with the few commands that a probe needs, each bounded in time and size."""

import asyncio
import re
from collections.abc import Awaitable
from contextlib import suppress
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from aioimaplib.aioimaplib import Command, quoted  # type: ignore[import-untyped]
from pydantic import Field, FilePath

from probes.bounded_http import tls_context
from probes.contract import ProbeFailed, ProbeOptions, Reason
from probes.mailbox.imap_protocol import ImapProtocol, Lines, connect
from probes.mailbox.mail_text import MAIL_BYTES
from probes.option_types import HeaderSecret, Host, Port, Seconds

KEYWORD = "EfentoUptime"  # marks the mails that a probe may delete
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UIDVALIDITY = re.compile(rb"\[UIDVALIDITY (\d{1,10})\]")
_UIDNEXT = re.compile(rb"\[UIDNEXT (\d{1,10})\]")
_QUOTA = re.compile(rb"\b(STORAGE|MESSAGE) (\d{1,15}) (\d{1,15})", re.IGNORECASE)
_ROOM = {b"STORAGE": MAIL_BYTES // 1024, b"MESSAGE": 1}  # what a mail may need, in the units of a quota
_INTERNALDATE = re.compile(rb'INTERNALDATE "([^"]{20,30})"')


class ImapOptions(ProbeOptions):
    """A mailbox of ours, best one that is used for nothing else."""

    host: Host = Field(description="IMAP server")
    port: Port = Field(993, description="Its port")
    tls: Literal["implicit", "starttls", "none"] = Field("implicit", description="How the connection is encrypted")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    user: str = Field(description="User name", min_length=1, pattern=r"^[^\x00-\x1f]+$")
    password: HeaderSecret = Field(description="Password")
    folder: str = Field("INBOX", description="Folder in which the mails arrive", pattern=r"^[ -~]+$")
    idle: bool = Field(True, description="Let the server tell of new mails (IDLE), where it can")
    poll: Seconds = Field(5.0, description="Seconds between two looks, with IDLE the longest time without one")
    timeout: Seconds = Field(10.0, description="Seconds to wait for the answer to one command")
    delete_after: int | None = Field(
        7, description="Days after which the probe's own mails are deleted; none: they stay", ge=1, le=3650
    )


class IdleBroken(Exception):
    """The server does not do IDLE, or stopped to answer in it."""


class ImapSession:
    """Made by `open`. After any `ProbeFailed` it is of no more use, but must still be closed."""

    def __init__(self, options: ImapOptions, protocol: ImapProtocol) -> None:
        self._options = options
        self._protocol = protocol
        self.validity = 0
        self.next_uid = 1

    @classmethod
    async def open(cls, options: ImapOptions) -> "ImapSession":
        """Connects, logs in and selects the folder. Raises `ProbeFailed`."""
        context = tls_context(str(options.ca_file) if options.ca_file else None) if options.tls != "none" else None
        protocol = await connect(options.host, options.port, tls=options.tls, context=context, seconds=options.timeout)
        session = cls(options, protocol)
        try:
            await session._enter()
        except BaseException:
            await session.close()
            raise
        return session

    @property
    def has_news(self) -> bool:
        """Whether the server has told of mails since the last look."""
        return bool(self._protocol.news)

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self._protocol.capabilities

    async def _enter(self) -> None:
        if "LOGINDISABLED" in self._protocol.capabilities:
            raise ProbeFailed(Reason.AUTH, f"{self._protocol.where}: the server takes no login without TLS")
        password = self._options.password.get_secret_value()
        await self._ask("LOGIN", self._protocol.login(quoted(self._options.user), password))
        # Asked again, because servers offer more after the login.
        await self._protocol.bounded(self._protocol.capability(), "CAPABILITY", self._options.timeout)
        selected = b"\n".join(await self._ask("SELECT", self._protocol.select(quoted(self._options.folder))))
        validity, following = _UIDVALIDITY.search(selected), _UIDNEXT.search(selected)
        if validity is None or following is None:
            raise ProbeFailed(Reason.PROTOCOL, f"{self._protocol.where}: a folder without UIDVALIDITY or UIDNEXT")
        self.validity, self.next_uid = int(validity[1]), int(following[1])

    async def new_uids(self) -> list[int]:
        """The mails from `next_uid` on, in order. Raises `ProbeFailed`."""
        self._protocol.news = False
        await self._ask("NOOP", self._protocol.simple_command("NOOP"))
        found = await self._uids(f"UID {self.next_uid}:*")
        return [uid for uid in found if uid >= self.next_uid]  # the asterisk is the newest, be it older

    async def fetch(self, uid: int) -> tuple[bytes, datetime | None]:
        """The beginning of the mail, and when the server received it. Raises `ProbeFailed`."""
        parts = f"(UID INTERNALDATE BODY.PEEK[]<0.{MAIL_BYTES}>)"
        lines = await self._ask("FETCH", self._protocol.fetch(str(uid), parts, by_uid=True))
        content = next((bytes(line) for line in lines if isinstance(line, bytearray)), b"")
        head = b" ".join(line for line in lines if not isinstance(line, bytearray))
        return content, _internal_date(head)

    async def idle(self, seconds: float) -> None:
        """Returns when the server tells of anything, or after the time. Raises `IdleBroken`."""
        protocol, queue = self._protocol, self._protocol.idle_queue
        while not queue.empty():
            queue.get_nowait()
        command = asyncio.create_task(protocol.idle(), name="imap idle")
        begun = asyncio.create_task(protocol.wait_for_idle_response(), name="imap idle begins")
        try:
            await asyncio.wait({command, begun}, timeout=self._options.timeout, return_when=asyncio.FIRST_COMPLETED)
            if command.done() or not begun.done():
                raise IdleBroken
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await queue.get()
            protocol.idle_done()
            await asyncio.wait({command}, timeout=self._options.timeout)
            if not command.done() or protocol.failure is not None:
                raise IdleBroken
        finally:
            for task in (command, begun):
                task.cancel()
            await asyncio.gather(command, begun, return_exceptions=True)

    async def is_full(self) -> bool:
        """Whether the server says that hardly a mail more finds room (RFC 9208). Raises `ProbeFailed`."""
        if "QUOTA" not in self._protocol.capabilities:
            return False
        protocol, folder = self._protocol, quoted(self._options.folder)
        asked = Command("GETQUOTAROOT", protocol.new_tag(), folder, untagged_resp_name="QUOTA")
        told = b"\n".join(await self._ask("GETQUOTAROOT", protocol.execute(asked)))
        resources = [(kind.upper(), int(used), int(most)) for kind, used, most in _QUOTA.findall(told)]
        return any(used + _ROOM.get(kind, 0) > most for kind, used, most in resources if kind in _ROOM)

    async def mark(self, uids: list[int]) -> None:
        """As seen, and as ours. Raises `ProbeFailed`."""
        chosen = ",".join(map(str, uids))
        await self._ask("STORE", self._protocol.store(chosen, "+FLAGS.SILENT", rf"(\Seen {KEYWORD})", by_uid=True))

    async def delete_marked(self, before: date) -> int:
        """Deletes what `mark` marked and came before that day; returns how many. Raises `ProbeFailed`."""
        day = f"{before.day}-{MONTHS[before.month - 1]}-{before.year}"
        uids = await self._uids(f"KEYWORD {KEYWORD} BEFORE {day}")
        if uids:
            chosen = ",".join(map(str, uids))
            await self._ask("STORE", self._protocol.store(chosen, "+FLAGS.SILENT", r"(\Deleted)", by_uid=True))
            # Without UIDPLUS an EXPUNGE would also remove what somebody else has marked as deleted.
            if "UIDPLUS" in self._protocol.capabilities:
                await self._ask("EXPUNGE", self._protocol.expunge(chosen, by_uid=True))
        return len(uids)

    async def close(self) -> None:
        await self._protocol.end()

    async def _uids(self, criteria: str) -> list[int]:
        lines = await self._ask("SEARCH", self._protocol.search(criteria, charset=None, by_uid=True))
        found = b" ".join(lines[:-1]).split()  # the last line is the completion's text
        if not all(uid.isdigit() and len(uid) <= 10 for uid in found):
            raise ProbeFailed(Reason.PROTOCOL, f"{self._protocol.where}: no numbers in the answer to SEARCH")
        return sorted(map(int, found))

    async def _ask(self, what: str, command: Awaitable[Any]) -> Lines:
        return await self._protocol.ask(command, what, self._options.timeout)


def _internal_date(head: bytes) -> datetime | None:
    found = _INTERNALDATE.search(head)
    try:
        # As in a mail's Date, but for the hyphens: "23-Nov-2026 07:40:19 +0000".
        return parsedate_to_datetime(found[1].decode().replace("-", " ", 2)) if found else None
    except (ValueError, TypeError):
        return None
