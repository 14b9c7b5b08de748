"""Which samples were certainly in the platform at a moment, e.g. when a backup was made: those seen there before.

A sample's own time proves nothing, because what was not sent in time is sent later. So each check keeps what it knows
as a snapshot; of the older ones a few remain, spread over the time. Pure, but for the journey's memory.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from probes.contract import Journey
from probes.efento.backlog import in_state
from probes.efento.samples import SampleRun, SampleState

DAY = 86_400
OLDEST = 40 * DAY
KEY = "seen"
RUNS = 20  # at most so many of a window: a history full of holes is verified at its newest end

Stretch = tuple[int, int, int]
Seen = Mapping[str, Sequence[Stretch]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was known at `at` (Unix seconds): for each serial number, stretches of (first, last, period)."""

    at: int
    seen: Seen


def seen_now(serials: Sequence[str], journey: Journey, window: int, ages: Sequence[int]) -> Snapshot:
    """Of the windows that end at each of the ages in days."""
    now = ceil(journey.now().timestamp())  # rounded down it would claim what was seen within this second for before it
    return Snapshot(now, {serial: _stretches(journey.sample_runs(serial), now, window, ages) for serial in serials})


def _stretches(runs: Sequence[SampleRun], now: int, window: int, ages: Sequence[int]) -> list[Stretch]:
    found: set[Stretch] = set()
    for age in ages:
        end = now - age * DAY
        newest = max((run.last for run in runs if run.state is SampleState.SEEN and run.first <= end), default=end)
        end = min(end, newest) if age == 0 else end
        inside = [cut for run in runs if run.state is SampleState.SEEN and (cut := _cut(run, end - window + 1, end))]
        found.update(inside[-RUNS:])
    return sorted(found)


def _cut(run: SampleRun, first: int, last: int) -> Stretch | None:
    times = sorted(in_state([run], run.state, first, last))
    return (times[0], times[-1], run.period) if times else None


def keep(journey: Journey, snapshot: Snapshot) -> list[Snapshot]:
    """Puts the snapshot on record; returns all that are on record, the oldest first.

    Of those with an age between two powers of four the oldest is kept, so there is always one not much older than any
    moment of the past.
    """
    kept: dict[int, Snapshot] = {}
    known = [each for each in recorded(journey) if any(each.seen.values())]  # an empty one must not take the place
    for each in sorted([*known, snapshot], key=lambda each: each.at):
        age = max(0, snapshot.at - each.at)
        if age <= OLDEST:
            kept.setdefault(age.bit_length() // 2, each)
    kept[-1] = snapshot
    snapshots = sorted({each.at: each for each in kept.values()}.values(), key=lambda each: each.at)
    journey.remember(KEY, json.dumps([[each.at, each.seen] for each in snapshots], separators=(",", ":")))
    return snapshots


def recorded(journey: Journey) -> list[Snapshot]:
    try:
        return [Snapshot(int(at), as_seen(seen)) for at, seen in json.loads(journey.recall(KEY) or "[]")]
    except (ValueError, TypeError, AttributeError):
        return []


def as_seen(stored: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, list[Stretch]]:
    """From JSON, which has no tuples. Raises `ValueError`, `TypeError` or `AttributeError` for anything else."""
    return {
        str(serial): [(int(first), int(last), int(period)) for first, last, period in stretches]
        for serial, stretches in stored.items()
    }


def before(snapshots: Sequence[Snapshot], moment: float) -> Seen:
    """What the newest snapshot from before the moment knows; nothing where there is none."""
    usable = [each for each in snapshots if each.at < moment]
    return usable[-1].seen if usable else {}
