"""The specification is what is done: its examples come out, and a verifier written from it alone agrees."""

import asyncio
import json
import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monitor.seals.canonical import Value, Words, canonical_json, encoded, header_digest, leaf_of, result_rows
from monitor.seals.headers import parsed
from monitor.seals.keys import SealKey
from monitor.store.ids import own_id
from monitor.store.sealing import NO_NAME
from tests.seals import independent
from tests.seals.conftest import DAY_MS, SEALED_MS, Sealing

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "seal-format.md").read_text(encoding="utf-8")
STARTED_MS = 1_790_000_060_000
ROW: list[Value] = ["boot-1", "web", "frankfurt", "down", "timeout", "connect", 3, STARTED_MS, 120_000, None]
VECTORS: list[list[Value]] = [
    [],
    [None],
    [0],
    [-1],
    [2**63 - 1],
    [""],
    ["Łódź"],
    [b""],
    [b"\x00\xff"],
    [1, "a", None, b"b"],
]


def test_the_row_of_the_example() -> None:
    row = encoded(ROW)
    shown = re.search(r"^row +(.*?)^sha256 +(\w+)\nleaf +(\w+)$", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert bytes.fromhex(re.sub(r"\s", "", shown[1])) == row
    assert shown[2] == sha256(row).hexdigest()
    assert shown[3] == leaf_of(row).hex()


def test_rows_by_columns_are_the_rows_of_the_example() -> None:
    """The fast way, for millions of rows, makes the same bytes."""
    none = {NO_NAME: ""}
    words = Words.of({7: "web"}, {1: "frankfurt"}, {4: "timeout", **none}, {2: "connect", **none})
    matrix = np.array([[own_id(1, 3), 7, 1, STARTED_MS, 120_000, 2, 4, 2]], dtype=np.int64)
    assert b"".join(result_rows(matrix, "boot-1", words, {})) == encoded(ROW)
    kept = b"".join(result_rows(matrix, "boot-1", words, {own_id(1, 3): b"x" * 32}))
    assert kept == encoded([*ROW[:-1], b"x" * 32])
    matrix[0, 6:] = NO_NAME
    assert b"".join(result_rows(matrix, "boot-1", words, {})) == encoded([*ROW[:4], "", "", *ROW[6:]])


def test_the_seal_of_the_example() -> None:
    key = SealKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    header = re.search(r"```json\n(.*)\n```", PAGE)
    values = dict(re.findall(r"^(public key|fingerprint|digest|signature) +(\w+)$", PAGE, re.MULTILINE))
    assert header is not None
    content = header[1].encode()
    assert canonical_json(json.loads(content)) == content
    assert parsed(content).tables["results"].sha256 == sha256(encoded(ROW)).hexdigest()
    assert values == {
        "public key": key.public_bytes.hex(),
        "fingerprint": key.fingerprint,
        "digest": header_digest(content),
        "signature": key.sign(content).hex(),
    }


@pytest.mark.parametrize("values", VECTORS, ids=repr)
def test_vectors(values: list[Value]) -> None:
    assert vector(values) in PAGE


def vector(values: list[Value]) -> str:
    shown = ", ".join(
        "nothing" if each is None else f'"{each}"' if isinstance(each, str) else str(each) if isinstance(each, int)
        else f"bytes {each.hex() or '(none)'}" if isinstance(each, bytes) else "" for each in values
    )  # fmt: skip
    row = encoded(values)
    return f"| {shown or 'none'} | `{row.hex() or ' '}` | `{leaf_of(row).hex()}` |"


async def test_a_verifier_written_from_the_specification_agrees(sealed: Sealing) -> None:
    await sealed.seal(SEALED_MS + 2 * DAY_MS, rotate=True)
    assert await asyncio.to_thread(independent.check, sealed.file) == [1, 2, 3]
    sealed.tamper("UPDATE pictures SET name = 'other'")
    with pytest.raises(AssertionError):
        await asyncio.to_thread(independent.check, sealed.file)
