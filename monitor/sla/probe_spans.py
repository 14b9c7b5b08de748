"""From a probe's runs at one location to its state at every instant.

Two stages, kept apart: `judged` decides what each run is worth (confirmation), `_stretches` where in time it counts.
The bounds of the figures have another second stage and the same first one: see `bounds`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from monitor.sla.intervals import Interval
from monitor.sla.model import Cause, Life, Run, Span, State, Verdict
from monitor.sla.runs import runs_deciding, silent_between
from monitor.sla.silence import HEARTBEAT_MS, Silence

Worth = tuple[State, Cause | None, bool]
"""What a stretch of time counts as: state, cause of not knowing, blip."""

# The causes that a result states itself, by a reason of the same name.
_REASONS = frozenset(
    {
        Cause.BLOCKED,
        Cause.OFFLINE,
        Cause.NO_CREDIT,
        Cause.CAPPED,
        Cause.PROBE_BUG,
        Cause.WRONG_ZONE,
        Cause.NOTHING_TO_VERIFY,
    }
)


class Fate(StrEnum):
    """What a run of results turned out to be."""

    UP = "up"
    DOWN = "down"  # failures that were confirmed
    BLIP = "blip"  # failures that a success cleared
    UNCONFIRMED = "unconfirmed"  # failures that nothing confirmed or cleared, at least not yet
    UNKNOWN = "unknown"


def judged(runs: Iterable[Run]) -> list[tuple[Run, Fate]]:
    """Confirmation: each run and its fate.

    Failures in a row make the probe down from the first of them as soon as there are `confirm_after`; a success
    clears fewer. Unknown results neither count nor clear nor end. A silence ends the counting, but not an outage that
    was confirmed before it: only a success ends that.
    """
    trial = _Trial()
    for run in runs:
        trial.hear(run)
    return trial.finished()


def probe_spans(
    runs: Sequence[Run], until_ms: int, lives: Iterable[Life], location: str, *, heartbeat_ms: int = HEARTBEAT_MS
) -> list[Span]:
    """Tiles `[first result, until_ms)` without a hole or an overlap; empty where there is no result before `until_ms`.

    A result speaks until the next one, but at most for its `stale_ms`; beyond that the state is unknown, for the cause
    that the lives tell (see `Silence`). Runs from `until_ms` on are not shown, but may confirm or clear what is.
    """
    silence = Silence(lives, location, heartbeat_ms=heartbeat_ms)
    return _tiled(judged(runs), until_ms, silence)


def spans_between(runs: Sequence[Run], interval: Interval, silence: Silence) -> list[Span]:
    """Tiles the interval: what `probe_spans` says of it, and silence before the first result."""
    start, end = interval
    deciding = runs_deciding(runs, interval)
    first_ms = min(deciding[0].first_ms, end) if deciding else end
    before = [_unknown(*stretch) for stretch in silence.between((start, first_ms))]
    return before + _from(start, _tiled(judged(deciding), end, silence))


def down_runs(runs: Sequence[Run], interval: Interval) -> list[Run]:
    """The confirmed failures that speak for some of the interval, in order of time."""
    start, end = interval
    trial = judged(runs_deciding(runs, interval))
    ends = [*(following.first_ms for following, _ in trial[1:]), end]
    return [
        run
        for (run, fate), next_ms in zip(trial, ends, strict=False)
        if fate is Fate.DOWN and run.first_ms < end and min(next_ms, run.last_ms + run.stale_ms) > start
    ]


def blips(runs: Sequence[Run], interval: Interval) -> int:
    """How many blips began inside the interval."""
    return len(blip_starts(runs, interval))


def blip_starts(runs: Sequence[Run], interval: Interval) -> list[int]:
    """When blips began inside the interval. Failures with nothing but unknown results between them are one."""
    start, end = interval
    starts = []
    in_blip = False
    for run, fate in judged(runs_deciding(runs, interval)):
        if fate is Fate.BLIP and not in_blip and start <= run.first_ms < end:
            starts.append(run.first_ms)
        in_blip = fate is Fate.BLIP or (in_blip and fate is Fate.UNKNOWN)
    return starts


@dataclass(slots=True)
class _Trial:
    """The counting of failures; `waiting` are the places of runs whose fate is still open."""

    runs: list[Run] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    failures: int = 0
    confirmed: bool = False

    def hear(self, run: Run) -> None:
        if self.waiting and silent_between(self.runs[-1], run):
            self._settle(Fate.UNCONFIRMED)
        self.runs.append(run)
        if run.verdict is Verdict.UP:
            if self.waiting:
                self._settle(Fate.BLIP)
            self.confirmed = False
            self.fates.append(Fate.UP)
        elif run.verdict is Verdict.UNKNOWN:
            self.fates.append(Fate.UNKNOWN)
        else:
            self._fail(run)

    def finished(self) -> list[tuple[Run, Fate]]:
        self._settle(Fate.UNCONFIRMED)
        return list(zip(self.runs, self.fates, strict=True))

    def _fail(self, run: Run) -> None:
        self.fates.append(Fate.DOWN)
        if self.confirmed:
            return
        self.waiting.append(len(self.fates) - 1)
        self.failures += run.count
        if self.failures >= run.confirm_after:
            self._settle(Fate.DOWN)
            self.confirmed = True

    def _settle(self, fate: Fate) -> None:
        for place in self.waiting:
            self.fates[place] = fate
        self.waiting.clear()
        self.failures = 0


def _tiled(trial: Sequence[tuple[Run, Fate]], until_ms: int, silence: Silence) -> list[Span]:
    """Joins what is spoken and what is silent; equal neighbours become one span."""
    spans: list[Span] = []
    before: Worth | None = None
    for start, end, worth in _stretches(trial, until_ms, silence):
        if worth == before:
            start = spans.pop().start_ms
        spans.append(Span(start, end, *worth))
        before = worth
    return spans


def _stretches(trial: Sequence[tuple[Run, Fate]], until_ms: int, silence: Silence) -> Iterator[tuple[int, int, Worth]]:
    """The spoken and the silent stretches in turn. The cursor never goes back, so that runs which a clock that was set
    back made overlap do not count any time twice."""
    cursor = trial[0][0].first_ms if trial else until_ms
    firsts = [run.first_ms for run, _ in trial[1:]]
    for (run, fate), following_ms in zip(trial, [*firsts, until_ms], strict=False):
        next_ms = following_ms if following_ms < until_ms else until_ms
        spoken_until = run.last_ms + run.stale_ms
        if spoken_until > next_ms:
            spoken_until = next_ms
        if spoken_until > cursor:
            yield cursor, spoken_until, _worth(run, fate)
            cursor = spoken_until
        if cursor < next_ms:
            for start, end, cause in silence.between((cursor, next_ms)):
                yield start, end, (State.UNKNOWN, cause, False)
            cursor = next_ms


def _worth(run: Run, fate: Fate) -> Worth:
    if fate is Fate.UNKNOWN:
        return State.UNKNOWN, cause_of(run.reason), False
    return _WORTH[fate]


_WORTH: dict[Fate, Worth] = {
    Fate.UP: (State.UP, None, False),
    Fate.BLIP: (State.UP, None, True),
    Fate.DOWN: (State.DOWN, None, False),
    Fate.UNCONFIRMED: (State.UNKNOWN, Cause.UNCONFIRMED, False),
}


def cause_of(reason: str) -> Cause:
    """The cause that an unknown result states by its reason."""
    return Cause(reason) if reason in _REASONS else Cause.OTHER


def _from(start_ms: int, spans: list[Span]) -> list[Span]:
    """The spans without the time before `start_ms`."""
    first = bisect_right(spans, start_ms, key=_end_ms)
    kept = spans[first:]
    if kept and kept[0].start_ms < start_ms:
        kept[0] = replace(kept[0], start_ms=start_ms)
    return kept


def _end_ms(span: Span) -> int:
    return span.end_ms


def _unknown(start_ms: int, end_ms: int, cause: Cause) -> Span:
    return Span(start_ms, end_ms, State.UNKNOWN, cause)
