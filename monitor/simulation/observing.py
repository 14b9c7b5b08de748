"""What the daemon would have found: its schedule's rules, in virtual time, over a true course.

The rules are those of `monitor/schedule.py`: a grid with a phase for each probe, a first check soon after a start, a
recheck after a failure unless the grid's turn comes sooner, one check of a probe at a time. A check asks its question
at the instant it starts. Successes without anything remarkable between them are one `Looks`, however many they are.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from monitor.simulation.course import Course, Fault, Session
from monitor.simulation.parameters import SECOND_MS, Settings, Watcher
from monitor.sla.intervals import Interval, union
from monitor.sla.model import Verdict

FIRST_CHECKS_WITHIN_MS = 10 * SECOND_MS
STEP_KNOWN = "request"
REFUSED_US = 40_000
BLOCKED_US = 60_000


@dataclass(frozen=True, slots=True)
class Looks:
    """So many checks of equal outcome, `every_ms` apart. Times are starts: by the monitor's clock, and true.

    `duration_us` is None where each has one of its own: see `duration_us`.
    """

    shown_ms: int
    true_ms: int
    every_ms: int
    count: int
    verdict: Verdict
    reason: str = ""
    step: str = ""
    duration_us: int | None = None

    @property
    def last_true_ms(self) -> int:
        return self.true_ms + (self.count - 1) * self.every_ms

    @property
    def last_shown_ms(self) -> int:
        return self.shown_ms + (self.count - 1) * self.every_ms

    @property
    def first_duration_us(self) -> int:
        return duration_us(self.true_ms) if self.duration_us is None else self.duration_us


@dataclass(frozen=True, slots=True)
class Overrun:
    """A turn of the grid that did not take place, because the check before it still ran."""

    shown_ms: int
    running_ms: int


def duration_us(true_ms: int) -> int:
    """How long a check takes that succeeds: 60 to 320 ms, of the start alone, so that arrays can do the same."""
    return 60_000 + ((_mixed(true_ms) ** 2) >> 22)


def _mixed(number: int) -> int:
    """20 bits of a multiplicative hash."""
    return ((number * 0x9E3779B97F4A7C15) & 0xFFFF_FFFF_FFFF_FFFF) >> 44


LONGEST_US = 60_000 + ((0xFFFFF**2) >> 22)


def observe(course: Course, probe: Watcher) -> list[Looks | Overrun]:
    """All that the daemon found with this probe, in order of true time."""
    found: list[Looks | Overrun] = []
    sight = _Sight.of(course, probe)
    for session in course.sessions:
        settings = probe.settings_at(session.start_ms)
        if settings is not None:
            found += _Watch(course, probe, settings, session, sight).run()
    return found


@dataclass(slots=True)
class _Sight:
    """What a question meets at an instant of true time."""

    faults: Sequence[Fault]
    offline: Sequence[Interval]
    blocked: Sequence[Interval]
    lost: Sequence[int]
    uneasy: Sequence[Interval]  # the union of the first three
    next_lost: int = 0

    @classmethod
    def of(cls, course: Course, probe: Watcher) -> "_Sight":
        faults = course.faults[probe.id]
        blocker = course.parameters.blocked_by.get(probe.component)
        blocked = course.faults_of(blocker) if blocker is not None else []
        uneasy = union([*(fault.interval for fault in faults), *course.offline, *blocked])
        return cls(faults, course.offline, blocked, course.lost[probe.id], uneasy)

    def skip_to(self, at_ms: int) -> None:
        """What was lost while nobody looked is no check's."""
        self.next_lost = bisect_left(self.lost, at_ms, lo=self.next_lost)

    def calm_until(self, at_ms: int) -> int | None:
        """Until when all questions succeed; None where the one at this instant does not."""
        place = bisect_right(self.uneasy, at_ms, key=_start)
        if place and at_ms < self.uneasy[place - 1][1]:
            return None
        until = [self.uneasy[place][0]] if place < len(self.uneasy) else []
        if self.next_lost < len(self.lost):
            until.append(self.lost[self.next_lost])
        soonest = min(until, default=2**62)
        return soonest if soonest > at_ms else None

    def ask(self, at_ms: int, timeout_us: int) -> tuple[Verdict, str, str, int | None]:
        """Verdict, reason, step and duration of a check that starts now."""
        lost = self.next_lost < len(self.lost) and self.lost[self.next_lost] <= at_ms
        if lost:
            self.next_lost = bisect_right(self.lost, at_ms, lo=self.next_lost)
        if _inside(self.offline, at_ms):
            return Verdict.UNKNOWN, "offline", STEP_KNOWN, timeout_us
        fault = self._fault(at_ms)
        if fault is not None and not fault.hangs:
            return Verdict.DOWN, "refused", STEP_KNOWN, REFUSED_US
        if fault is not None or lost:
            return Verdict.DOWN, "deadline", STEP_KNOWN, timeout_us
        if _inside(self.blocked, at_ms):
            return Verdict.UNKNOWN, "blocked", "read back", BLOCKED_US
        return Verdict.UP, "", "", None

    def _fault(self, at_ms: int) -> Fault | None:
        place = bisect_right(self.faults, at_ms, key=_fault_start) - 1
        return self.faults[place] if place >= 0 and at_ms < self.faults[place].end_ms else None


