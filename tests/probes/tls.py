"""A certificate authority for tests, and servers on 127.0.0.1 that present what it issues."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.probes.servers import Handler, tcp_server

DAY = timedelta(days=1)
HOSTS = ("localhost", "127.0.0.1")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Authority:
    """`certificate` is its own, PEM, for a client's `ca_file`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    certificate: Path

    @classmethod
    def create(cls, folder: Path, name: str = "Test authority") -> "Authority":
        key, subject = ec.generate_private_key(ec.SECP256R1()), _name(name)
        signed = (
            _builder(subject, subject, key.public_key(), -DAY, 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = folder / f"{name}.pem"
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return cls(folder, key, subject, path)

    def server_context(
        self,
        *,
        hosts: tuple[str, ...] = HOSTS,
        begins: timedelta = -DAY,
        ends: timedelta = 90 * DAY,
    ) -> ssl.SSLContext:
        """Of a server that presents a certificate for the hosts, valid from and to so far from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = (
            _builder(_name(hosts[0]), self.name, key.public_key(), begins, ends)
            .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(_usage(authority=False), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@asynccontextmanager
async def tls_server(context: ssl.SSLContext, handler: Handler, *, before: Handler | None = None) -> AsyncIterator[int]:
    """Encrypts each connection, after `before` has spoken in the clear, and hands it to the handler; gives the port."""

    async def encrypted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if before is not None:
            await before(reader, writer)
        await writer.start_tls(context)
        await handler(reader, writer)

    async with tcp_server(encrypted) as port:
        yield port
