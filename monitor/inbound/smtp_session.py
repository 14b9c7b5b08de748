"""One connection of a sender, on top of aiosmtpd: who may connect, for whom mail is taken, when it is answered."""

import asyncio
import logging
import ssl
from collections import defaultdict
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor import logs
from monitor.config import SMTP_CHANNEL
from monitor.inbound.connections import Connections, host_of

_COMMAND_BYTES = 1_024  # RFC 5321 has 512, and extensions add to it
_BUFFER_BYTES = 65_536
_RECIPIENTS = 100
# Of all commands together, the wrong ones included, so many times the limit of one.
_COMMANDS_IN_ALL = 20
_END = b"\r\n.\r\n"

# The library logs what senders write, commands and all; what is worth a line is logged here.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)


class MailSession(SMTP):
    """A connection. Overrides what the library leaves open: limits, silence, fairness to the rest of the loop."""

    line_length_limit = _BUFFER_BYTES

    def __init__(self, connections: Connections, tls: ssl.SSLContext | None) -> None:
        settings = connections.settings
        self._connections = connections
        self._refused = False
        self.peer = ""
        self._plain: asyncio.Transport | None = None
        self._answers_left = settings.commands * _COMMANDS_IN_ALL
        self.unconfirmed: set[str] = set()
        # The library keeps these for all connections together, and every new one resets them.
        self.command_size_limits = defaultdict(lambda: _COMMAND_BYTES)
        self.command_size_limit = _COMMAND_BYTES
        self._mail = _Mail(connections, self)
        super().__init__(
            self._mail,
            data_size_limit=settings.size_limit,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            ident="ESMTP",
            tls_context=tls,
            require_starttls=settings.require_tls,
            timeout=settings.idle,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
            command_call_limit=settings.commands,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._plain is None and not self._is_served(transport):
            return
        super().connection_made(transport)

    def _is_served(self, transport: asyncio.BaseTransport) -> bool:
        assert isinstance(transport, asyncio.Transport)
        peer = transport.get_extra_info("peername")
        self._plain, self.peer = transport, host_of(peer)
        refusal = self._connections.refusal(peer)
        self._connections.add(self)
        if refusal is None:
            return True
        self._refused = True
        logs.get().warning("mail.connection_refused", peer=self.peer, answer=refusal)
        transport.write(refusal.encode() + b"\r\n")
        transport.close()
        return False

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._refused else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._gone()
        if not self._refused:
            super().connection_lost(error)

    def cut(self) -> asyncio.Task[None] | None:
        """Ends the connection at once, whatever it waits for; the task that served it is left to be awaited."""
        # Not `close`, which waits until a peer that reads nothing has read everything.
        if self._plain is not None:
            self._plain.abort()
        task = self._handler_coroutine
        if task is not None:
            task.cancel()
        return task

    async def push(self, status: Any) -> None:
        """Answers, and lets others work: commands that came in one piece are read without ever waiting."""
        self._answers_left -= 1
        if self._answers_left < 0:
            logs.get().warning("mail.connection_cut", peer=self.peer, why="too many commands")
            self.cut()
        await super().push(status)
        await asyncio.sleep(0)

    async def smtp_DATA(self, arg: str | None) -> None:
        """The library's keeps each line as an object, and refuses lines that mailboxes of people take."""
        if await self.check_helo_needed():
            return
        envelope, session = self.envelope, self.session
        assert envelope is not None and session is not None
        if not envelope.rcpt_tos:
            await self.push("503 5.5.1 RCPT first")
        elif arg:
            await self.push("501 5.5.4 DATA takes no argument")
        else:
            await self.push("354 end with <CRLF>.<CRLF>")
            envelope.original_content = await self._content()
            self.envelope = self._create_envelope()
            await self.push(await self._mail.taken(envelope))

    async def _content(self) -> bytes | None:
        """A mail as it travelled, or None for one that was too large. Only a dot between two CRLF ends it."""
        limit = self._connections.settings.size_limit
        content = bytearray(b"\r\n")  # so that a dot in the first line stands behind a line's end, too
        is_too_large = False
        while not content.endswith(_END):
            content += await self._piece()
            if len(content) > limit + len(_END):
                is_too_large = True
                del content[: -len(_END)]
        return None if is_too_large else bytes(content[:-3].replace(b"\r\n.", b"\r\n")[2:])

    async def _piece(self) -> bytes:
        await asyncio.sleep(0)
        try:
            return await self._reader.readuntil(_END[2:])
        except asyncio.LimitOverrunError as error:
            return await self._reader.read(error.consumed)

    def _timeout_cb(self) -> None:
        logs.get().info("mail.connection_idle", peer=self.peer, idle_seconds=self._connections.settings.idle)
        self.cut()

    async def _handle_client(self) -> None:
        try:
            await super()._handle_client()
        except OSError:  # the connection is gone, and everybody who needs to know was told
            self.cut()
        except Exception as error:  # of the library: nobody awaits this task, so nobody else would close
            logs.get().warning("mail.session_failed", peer=self.peer, error=type(error).__name__)
            self.cut()
        finally:
            if self._is_in_handshake():  # nobody tells a protocol that its connection was lost before it was secure
                self._gone()

    def _is_in_handshake(self) -> bool:
        return self._original_transport is not None and (self.session is None or self.session.ssl is None)

    def _gone(self) -> None:
        self._connections.discard(self)
        for key in self.unconfirmed:
            self._connections.repeats.forget(key)
        self.unconfirmed.clear()


class _Mail:
    """The library's hooks, one object for each connection."""

    def __init__(self, connections: Connections, session: MailSession) -> None:
        self._connections = connections
        self._session = session

    async def handle_EHLO(
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._confirmed()
        session.host_name = hostname
        return [line for line in responses if not line.startswith("250-AUTH")]  # nobody logs in here

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._confirmed()
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._connections.accepts(address):
            logs.get().warning("mail.recipient_refused", peer=self._session.peer)
            return "550 5.7.1 no such recipient here, and mail is not passed on"
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def taken(self, envelope: Envelope) -> str:
        """Hands a mail over, and says what became of it."""
        content = envelope.original_content
        if content is None:
            return "552 5.3.4 too large"
        key = self._connections.repeats.key(content, envelope.rcpt_tos)
        self._session.unconfirmed.add(key)
        started = self._connections.clock.monotonic()
        try:
            is_new = await self._connections.take(SMTP_CHANNEL, content, key)
        except Exception as error:  # whatever it was, the mail may not be on disk
            self._session.unconfirmed.discard(key)
            self._connections.repeats.forget(key)
            logs.get().error("mail.not_stored", peer=self._session.peer, error=type(error).__name__)
            return "451 4.3.0 not stored; try again later"
        seconds = self._connections.clock.monotonic() - started
        logs.get().info(
            "mail.received",
            peer=self._session.peer,
            bytes=len(content),
            new=is_new,
            stored_in_seconds=round(seconds, 6),
        )
        return "250 2.0.0 stored"

    async def handle_RSET(self, *_session: Any) -> str:
        self._confirmed()
        return "250 2.0.0 OK"

    async def handle_NOOP(self, *_session: Any) -> str:
        self._confirmed()
        return "250 2.0.0 OK"

    async def handle_QUIT(self, *_session: Any) -> str:
        self._confirmed()
        return "221 2.0.0 bye"

    async def handle_VRFY(self, *_session: Any) -> str:
        return "252 2.5.0 send some mail and see"

    async def handle_exception(self, error: Exception) -> str:
        """Of a command that the library cannot digest."""
        logs.get().info("mail.command_failed", peer=self._session.peer, error=type(error).__name__)
        return "451 4.3.0 the command could not be processed"

    def _confirmed(self) -> None:
        """The sender goes on, so it has got our answer: a further copy of its mail is a mail of its own."""
        self._session.unconfirmed.clear()