@dataclass(slots=True)
class _Watch:
    """One probe during one session of the daemon."""

    course: Course
    probe: Watcher
    settings: Settings
    session: Session
    sight: _Sight
    found: list[Looks | Overrun] = field(default_factory=list)
    grid: int = 0  # the next turn, by the monitor's clock
    once: int | None = None  # a check out of turn, by the monitor's clock
    started_ms: int = -(2**62)
    busy_until_ms: int = -(2**62)

    def run(self) -> list[Looks | Overrun]:
        self.sight.skip_to(self.session.start_ms)
        spread_ms = min(FIRST_CHECKS_WITHIN_MS, self.settings.every_ms) * self.probe.phase
        self.once = self._shown(self.session.start_ms) + round(spread_ms)
        for start, end in self._eras():
            offset = self.course.offset_at(start)
            self.grid = self._turn_from(start + offset)
            self._go_through(start, end, offset)
        return self.found

    def _eras(self) -> list[Interval]:
        """The parts of the session in which the clock was not stepped."""
        start, end = self.session.start_ms, self.session.end_ms
        steps = [step.at_ms for step in self.course.clock_steps if start < step.at_ms < end]
        return list(pairwise([start, *steps, end]))

    def _go_through(self, start: int, end: int, offset: int) -> None:
        calm = self._orderly((start, end))
        while True:
            out_of_turn = self.once is not None and self.once < self.grid
            due = self.once if out_of_turn and self.once is not None else self.grid
            true_ms = max(due - offset, start)
            if true_ms >= end:
                return
            if out_of_turn:
                self.once = None
            else:
                self.grid += self.settings.every_ms
            if true_ms < self.busy_until_ms:
                self._report(due, true_ms, out_of_turn)
            elif out_of_turn or self.once is not None or not self._take_many(true_ms, offset, calm):
                self._take_one(true_ms, offset)

    def _take_many(self, true_ms: int, offset: int, calm: Interval) -> bool:
        """Takes all turns from this one on until something may happen; False where that would be one at most."""
        until = self.sight.calm_until(true_ms) if calm[0] <= true_ms < calm[1] else None
        every = self.settings.every_ms
        count = 0 if until is None else -(-(min(until, calm[1]) - true_ms) // every)
        if count < 2:
            return False
        self.found.append(Looks(true_ms + offset, true_ms, every, count, Verdict.UP))
        self.grid += (count - 1) * every
        self.started_ms = true_ms + (count - 1) * every
        self.busy_until_ms = self.started_ms + duration_us(self.started_ms) // 1000
        return True

    def _take_one(self, true_ms: int, offset: int) -> None:
        verdict, reason, step, given_us = self.sight.ask(true_ms, self.settings.timeout_ms * 1000)
        looks = Looks(true_ms + offset, true_ms, self.settings.every_ms, 1, verdict, reason, step, given_us)
        self.started_ms = true_ms
        self.busy_until_ms = true_ms + looks.first_duration_us // 1000
        if self.busy_until_ms > self.session.end_ms:
            return  # cut off: it leaves no result
        self.found.append(looks)
        if verdict is Verdict.DOWN:
            self._recheck(self._shown(self.busy_until_ms))

    def _recheck(self, finished_shown_ms: int) -> None:
        at_ms = finished_shown_ms + self.settings.recheck_ms
        if self._turn_from(finished_shown_ms + 1) > at_ms:
            self.once = at_ms

    def _report(self, due: int, true_ms: int, out_of_turn: bool) -> None:
        running_ms = true_ms - self.started_ms
        if not out_of_turn and running_ms >= self.settings.every_ms / 2:
            self.found.append(Overrun(due, running_ms))

    def _turn_from(self, shown_ms: int) -> int:
        """The first turn of the grid that is not before this."""
        every = self.settings.every_ms
        phase = round(every * self.probe.phase)
        return phase + -(-(shown_ms - phase) // every) * every

    def _shown(self, true_ms: int) -> int:
        return true_ms + self.course.offset_at(true_ms)

    def _orderly(self, era: Interval) -> Interval:
        """Where results of an era cannot lie among those of another one, nor be cut off by the session's end."""
        margin = self.settings.every_ms + self._largest_step()
        left = era[0] + (margin if era[0] != self.session.start_ms else 0)
        right = era[1] - (margin if era[1] != self.session.end_ms else LONGEST_US // 1000 + 1)
        return left, right

    def _largest_step(self) -> int:
        return max((2 * abs(step.offset_ms) for step in self.course.clock_steps), default=0)


def looks_only(found: Sequence[Looks | Overrun]) -> Iterator[Looks]:
    return (each for each in found if isinstance(each, Looks))


def _inside(intervals: Sequence[Interval], at_ms: int) -> bool:
    place = bisect_right(intervals, at_ms, key=_start) - 1
    return place >= 0 and at_ms < intervals[place][1]


def _start(interval: Interval) -> int:
    return interval[0]


def _fault_start(fault: Fault) -> int:
    return fault.start_ms
