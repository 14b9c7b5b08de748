"""How far the past is settled: what comes in from now on, in order, cannot change a state before that instant.

Counters that only ever grow must not count what may still turn out otherwise: a failure becomes a blip or an outage
with the next results.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from operator import attrgetter

from monitor.sla.membership import Membership, Place, in_service_since, memberships
from monitor.sla.model import Ledger, Run, Verdict
from monitor.sla.probe_spans import Fate, judged
from monitor.sla.runs import runs_deciding, silent_between


def settled_until(runs: Sequence[Run], now_ms: int, margin_ms: int) -> int:
    """The instant up to which a probe's states at one location are final at `now_ms`.

    `margin_ms` is the longest that a check may take: a result that comes in later began that long before, at most.
    """
    latest_ms = now_ms - margin_ms
    if not runs:
        return latest_ms
    last = runs[-1]
    if now_ms > last.last_ms + last.stale_ms + margin_ms:
        return latest_ms  # silence has followed, and it settles a failure too
    if last.verdict is Verdict.UP:
        return min(latest_ms, last.last_ms)
    return min(_oldest_open(runs, now_ms), latest_ms, last.last_ms)


def _oldest_open(runs: Sequence[Run], now_ms: int) -> int:
    """The start of the oldest failure that is neither confirmed nor cleared nor silenced; else `now_ms`."""
    oldest = now_ms
    following: Run | None = None
    for run, fate in reversed(judged(runs_deciding(runs, (runs[-1].last_ms, now_ms)))):
        if run.verdict is Verdict.UP or (following is not None and silent_between(run, following)):
            break
        if fate is Fate.UNCONFIRMED:
            oldest = run.first_ms
        following = run
    return oldest


def component_settled_until(
    ledger: Ledger, key: str, now_ms: int, margin_ms: int, *, membership: Membership | None = None
) -> int | None:
    """The same for a component: as far as all probes are settled that it ever had; None where it never had one.

    Those that left it count too, until silence settles them: a failure just before a probe was moved or taken out is
    confirmed by what the probe finds after that, under another component or once it is back.
    """
    if membership is None:
        membership = memberships(ledger.terms, key)
    since_ms = in_service_since(membership)
    if since_ms is None:
        return None
    settled = (settled_until(ledger.runs.get(place, ()), now_ms, margin_ms) for place in membership)
    return max(since_ms, min(settled))


def piece_end_ms(
    ledger: Ledger, places: Collection[Place], settled_ms: int, until_ms: int, runs_of_each: int
) -> int | None:
    """Where a piece of a long past with so many runs of each place ends; None where all before `until_ms` is one."""
    ends = []
    for place in places:
        runs = ledger.runs.get(place, ())
        beyond = bisect_left(runs, settled_ms, key=attrgetter("first_ms")) + runs_of_each
        if beyond < len(runs):
            ends.append(max(runs[beyond].first_ms, settled_ms + 1))
    return min((end_ms for end_ms in ends if end_ms < until_ms), default=None)
