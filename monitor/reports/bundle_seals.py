"""Holds the rows in a bundle against its seals: first the digest of a file, row by row where it does not come out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from monitor.reports.bundle_contents import WIDTHS
from monitor.reports.bundle_file import BundleError, BundleFile, seal_folder
from monitor.reports.bundle_rows import VALUES_OF_A_RESULT, Malformed, ResultReader, Row, rows_of
from monitor.seals.canonical import IMPORTED, LEAF, Ids, key_of, leaf_of
from monitor.seals.differences import sealed_numbers
from monitor.seals.findings import named, result_name
from monitor.seals.headers import Header, Section
from monitor.seals.results_check import Pruned
from monitor.seals.sealing import keys_in
from monitor.store.ids import NUMBERS_PER_WRITER
from monitor.store.sealing import NUMBERED

RESULTS = ("results", IMPORTED)
# A header's numbers say how much is to be counted through. Made here, a seal covers a million results at most.
_MOST_NUMBERS = 10_000_000


@dataclass(slots=True)
class SealedRows:
    """`on_results` is given every result in the bundle, once; `boot_ids` are by writer.

    `findings` says what does not hold, `notes` what cannot be told. `rows` and `results` count what was held against
    seals, `pruned` results that are gone for their age, `left_out` those of seals from before the period.
    """

    bundle: BundleFile
    reader: ResultReader
    boot_ids: dict[int, str]
    pruned: Pruned
    on_results: Callable[[Ids], None]
    findings: list[str] = field(default_factory=list)
    rows: int = 0
    gone: int = 0
    left_out: int = 0

    def check(self, header: Header, leaves_hold: bool, needs_results: bool) -> None:
        """All that a seal covers. Where results are not needed, they may not be there."""
        for table, section in header.tables.items():
            name = f"{seal_folder(header.number)}/{table}.rows"
            if section.count == 0 and name not in self.bundle:
                continue
            if table in RESULTS and name not in self.bundle and not needs_results:
                self.left_out += section.count
                continue
            whole = self._digest(name, table) == section.sha256
            self.rows += section.count if whole else 0
            if not whole:
                self._tell(name, table, header, leaves_hold)
            for first, last in section.missing[:1]:
                more = f" and {len(section.missing) - 1} other stretches" if len(section.missing) > 1 else ""
                shown = result_name(first, self.boot_ids) if table == "results" else f"row {first}"
                text = f"no {shown} of {table}, {last - first + 1} in a row{more}: they are numbered without a gap"
                self.findings.append(f"seal {header.number} has {text}")

    def take_unsealed(self, newest: Header | None) -> dict[str, int]:
        """Results that were on record, but not sealed yet: how many, by table."""
        counts: dict[str, int] = {}
        for table in RESULTS:
            name = f"unsealed/{table}.rows"
            try:
                for matrix in self.reader.matrices(self.bundle.blocks(name)):
                    counts[table] = counts.get(table, 0) + len(matrix)
                    self.on_results(matrix)
                    if table == "results":
                        self._follow(newest, matrix[:, 0])
            except (Malformed, BundleError) as error:
                self.findings.append(f"{name}: {error}")
        return counts

    _next: dict[int, int] = field(default_factory=dict)  # by writer, the id that is to come

    def _follow(self, newest: Header | None, ids: Ids) -> None:
        """Results that no seal covers continue where those that one does end."""
        writer = int(ids[0]) // NUMBERS_PER_WRITER
        covered = {} if newest is None else newest.results
        last = covered.get(self.boot_ids.get(writer, ""), (0, writer * NUMBERS_PER_WRITER))[1]
        expected = self._next.get(writer, last + 1)
        wrong = np.flatnonzero(ids != np.arange(expected, expected + len(ids)))
        if len(wrong):
            number = expected + int(wrong[0])
            text = f"unsealed/results.rows: result {result_name(number, self.boot_ids)} is not in its place"
            self.findings.append(f"{text}; they are numbered without a gap")
        self._next[writer] = int(ids[-1]) + 1

    def _digest(self, name: str, table: str) -> str | None:
        """Of a whole file; results are handed on meanwhile, as far as they are some. None where it is damaged."""
        digest = sha256()

        def digested() -> Iterator[bytes]:
            for block in self.bundle.blocks(name):
                digest.update(block)
                yield block

        try:
            if table in RESULTS:
                for matrix in self.reader.matrices(digested()):
                    self.on_results(matrix)
            else:
                for _ in digested():
                    pass
        except Malformed:
            return None
        except BundleError as error:
            self.findings.append(str(error))
            return None
        return digest.hexdigest()

    def _tell(self, name: str, table: str, header: Header, leaves_hold: bool) -> None:
        """Names the first row that differs; where rows were pruned, the others are held against their leaves only."""
        section, number = header.tables[table], header.number
        try:
            leaves = self.bundle.read(f"{seal_folder(number)}/leaves") if leaves_hold else b""
            sealed = _sealed_keys(table, header, section, leaves)
            found = self._first_difference(name, table, sealed, _leaves_of(table, header, leaves))
        except (Malformed, BundleError, ValueError, IndexError) as error:
            found = f"it cannot be read: {error}"
        if found is not None:
            self.findings.append(f"{name} is not what seal {number} covers: {found}")

    def _first_difference(self, name: str, table: str, sealed: list[int], leaves: list[bytes] | None) -> str | None:
        """What is wrong with the first row that is not as it was sealed; None where all that lacks was pruned."""
        place = 0
        for row, content in rows_of(self.bundle.blocks(name), WIDTHS.get(table, VALUES_OF_A_RESULT)):
            key = self._key(table, row)
            while place < len(sealed) and sealed[place] != key and self._is_gone(table, sealed[place]):
                place, self.gone = place + 1, self.gone + 1
            if place == len(sealed) or key < sealed[place]:
                return f"{self._shown(table, row)} was added"
            if key > sealed[place]:
                return f"{self._lacking(table, sealed[place])} was removed, or is not in its place"
            if leaves is not None and leaf_of(content) != leaves[place]:
                return f"{self._shown(table, row)} was changed"
            place += 1
        for key in sealed[place:]:
            if not self._is_gone(table, key):
                return f"{self._lacking(table, key)} was removed"
            self.gone += 1
        return None if leaves is not None and self.gone else "a row was changed; which one cannot be told any more"

    def _key(self, table: str, row: Row) -> int:
        if table not in RESULTS:
            return _whole(row[0]) if table in NUMBERED else key_of(table, row)
        if table == IMPORTED:
            return _whole(row[6])
        return self.reader.numbers["writers"].get(str(row[0]), 0) * NUMBERS_PER_WRITER + _whole(row[6])

    def _is_gone(self, table: str, key: int) -> bool:
        """Whether the row was pruned, as far as the record of prunings says."""
        return table in RESULTS and self.pruned.covers(-key if table == IMPORTED else key, self.boot_ids)

    def _shown(self, table: str, row: Row) -> str:
        if table not in RESULTS:
            return f"row {named(table, row).text}"
        return f"result {row[0]!s}:{row[6]!s} of {row[1]!s}"

    def _lacking(self, table: str, key: int) -> str:
        if table in RESULTS:
            return f"result {result_name(-key if table == IMPORTED else key, self.boot_ids)}"
        return f"row {key}" if table in NUMBERED or table == "lives" else f"the row with the key {key:016x}"


def _sealed_keys(table: str, header: Header, section: Section, leaves: bytes) -> list[int]:
    """What tells the rows that a seal covers, in their order."""
    if table in NUMBERED or table == "results":
        ranges = sorted(section.ranges.values()) if table == "results" else [(section.first, section.last)]
        if sum(max(last - first + 1, 0) for first, last in ranges) > _MOST_NUMBERS:
            raise ValueError("its seal says to cover more than a seal can")
        return [int(number) for number in sealed_numbers(ranges, section.missing)]
    if not leaves:
        raise ValueError("which of its rows differ cannot be told")
    return [int(key) for key in keys_in(leaves, header, table)["key"]]


def _leaves_of(table: str, header: Header, leaves: bytes) -> list[bytes] | None:
    """The leaves of a table's rows; None where they are not there, or are not what was sealed."""
    if not leaves:
        return None
    section, offset = header.tables[table], header.offset(table)
    if table in NUMBERED or table == "results":
        return [bytes(each) for each in np.frombuffer(leaves, LEAF, section.count, offset)]
    return [bytes(each) for each in keys_in(leaves, header, table)["leaf"]]


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise Malformed("a number is none")
    return value
