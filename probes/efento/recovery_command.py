"""A drill by a program of this machine: run, bounded in time and output, and ended with everything that it started."""

import asyncio
import hashlib
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.recovery_manifest import Backup
from probes.efento.recovery_options import CommandOptions

ERRORS_KEPT = 4096
LOOK_SECONDS = 0.1  # how often the size of the output is looked at
REAP_SECONDS = 2.0
PIECE = 1024 * 1024


class NotFinished(Exception):
    """The command was ended, because its time was over."""


class Scratch:
    """A directory for one drill. Removed by `journey.undo` whatever happens."""

    def __init__(self, parent: str | None) -> None:
        self.path = Path(parent or tempfile.gettempdir()) / f"efento-uptime-drill-{secrets.token_hex(8)}"

    async def make(self, journey: Journey) -> None:
        """Raises `Blocked` where this machine has no room for it."""
        undo = journey.undo("scratch", self.remove)
        try:
            await asyncio.to_thread(self.path.mkdir, 0o700)
        except OSError as error:
            undo.done()
            raise Blocked(f"{self.path}: {error.strerror or type(error).__name__}") from error

    async def remove(self) -> None:
        """Raises `ProbeFailed` (leftover) when something of it stays."""
        await asyncio.to_thread(shutil.rmtree, self.path, ignore_errors=True)
        if await asyncio.to_thread(self.path.exists):
            raise ProbeFailed(Reason.LEFTOVER, f"{self.path} could not be removed")


async def run(
    options: CommandOptions, places: Mapping[str, str], scratch: Path, seconds: float, journey: Journey
) -> bytes:
    """What the command printed. Raises `ProbeFailed` where it failed, `NotFinished` where it took longer."""
    argv = [_filled(argument, places) for argument in options.argv]
    printed, complaints = scratch.with_suffix(".out"), scratch.with_suffix(".err")
    journey.undo("output", lambda: asyncio.to_thread(_remove, printed, complaints))
    files = await asyncio.to_thread(lambda: (printed.open("xb"), complaints.open("xb")))
    try:
        code = await _run(argv, files, _environment(options, scratch), seconds, options.limit, scratch)
    finally:
        await asyncio.to_thread(_close, files)
    if code != 0:
        journey.evidence("command_errors", await asyncio.to_thread(_tail, complaints))
        raise ProbeFailed(Reason.STATUS, f"the restore failed: exit code {code}")
    output = await asyncio.to_thread(_head, printed, options.limit + 1)
    if len(output) > options.limit:
        raise ProbeFailed(Reason.TOO_LARGE, f"the command printed more than {options.limit} bytes")
    return output


def _filled(argument: str, places: Mapping[str, str]) -> str:
    """In one pass, so that what comes from the platform is not itself filled in."""
    pieces = argument.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, closed, rest = piece.partition("}")
        filled.append(places[name] + rest if closed and name in places else "{" + piece)
    return "".join(filled)


def _environment(options: CommandOptions, scratch: Path) -> dict[str, str]:
    """Nothing of the daemon's environment but the path: it may hold its secrets."""
    given = {name: value.get_secret_value() for name, value in options.environment.items()}
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(scratch), **given}


async def _run(
    argv: list[str],
    files: tuple[BinaryIO, BinaryIO],
    environment: dict[str, str],
    seconds: float,
    limit: int,
    directory: Path,
) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=files[0],
            stderr=files[1],
            env=environment,
            cwd=directory,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise Blocked(f"the command cannot be started: {error}") from error
    with _group_ended(process.pid):
        try:
            async with asyncio.timeout(seconds) as time_limit:
                return await _watched(process, files, limit)
        except TimeoutError:
            if not time_limit.expired():
                raise
            raise NotFinished from None
        finally:
            await _reap(process)


async def _watched(process: asyncio.subprocess.Process, files: tuple[BinaryIO, BinaryIO], limit: int) -> int:
    while True:
        with suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), LOOK_SECONDS)
        if any(os.fstat(file.fileno()).st_size > limit for file in files):
            raise ProbeFailed(Reason.TOO_LARGE, f"the command printed more than {limit} bytes")


async def _reap(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        _end_group(process.pid)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), REAP_SECONDS)


@contextmanager
def _group_ended(group: int) -> Iterator[None]:
    """What the command started and left running ends with it."""
    try:
        yield
    finally:
        _end_group(group)


def _end_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _close(files: tuple[BinaryIO, BinaryIO]) -> None:
    for file in files:
        file.close()


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _head(file: Path, limit: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(limit)


def _tail(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - ERRORS_KEPT))
        return stream.read(ERRORS_KEPT)


async def require_checksum(backup: Backup) -> None:
    """Raises `ProbeFailed` (altered) for a file that is not the one listed, `Blocked` for one we may not read."""
    if len(backup.sha256) != 64 or not backup.file:
        raise ProbeFailed(Reason.SCHEMA, f"backup {backup.id}: no file or no SHA-256 is listed")
    stop = threading.Event()
    try:
        found = await asyncio.to_thread(_sha256, Path(backup.file), stop)
    except FileNotFoundError:
        raise ProbeFailed(Reason.MISSING, f"backup {backup.id}: its file is not there") from None
    except OSError as error:
        raise Blocked(f"backup {backup.id}: {error.strerror or type(error).__name__}") from error
    finally:
        stop.set()
    if found != backup.sha256:
        raise ProbeFailed(Reason.ALTERED, f"backup {backup.id}: its file has another SHA-256 than the list says")


def _sha256(file: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while not stop.is_set() and (piece := stream.read(PIECE)):
            digest.update(piece)
    return digest.hexdigest()
