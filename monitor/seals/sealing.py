"""Drafts a seal: reads the rows that no seal covers yet, digests, chains and signs. `making` puts it on record."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import numpy as np

from monitor.clock import iso
from monitor.seals.canonical import (
    FORMAT,
    IMPORTED,
    KEYED_LEAF,
    TABLES,
    WITH_KEYS,
    Ids,
    Words,
    canonical_json,
    encoded,
    header_digest,
    kept_digest,
    key_of,
    leaf_of,
    leaves_of_pieces,
    result_rows,
)
from monitor.seals.frozen_runs import frozen_at
from monitor.seals.headers import Gap, Header, parsed
from monitor.seals.keys import KeyProblem, SealKey
from monitor.store.ids import own_id
from monitor.store.sealing import NUMBERED, Rows, SealRow
from monitor.version import VERSION

# A seal of more rows than this is divided, so that none takes much memory: each row has a few bytes of leaves.
LARGEST_SEAL = 1_000_000
# A daemon that was silent for so long begins another life with its next heartbeat, so the former one is over.
LIFE_OVER_MS = 3_600_000
GREATEST = 2**63 - 1


@dataclass(slots=True)
class _Part:
    """One table's rows of the seal that is being made."""

    count: int = 0
    digest: Any = field(default_factory=sha256)
    leaves: list[bytes] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, row: bytes, key: int | None = None) -> None:
        self.count += 1
        self.digest.update(row)
        self.leaves.append((b"" if key is None else key.to_bytes(8, "big")) + leaf_of(row))

    def section(self) -> dict[str, Any]:
        return {**self.facts, "count": self.count, "sha256": self.digest.hexdigest()}


@dataclass(slots=True)
class Drafting:
    key: SealKey
    now_ms: int
    largest: int
    on_rows: Callable[[int], None]
    runs_before_ms: int | None
    more: bool = False

    def draft(self, rows: Rows) -> tuple[SealRow, bool]:
        """The next seal, and whether there are rows left for another one."""
        newest = rows.newest_seal()
        before = None if newest is None else parsed(newest.header)
        if before is not None:
            _check_not_replaced(rows, before.key, self.key.fingerprint)
        parts, results, open_lives = self._parts(rows, before)
        leaves = b"".join(leaf for table in TABLES for leaf in parts[table].leaves)
        number = 1 if before is None else before.number + 1
        header = canonical_json(
            {
                **self._runs(rows),
                "format": FORMAT,
                "key": self.key.fingerprint,
                "leaves": sha256(leaves).hexdigest(),
                "number": number,
                "open_lives": open_lives,
                "previous": None if newest is None else newest.digest,
                "results": results,
                "rows": sum(part.count for part in parts.values()),
                "sealed_at": iso(self.now_ms),
                "software": VERSION,
                "tables": {table: part.section() for table, part in parts.items()},
                "tzdata": version("tzdata"),
            }
        )
        digest, signature = header_digest(header), self.key.sign(header)
        return SealRow(number, self.now_ms, digest, self.key.fingerprint, signature, header, leaves), self.more

    def _runs(self, rows: Rows) -> dict[str, Any]:
        if self.runs_before_ms is None:
            return {}
        return {"runs": asdict(frozen_at(rows, [self.runs_before_ms])[self.runs_before_ms])}

    def _parts(self, rows: Rows, before: Header | None) -> tuple[dict[str, _Part], dict[str, Any], dict[str, Any]]:
        parts = {table: _Part() for table in TABLES}
        words = words_of(rows)
        covered = {} if before is None else dict(before.results)
        self._add_results(rows, words, covered, parts["results"])
        last_import = 0 if before is None else before.tables["imports"].last
        imported_all = self._add_imported(rows, words, before, last_import, parts["imported"])
        for table in NUMBERED:
            last = 0 if before is None else before.tables[table].last
            held_back = table == "imports" and not imported_all
            _add_numbered(parts[table], () if held_back else rows.numbered(table, last + 1), last)
        closed, going_on = rows.closed_lives(self.now_ms, LIFE_OVER_MS)
        for table in WITH_KEYS:
            if table != "imported":
                found = closed if table == "lives" else rows.keyed(table)
                _add_keyed(parts[table], table, found, _known(rows, before, table))
        open_lives = {str(life[0]): [life[1], life[2], life[3]] for life in going_on}
        return parts, {boot_id: list(ids) for boot_id, ids in covered.items()}, open_lives

    def _add_results(self, rows: Rows, words: Words, covered: dict[str, tuple[int, int]], part: _Part) -> None:
        boot_ids = rows.boot_ids()
        ranges: dict[str, list[int]] = {}
        missing: list[Gap] = []
        for writer in rows.writers_of_results():
            if writer < 0:
                continue
            boot_id = boot_ids.get(writer, f"#{writer}")
            begin, until = covered.get(boot_id, (own_id(writer, 1), own_id(writer, 0)))
            first, last = until + 1, rows.last_id(writer)
            if last < first:
                continue
            room = self.largest - part.count
            if last - first >= room:
                self.more, last = True, first + room - 1
            if last < first:
                break
            missing += self._add_range(rows, words, boot_id, (first, last), part)
            ranges[boot_id], covered[boot_id] = [first, last], (begin, last)
        part.facts = {"ranges": ranges, "missing": [list(gap) for gap in missing]}

    def _add_range(self, rows: Rows, words: Words, boot_id: str, ids: tuple[int, int], part: _Part) -> list[Gap]:
        missing: list[Gap] = []
        expected = ids[0]
        for matrix in rows.results(*ids):
            self._add_matrix(rows, words, boot_id, matrix, part)
            missing += gaps(matrix[:, 0], expected)
            expected = int(matrix[-1, 0]) + 1
        return [*missing, (expected, ids[1])] if expected <= ids[1] else missing

    def _add_matrix(self, rows: Rows, words: Words, boot_id: str, matrix: Ids, part: _Part) -> bytes:
        pieces = result_rows(matrix, boot_id, words, kept_digests(rows, matrix))
        part.count += len(matrix)
        part.digest.update(b"".join(pieces))
        leaves = leaves_of_pieces(pieces)
        if boot_id == IMPORTED:
            keyed = np.empty(len(matrix), KEYED_LEAF)
            keyed["key"], keyed["leaf"] = -matrix[:, 0], np.frombuffer(leaves, "V4")
            leaves = keyed.tobytes()
        part.leaves.append(leaves)
        self.on_rows(len(matrix))
        return leaves

    def _add_imported(self, rows: Rows, words: Words, before: Header | None, last_import: int, part: _Part) -> bool:
        """Whether all imported results are sealed now."""
        if next(rows.numbered("imports", last_import + 1), None) is None:
            return True
        known = _known(rows, before, "imported")
        for matrix in rows.imported(1, GREATEST):
            fresh = matrix[~contained(-matrix[:, 0], known)]
            room = self.largest - part.count
            if len(fresh):
                self._add_matrix(rows, words, IMPORTED, fresh[:room], part) if room else b""
            if len(fresh) > room:
                self.more = True
                return False
        return True


