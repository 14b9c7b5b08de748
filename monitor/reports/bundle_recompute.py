"""Is a bundle true to itself? Makes everything in it anew that can be made, with no store, configuration or secret.

Seals are held against each other and their keys, rows against seals, runs against results, and the report's bytes
against those that the facts make here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from monitor.clock import iso
from monitor.reports.bundle import LIBRARIES, has_results, public_pem, raw_since
from monitor.reports.bundle_contents import UNREADABLE, Contents, manifest_of
from monitor.reports.bundle_file import BundleError, BundleFile
from monitor.reports.bundle_rows import ResultReader
from monitor.reports.bundle_seals import SealedRows
from monitor.reports.making import FORMATS, ReportError, made_here, report_of, tzdata_version, written
from monitor.seals.canonical import Ids
from monitor.seals.chain import GoodSeal, check_chain
from monitor.seals.findings import Verified
from monitor.seals.headers import Header
from monitor.seals.results_check import Pruned
from monitor.seals.run_check import RunCheck
from monitor.sla.model import Verdict
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.year_report import YearReport
from monitor.store.ids import import_id
from monitor.store.schema import VERDICT_CODES
from monitor.store.sealing import NUMBERED
from monitor.store.unpacking import NAMED, Unpacking, facts_of, unpacking
from monitor.version import VERSION

_DOWN = VERDICT_CODES[Verdict.DOWN]
# What `check_chain` says of every seal whose leaves are not in a bundle, because its results are not, either.
_NO_LEAVES = "its leaves were changed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `text` says what agrees; `findings` what does not, the first one first."""

    name: str
    text: str
    findings: Sequence[str] = ()


@dataclass(slots=True)
class Recomputed:
    """What came of it. `notes` say what could not be looked at, or what to know; nothing of it is wrong."""

    period: str
    as_of: str
    software: str
    newest: Mapping[str, Any] | None = None
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        return not any(check.findings for check in self.checks)

    @property
    def first(self) -> str | None:
        """The first thing that does not agree."""
        return next((finding for check in self.checks for finding in check.findings), None)

    def as_json(self) -> dict[str, Any]:
        return {
            "agrees": self.agrees,
            "first": self.first,
            "period": self.period,
            "as_of": self.as_of,
            "software": self.software,
            "newest_seal": self.newest,
            "checks": [asdict(check) for check in self.checks],
            "notes": self.notes,
        }


