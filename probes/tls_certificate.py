"""TLS: is the server's certificate trusted, of the right name, and valid for long enough?"""

import asyncio
import functools
import hashlib
import re
import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FilePath

from probes.contract import Blocked, Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.network_errors import network_failure
from probes.option_types import Host, Port, Seconds

Span = Annotated[str, Field(pattern=r"^[0-9]{1,5}[smhd]$")]
# An empty text comes from a reference to the environment whose default is nothing.
CaFile = Annotated[FilePath | None, BeforeValidator(lambda value: value or None)]

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_PIECE_BYTES = 65_536
_DIALOG_LINES = 100
_NAMES_CHARACTERS = 2_000
_SECOND_LOOK_SECONDS = 2.0
# OpenSSL's numbers of what is wrong (x509_vfy.h), in words that say what to do about it.
_FAULTS = {
    9: "the certificate is not yet valid",
    10: "the certificate has expired",
    18: "the certificate is signed by itself, not by a trusted authority",
    19: "the chain ends in an authority that is not trusted",
    20: "the chain does not lead to a trusted authority",
    21: "the chain is incomplete: the server must send the intermediate certificates, too",
    23: "the certificate is revoked",
    62: "the certificate is for another host",
    64: "the certificate is for another address",
}


class Options(ProbeOptions):
    host: Host = Field(description="Name or address to connect to")
    port: Port = Field(443, description="TCP port")
    server_name: str = Field("", description="Name that the certificate must be for; empty: the host")
    ca_file: CaFile = Field(None, description="Certificates of the authorities to trust, PEM; none or empty: system's")
    starttls: Literal["none", "smtp", "imap"] = Field(
        "none", description="Protocol that is spoken in the clear before encryption begins"
    )
    timeout: Seconds = Field(10.0, description="Seconds for everything")
    warn_before: Span = Field(
        "21d", description="How long before its end a certificate counts as expiring; the check stays up. E.g. 21d, 12h"
    )
    min_version: Literal["1.2", "1.3"] = Field("1.2", description="Oldest version of TLS that is accepted")

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.timeout

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        return self.server_name or self.host


@probe("tls_certificate", Options)
async def tls_certificate(options: Options, journey: Journey) -> None:
    ends_at = journey.monotonic() + options.timeout
    try:
        async with asyncio.timeout(options.timeout):
            await _look(options, journey)
    except TimeoutError as error:
        raise ProbeFailed(Reason.TIMEOUT, f"{options.where}: not complete within {options.timeout:g} s") from error
    except ProbeFailed as failure:
        if isinstance(failure.__cause__, ssl.SSLCertVerificationError):
            await _look_without_trust(options, journey, ends_at - journey.monotonic())
        raise


async def _look(options: Options, journey: Journey) -> None:
    try:
        context = await asyncio.to_thread(_trusting_context, options.ca_file, options.min_version)
    except (OSError, ValueError) as error:
        raise Blocked(f"{options.ca_file}: our file of trusted authorities cannot be used: {error}") from error
    async with journey.step("connect"):
        reader, writer = await _connection(options)
    try:
        if options.starttls != "none":
            async with journey.step("starttls"):
                await _start_tls(options, reader, writer)
        async with journey.step("handshake"):
            certificate = await _checked_handshake(options, context, reader, writer)
    finally:
        writer.transport.abort()
    async with journey.step("certificate"):
        await _keep_facts(options, certificate, journey)