def words_of(rows: Rows) -> Words:
    return Words.of(*(rows.names(table) for table in ("probes", "locations", "reasons", "steps")))


def kept_digests(rows: Rows, matrix: Ids) -> dict[int, bytes]:
    """Of what was kept of these results, by id. They are in order of their ids, up or down."""
    first, last = sorted((int(matrix[0, 0]), int(matrix[-1, 0])))
    return {number: kept_digest(kept) for number, kept in rows.kept(first, last).items()}


def gaps(numbers: Ids, expected: int) -> list[Gap]:
    """What is missing among ascending numbers that ought to follow each other from `expected` on."""
    before = np.concatenate(([expected - 1], numbers[:-1]))
    places = np.flatnonzero(numbers - before > 1)
    return [(int(before[place]) + 1, int(numbers[place]) - 1) for place in places]


def contained(values: Ids, known: Ids) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which of the values are among the known ones, which are in order."""
    if not len(known):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = known[places] == values
    return found


def keys_in(leaves: bytes, header: Header, table: str) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    """The leaves of one table with the keys of their rows."""
    return np.frombuffer(leaves, KEYED_LEAF, count=header.tables[table].count, offset=header.offset(table))


def _known(rows: Rows, before: Header | None, table: str) -> Ids:
    """The keys of all rows that are sealed, in order."""
    if before is None:
        return np.zeros(0, dtype=np.int64)
    found = []
    for seal_row in rows.seals():
        header = parsed(seal_row.header)
        if header.tables[table].count:
            found.append(keys_in(rows.leaves(header.number), header, table)["key"].astype(np.int64))
    return np.sort(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)


def _add_numbered(part: _Part, found: Iterable[Sequence[Any]], last: int) -> None:
    first = last + 1
    missing: list[Gap] = []
    for values in found:
        if values[0] > last + 1:
            missing.append((last + 1, values[0] - 1))
        part.add(encoded(values))
        last = values[0]
    part.facts = {"first": first, "last": last, "missing": [list(gap) for gap in missing]}


def _add_keyed(part: _Part, table: str, found: Iterable[Sequence[Any]], known: Ids) -> None:
    """Adds rows that are not sealed yet, in the order of their keys."""
    sealed = set(known.tolist())
    # Keys are compared as the signed numbers that `known` has.
    fresh = {key_of(table, values): values for values in found}
    for key in sorted(fresh):
        if signed(key) not in sealed:
            part.add(encoded(fresh[key]), key)


def signed(key: int) -> int:
    """The key's eight bytes as a signed number."""
    return key - 2**64 if key >= 2**63 else key


def _check_not_replaced(rows: Rows, newest: str, own: str) -> None:
    """Raises `KeyProblem` where the newest seal was made by a key that has taken the place of this one."""
    previous = {key.fingerprint: key.previous for key in rows.keys()}  # noqa: SIM118  # not a dictionary
    fingerprint: str | None = newest
    while fingerprint is not None and fingerprint != own:
        fingerprint = previous.pop(fingerprint, None)
    if fingerprint == own and newest != own:
        raise KeyProblem(f"the key {own} was replaced by another one, which made the newest seal")