def recompute(
    place: Path,
    *,
    expected: Mapping[int, Sequence[str]] | None = None,
    trusted: str | None = None,
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> Recomputed:
    """Looks at a bundle. `expected` and `trusted` are as those of `monitor.seals.verify`.

    `on_bytes` is told how much of the results was looked at since it was told last (see `bytes_of_results`). Raises
    `BundleError` where it is no bundle.
    """
    with BundleFile(place, on_bytes) as bundle, unpacking() as tables:
        contents = Contents(bundle, tables, manifest_of(bundle))
        contents.read()
        return _Recomputation(contents, tables).run(expected or {}, trusted)


def bytes_of_results(place: Path) -> int:
    """Raises `BundleError`."""
    with BundleFile(place) as bundle:
        return bundle.bytes_of_results()


@dataclass
class _Recomputation:
    contents: Contents
    tables: Unpacking
    _verified: Verified = field(default_factory=Verified)
    _seen: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # results that are named as evidence: start, verdict

    def run(self, expected: Mapping[int, Sequence[str]], trusted: str | None) -> Recomputed:
        manifest = self.contents.manifest
        found = Recomputed(manifest.period, manifest.as_of, manifest.software)
        good = self._check_seals(expected, trusted, found)
        self._check_rows(good, found)
        self._check_evidence(found)
        self._check_report(found)
        self._note(expected, trusted, found)
        return found

    @cached_property
    def record(self) -> Record | str:
        """The facts; why there are none, where they make no sense."""
        manifest = self.contents.manifest
        try:
            return facts_of(self.tables.rows, manifest.as_of_ms, manifest.default)
        except UNREADABLE as error:
            return f"the facts make no sense: {type(error).__name__}: {error}"[:300]

    @cached_property
    def report(self) -> YearReport | str:
        """The report that the facts make, as if by the versions that made it first."""
        if isinstance(self.record, str):
            return self.record
        manifest = self.contents.manifest
        made = replace(
            made_here(self.record, {}),
            software=manifest.software,
            tzdata=manifest.tzdata,
            evidence=self.contents.evidence,
        )
        try:
            return report_of(self.record, manifest.period, made)
        except (ReportError, *UNREADABLE) as error:
            return f"the facts make no report: {type(error).__name__}: {error}"[:300]

    @cached_property
    def since_ms(self) -> int:
        """From when on results have to be there; where there is no report, it is wrong anyway."""
        if isinstance(self.record, str) or isinstance(self.report, str):
            return self.contents.manifest.as_of_ms
        return max(raw_since(self.record, self.report.period), 0)

    def _check_seals(
        self, expected: Mapping[int, Sequence[str]], trusted: str | None, found: Recomputed
    ) -> list[GoodSeal]:
        rows, verified = self.tables.rows, self._verified
        try:
            good = check_chain(rows, expected, trusted, verified)
        except UNREADABLE as error:
            found.checks.append(Check("seals", "", [f"the seals make no sense: {error}"[:300]]))
            return []
        needed = {seal.number for seal in rows.seals() if has_results(seal.sealed_ms, self.since_ms)}
        findings = [
            finding.text
            for finding in verified.findings
            if finding.seal in needed or not finding.text.endswith(_NO_LEAVES)
        ]
        findings += self._strange_keys()
        count, keys = verified.seals, len({seal.key for seal in rows.seals()})
        text = f"{count} follow each other and are signed, by {keys} key{'' if keys == 1 else 's'}" if count else "none"
        found.checks.append(Check("seals", text, findings))
        found.newest = verified.newest
        return good

    def _strange_keys(self) -> list[str]:
        bundle = self.contents.bundle
        known = {f"keys/{key.fingerprint}.pem": key.public_key for key in self.tables.rows.keys()}  # noqa: SIM118
        return [
            f"{name}: the public key is another one"
            for name in bundle.names()
            if name.startswith("keys/") and (name not in known or public_pem(known[name]) != bundle.read(name))
        ]

    def _check_rows(self, good: Sequence[GoodSeal], found: Recomputed) -> None:
        """Rows against seals, and what they make against the runs: results are read only once."""
        rows = self.tables.rows
        numbers = {table: self.tables.numbers(table) for table in (*NAMED, "writers")}
        runs, pruned = RunCheck.of(rows), Pruned.of(rows)
        sealed = SealedRows(
            self.contents.bundle,
            ResultReader(numbers),
            rows.boot_ids(),
            pruned,
            lambda matrix: self._take(runs, matrix),
        )
        for seal in good:
            needs = has_results(self._sealed_ms(seal), self.since_ms)
            sealed.check(seal.header, seal.leaves_hold, needs)
            sealed.findings += self._open_lives(seal)
        newest = good[-1].header if good else None
        unsealed = sealed.take_unsealed(newest)
        findings = [*sealed.findings, *self._misplaced(newest), *self.contents.problems]
        found.checks.append(Check("rows", f"{sealed.rows:,} are those that were sealed", findings))
        self._note_rows(sealed, unsealed, found)
        self._check_runs(runs, pruned, found)

    def _misplaced(self, newest: Header | None) -> list[str]:
        """Rows that are said not to be sealed yet come after those that are."""
        lasts = {table: newest.tables[table].last if newest else 0 for table in NUMBERED}
        return [
            f"unsealed/{table}.rows: row {number} is not in its place"
            for table, number in self.contents.first_unsealed.items()
            if number <= lasts.get(table, -1)
        ]

    def _sealed_ms(self, seal: GoodSeal) -> int:
        return next(row.sealed_ms for row in self.tables.rows.seals() if row.number == seal.header.number)

    def _take(self, runs: RunCheck, matrix: Ids) -> None:
        ended = matrix[matrix[:, 3] + matrix[:, 4] // 1000 <= self.contents.manifest.as_of_ms]
        runs.add(ended)
        for row in ended[np.isin(ended[:, 0], self._named)]:
            self._seen[int(row[0])] = int(row[3]), int(row[5])

    @cached_property
    def _named(self) -> Ids:
        writers = self.tables.numbers("writers")
        return np.array([import_id(name, writers) for name in self.contents.evidence.values()], dtype=np.int64)

    def _open_lives(self, seal: GoodSeal) -> list[str]:
        """A life that went on when it was sealed has the same beginning, and has only become longer."""
        there = {row[0]: row for row in self._lives}
        return [
            f"row {number} of lives is not the one that seal {seal.header.number} covers"
            for number, (boot_id, first_ms, last_ms) in seal.header.open_lives.items()
            if number not in there or there[number][1:3] != (boot_id, first_ms) or there[number][3] < last_ms
        ][:1]

    @cached_property
    def _lives(self) -> list[tuple[Any, ...]]:
        return list(self.tables.rows.keyed("lives"))

    def _check_runs(self, runs: RunCheck, pruned: Pruned, found: Recomputed) -> None:
        if isinstance(self.report, str):
            found.checks.append(Check("runs", "", [self.report]))
            return
        since_ms, verified = max(self.since_ms, pruned.before_ms), Verified()
        try:
            runs.finish(since_ms, verified)
        except UNREADABLE as error:
            found.checks.append(Check("runs", "", [f"the runs make no sense: {error}"[:300]]))
            return
        text = f"{verified.runs:,} are those that the results make, from {iso(since_ms)} on"
        found.checks.append(Check("runs", text, [finding.text for finding in verified.findings]))
        if self.contents.runs > verified.runs:
            found.notes.append(
                f"{self.contents.runs - verified.runs:,} runs from before {iso(since_ms)} are taken as recorded: the "
                "results that they are made of are not in the bundle"
            )
        if pruned.before_ms > self.since_ms:
            found.notes.append(
                f"results from before {iso(pruned.before_ms)} were deleted for their age: until then, runs are taken "
                "as recorded"
            )

    def _check_evidence(self, found: Recomputed) -> None:
        """Each result that an outage names is there, failed, and did so in it. (Of two daemons that take turns at a
        location, the one that began it may be the other's.)"""
        if isinstance(self.report, str):
            return
        outages = {each.outage.id: each.outage for line in self.report.components for each in line.outages}
        writers, findings, looked_at = self.tables.numbers("writers"), [], 0
        edge_ms = max(self.since_ms, Pruned.of(self.tables.rows).before_ms)
        for name_of, name in sorted(self.contents.evidence.items()):
            outage, result = outages.get(name_of), self._seen.get(import_id(name, writers))
            if outage is None:
                findings.append(f"record/evidence.json names an outage {name_of}, of which there is none")
            elif result is not None and not _failed_in(outage, *result):
                findings.append(f"outage {name_of}: result {name}, which it names, did not fail in it")
            elif result is None and outage.start_ms >= edge_ms:
                findings.append(f"outage {name_of}: result {name}, which it names, is not there")
            looked_at += result is not None
        text = f"{looked_at} results that outages name are there, and failed"
        found.checks.append(Check("evidence", text, findings))

    def _check_report(self, found: Recomputed) -> None:
        if isinstance(self.report, str):
            found.checks.append(Check("report", "", [self.report]))
            return
        try:
            found.files = written(self.report, FORMATS)
        except UNREADABLE as error:
            found.checks.append(Check("report", "", [f"it cannot be written: {error}"[:300]]))
            return
        findings = [text for name in FORMATS if (text := self._difference(name, found.files[name]))]
        found.checks.append(Check("report", f"{', '.join(FORMATS)} have the same bytes", findings))

    def _difference(self, name: str, made: bytes) -> str | None:
        file = f"report/uptime.{name}"
        try:
            packed = self.contents.bundle.needed(file)
        except BundleError as error:
            return str(error)
        if packed == made:
            return None
        place = next((at for at, (one, other) in enumerate(zip(packed, made, strict=False)) if one != other), None)
        place = min(len(packed), len(made)) if place is None else place
        line = packed.count(b"\n", 0, place) + 1
        where = f"byte {place}" if name == "pdf" else f"line {line}"
        return f"{file} is not the report that the facts make: it differs from {where} on"

    def _note_rows(self, sealed: SealedRows, unsealed: Mapping[str, int], found: Recomputed) -> None:
        if sealed.left_out:
            found.notes.append(f"{sealed.left_out:,} sealed results from before the period are not in the bundle")
        if sealed.gone:
            found.notes.append(
                f"{sealed.gone:,} results were deleted for their age; what is left of their seals is held against four "
                "bytes of each row's digest"
            )
        counts = {**self.contents.unsealed, **unsealed}
        if counts:
            shown = ", ".join(f"{count:,} of {table}" for table, count in sorted(counts.items()) if count)
            found.notes.append(f"recorded after the newest seal, so that nothing proves them: {shown}")

    def _note(self, expected: Mapping[int, Sequence[str]], trusted: str | None, found: Recomputed) -> None:
        manifest = self.contents.manifest
        if manifest.agreement is not None:
            found.notes.append("no agreement was on record: it is that of the configuration, and no seal covers it")
        if not expected and trusted is None:
            found.notes.append(
                "compare the newest digest with one that was told elsewhere (--digest), or name the key (--key): "
                "without, a bundle that was made up as a whole cannot be told from a true one"
            )
        here = _versions_here()
        given = {"efento-uptime": manifest.software, "tzdata": manifest.tzdata, **manifest.libraries}
        other = [f"{name} {of} (here {here.get(name, 'none')})" for name, of in given.items() if here.get(name) != of]
        if other:
            found.notes.append(f"it was made with other versions: {', '.join(other)[:500]}")


def _failed_in(outage: Outage, started_ms: int, verdict: int) -> bool:
    within = outage.start_ms <= started_ms and (outage.end_ms is None or started_ms < outage.end_ms)
    return within and verdict == _DOWN


def _versions_here() -> dict[str, str]:
    found = {"efento-uptime": VERSION, "tzdata": tzdata_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
