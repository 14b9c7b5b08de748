"""What a set of outages was like: how many, how long, how soon noticed and over, how far apart. Milliseconds."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from monitor.sla.components import component_spans
from monitor.sla.deadlines import promised_at
from monitor.sla.intervals import Interval
from monitor.sla.membership import members_between, memberships
from monitor.sla.model import DownWhen, Ledger, Run, State
from monitor.sla.outages import Outage
from monitor.sla.probe_spans import Fate, judged
from monitor.sla.record import Record
from monitor.sla.runs import runs_deciding


@dataclass(frozen=True, slots=True)
class OutageStatistics:
    """Of all outages that touch a period, each with its whole length, wherever it began; None where there is none.

    An outage that goes on counts with its length so far: `open` tells how many do, and that lengths will grow. Lengths
    of outages are rounded up, time between failures down, so that neither flatters. `percentile_90_ms` is by nearest
    rank: an outage that there was. The mean time to detect is a lower bound: it counts from the first failed check to
    the start of the one that confirmed it, and the fault itself was up to an interval of the probe before.
    """

    count: int
    open: int
    longest_ms: int | None = None
    median_ms: int | None = None
    percentile_90_ms: int | None = None
    mean_time_to_detect_ms: int | None = None
    mean_time_to_restore_ms: int | None = None
    mean_time_between_failures_ms: int | None = None


def outage_statistics(
    outages: Iterable[Outage], period: Interval, as_of_ms: int, *, up_ms: int, detected_ms: Iterable[int] = ()
) -> OutageStatistics:
    """The statistics of those outages that touch the period, as of an instant.

    `up_ms` is how long the component was up in the period; `detected_ms` are the times to detect that are known, from
    an outage's start to `confirmed_ms`.
    """
    touching = [each for each in outages if each.start_ms < period[1] and (each.end_ms or as_of_ms) > period[0]]
    if not touching:
        return OutageStatistics(0, 0)
    lengths = sorted((as_of_ms if each.end_ms is None else each.end_ms) - each.start_ms for each in touching)
    return OutageStatistics(
        count=len(lengths),
        open=sum(1 for each in touching if each.end_ms is None),
        longest_ms=lengths[-1],
        median_ms=_median(lengths),
        percentile_90_ms=lengths[math.ceil(Fraction(9, 10) * len(lengths)) - 1],
        mean_time_to_detect_ms=_mean(list(detected_ms)),
        mean_time_to_restore_ms=_mean(lengths),
        mean_time_between_failures_ms=up_ms // len(lengths),
    )


def statistics_of(record: Record, outages: Sequence[Outage], period: Interval, *, up_ms: int) -> OutageStatistics:
    """The statistics of the record's outages that touch the period; times to detect are those that it tells of."""
    touching = [each for each in outages if each.start_ms < period[1] and (each.end_ms or record.as_of_ms) > period[0]]
    detected = [at_ms - outage.start_ms for outage in touching if (at_ms := confirmed_in(record, outage)) is not None]
    return outage_statistics(touching, period, record.as_of_ms, up_ms=up_ms, detected_ms=detected)


def confirmed_in(record: Record, outage: Outage) -> int | None:
    """`confirmed_ms` by the rules of the agreement that held when the outage began."""
    promised = promised_at(record, outage)
    if promised is None:
        return confirmed_ms(record.ledger, outage)
    needed = promised.locations_needed
    return confirmed_ms(record.ledger, outage, promised.terms.down_when, locations_needed=needed)


def confirmed_ms(
    ledger: Ledger, outage: Outage, down_when: DownWhen = DownWhen.ANY, *, locations_needed: int | None = None
) -> int | None:
    """When the check began that made it known that the component is down: the first instant as of which it was so.

    Early by the length of that check, which tells nothing before it ends. Runs do not hold every check's time: those of
    one run are taken to be evenly spread, as they are at the pace of repeated ones. None where the ledger does not hold
    the outage.
    """
    beyond_ms = outage.start_ms + 1 if outage.end_ms is None else outage.end_ms
    membership = memberships(ledger.terms, outage.component)
    if down_when is DownWhen.ANY:  # then the others do not matter
        membership = {place: stretches for place, stretches in membership.items() if place[0] in outage.probes}
    members = members_between(membership, (outage.start_ms, max(beyond_ms, outage.start_ms + 1)))
    known = {place: runs_deciding(ledger.runs.get(place, ()), (outage.start_ms, beyond_ms)) for place in members}
    confirmations = {at_ms for runs in known.values() for at_ms in _confirmations(runs)}
    at_first = (outage.start_ms, outage.start_ms + 1)
    for at_ms in sorted({outage.start_ms, *confirmations}):
        if at_ms < outage.start_ms:
            continue
        as_then = replace(ledger, runs={place: _until(runs, at_ms) for place, runs in known.items()})
        (span,) = component_spans(
            as_then, outage.component, at_first, down_when, locations_needed=locations_needed, membership=membership
        )
        if span.state is State.DOWN:
            return at_ms
    return None


def _confirmations(runs: Sequence[Run]) -> Iterator[int]:
    """When each confirmed stretch of failures had enough of them."""
    failures, confirmed = 0, False
    for run, fate in judged(runs):
        if fate is Fate.UP:
            failures, confirmed = 0, False
        elif fate is Fate.DOWN and not confirmed:
            needed = max(run.confirm_after - failures, 1)
            failures += run.count
            if confirmed := needed <= run.count:
                yield _time_of(run, needed)


def _until(runs: Sequence[Run], at_ms: int) -> list[Run]:
    """The runs as they were when the check that began at that time was the newest."""
    return [_cut(run, at_ms) for run in runs if run.first_ms <= at_ms]


def _cut(run: Run, at_ms: int) -> Run:
    if run.last_ms <= at_ms:
        return run
    count = 1 + (at_ms - run.first_ms) * (run.count - 1) // (run.last_ms - run.first_ms)
    return replace(run, last_ms=_time_of(run, count), count=count)


def _time_of(run: Run, number: int) -> int:
    """When the run's check of that number began, counted from 1; exact for the first and the last one."""
    if number == 1 or run.count == 1:
        return run.first_ms
    return run.first_ms + math.ceil(Fraction((run.last_ms - run.first_ms) * (number - 1), run.count - 1))


def _median(ordered: Sequence[int]) -> int:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else math.ceil(Fraction(ordered[middle - 1] + ordered[middle], 2))


def _mean(values: Sequence[int]) -> int | None:
    return math.ceil(Fraction(sum(values), len(values))) if values else None
