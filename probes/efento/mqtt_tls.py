"""What a client of an MQTT broker encrypts with: whom it trusts, and how it shows who it is."""

import asyncio
import functools
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from probes.contract import Blocked


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. No `ca`: the system's authorities. `certificate` and `key` are the client's own, or None."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str = field(default="", repr=False)


async def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Loads what changed since it was last loaded, beside the event loop. Raises `Blocked`: the files are ours."""
    try:
        return await asyncio.to_thread(_loaded, files)
    except (OSError, ValueError) as error:
        raise Blocked(f"our TLS files cannot be used: {type(error).__name__}: {error}") from error


def _loaded(files: TlsFiles) -> ssl.SSLContext:
    paths = (files.ca, files.certificate, files.key)
    return _context(files, tuple(path.stat().st_mtime_ns if path else 0 for path in paths))


@functools.lru_cache(maxsize=64)
def _context(files: TlsFiles, _changed: tuple[int, ...]) -> ssl.SSLContext:
    """Made once, because loading the authorities takes tens of milliseconds."""
    context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
    if files.certificate:
        # With a password, if an empty one, or OpenSSL would ask for one at the terminal and wait.
        context.load_cert_chain(files.certificate, files.key, files.key_password)
    return context
