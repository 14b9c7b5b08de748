"""The probing side of a browser: starts its processes, tells them what to do, and is rid of them at the end."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from probes.contract import Blocked, ProbeFailed, Reason

HERE = Path(__file__).parent
REPLY_BYTES = 4 * 1024 * 1024
REPLY_GRACE_SECONDS = 5.0  # beyond the command's own limit: the worker answers for that, and asks the browser meanwhile
CLOSE_SECONDS = 5.0
# What the browser and its driver may see of our environment: it holds our secrets.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "SSL_CERT_FILE")
_PASSED_ON_PREFIXES = ("PLAYWRIGHT_", "PYTHON")


class Conversation:
    """Commands to the worker, one at a time. An interrupted one leaves it of no further use."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, action: str, seconds: float | None = None, **details: Any) -> Any:
        """The reply's content. Raises `ProbeFailed` where the platform failed, `Blocked` where the browser did."""
        limit = {} if seconds is None else {"seconds": seconds}
        line = json.dumps({"do": action, **limit, **details}) + "\n"
        try:
            async with asyncio.timeout((seconds or 0.0) + REPLY_GRACE_SECONDS):
                reply = await self._exchange(line.encode())
        except TimeoutError:
            raise Blocked(f"the browser's driver did not answer ({action})") from None
        return _content(reply)

    async def _exchange(self, line: bytes) -> bytes:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(line)
            await self._process.stdin.drain()
            return await self._process.stdout.readline()
        except (OSError, ValueError):
            return b""


def _content(reply: bytes) -> Any:
    try:
        content: Mapping[str, Any] = json.loads(reply)
    except ValueError:
        raise Blocked("the browser's driver ended unexpectedly") from None
    if "failed" in content:
        raise ProbeFailed(Reason(content["failed"]), content["detail"])
    if "blocked" in content:
        raise Blocked(content["blocked"])
    if "bug" in content:
        raise RuntimeError(content["bug"])
    return content["done"]


@asynccontextmanager
async def worker() -> AsyncIterator[Conversation]:
    """When the block is left, however, no process and no file of the browser is left.

    Raises `Blocked` where no process can be started.
    """
    # The first command begins everything (see `cage`), so a cancel before it leaves nothing either.
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(HERE / "cage.py"), sys.executable, str(HERE / "worker.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C is for the daemon, which then ends its checks in order
            limit=REPLY_BYTES,
        )
    except OSError as error:
        raise Blocked(f"no process could be started: {error}") from error
    try:
        yield Conversation(process)
    finally:
        await _close(process)


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }


async def _close(process: asyncio.subprocess.Process) -> None:
    """Returns when all is gone, which takes a few hundredths of a second; a further cancel has to wait for it."""
    ending = asyncio.create_task(_end(process), name="browser.end")
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError as error:
            cancelled = error
    ending.result()
    if cancelled is not None:
        raise cancelled


async def _end(process: asyncio.subprocess.Process) -> None:
    """Hanging up is enough: the cage kills and removes everything."""
    assert process.stdin and process.stdout
    process.stdin.close()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            while await process.stdout.read(REPLY_BYTES):
                pass  # a reply that nobody waits for; unread, it would keep the pipe open
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    with suppress(OSError):
        await process.stdin.wait_closed()
