"""Holds all tables but results against the seals. They are small, so that they are looked at row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np

from monitor.seals.canonical import encoded, key_of, leaf_of
from monitor.seals.chain import GoodSeal
from monitor.seals.differences import differences, find_moved, sealed_numbers
from monitor.seals.findings import TIME_OF, Finding, Named, Verified, named
from monitor.seals.headers import Section
from monitor.seals.sealing import keys_in
from monitor.store.sealing import KEYED, NUMBERED, Row, Rows

_LEAST = -(2**62)
# Tables whose rows say when they were recorded, and are on record at once: none can come a seal late.
DATED = ("windows", "agreements", "clock_events", "prunings")
LATE_MS = 3_600_000  # a clock may be set back by so much


@dataclass(slots=True)
class TablesCheck:
    rows: Rows
    verification: Verified
    _last: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NUMBERED, 0))
    _keyed: dict[str, dict[int, Row]] = field(default_factory=dict)
    _sealed_keys: dict[str, set[int]] = field(default_factory=lambda: {table: set() for table in KEYED})

    _going_on: set[int] = field(default_factory=set)  # lives that the newest seal covers as far as they had come
    _sealed_ms: int = _LEAST  # when the seal was made that was looked at last

    def check_sealed(self, seal: GoodSeal) -> None:
        for table in NUMBERED:
            self._numbered(table, seal)
        for table in KEYED:
            self._by_key(table, seal)
        self._open_lives(seal)
        self._sealed_ms = round(datetime.fromisoformat(seal.header.sealed_at).timestamp() * 1000)

    def check_unsealed(self) -> None:
        """Rows that came after the newest seal: counted, and whether one is missing among them."""
        for table in NUMBERED:
            expected = self._last[table] + 1
            unsealed = list(self.rows.numbered(table, expected))
            if table in DATED:
                self._name_backdated(table, None, unsealed)
            for values in unsealed:
                if values[0] > expected:
                    self._name_gap(table, None, (expected, values[0] - 1))
                expected = values[0] + 1
                self.verification.count_unsealed(table, 1)
        for table in KEYED:
            known = self._sealed_keys[table] | (self._going_on if table == "lives" else set())
            fresh = sorted(self._rows_of(table).keys() - known)
            self.verification.count_unsealed(table, len(fresh))
            if table == "probe_terms" and not self.verification.unsealed.get("imports"):
                self._name_backdated(table, None, [self._rows_of(table)[key] for key in fresh])

    def _numbered(self, table: str, seal: GoodSeal) -> None:
        section = seal.header.tables[table]
        first = _LEAST if section.first == 1 else section.first  # below the first number there is nothing
        found = list(self.rows.numbered(table, first, section.last))
        self._last[table] = max(section.last, self._last[table])
        self.verification.rows += len(found)
        for gap in section.missing:
            self._name_gap(table, seal, gap)
        if table in DATED:
            self._name_backdated(table, seal, found)
        encodings = [encoded(values) for values in found]
        if section.count != len(found) or sha256(b"".join(encodings)).hexdigest() != section.sha256:
            self._tell_numbered(table, seal, section, {values[0]: values for values in found})

    def _tell_numbered(self, table: str, seal: GoodSeal, section: Section, found: Mapping[int, Row]) -> None:
        if not seal.leaves_hold:
            self._differs(table, seal)
            return
        sealed = sealed_numbers([(section.first, section.last)], section.missing)
        offset = seal.header.offset(table)
        leaves = self.rows.leaves(seal.header.number)[offset : offset + 4 * section.count]
        present = np.array(list(found), dtype=np.int64)
        now = b"".join(leaf_of(encoded(values)) for values in found.values())
        different = differences(sealed, leaves, present, now)
        find_moved(different, sealed, leaves, lambda row, number: [leaf_of(encoded((number, *found[row][1:])))])
        for kind, numbers in (
            ("changed", different.changed),
            ("removed", different.removed),
            ("added", different.added),
            ("reordered", sorted(different.moved)),
        ):
            if numbers:
                number = numbers[0]
                what = named(table, found[number]) if number in found else Named(str(number))
                why = f"it was sealed as row {different.moved[number]}" if kind == "reordered" else ""
                self._tell(kind, table, seal, what, len(numbers) - 1, why)

    def _by_key(self, table: str, seal: GoodSeal) -> None:
        section = seal.header.tables[table]
        if not section.count:
            return
        if not seal.leaves_hold:
            self._differs(table, seal, "which of its rows they are cannot be told")
            return
        there = self._rows_of(table)
        leaves = {
            int(each["key"]): bytes(each["leaf"])
            for each in keys_in(self.rows.leaves(seal.header.number), seal.header, table)
        }
        self._sealed_keys[table] |= leaves.keys()
        found = {key: encoded(there[key]) for key in leaves if key in there}
        self.verification.rows += len(found)
        if table == "probe_terms" and not any(seal.header.tables[each].count for each in ("imported", "imports")):
            self._name_backdated(table, seal, [there[key] for key in found])
        if sha256(b"".join(found.values())).hexdigest() == section.sha256:
            return
        changed = [key for key, row in found.items() if leaf_of(row) != leaves[key]]
        removed = [key for key in leaves if key not in there]
        if changed:
            self._tell("changed", table, seal, named(table, there[changed[0]]), len(changed) - 1)
        if removed:
            self._tell("removed", table, seal, _of_key(table, removed[0]), len(removed) - 1)

    def _open_lives(self, seal: GoodSeal) -> None:
        """A life that went on when it was sealed has the same beginning, and has only become longer."""
        there = self._rows_of("lives")
        self._going_on = set(seal.header.open_lives)
        for number, (boot_id, first_ms, last_ms) in sorted(seal.header.open_lives.items()):
            life = there.get(number)
            if life is None:
                self._tell("removed", "lives", seal, Named(str(number)), 0)
            elif (life[1], life[2]) != (boot_id, first_ms) or life[3] < last_ms:
                self._tell("changed", "lives", seal, named("lives", life), 0)
            else:
                continue
            return

    def _rows_of(self, table: str) -> dict[int, Row]:
        if table not in self._keyed:
            self._keyed[table] = {key_of(table, values): values for values in self.rows.keyed(table)}
        return self._keyed[table]

    def _differs(self, table: str, seal: GoodSeal, why: str = "") -> None:
        number = seal.header.number
        text = f"seal {number}: its {table} differ" + (f": {why}" if why else "")
        self.verification.findings.append(Finding("changed", text, number, table))

    def _tell(self, kind: str, table: str, seal: GoodSeal, what: Named, more: int, why: str = "") -> None:
        number = seal.header.number
        text = f"row {what.text} of {table} was {kind} (seal {number})" + (f": {why}" if why else "")
        self.verification.findings.append(Finding(kind, text, number, table, what.row, what.at, what.probe, more))

    def _name_backdated(self, table: str, seal: GoodSeal | None, found: Sequence[Row]) -> None:
        """A row that says it was recorded before the seal before, which does not have it: it was put in afterwards.

        Probes' terms hold from when they are recorded, too, unless an import brings some along for its own time.
        """
        late = [row for row in found if _whole(row[TIME_OF[table]]) < self._sealed_ms - LATE_MS]
        if late:
            what = named(table, late[0])
            text = f"row {what.text} of {table} was put in later than it says: an earlier seal does not have it"
            number = None if seal is None else seal.header.number
            self.verification.findings.append(
                Finding("backdated", text, number, table, what.row, what.at, more=len(late) - 1)
            )

    def _name_gap(self, table: str, seal: GoodSeal | None, gap: Sequence[int]) -> None:
        number = None if seal is None else seal.header.number
        text = (
            f"no row {gap[0]} of {table}"
            + (f" to {gap[1]}" if gap[1] > gap[0] else "")
            + "; they are numbered without a gap"
        )
        self.verification.findings.append(
            replace(Finding("gap", text, number, table, str(gap[0])), more=int(gap[1] - gap[0]))
        )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else _LEAST


def _of_key(table: str, key: int) -> Named:
    """A row that is gone: of probe terms, only a digest of what told them is left."""
    known: Any = {"lives": str(key), "seal_keys": f"{key:016x}"}
    return Named(known.get(table, f"with the key {key:016x}"))
