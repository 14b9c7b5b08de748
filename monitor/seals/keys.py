"""The installation's Ed25519 key: a PEM file that only its owner can read."""

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from monitor.seals.canonical import key_statement
from monitor.store.sealing import KeyRow

OTHERS = 0o077


class KeyProblem(Exception):
    """The key cannot be used; says why, and never what is in it."""


@dataclass(frozen=True, slots=True)
class SealKey:
    """A private key with what is public of it."""

    private: Ed25519PrivateKey

    @property
    def public_bytes(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.public_bytes)

    def sign(self, content: bytes) -> bytes:
        return self.private.sign(content)

    def row(self, made_ms: int, vouching: "SealKey | None" = None) -> KeyRow:
        """The public half for the record, signed by the key before it, where there is one."""
        if vouching is None:
            return KeyRow(self.fingerprint, self.public_bytes, made_ms, None, None)
        statement = key_statement(self.fingerprint, self.public_bytes, made_ms, vouching.fingerprint)
        return KeyRow(self.fingerprint, self.public_bytes, made_ms, vouching.fingerprint, vouching.sign(statement))


def fingerprint_of(public_key: bytes) -> str:
    return sha256(public_key).hexdigest()[:16]


def public_fingerprint(file: Path) -> str:
    """The fingerprint of the public key in a PEM file. Raises `KeyProblem`."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{file} cannot be read as a public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(f"{file} is not an Ed25519 key")
    return fingerprint_of(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def verified(public_key: bytes, signature: bytes, content: bytes) -> bool:
    """Whether the signature of the content is this key's."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def vouched(key: KeyRow, previous: KeyRow) -> bool:
    """Whether the former key says that this one follows it."""
    if key.previous != previous.fingerprint or key.signature is None:
        return False
    statement = key_statement(key.fingerprint, key.public_key, key.made_ms, previous.fingerprint)
    return verified(previous.public_key, key.signature, statement)


def load_or_make(file: Path) -> SealKey:
    """The key in the file, which is made where there is none. Raises `KeyProblem`.

    Of two processes that make one at the same time, both get the same.
    """
    if not file.exists():
        fresh = write_fresh(file)
        with suppress(FileExistsError):
            os.link(fresh, file)  # unlike a rename, it never takes the place of another's
        fresh.unlink()
        _settle(file.parent)
    return load(file)


def load(file: Path) -> SealKey:
    """Raises `KeyProblem` where others than the owner can read it, or it is no such key."""
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & OTHERS:
                raise KeyProblem(f"{file} can be read by others than its owner; `chmod 600` it, or make a new key")
            content = opened.read()
        key = load_pem_private_key(content, password=None)
    except OSError as error:
        raise KeyProblem(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyProblem(f"{file} is not a private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{file} is not an Ed25519 key")
    return SealKey(key)


def write_fresh(file: Path) -> Path:
    """Makes a key in a file beside it, on disk when it returns."""
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = file.with_name(f"{file.name}.new-{os.getpid()}")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise KeyProblem(f"{fresh} cannot be written: {error.strerror}") from error
    return fresh


def replace(file: Path, fresh: Path) -> None:
    """Puts a fresh key in the place of the former one."""
    fresh.replace(file)
    _settle(file.parent)


def _settle(folder: Path) -> None:
    """The folder's entries are on disk, too, when it returns."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
