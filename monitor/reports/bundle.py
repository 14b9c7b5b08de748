"""Packs a report with all that it was made from and all that proves it: `docs/bundle.md` describes the file.

Everything in it is as of the same instant as the report, so that the same store gives the same bytes, whenever it is
asked. Results pass through in portions: a year of them takes no more memory than a day.
"""

import asyncio
import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from monitor.clock import iso
from monitor.reports.bundle_file import EVIDENCE, MANIFEST, NAMES, RUNS, BundleWriter, seal_folder
from monitor.reports.making import FORMATS, Order, ReportError, made_here, report_of, written
from monitor.seals.canonical import IMPORTED, TABLES, Ids, Value, Words, encoded, key_of, result_rows
from monitor.seals.findings import TIME_OF
from monitor.seals.headers import BadHeader, Header, parsed
from monitor.seals.sealing import GREATEST, contained, kept_digests, keys_in, signed, words_of
from monitor.sla.agreement import Agreement, to_json
from monitor.sla.model import Run, Verdict
from monitor.sla.periods import Period
from monitor.sla.record import Record
from monitor.sla.runs import runs_deciding
from monitor.sla.year_report import YearReport
from monitor.store import Store
from monitor.store.ids import NUMBERS_PER_WRITER, own_id
from monitor.store.lives import LONGEST_INTERVAL_MS, MISSED_BEATS
from monitor.store.located import LONGEST_CHECK_MS, SLACK_MS
from monitor.store.sealing import KEYED, NUMBERED, Row, Rows, SealRow
from monitor.store.unpacking import facts_of, first_failures_of

FORMAT = 1
# What was going on when the period began is proved, too, if it began no earlier than so long before it.
LOOKED_BACK_MS = 31 * 24 * 3_600_000
LIBRARIES = ("holidays", "jinja2", "orjson", "typst")
RUN_COLUMNS = (
    *("probe", "location", "verdict", "first_ms", "last_ms", "count"),
    *("stale_ms", "confirm_after", "reason", "step"),
)
METHOD = ("method.md", "report.md", "seal-format.md", "bundle.md")
# SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) up to the 32 bytes of the key itself.
_KEY_PREFIX = bytes.fromhex("302a300506032b6570032100")
_RUNS_OF_A_PIECE = 2_000


def write_bundle(order: Order, place: Path) -> None:
    """Makes the bundle of a report. Raises `ReportError`, `StoreError` and `OSError`; then there is no new file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{place.name}.new")
    try:
        asyncio.run(_write(order, fresh))
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)


async def _write(order: Order, place: Path) -> None:
    async with await Store.open(order.store_url, read_only=True) as store:
        await store.read_rows(lambda rows: _pack(rows, order, place))


def raw_since(record: Record, period: Period) -> int:
    """From when on results are needed to prove the period: from its beginning, or that of what was going on then."""
    earliest = period.start_ms
    for runs in record.ledger.runs.values():
        for run in runs_deciding(runs, period.interval)[:1]:
            begin = min(run.last_ms, period.start_ms) if run.verdict is Verdict.UP else run.first_ms
            if begin >= period.start_ms - LOOKED_BACK_MS:
                earliest = min(earliest, begin)
    return earliest


def has_results(sealed_ms: int, since_ms: int) -> bool:
    """Whether a seal can cover results that ended after that: they were recorded then, by clocks that nearly agree."""
    return sealed_ms >= since_ms - SLACK_MS


def public_pem(key: bytes) -> bytes:
    from base64 import b64encode

    return b"-----BEGIN PUBLIC KEY-----\n" + b64encode(_KEY_PREFIX + key) + b"\n-----END PUBLIC KEY-----\n"


def _pack(rows: Rows, order: Order, place: Path) -> None:
    record = facts_of(rows, order.as_of_ms, order.default)
    report = report_of(record, order.period, made_here(record, first_failures_of(rows, order.as_of_ms)))
    seals = [seal for seal in rows.seals() if seal.number <= max((each.number for each in record.seals), default=0)]
    with BundleWriter(place) as writer:
        writer.add(MANIFEST, _json(_manifest(order, record, report)))
        for name, content in sorted(written(report, FORMATS).items()):
            writer.add(f"report/uptime.{name}", content)
        writer.add(RUNS, runs_csv(record))
        writer.add(EVIDENCE, _json(_evidence(report)))
        packing = _Packing(rows, words_of(rows), writer, order.as_of_ms, raw_since(record, report.period))
        packing.add_names_of(record)
        for seal in seals:
            packing.add_seal(seal)
        packing.add_unsealed()
        packing.add_keys()
        for name, text in _method():
            writer.add(f"method/{name}", text)
        writer.add(NAMES, _json(packing.names_in_order()))


def _manifest(order: Order, record: Record, report: YearReport) -> dict[str, Any]:
    given = order.default if order.default is not None and tuple(record.agreements) == (order.default,) else None
    return {
        "format": FORMAT,
        "period": order.period,
        "as_of": iso(order.as_of_ms),
        "software": report.software,
        "tzdata": report.tzdata,
        "libraries": {name: version(name) for name in LIBRARIES},
        "agreement": None if given is None else agreement_json(given),
    }


def agreement_json(agreement: Agreement) -> dict[str, Any]:
    """One that is not on record, but came from the configuration."""
    return {"from_ms": agreement.from_ms, "content": to_json(agreement)}


def runs_csv(record: Record) -> Iterator[bytes]:
    """All runs, in pieces. A text is written as it is: this is for programs."""
    yield _csv([RUN_COLUMNS])
    for (probe, location), runs in sorted(record.ledger.runs.items()):
        for start in range(0, len(runs), _RUNS_OF_A_PIECE):
            yield _csv((probe, location, *_run(run)) for run in runs[start : start + _RUNS_OF_A_PIECE])


def _run(run: Run) -> tuple[str | int, ...]:
    numbers = run.first_ms, run.last_ms, run.count, run.stale_ms, run.confirm_after
    return run.verdict.value, *numbers, run.reason, run.step


def _csv(rows: Iterable[Sequence[str | int]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _evidence(report: YearReport) -> dict[str, str]:
    named = (each for component in report.components for each in component.outages)
    return {each.outage.id: each.evidence for each in named if each.evidence}


def _method() -> Iterator[tuple[str, bytes]]:
    """Of an installation or of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for name in METHOD:
        for place in (package / "shipped_docs" / name, package.parent / "docs" / name):
            if place.is_file():
                yield name, place.read_bytes()
                break


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


