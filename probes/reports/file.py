"""From a file's bytes to its rows: is it what it claims to be, can it be opened, and what is in it?"""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from probes.contract import Blocked, ProbeFailed, Reason

Format = Literal["pdf", "csv", "xlsx"]

READER = Path(__file__).with_name("reader.py")
# So a file of the format begins. CSV has no mark of its own.
MAGIC = {"pdf": b"%PDF-", "xlsx": b"PK\x03\x04"}
CONTENT_TYPES = {
    "pdf": ("application/pdf",),
    "csv": ("text/csv", "application/csv", "text/plain"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
}
_NOT_OF_ITS_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Opened:
    """What a file holds: the text of a PDF, or a table's rows."""

    text: str = ""
    rows: list[list[str]] = field(default_factory=list)


def require_type(content: bytes, form: Format, content_type: str) -> None:
    """Raises `ProbeFailed` (content) for another content type, or a file that does not begin as its format does."""
    if content_type not in CONTENT_TYPES[form]:
        raise ProbeFailed(Reason.CONTENT, f"the report's content type is {content_type[:100]!r}, not that of {form}")
    if not content:
        raise ProbeFailed(Reason.CONTENT, "the report is an empty file")
    if not content.startswith(MAGIC.get(form, b"")):
        raise ProbeFailed(Reason.CONTENT, f"the report does not begin as {form} does")


async def opened(content: bytes, form: Format, seconds: float) -> Opened:
    """Opens the file in another process, which does not outlive this call.

    Raises `ProbeFailed`: content for a file that cannot be opened within the time or has nothing in it; `Blocked`
    where this machine cannot start a process.
    """
    code, output = await _read(content, form, seconds)
    if code not in (0, _NOT_OF_ITS_FORMAT) and not _was_limited(code):
        raise RuntimeError(f"the reader of {form} ended with exit code {code}")
    if code != 0:
        raise ProbeFailed(Reason.CONTENT, f"the report cannot be opened as {form}: {output.decode(errors='replace')}")
    found: dict[str, Any] = await asyncio.to_thread(json.loads, output)  # perhaps of megabytes
    if form == "pdf" and (not found["pages"] or not found["text"].strip()):
        raise ProbeFailed(Reason.CONTENT, "the report has no page with text")
    return Opened(found.get("text", ""), found.get("rows", []))


async def _read(content: bytes, form: Format, seconds: float) -> tuple[int, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(READER), form),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Blocked(f"no process could be started on this machine: {error}") from error
    try:
        async with asyncio.timeout(seconds):
            output, problem = await process.communicate(content)
            assert process.returncode is not None
            return process.returncode, problem[-200:] if process.returncode else output
    except TimeoutError as error:
        raise ProbeFailed(Reason.CONTENT, f"the report cannot be opened as {form} within {seconds:g} s") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _was_limited(code: int) -> bool:
    """Killed by a signal: out of time or memory, as a bomb is."""
    return code < 0