async def _look_without_trust(options: Options, journey: Journey, seconds: float) -> None:
    """Keeps what the refused certificate says, for whoever must replace it. Gives up quietly."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(TimeoutError, OSError, ProbeFailed, ValueError):
        async with asyncio.timeout(min(seconds, _SECOND_LOOK_SECONDS)):
            reader, writer = await _connection(options)
            try:
                await _start_tls(options, reader, writer)
                certificate = await _handshake(context, options.name, reader, writer)
            finally:
                writer.transport.abort()
            await _keep_facts(options, certificate, journey)


async def _connection(options: Options) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_connection(options.host, options.port)
    except OSError as error:
        raise network_failure(error, options.where) from error


async def _start_tls(options: Options, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The words before encryption: RFC 3207 (SMTP), RFC 9051 (IMAP). Raises `ProbeFailed`."""
    try:
        match options.starttls:
            case "smtp":
                await _expect(reader, rb"220 ", rb"220-")
                writer.write(b"EHLO efento-uptime\r\n")
                await _expect(reader, rb"250 ", rb"250-")
                writer.write(b"STARTTLS\r\n")
                await _expect(reader, rb"220 ", rb"220-")
            case "imap":
                await _expect(reader, rb"\* OK\b")
                writer.write(b"a STARTTLS\r\n")
                await _expect(reader, rb"a OK\b", rb"\* ")
    except (EOFError, ValueError, asyncio.LimitOverrunError) as error:
        raise ProbeFailed(Reason.PROTOCOL, f"{options.where}: {error or 'the connection was closed'}") from error
    except OSError as error:
        raise network_failure(error, options.where) from error


async def _expect(reader: asyncio.StreamReader, last: bytes, before: bytes = rb"(?!)") -> None:
    """Reads up to the line that begins as `last`; only lines that begin as `before` may precede it."""
    for _ in range(_DIALOG_LINES):
        line = await reader.readuntil(b"\n")
        if re.match(last, line):
            return
        if not re.match(before, line):
            break
    raise ValueError(f"unexpected answer before encryption: {line[:100]!r}")


async def _checked_handshake(
    options: Options, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bytes:
    try:
        return await _handshake(context, options.name, reader, writer)
    except ssl.SSLCertVerificationError as error:
        what = _FAULTS.get(error.verify_code, error.verify_message)
        raise ProbeFailed(Reason.TLS, f"{options.where} as {options.name}: {what}") from error
    except ssl.SSLError as error:
        raise ProbeFailed(Reason.TLS, f"{options.where}: no TLS handshake: {error.reason or error}") from error
    except OSError as error:
        raise network_failure(error, options.where) from error


async def _handshake(
    context: ssl.SSLContext, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bytes:
    """The server's certificate (DER). Done by hand, so that a cancel leaves no half-made transport behind."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            pass
        finally:  # also what says good-bye, or why not
            writer.write(outgoing.read())
        piece = await reader.read(_PIECE_BYTES)
        if not piece:
            raise ConnectionResetError("the connection was closed during the handshake")
        incoming.write(piece)
    certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None  # a server without one cannot have made this handshake
    return certificate


async def _keep_facts(options: Options, certificate: bytes, journey: Journey) -> None:
    # In a thread, because the library is large and loaded only here.
    facts, not_after = await asyncio.to_thread(_facts, certificate)
    journey.evidence("certificate", facts)
    left = (not_after - journey.now()).total_seconds()
    journey.figure("certificate_expiry_timestamp_seconds", not_after.timestamp())
    journey.figure("certificate_expires_in_seconds", left)
    warn_before = int(options.warn_before[:-1]) * _UNITS[options.warn_before[-1]]
    journey.figure("certificate_expiring", float(left <= warn_before.total_seconds()))


def _facts(certificate: bytes) -> tuple[str, datetime]:
    from cryptography import x509

    parsed = x509.load_der_x509_certificate(certificate)
    try:
        extension = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = ", ".join(str(name.value) for name in extension.value)
    except x509.ExtensionNotFound:
        names = "none"
    lines = {
        "subject": parsed.subject.rfc4514_string(),
        "issuer": parsed.issuer.rfc4514_string(),
        "names": names[:_NAMES_CHARACTERS],
        "not before": parsed.not_valid_before_utc.isoformat(),
        "not after": parsed.not_valid_after_utc.isoformat(),
        "serial number": f"{parsed.serial_number:x}",
        "SHA-256 fingerprint": hashlib.sha256(certificate).hexdigest(),
    }
    return "\n".join(f"{name}: {value}" for name, value in lines.items()), parsed.not_valid_after_utc


@functools.lru_cache(maxsize=64)
def _trusting_context(ca_file: Path | None, min_version: str) -> ssl.SSLContext:
    """Made once, because loading the authorities takes tens of milliseconds."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = _VERSIONS[min_version]
    return context
