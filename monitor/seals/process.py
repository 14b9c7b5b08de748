"""Sealing in a process of its own: digesting a day's rows takes longer than a check may wait."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

from monitor.seals.sealed import Sealed


class SealFailed(Exception):
    """No seal was made; says why."""


async def seal_in_process(store_url: str, key_file: Path, now_ms: int, *, runs_before_ms: int | None = None) -> Sealed:
    """Seals what is not sealed yet. Raises `SealFailed`; a caller that is cancelled ends the process first."""
    # By its standard input: an argument could be read by everybody on the machine, and an address may hold a password.
    request = {"store_url": store_url, "key_file": str(key_file), "now_ms": now_ms, "runs_before_ms": runs_before_ms}
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "monitor.seals", **pipes)  # type: ignore[arg-type]
    try:
        output, errors = await process.communicate(json.dumps(request).encode())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        raise SealFailed(said[-1] if said else f"the sealing process ended with {process.returncode}")
    return Sealed(**json.loads(output))
