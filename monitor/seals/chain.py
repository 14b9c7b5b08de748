"""The seals themselves: do they follow each other, are they signed, by keys that vouch for each other?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from monitor.clock import iso
from monitor.seals.canonical import header_digest
from monitor.seals.findings import Finding, Verified
from monitor.seals.headers import BadHeader, Header, parsed
from monitor.seals.keys import fingerprint_of, verified, vouched
from monitor.store.sealing import KeyRow, Rows, SealRow


@dataclass(frozen=True, slots=True)
class GoodSeal:
    """A seal whose header is what was signed. Without `leaves_hold`, single rows of it cannot be told apart."""

    header: Header
    leaves_hold: bool


def check_chain(
    rows: Rows, expected: Mapping[int, Sequence[str]], trusted: str | None, verification: Verified
) -> list[GoodSeal]:
    """Looks at all seals; returns those that rows can be held against.

    `expected` are digests that are known from elsewhere, by number, and `trusted` the fingerprint of a key that is.
    """
    keys = {key.fingerprint: key for key in rows.keys()}  # noqa: SIM118  # not a dictionary
    findings = verification.findings
    good: list[GoodSeal] = []
    before: SealRow | None = None
    # A place after which every seal is to be signed by the key that is trusted, or by one that it vouched for.
    trusting = False
    for seal in rows.seals():
        verification.seals += 1
        findings += _sequence(seal, before)
        header = _header(seal, before, keys, findings)
        if header is not None:
            leaves_hold = sha256(rows.leaves(seal.number)).hexdigest() == header.leaves
            if not leaves_hold:
                findings.append(_of(seal.number, "its leaves were changed"))
            good.append(GoodSeal(header, leaves_hold))
        trusting = trusting or seal.key == trusted
        findings += _key_of(seal, before, keys, trusted if trusting else None)
        before = seal
    if before is not None:
        verification.newest = {"number": before.number, "digest": before.digest, "sealed_at": iso(before.sealed_ms)}
    _check_expected(rows, expected, findings)
    if trusted is not None and not trusting:
        findings.append(Finding("key", f"no seal is signed by the key {trusted}"))
    findings += _strangers(keys, good)
    return good


def _sequence(seal: SealRow, before: SealRow | None) -> list[Finding]:
    wanted = 1 if before is None else before.number + 1
    if seal.number == wanted:
        return []
    return [_of(wanted, "it is missing" if wanted == seal.number - 1 else f"it and others up to {seal.number - 1} are")]


def _header(
    seal: SealRow, before: SealRow | None, keys: Mapping[str, KeyRow], findings: list[Finding]
) -> Header | None:
    """The seal's header, if it is what was signed, wherever the seal stands."""
    key = keys.get(seal.key)
    if key is None:
        findings.append(_of(seal.number, f"its key {seal.key} is not on record", "key"))
        return None
    if not verified(key.public_key, seal.signature, seal.header):
        findings.append(_of(seal.number, "its signature is not that of its key: it was changed"))
        return None
    try:
        header = parsed(seal.header)
    except BadHeader as error:
        findings.append(_of(seal.number, str(error)))
        return None
    findings += [_of(seal.number, text) for text in _disagreements(seal, header, before)]
    return header if header.number == seal.number else None


def _disagreements(seal: SealRow, header: Header, before: SealRow | None) -> list[str]:
    found = []
    if header.number != seal.number:
        found.append(f"what stands there was signed as seal {header.number}")
    if header_digest(seal.header) != seal.digest:
        found.append("its digest is not that of its header")
    if header.sealed_at != iso(seal.sealed_ms) or header.key != seal.key:
        found.append("its time or its key is not what was signed")
    if header.previous != (None if before is None else header_digest(before.header)):
        found.append("it does not follow the seal before it" if before else "it is not the first one")
    return found


def _key_of(seal: SealRow, before: SealRow | None, keys: Mapping[str, KeyRow], trusted: str | None) -> list[Finding]:
    """Whether the key is that of the seal before, or one that it, or a successor, vouched for."""
    if before is None or seal.key not in keys:
        return []
    wanted = before.key if trusted is None or before.key not in keys else _either(before.key, trusted, keys)
    if _leads(keys, wanted, seal.key):
        return []
    return [_of(seal.number, f"it is signed by the key {seal.key}, which no earlier key vouched for", "key")]


def _either(before: str, trusted: str, keys: Mapping[str, KeyRow]) -> str:
    return before if _leads(keys, trusted, before) else trusted


def _leads(keys: Mapping[str, KeyRow], first: str, last: str) -> bool:
    """Whether a chain of keys, each vouched for by the one before, leads from the first to the last."""
    seen: set[str] = set()
    while last != first:
        key = keys.get(last)
        previous = None if key is None or key.previous is None else keys.get(key.previous)
        if key is None or previous is None or last in seen or not vouched(key, previous):
            return False
        seen.add(last)
        last = previous.fingerprint
    return True


def _check_expected(rows: Rows, expected: Mapping[int, Sequence[str]], findings: list[Finding]) -> None:
    there = {seal.number: header_digest(seal.header) for seal in rows.seals()} if expected else {}
    for number, digests in sorted(expected.items()):
        if number not in there:
            findings.append(_of(number, "it is missing, and its digest was told"))
        findings += [
            _of(number, f"its digest is {there[number]}, but {digest} was told")
            for digest in digests
            if number in there and there[number] != digest.lower()
        ]


def _strangers(keys: Mapping[str, KeyRow], good: Sequence[GoodSeal]) -> list[Finding]:
    """Keys that are not what their fingerprint says, and keys that nobody vouched for."""
    findings = []
    first = good[0].header.key if good else None
    for key in keys.values():
        previous = keys.get(key.previous) if key.previous is not None else None
        if fingerprint_of(key.public_key) != key.fingerprint:
            findings.append(
                Finding("key", f"key {key.fingerprint}: the public key is another one", row=key.fingerprint)
            )
        elif key.previous is None and first is not None and key.fingerprint != first:
            text = f"key {key.fingerprint}: no earlier key vouched for it"
            findings.append(Finding("key", text, table="seal_keys", row=key.fingerprint))
        elif key.previous is not None and (previous is None or not vouched(key, previous)):
            text = f"key {key.fingerprint}: the signature of the key before it does not hold"
            findings.append(Finding("key", text, table="seal_keys", row=key.fingerprint))
    return findings


def _of(number: int, text: str, kind: str = "seal") -> Finding:
    return Finding(kind, f"seal {number}: {text}", seal=number)
