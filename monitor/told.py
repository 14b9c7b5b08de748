"""An outage as the pages tell it: its story, the checks at its beginning and end, and what was kept of its failure."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from monitor.sla.intervals import Interval
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.story import Story, story_of
from monitor.sla.support_hours import Holidays
from monitor.store import Evidence, Store, StoredResult

FIRST_CHECKS, LAST_CHECKS = 30, 20
# Of an outage that lasted longer than this twice over, the checks in between are not even read.
PART_MS = 15 * 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """`first` and `last` are its checks in order of time; where `cut`, others lie between them. Evidence and pictures
    are those of the first failed check, `failure`."""

    story: Story
    as_of_ms: int
    first: Sequence[StoredResult] = ()
    last: Sequence[StoredResult] = ()
    cut: bool = False
    failure: StoredResult | None = None
    evidence: Evidence | None = None
    pictures: Sequence[str] = ()


async def told(store: Store, record: Record, outage: Outage, holidays_of: Callable[[str], Holidays]) -> Told:
    """Raises `StoreError` where the store cannot be read."""
    found = await _with_checks(store, untold(record, outage, holidays_of))
    if found.failure is None:
        return found
    kept = await store.pictures(found.failure.id)
    return replace(
        found,
        evidence=await store.evidence(found.failure.id),
        pictures=[each.name for each in kept],
    )


def untold(record: Record, outage: Outage, holidays_of: Callable[[str], Holidays]) -> Told:
    """What the record alone tells."""
    return Told(story_of(record, outage, holidays_of), record.as_of_ms)


async def _with_checks(store: Store, found: Told) -> Told:
    story = found.story
    start, end = story.checks
    beginning = await _read(store, (start, min(end, start + PART_MS)), story.probes)
    ending = await _read(store, (max(start + PART_MS, end - PART_MS), end), story.probes)
    known = [*beginning, *ending]
    cut = True
    if end - start <= 2 * PART_MS:  # nothing lies between the two
        beginning, ending = known[:FIRST_CHECKS], known[FIRST_CHECKS:]
        cut = len(ending) > LAST_CHECKS
    failure = next((check for check in known if _is_failure_of(check, story.outage)), None)
    return replace(found, first=beginning[:FIRST_CHECKS], last=ending[-LAST_CHECKS:], cut=cut, failure=failure)


async def _read(store: Store, interval: Interval, probes: frozenset[str]) -> list[StoredResult]:
    """The first and the last of the checks, as many as are shown of them."""
    first: list[StoredResult] = []
    last: deque[StoredResult] = deque(maxlen=LAST_CHECKS + 1)  # one more tells that there were more
    async with aclosing(store.results(*interval)) as results:
        async for check in results:
            if check.probe in probes:
                (first if len(first) < FIRST_CHECKS else last).append(check)
    return [*first, *last]


def _is_failure_of(check: StoredResult, outage: Outage) -> bool:
    return check.started_ms >= outage.start_ms and check.verdict.value == "down" and check.probe in outage.probes