@dataclass(slots=True)
class _Packing:
    """What is left to be packed. Remembers which rows the seals cover so far, and which names occur."""

    rows: Rows
    words: Words
    writer: BundleWriter
    as_of_ms: int
    since_ms: int
    names: dict[str, set[str]] = field(
        default_factory=lambda: {table: set() for table in ("probes", "locations", "reasons", "steps")}
    )
    _newest: Header | None = None
    _sealed: dict[str, set[int]] = field(default_factory=dict)
    _keyed: dict[str, dict[int, Row]] = field(default_factory=dict)
    _imported: list[Ids] = field(default_factory=list)

    def add_names_of(self, record: Record) -> None:
        for (probe, location), runs in record.ledger.runs.items():
            self.names["probes"].add(probe)
            self.names["locations"].add(location)
            self.names["reasons"] |= {run.reason for run in runs if run.reason}
            self.names["steps"] |= {run.step for run in runs if run.step}

    def add_seal(self, seal: SealRow) -> None:
        """The seal and the rows that it covers, as they are on record now; of results only those that are needed."""
        folder, leaves = seal_folder(seal.number), self.rows.leaves(seal.number)
        header = _header(seal, leaves)
        with_results = has_results(seal.sealed_ms, self.since_ms)
        self.writer.add(f"{folder}/header.json", seal.header)
        self.writer.add(f"{folder}/signature", seal.signature)
        if with_results:
            self.writer.add(f"{folder}/leaves", leaves)
        for table in TABLES:
            if header.tables[table].count:
                self._add_table(f"{folder}/{table}.rows", table, header, leaves, with_results)
        self._newest = header

    def add_unsealed(self) -> None:
        """What was on record, but not sealed yet. Of what no figure depends on, nothing."""
        for table in NUMBERED:
            if table != "schedule_events":
                last = 0 if self._newest is None else self._newest.tables[table].last
                found = (row for row in self.rows.numbered(table, last + 1) if self._is_known(table, row))
                self._add_rows(f"unsealed/{table}.rows", table, found)
        for table in KEYED:
            by_key, sealed = self._by_key(table), self._sealed.get(table, set())
            fresh = [by_key[key] for key in sorted(by_key) if signed(key) not in sealed]
            known = [row for row in fresh if row[TIME_OF[table]] <= self.as_of_ms]
            known = [self._life(row) for row in known] if table == "lives" else known
            self._add_rows(f"unsealed/{table}.rows", table, known)
        self._add_if_any("unsealed/results.rows", self._unsealed_results())
        self._add_if_any("unsealed/imported.rows", self._unsealed_imported())

    def add_keys(self) -> None:
        for key in self.rows.keys():  # noqa: SIM118  # not a dictionary
            if key.made_ms <= self.as_of_ms:
                self.writer.add(f"keys/{key.fingerprint}.pem", public_pem(key.public_key))

    def names_in_order(self) -> dict[str, list[str]]:
        """In that of their numbers: where two things are equal in all else, it decides which one comes first."""
        return {table: _in_order(names, self.rows.names(table)) for table, names in self.names.items()}

    def _add_table(self, name: str, table: str, header: Header, leaves: bytes, with_results: bool) -> None:
        if table == "results":
            if with_results:
                self._add_if_any(name, self._results(header))
        elif table == IMPORTED:
            keys = keys_in(leaves, header, table)["key"].astype(np.int64)
            self._imported.append(keys)
            if with_results:
                self._add_if_any(name, self._imported_of(keys))
        elif table in NUMBERED:
            section = header.tables[table]
            self._add_rows(name, table, self.rows.numbered(table, section.first, section.last))
        else:
            keys, by_key = keys_in(leaves, header, table)["key"], self._by_key(table)
            self._sealed.setdefault(table, set()).update(keys.astype(np.int64).tolist())
            self._add_rows(name, table, (by_key[key] for key in keys.tolist() if key in by_key))

    def _by_key(self, table: str) -> dict[int, Row]:
        if table not in self._keyed:
            self._keyed[table] = {key_of(table, row): row for row in self.rows.keyed(table)}
        return self._keyed[table]

    def _add_rows(self, name: str, table: str, found: Iterable[Row]) -> None:
        self._add_if_any(name, (encoded(self._noted(table, row)) for row in found))

    def _add_if_any(self, name: str, pieces: Iterator[bytes]) -> None:
        first = next(pieces, None)
        if first is not None:
            self.writer.add(name, _after(first, pieces))

    def _noted(self, table: str, row: Row) -> Sequence[Value]:
        named = {"writers": {"locations": 2}, "probe_terms": {"probes": 0, "locations": 1}}
        for names, place in named.get(table, {}).items():
            self.names[names].add(str(row[place]))
        return row

    def _is_known(self, table: str, row: Row) -> bool:
        """Whether it was on record as of the report. A later deletion is told where it took away what belongs here."""
        known: bool = row[TIME_OF[table]] <= self.as_of_ms
        return known or (table == "prunings" and row[2] > self.since_ms)

    def _life(self, row: Row) -> Row:
        """As it was known then (see `monitor.store.lives`)."""
        number, boot_id, first_ms, last_ms, stopped_ms = row
        if stopped_ms is not None and stopped_ms <= self.as_of_ms:
            return row
        alive = last_ms >= self.as_of_ms - MISSED_BEATS * LONGEST_INTERVAL_MS
        return number, boot_id, first_ms, self.as_of_ms if alive else last_ms, None

    def _results(self, header: Header) -> Iterator[bytes]:
        boot_of = {ids[0]: boot_id for boot_id, ids in header.tables["results"].ranges.items()}
        for first, last in sorted(header.tables["results"].ranges.values()):
            for matrix in self.rows.results(first, last):
                yield self._encoded(matrix, boot_of[first])

    def _imported_of(self, keys: Ids) -> Iterator[bytes]:
        for matrix in self.rows.imported(int(keys[0]), int(keys[-1])):
            own = matrix[contained(-matrix[:, 0], keys)]
            if len(own):
                yield self._encoded(own, IMPORTED)

    def _unsealed_results(self) -> Iterator[bytes]:
        boot_ids = self.rows.boot_ids()
        for writer in self.rows.writers_of_results():
            if writer < 0 or writer not in boot_ids:
                continue
            covered = {} if self._newest is None else self._newest.results
            first = covered.get(boot_ids[writer], (0, own_id(writer, 0)))[1] + 1
            for matrix in self.rows.results(first, self._last_ended(writer, first)):
                yield self._encoded(matrix, boot_ids[writer])

    def _last_ended(self, writer: int, first: int) -> int:
        """The greatest id of the writer's results that had ended; there may be others before it that had not."""
        last = first - 1
        for matrix in self.rows.results(first, own_id(writer, NUMBERS_PER_WRITER - 1)):
            ended = matrix[matrix[:, 3] + matrix[:, 4] // 1000 <= self.as_of_ms]
            last = int(ended[-1, 0]) if len(ended) else last
            if int(matrix[:, 3].min()) > self.as_of_ms + LONGEST_CHECK_MS + SLACK_MS:
                break
        return last

    def _unsealed_imported(self) -> Iterator[bytes]:
        sealed = np.sort(np.concatenate(self._imported)) if self._imported else np.zeros(0, dtype=np.int64)
        for matrix in self.rows.imported(1, GREATEST):
            wanted = (matrix[:, 3] + matrix[:, 4] // 1000 <= self.as_of_ms) & (matrix[:, 3] >= self.since_ms)
            own = matrix[wanted & ~contained(-matrix[:, 0], sealed)]
            if len(own):
                yield self._encoded(own, IMPORTED)

    def _encoded(self, matrix: Ids, boot_id: str) -> bytes:
        for table, column in (("probes", 1), ("locations", 2), ("reasons", 6), ("steps", 7)):
            words = getattr(self.words, table)
            places = np.unique(words.places(np.unique(matrix[:, column]))).tolist()
            self.names[table] |= {words.texts[place] for place in places} - {""}
        return b"".join(result_rows(matrix, boot_id, self.words, kept_digests(self.rows, matrix)))


def _in_order(names: set[str], numbers: Mapping[int, str]) -> list[str]:
    known = [name for _, name in sorted(numbers.items()) if name in names]
    return known + sorted(names - set(known))


def _after(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces


def _header(seal: SealRow, leaves: bytes) -> Header:
    try:
        header = parsed(seal.header)
        if sha256(leaves).hexdigest() != header.leaves:
            raise BadHeader("its leaves were changed")
    except BadHeader as error:
        raise ReportError(f"seal {seal.number}: {error}; efento-uptime verify tells more") from error
    return header
