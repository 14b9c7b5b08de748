"""The runs whose results were deleted for their age: a seal proves them, because nothing can make them anew any more.

Nothing changes such a run: imports and late results begin after the edge, which is where the deleted results ended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from monitor.clock import iso
from monitor.seals.canonical import encoded
from monitor.seals.findings import Finding, Verified, instant
from monitor.seals.headers import FrozenRuns, Header
from monitor.store.schema import VERDICTS
from monitor.store.sealing import Rows


@dataclass(frozen=True, slots=True)
class _Run:
    """`over_ms` is when it stopped speaking; `whole` are its bytes, `begun` those of it while it may still go on."""

    first_ms: int
    over_ms: int
    whole: bytes
    begun: bytes


def frozen_at(rows: Rows, edges: Iterable[int]) -> Mapping[int, FrozenRuns]:
    """By edge, the runs that were over by then, and the beginnings of those that went on. Edges may repeat."""
    wanted = sorted(set(edges))
    runs = list(_runs(rows)) if wanted else []
    over = sorted(runs, key=lambda run: (run.over_ms, run.whole))
    begun = sorted(runs, key=lambda run: run.first_ms)
    digest, done, reached = sha256(), 0, 0
    going_on: list[_Run] = []
    found: dict[int, FrozenRuns] = {}
    for edge_ms in wanted:
        while done < len(over) and over[done].over_ms < edge_ms:
            digest.update(over[done].whole)
            done += 1
        while reached < len(begun) and begun[reached].first_ms < edge_ms:
            going_on.append(begun[reached])
            reached += 1
        going_on = [run for run in going_on if run.over_ms >= edge_ms]
        so_far = digest.copy()
        so_far.update(b"".join(sorted(run.begun for run in going_on)))
        found[edge_ms] = FrozenRuns(edge_ms, done + len(going_on), so_far.hexdigest())
    return found


def check_frozen(rows: Rows, headers: Sequence[Header], verification: Verified) -> None:
    """Holds each deletion against the seal before it that proves the runs, and the runs against that seal.

    A seal on which no deletion relies is not asked: an import may have changed runs of its time since. Where nothing
    was sealed yet, nothing was proved. Only the first of each that does not hold is told.
    """
    relied_on: dict[int, FrozenRuns] = {}
    for number, pruned_ms, before_ms, _content in rows.numbered("prunings", 1):
        pruned_at = iso(pruned_ms)
        earlier = [header for header in headers if header.sealed_at <= pruned_at]
        proving = [each for each in earlier if each.runs is not None and each.runs.before_ms == before_ms]
        relied_on |= {header.number: header.runs for header in proving if header.runs is not None}
        if earlier and not proving:
            text = f"row {number} of prunings deletes results whose runs no seal before it proves"
            verification.findings.append(Finding("removed", text, None, "prunings", str(number), pruned_at))
            break
    found = frozen_at(rows, (runs.before_ms for runs in relied_on.values()))
    for number, runs in sorted(relied_on.items()):
        if found[runs.before_ms] != runs:
            text = f"runs from before {instant(runs.before_ms)} are not those that seal {number} proves"
            verification.findings.append(Finding("run", text, number, "runs"))
            break


def _runs(rows: Rows) -> Iterator[_Run]:
    probes, locations = rows.names("probes"), rows.names("locations")
    for pair in rows.pairs_of_runs():
        place = (probes.get(pair[0], f"#{pair[0]}"), locations.get(pair[1], f"#{pair[1]}"))
        for run in rows.runs(pair):
            yield _run(place, run)


def _run(place: tuple[str, str], run: Any) -> _Run:
    verdict = VERDICTS[run.verdict].value if run.verdict in VERDICTS else run.verdict
    facts = (*place, verdict, run.first_ms, run.stale_ms, run.confirm_after, run.reason or "", run.step or "")
    return _Run(
        run.first_ms,
        run.last_ms + run.stale_ms,
        encoded((*facts, run.last_ms, run.checks)),
        encoded((*facts, None, None)),
    )
