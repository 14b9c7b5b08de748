"""The runs whose results were deleted for their age: a seal proves them, because nothing can make them anew any more.

Nothing changes such a run: imports and late results begin after the edge, which is where the deleted results ended.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from monitor.seals.canonical import encoded
from monitor.seals.findings import Finding, Verified, instant
from monitor.seals.headers import FrozenRuns
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


def check_frozen(rows: Rows, sealed: Mapping[int, FrozenRuns], verification: Verified) -> None:
    """Holds runs against what each seal, by its number, says of them; only the first that differs is told."""
    found = frozen_at(rows, (each.before_ms for each in sealed.values()))
    for number, each in sorted(sealed.items()):
        if found[each.before_ms] != each:
            text = (
                f"runs from before {instant(each.before_ms)} are not those of seal {number}; the results that they were "
                "made of were deleted, so that which of them differs cannot be told"
            )
            verification.findings.append(Finding("run", text, number, "runs"))
            return


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
