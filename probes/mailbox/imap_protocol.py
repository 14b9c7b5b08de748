"""aioimaplib's protocol, made safe against servers that misbehave.

As it comes it recurses once a line of what arrives, holds whatever a server sends, raises into the event loop on an
answer that it does not expect, and lets commands wait for ever when the connection is lost.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable
from typing import TypeVar

from aioimaplib import aioimaplib  # type: ignore[import-untyped]

from probes.contract import ProbeFailed, Reason
from probes.network_errors import network_failure

T = TypeVar("T")

Lines = list[bytes | bytearray]  # the latter are literals, e.g. a mail

ANSWER_BYTES = 1024 * 1024  # of all the answers to one command
# It would write the login command to the log, where a password with a quotation mark in it is not blotted out.
logging.getLogger("aioimaplib").setLevel(logging.WARNING)


class ImapProtocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]
    """`failure` is set once, by whatever ends the connection; every command then ends, too. `news` is set when the
    server has told how many mails the folder holds."""

    def __init__(self, where: str) -> None:
        super().__init__(asyncio.get_running_loop())
        self.where = where
        self.failure: ProbeFailed | None = None
        self.greeted = asyncio.Event()  # or failed
        self.news = False
        self._budget = ANSWER_BYTES
        self._clear: bytes | None = None
        self._clear_came = asyncio.Event()

    def begin_in_clear(self) -> None:
        """What comes is kept for `clear_line`, until TLS has begun."""
        self._clear = b""

    async def clear_line(self, prefix: bytes) -> bytes:
        """The next line that begins so. Raises `ProbeFailed`."""
        while self.failure is None and self._clear is not None:
            line, end, rest = self._clear.partition(b"\r\n")
            if not end:
                self._clear_came.clear()
                await self._clear_came.wait()
                continue
            self._clear = rest
            if line.startswith(prefix):
                return line + end
        raise self.failure or ProbeFailed(Reason.PROTOCOL, f"{self.where}: no greeting")

    def end_in_clear(self, transport: asyncio.Transport | None, greeting: bytes) -> None:
        self._clear = None
        self.transport = transport
        self.data_received(greeting)

    def data_received(self, d: bytes) -> None:
        self._budget -= len(d)
        if self._budget < 0:
            self.fail(ProbeFailed(Reason.TOO_LARGE, f"{self.where}: more than {ANSWER_BYTES} bytes of answers"))
            return
        if self._clear is not None:
            self._clear += d
            self._clear_came.set()
            return
        try:
            for line in d.splitlines(keepends=True):  # one at a time, so that it does not recurse
                super().data_received(line)
        except Exception as error:  # whatever it stumbles over is the server's doing
            self.fail(ProbeFailed(Reason.PROTOCOL, f"{self.where}: not an answer in IMAP ({type(error).__name__})"))

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError):
            self.fail(network_failure(exc, self.where))
        else:
            self.fail(ProbeFailed(Reason.RESET, f"{self.where}: the server closed the connection"))

    def fail(self, failure: ProbeFailed) -> None:
        """Ends the connection, the greeting and all commands that wait."""
        if self.failure is None:
            self.failure = failure
        self.greeted.set()
        self._clear_came.set()
        waiting = [self.pending_sync_command, *self.pending_async_commands.values()]
        for command in waiting:
            if command is not None:
                command.close(b"", "KO")
        if self.transport is not None:
            self.transport.abort()

    async def welcome(self, command: bytes) -> None:
        try:
            await super().welcome(command)
        except Exception as error:
            self.fail(ProbeFailed(Reason.PROTOCOL, f"{self.where}: no greeting in IMAP ({type(error).__name__})"))
        self.greeted.set()

    def _untagged_response(self, line: bytes) -> object:
        if line.rstrip().endswith(b" EXISTS"):
            self.news = True
        return super()._untagged_response(line)

    async def bounded(self, command: Awaitable[T], what: str, seconds: float) -> T:
        """The outcome of a command. Raises `ProbeFailed`; after a timeout the connection is of no more use."""
        self._budget = ANSWER_BYTES
        try:
            async with asyncio.timeout(seconds):
                outcome = await command
        except TimeoutError:
            self.fail(ProbeFailed(Reason.TIMEOUT, f"{self.where}: no answer to {what} within {seconds:g} s"))
        except (aioimaplib.AioImapException, ValueError, IndexError) as error:
            self.fail(ProbeFailed(Reason.PROTOCOL, f"{self.where}: {what} failed ({type(error).__name__})"))
        if self.failure is not None:
            raise self.failure
        return outcome

    async def ask(self, command: Awaitable[aioimaplib.Response], what: str, seconds: float) -> Lines:
        """The lines of the answer. Raises `ProbeFailed`: auth where a login is refused, protocol for other refusals."""
        response = await self.bounded(command, what, seconds)
        if response.result != "OK":
            reason = Reason.AUTH if what == "LOGIN" else Reason.PROTOCOL
            raise ProbeFailed(reason, f"{self.where}: {what} was refused")
        return list(response.lines)

    async def end(self) -> None:
        """Leaves neither socket nor task, whatever the connection was doing."""
        self.fail(ProbeFailed(Reason.RESET, f"{self.where}: closed by us"))
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def connect(host: str, port: int, *, tls: str, context: ssl.SSLContext | None, seconds: float) -> ImapProtocol:
    """A greeted connection. `tls`: implicit, starttls or none. Raises `ProbeFailed`."""
    protocol = ImapProtocol(f"{host}:{port}")
    try:
        async with asyncio.timeout(seconds):
            await _open(protocol, host, port, tls, context)
            await protocol.greeted.wait()
        if protocol.failure is not None:
            raise protocol.failure
    except TimeoutError as error:
        await protocol.end()
        raise ProbeFailed(Reason.TIMEOUT, f"{host}:{port}: no greeting within {seconds:g} s") from error
    except OSError as error:
        await protocol.end()
        raise network_failure(error, protocol.where) from error
    except BaseException:
        await protocol.end()
        raise
    return protocol


async def _open(protocol: ImapProtocol, host: str, port: int, tls: str, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    if tls == "starttls":
        protocol.begin_in_clear()
    await loop.create_connection(lambda: protocol, host, port, ssl=context if tls == "implicit" else None)
    if tls == "starttls" and context is not None:
        greeting = await protocol.clear_line(b"* ")
        protocol.send("A STARTTLS")
        if not (await protocol.clear_line(b"A ")).startswith(b"A OK"):
            raise ProbeFailed(Reason.TLS, f"{host}:{port}: STARTTLS was refused")
        # What came in clear after this answer is thrown away: anybody could have put it there.
        assert protocol.transport is not None  # or no line would have come
        transport = await loop.start_tls(protocol.transport, protocol, context, server_hostname=host)
        protocol.end_in_clear(transport, greeting)
