"""A certificate authority on this machine, and the certificates that it issues: good ones and bad ones.

All of this blocks (keys, signatures, files) and belongs into a thread.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CA_NAME, CA_FILE, CA_KEY_FILE, LEAF_FILE = "Stand-in authority", "ca.pem", "ca.key", "front-door.pem"
_CA_LIFETIME, _CA_RENEWED_BEFORE = 10 * 365 * DAY, 365 * DAY


@dataclass(frozen=True, slots=True)
class Wish:
    """What a certificate is to be like. `host` is a name in place of the right ones."""

    begins: timedelta = -DAY
    ends: timedelta = 90 * DAY
    host: str | None = None
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class _Signer:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


class Authority:
    """Keeps its own certificate in `folder`, so that those who trust it still do after a restart."""

    def __init__(self, folder: Path, hosts: tuple[str, ...]) -> None:
        self._folder = folder
        self._hosts = hosts
        self._signer: _Signer | None = None

    @property
    def ca_file(self) -> Path:
        return self._folder / CA_FILE

    def open(self, now: datetime) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._signer = self._kept(now)
        if self._signer is None:
            self._signer = _new_authority(CA_NAME, now)
            _write_secret(self._folder / CA_KEY_FILE, _private(self._signer.key))
            self.ca_file.write_bytes(self._signer.certificate.public_bytes(Encoding.PEM))

    def context(self, wish: Wish, now: datetime) -> ssl.SSLContext:
        """For a server that presents a fresh certificate as wished for; its times are counted from now."""
        assert self._signer is not None
        signer = self._signer if wish.trusted else _new_authority("Unknown authority", now)
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = self._hosts if wish.host is None else (wish.host,)
        leaf = _leaf(signer, key.public_key(), hosts, (now + wish.begins, now + wish.ends))
        file = self._folder / LEAF_FILE  # because OpenSSL takes certificates and keys from files alone
        try:
            _write_secret(file, _private(key) + leaf.public_bytes(Encoding.PEM))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(file)
        finally:
            file.unlink(missing_ok=True)
        return context

    def _kept(self, now: datetime) -> _Signer | None:
        """The authority of an earlier run, unless it is lost, damaged or near its end."""
        try:
            key = load_pem_private_key((self._folder / CA_KEY_FILE).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            return None
        lasts = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - _CA_RENEWED_BEFORE
        return _Signer(key, certificate) if lasts else None


def _new_authority(name: str, now: datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = _builder(subject, subject, key.public_key(), (now - DAY, now + _CA_LIFETIME))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _Signer(key, builder.add_extension(_usage(authority=True), critical=True).sign(key, hashes.SHA256()))


def _leaf(
    signer: _Signer, key: ec.EllipticCurvePublicKey, hosts: tuple[str, ...], valid: tuple[datetime, datetime]
) -> x509.Certificate:
    names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return (
        _builder(_subject(hosts[0]), signer.certificate.subject, key, valid)
        .add_extension(names, critical=False)
        .add_extension(issuer_key, critical=False)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signer.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


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


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_secret(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
