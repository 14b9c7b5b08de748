"""Which bytes stand for a row, and for a seal. What is written here is specified in `docs/seal-format.md`.

A change of a single byte makes all former seals fail: it goes with a new `FORMAT`.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.store.ids import NUMBERS_PER_WRITER
from monitor.store.schema import VERDICTS
from monitor.store.sealing import NO_NAME, Kept

FORMAT = 1
# The order in which tables stand in the leaves.
TABLES = (
    "writers",
    "probe_terms",
    "results",
    "imported",
    "schedule_events",
    "lives",
    "imports",
    "windows",
    "agreements",
    "clock_events",
    "prunings",
    "seal_keys",
)
# In a leaf of these, eight bytes that tell the row come before the four of its digest.
WITH_KEYS = ("probe_terms", "imported", "lives", "seal_keys")
LEAF = np.dtype("V4")
KEYED_LEAF = np.dtype([("key", ">u8"), ("leaf", "V4")])
IMPORTED = "imported"  # stands in the place of a boot id

Value = int | float | str | bytes | None
Ids = NDArray[np.int64]

_FIXED = np.dtype(
    [("a", "S1"), ("number", ">i8"), ("b", "S1"), ("started_ms", ">i8"), ("c", "S1"), ("duration_us", ">i8")]
)


def encoded(values: Iterable[Value]) -> bytes:
    """The bytes of a row: those of its values, one after the other."""
    return b"".join(map(_value, values))


def kept_digest(kept: Kept) -> bytes:
    """The SHA-256 of all that was kept of a result."""
    shown = [value for picture in kept.pictures for value in picture]
    return sha256(encoded([kept.detail, kept.content, *shown])).digest()


def leaf_of(row: bytes) -> bytes:
    """The first four bytes of the row's SHA-256."""
    return sha256(row).digest()[:4]


def key_of(table: str, values: Sequence[Value]) -> int:
    """What tells a row of a table without ranges: eight bytes as a number, big-endian."""
    if table == "lives":
        return int(values[0] or 0)
    if table == "seal_keys":
        return int(str(values[0]), 16)
    return int.from_bytes(sha256(encoded(values[:3])).digest()[:8])  # probe, location, from_ms


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """Keys sorted, no spaces, all that is not ASCII escaped."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def header_digest(header: bytes) -> str:
    return sha256(header).hexdigest()


def key_statement(fingerprint: str, public_key: bytes, made_ms: int, previous: str) -> bytes:
    """What a key signs to vouch for the next one."""
    return encoded(["efento-uptime seal key", fingerprint, public_key, made_ms, previous])


def _value(value: Value) -> bytes:
    if value is None:
        return b"n"
    if isinstance(value, int):
        # Beyond 63 bits no database stores whole numbers.
        return b"i" + value.to_bytes(8, "big", signed=True)
    if isinstance(value, float):  # in no row that this program wrote
        return b"f" + struct.pack(">d", value)
    tag, content = (b"s", value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else (b"b", value)
    return tag + len(content).to_bytes(4, "big") + content


class _Names:
    """Names by number, as a table that an array of numbers can be looked up in; unknown numbers are the last one."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self.numbers = np.array(sorted(names), dtype=np.int64)
        self.texts = [names[int(number)] for number in self.numbers] + ["#unknown"]

    def places(self, numbers: Ids) -> Ids:
        if not len(self.numbers):
            return np.zeros(len(numbers), dtype=np.int64)
        found = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[found] == numbers, found, len(self.numbers))


@dataclass(frozen=True, slots=True)
class Words:
    """The names that results are written with."""

    probes: _Names
    locations: _Names
    verdicts: _Names
    reasons: _Names
    steps: _Names

    @classmethod
    def of(
        cls,
        probes: Mapping[int, str],
        locations: Mapping[int, str],
        reasons: Mapping[int, str],
        steps: Mapping[int, str],
    ) -> "Words":
        verdicts = {code: verdict.value for code, verdict in VERDICTS.items()}
        # A probe and a location are always there; of reasons and steps, none is an empty text.
        places = ({k: v for k, v in names.items() if k != NO_NAME} for names in (probes, locations))
        probe_names, location_names = map(_Names, places)
        return cls(probe_names, location_names, _Names(verdicts), _Names(reasons), _Names(steps))


def result_rows(matrix: Ids, boot_id: str, words: Words, kept: Mapping[int, bytes]) -> list[bytes]:
    """The rows of results of one writer, each in two pieces that follow each other: names, then numbers.

    `kept` has the digests of what was kept, by id. In two pieces, because joining millions of pairs takes a while.
    """
    pieces: list[bytes] = [b""] * (2 * len(matrix))
    pieces[0::2] = _names_of_rows(matrix, boot_id, words)
    numbers = _numbers_of_rows(matrix, boot_id)
    for row in _places_of(matrix[:, 0], kept):
        digest = kept[int(matrix[row, 0])]
        numbers[row] = numbers[row][:-1] + _value(digest)
    pieces[1::2] = numbers
    return pieces


def _places_of(ids: Ids, kept: Mapping[int, bytes]) -> list[int]:
    if not kept:
        return []
    places: list[int] = np.flatnonzero(np.isin(ids, np.fromiter(kept, np.int64, len(kept)))).tolist()
    return places


def _names_of_rows(matrix: Ids, boot_id: str, words: Words) -> list[bytes]:
    """Rows with the same names share one piece: there are few combinations, however many rows."""
    columns = ((words.probes, 1), (words.locations, 2), (words.verdicts, 5), (words.reasons, 6), (words.steps, 7))
    code = np.zeros(len(matrix), dtype=np.int64)
    for names, column in columns:
        code = code * len(names.texts) + names.places(matrix[:, column])
    codes, which = np.unique(code, return_inverse=True)
    texts: list[bytes] = []
    for each in codes.tolist():
        places = []
        for names, _ in reversed(columns):
            each, place = divmod(each, len(names.texts))
            places.append(names.texts[place])
        texts.append(encoded([boot_id, *reversed(places)]))
    return [texts[number] for number in which.tolist()]


def _numbers_of_rows(matrix: Ids, boot_id: str) -> list[bytes]:
    """Number, start and duration, and that nothing was kept."""
    fixed = np.empty(len(matrix), dtype=[*((name, _FIXED[name]) for name in _FIXED.names or ()), ("kept", "S1")])
    ids = matrix[:, 0]
    fixed["a"] = fixed["b"] = fixed["c"] = b"i"
    fixed["number"] = -ids if boot_id == IMPORTED else ids % NUMBERS_PER_WRITER
    fixed["started_ms"] = matrix[:, 3]
    fixed["duration_us"] = matrix[:, 4]
    fixed["kept"] = b"n"
    rows: list[bytes] = fixed.view(f"V{fixed.dtype.itemsize}").tolist()
    return rows


def leaves_of_pieces(pieces: Sequence[bytes]) -> bytes:
    """The leaves of rows that are in two pieces each."""
    return b"".join(map(leaf_of, map(bytes.__add__, pieces[0::2], pieces[1::2])))
