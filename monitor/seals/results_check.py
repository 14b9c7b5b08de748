"""Holds results against the seals: the whole digest first, row by row only where it does not come out."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np

from monitor.seals.canonical import IMPORTED, Ids, Words, kept_digest, leaves_of_pieces, result_rows
from monitor.seals.chain import GoodSeal
from monitor.seals.differences import Differences, differences, find_moved, sealed_numbers
from monitor.seals.findings import Finding, Named, Verified, instant, result_name
from monitor.seals.headers import Gap
from monitor.seals.sealing import GREATEST, contained, gaps, kept_digests, keys_in
from monitor.store.ids import NUMBERS_PER_WRITER, own_id, writer_of
from monitor.store.sealing import Rows

OnRows = Callable[[Ids], None]


@dataclass(slots=True)
class ResultsCheck:
    """`on_rows` is given every row of results on record, once."""

    rows: Rows
    words: Words
    verification: Verified
    on_rows: OnRows
    boot_ids: dict[int, str]
    pruned: "Pruned"
    _last: dict[int, int] = field(default_factory=dict)  # writer → the greatest id that is sealed

    def check_sealed(self, seal: GoodSeal) -> None:
        """The seal's results, those that were imported apart."""
        section = seal.header.tables["results"]
        ranges = sorted(section.ranges.values())
        digest, count = sha256(), 0
        for first, last in ranges:
            writer = writer_of(first)
            for boot_id, matrix in self._of_range(first, last):
                digest.update(b"".join(self._pieces(boot_id, matrix)))
                count += len(matrix)
                self.on_rows(matrix)
            if writer not in self._last:
                self._below_the_first(writer)
            self._last[writer] = max(last, self._last.get(writer, 0))
        self.verification.rows += count
        self._name_gaps(seal.header.number, section.missing)
        if count != section.count or digest.hexdigest() != section.sha256:
            self._tell(seal, ranges)

    def check_imported(self, seals: Sequence[GoodSeal]) -> None:
        """All imported results, against all seals."""
        known: list[Ids] = []
        for seal in seals:
            if seal.header.tables[IMPORTED].count and seal.leaves_hold:
                known.append(self._check_imported_of(seal))
        sealed = np.sort(np.concatenate(known)) if known else np.zeros(0, dtype=np.int64)
        fresh = 0
        first: Finding | None = None
        for matrix in self.rows.imported(1, GREATEST):
            others = matrix[~contained(-matrix[:, 0], sealed)]
            fresh += len(others)
            self.on_rows(others)
            if len(others) and first is None:
                first = self._found(
                    "added", IMPORTED, None, int(others[0, 0]), "no seal covers it, no import brought it"
                )
        last_import = seals[-1].header.tables["imports"].last if seals else 0
        if first is not None and fresh > self.rows.imported_rows_claimed(last_import):
            self.verification.findings.append(replace(first, more=fresh - 1))
        else:
            self.verification.count_unsealed(IMPORTED, fresh)

    def check_unsealed(self) -> None:
        """Results that came after the newest seal: counted, and whether one is missing among them."""
        for writer in self.rows.writers_of_results():
            if writer < 0:
                continue
            if writer not in self._last:
                self._below_the_first(writer)
            expected = self._last.get(writer, own_id(writer, 0)) + 1
            for matrix in self.rows.results(expected, own_id(writer, NUMBERS_PER_WRITER - 1)):
                self.verification.count_unsealed("results", len(matrix))
                self._name_gaps(None, gaps(matrix[:, 0], expected))
                expected = int(matrix[-1, 0]) + 1
                self.on_rows(matrix)

    def _below_the_first(self, writer: int) -> None:
        """Numbers begin with 1: one before it was put there."""
        zero = own_id(writer, 0)
        for matrix in self.rows.results(zero, zero):
            self.on_rows(matrix)
            self.verification.findings.append(self._found("added", "results", None, zero, "numbers begin with 1"))

    def _of_range(self, first: int, last: int) -> Iterator[tuple[str, Ids]]:
        writer = writer_of(first)
        boot_id = self.boot_ids.get(writer, f"#{writer}")
        for matrix in self.rows.results(first, last):
            yield boot_id, matrix

    def _pieces(self, boot_id: str, matrix: Ids) -> list[bytes]:
        return result_rows(matrix, boot_id, self.words, kept_digests(self.rows, matrix))

    def _check_imported_of(self, seal: GoodSeal) -> Ids:
        keyed = keys_in(self.rows.leaves(seal.header.number), seal.header, IMPORTED)
        sealed = keyed["key"].astype(np.int64)
        digest = sha256()
        present: list[Ids] = []
        leaves: list[bytes] = []
        for matrix in self.rows.imported(int(sealed[0]), int(sealed[-1])):
            own = matrix[contained(-matrix[:, 0], sealed)]
            if len(own):
                pieces = self._pieces(IMPORTED, own)
                digest.update(b"".join(pieces))
                present.append(-own[:, 0])
                self.on_rows(own)
        found = np.concatenate(present) if present else np.zeros(0, dtype=np.int64)
        self.verification.rows += len(found)
        if digest.hexdigest() != seal.header.tables[IMPORTED].sha256:
            for matrix in self.rows.imported(int(sealed[0]), int(sealed[-1])):
                own = matrix[contained(-matrix[:, 0], sealed)]
                leaves.append(leaves_of_pieces(self._pieces(IMPORTED, own)) if len(own) else b"")
            different = differences(sealed, keyed["leaf"].tobytes(), found, b"".join(leaves))
            self._report(seal, IMPORTED, self._without_pruned(different, -1))
        return sealed

    def _tell(self, seal: GoodSeal, ranges: Sequence[tuple[int, int]]) -> None:
        """Names the rows that differ; where rows were pruned, the others are held against their leaves only."""
        if not seal.leaves_hold:
            number = seal.header.number
            self.verification.findings.append(
                Finding("changed", f"seal {number}: its results differ", number, "results")
            )
            return
        section = seal.header.tables["results"]
        sealed = sealed_numbers(ranges, section.missing)
        offset = seal.header.offset("results")
        leaves = self.rows.leaves(seal.header.number)[offset : offset + 4 * section.count]
        present, found = [np.zeros(0, dtype=np.int64)], [b""]
        for first, last in ranges:
            for boot_id, matrix in self._of_range(first, last):
                present.append(matrix[:, 0])
                found.append(leaves_of_pieces(self._pieces(boot_id, matrix)))
        different = differences(sealed, leaves, np.concatenate(present), b"".join(found))
        find_moved(different, sealed, leaves, self._leaves_at)
        self._report(seal, "results", self._without_pruned(different, 1))

    def _without_pruned(self, found: Differences, sign: int) -> Differences:
        kept = [number for number in found.removed if not self.pruned.covers(sign * number, self.boot_ids)]
        self.verification.pruned += len(found.removed) - len(kept)
        return replace(found, removed=kept)

    def _leaves_at(self, row: int, number: int) -> list[bytes]:
        matrix = next(self.rows.results(row, row)).copy()
        boot_id = self.boot_ids.get(writer_of(number), "")
        matrix[0, 0] = number
        found = []
        # What was kept of it may have been moved with it, or not.
        for one in (self.rows.kept(row, row).get(row), self.rows.kept(number, number).get(number)):
            digests = {} if one is None else {number: kept_digest(one)}
            found.append(leaves_of_pieces(result_rows(matrix, boot_id, self.words, digests)))
        return found

    def _report(self, seal: GoodSeal, table: str, found: Differences) -> None:
        sign = -1 if table == IMPORTED else 1
        number = seal.header.number
        kinds = (("changed", found.changed), ("removed", found.removed), ("added", found.added))
        findings = [
            replace(self._found(kind, table, number, sign * ids[0]), more=len(ids) - 1) for kind, ids in kinds if ids
        ]
        if found.moved:
            now, was = min(found.moved.items())
            text = f"it was sealed as {result_name(was, self.boot_ids)}"
            findings.append(replace(self._found("reordered", table, number, now, text), more=len(found.moved) - 1))
        self.verification.findings += findings

    def _name_gaps(self, seal: int | None, missing: Sequence[Gap]) -> None:
        for first, last in missing:
            name = result_name(first, self.boot_ids)
            text = f"no result {name}" + (f" and {last - first} after it" if last > first else "")
            text += "; its writer numbers them without a gap"
            finding = Finding("gap", text, seal, "results", name, self._around(first), more=last - first)
            self.verification.findings.append(finding)

    def _found(self, kind: str, table: str, seal: int | None, number: int, why: str = "") -> Finding:
        """A finding about a result, by its id."""
        name = self._named(number)
        where = f" (seal {seal})" if seal is not None else ""
        text = f"result {name.text} was {kind}{where}" + (f": {why}" if why else "")
        return Finding(kind, text, seal, "results", name.row, name.at, name.probe)

    def _named(self, number: int) -> Named:
        row = result_name(number, self.boot_ids)
        matrix = next(self.rows.results(number, number), None)
        if matrix is None:
            return Named(row, self._around(number))
        probe = self.words.probes.texts[int(self.words.probes.places(matrix[:, 1])[0])]
        return Named(row, instant(int(matrix[0, 3])), probe)

    def _around(self, number: int) -> str:
        """When a result that is not there must have begun: after the one before it."""
        if number < 0:
            return ""
        before = self.rows.result_before(number)
        return f"after {instant(before)}" if before is not None else ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which results were deleted for their age, as the record of prunings says."""

    ranges: Mapping[str, Sequence[tuple[int, int]]]
    rows: int
    before_ms: int = -(2**62)

    @classmethod
    def of(cls, rows: Rows) -> "Pruned":
        ranges: dict[str, list[tuple[int, int]]] = {}
        total, edge_ms = 0, -(2**62)
        for _number, _pruned_ms, before_ms, content in rows.numbered("prunings", 1):
            try:
                edge_ms = max(edge_ms, int(before_ms))
                found = json.loads(content)
                total += int(found["rows"])
                for boot_id, ids in found["results"].items():
                    ranges.setdefault(boot_id, []).append((int(ids[0]), int(ids[1])))
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                continue  # it covers nothing, and what it ought to cover is found to be removed
        return cls(ranges, total, edge_ms)

    def covers(self, number: int, boot_ids: Mapping[int, str]) -> bool:
        boot_id = IMPORTED if number < 0 else boot_ids.get(writer_of(number), "")
        return any(first <= number <= last for first, last in self.ranges.get(boot_id, ()))
