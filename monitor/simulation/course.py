"""The true course of a year, drawn from a seed: what was down and when, and what happened to the monitor itself.

All times are true time. What the monitor's clock showed is `Course.offset_at` further on. The same seed gives the same
course, whoever asks: every kind of event has a random generator of its own, so that one more kind changes no other.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from monitor.simulation.parameters import DAY_MS, HOUR_MS, SECOND_MS, Parameters, Rate, Watcher
from monitor.sla.intervals import Interval, union
from monitor.sla.windows import ReasonClass, Window, WindowKind

YEAR_SECONDS = 365 * 86_400
RESTART_MS = 20 * SECOND_MS  # how long the daemon is away when its settings are changed
NOTICE_MS = 7 * DAY_MS
AUTHOR, APPROVER = "operator", "customer"
MAINTAINED_SHARE = 0.4  # of a maintenance window, something is really down


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch of true time in which a probe's question fails: by a refusal, or (`hangs`) by no answer at all."""

    start_ms: int
    end_ms: int
    hangs: bool = False

    @property
    def interval(self) -> Interval:
        return self.start_ms, self.end_ms


@dataclass(frozen=True, slots=True)
class Session:
    """The daemon ran. `clean`: it was stopped properly at the end; otherwise it was killed, or still runs."""

    start_ms: int
    end_ms: int
    clean: bool


@dataclass(frozen=True, slots=True)
class ClockStep:
    """From this instant on the monitor's clock shows so much more than the true time."""

    at_ms: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Course:
    """Everything by probe is sorted and without overlaps. `lost` are instants: the next check at or after one fails."""

    seed: int
    interval: Interval
    parameters: Parameters
    probes: tuple[Watcher, ...]
    faults: dict[str, tuple[Fault, ...]]
    lost: dict[str, tuple[int, ...]]
    sessions: tuple[Session, ...]
    offline: tuple[Interval, ...]
    clock_steps: tuple[ClockStep, ...]
    windows: tuple[Window, ...]

    def offset_at(self, true_ms: int) -> int:
        place = bisect_right(self.clock_steps, true_ms, key=_at_ms) - 1
        return self.clock_steps[place].offset_ms if place >= 0 else 0

    def faults_of(self, component: str) -> list[Interval]:
        """When any probe of the component fails, whether it is in service yet or not."""
        probes = (probe.id for probe in self.probes if probe.component == component)
        return union(fault.interval for probe in probes for fault in self.faults[probe])

    def probe(self, probe_id: str) -> Watcher:
        return next(probe for probe in self.probes if probe.id == probe_id)


def draw(
    seed: int,
    interval: Interval,
    probes: Sequence[Watcher],
    parameters: Parameters = Parameters(),  # noqa: B008  # frozen
    *,
    history_probes: Iterable[str] = (),
) -> Course:
    """A true course of that time. During restores `history_probes` fail."""
    chance = _Chance(seed, interval)
    windows = list(_windows(chance, parameters, sorted({probe.component for probe in probes})))
    return Course(
        seed=seed,
        interval=interval,
        parameters=parameters,
        probes=tuple(probes),
        faults=_all_faults(chance, parameters, probes, windows, frozenset(history_probes)),
        lost={probe.id: tuple(_lost(chance, parameters, probe)) for probe in probes},
        sessions=tuple(_sessions(chance, parameters, probes)),
        offline=tuple(union(chance.stretches("offline", parameters.offline))),
        clock_steps=tuple(_clock_steps(chance, parameters)),
        windows=tuple(sorted(windows, key=lambda window: window.start_ms)),
    )


@dataclass(frozen=True, slots=True)
class _Chance:
    """Random instants and stretches of a time; each name has a generator of its own."""

    seed: int
    interval: Interval

    def random(self, name: str) -> Random:
        return Random(f"{self.seed}:{name}")

    def instants(self, name: str, a_year: float) -> Iterator[int]:
        random = self.random(name)
        at_ms, end_ms = float(self.interval[0]), self.interval[1]
        while a_year > 0:
            at_ms += random.expovariate(a_year) * YEAR_SECONDS * SECOND_MS
            if at_ms >= end_ms:
                return
            yield int(at_ms)

    def stretches(self, name: str, rate: Rate) -> Iterator[Interval]:
        random = self.random(f"{name}/length")
        for start in self.instants(name, rate.a_year):
            seconds = random.lognormvariate(math.log(rate.median_seconds), rate.sigma)
            yield start, min(start + max(1, round(seconds * SECOND_MS)), self.interval[1])

    def windows(self, name: str, count: int, longest_ms: int) -> Iterator[Interval]:
        """So many stretches of whole minutes, at least half an hour long, one in each equal part of the time."""
        random = self.random(name)
        start, end = self.interval
        part = (end - start) // max(count, 1)
        for number in range(count):
            length = random.randrange(HOUR_MS // 2, min(longest_ms, part // 2)) // 60_000 * 60_000
            begins = start + number * part + random.randrange(part - length) // 60_000 * 60_000
            yield begins, begins + length


def _all_faults(
    chance: _Chance,
    parameters: Parameters,
    probes: Sequence[Watcher],
    windows: Sequence[Window],
    history_probes: frozenset[str],
) -> dict[str, tuple[Fault, ...]]:
    common = {
        component: [
            *_faults(chance, f"{component}/outages", parameters.outages, parameters),
            *_faults(chance, f"{component}/short", parameters.short_outages, parameters),
            *_of_windows(windows, component),
        ]
        for component in sorted({probe.component for probe in probes})
    }
    found = {}
    for probe in probes:
        own = list(_faults(chance, f"{probe.id}/outages", parameters.partial_outages, parameters))
        if probe.id in history_probes:
            own += [Fault(*_ends(window)) for window in windows if window.kind is WindowKind.RESTORE]
        found[probe.id] = tuple(_joined([*common[probe.component], *own]))
    return found


def _faults(chance: _Chance, name: str, rate: Rate, parameters: Parameters) -> Iterator[Fault]:
    random = chance.random(f"{name}/hangs")
    for stretch in chance.stretches(name, rate):
        yield Fault(*stretch, hangs=random.random() < parameters.hanging_share)


def _of_windows(windows: Sequence[Window], component: str) -> Iterator[Fault]:
    """What is down because somebody works on it, or because of what a window is excluded for."""
    for window in windows:
        if window.kind is WindowKind.RESTORE or not window.concerns(component):
            continue
        start, end = _ends(window)
        down_ms = end - start
        if window.kind is WindowKind.MAINTENANCE:
            down_ms = round(down_ms * MAINTAINED_SHARE)
        yield Fault(start, start + down_ms)


def _joined(faults: Iterable[Fault]) -> Iterator[Fault]:
    """One after the other; where they overlap or touch, the earlier one goes on."""
    current: Fault | None = None
    for fault in sorted(faults, key=lambda fault: (fault.interval, fault.hangs)):
        if current is not None and fault.start_ms <= current.end_ms:
            current = replace(current, end_ms=max(current.end_ms, fault.end_ms))
            continue
        if current is not None:
            yield current
        current = fault
    if current is not None:
        yield current


def _lost(chance: _Chance, parameters: Parameters, probe: Watcher) -> Iterator[int]:
    checks_a_year = YEAR_SECONDS * SECOND_MS / probe.settings[0].every_ms
    yield from chance.instants(f"{probe.id}/lost", checks_a_year * parameters.lost_share)


def _sessions(chance: _Chance, parameters: Parameters, probes: Sequence[Watcher]) -> Iterator[Session]:
    """The time between the daemon's stops. It is stopped, too, whenever its settings change."""
    start, end = chance.interval
    changes = {each.from_ms for probe in probes for each in probe.settings if start < each.from_ms < end}
    away = [(at_ms - RESTART_MS, at_ms, True) for at_ms in changes]
    away += [(*stretch, True) for stretch in chance.stretches("clean stops", parameters.clean_stops)]
    away += [(*stretch, False) for stretch in chance.stretches("kills", parameters.kills)]
    began = start
    for stopped, started, clean in sorted(away):
        if began < stopped:
            yield Session(began, stopped, clean)
        began = max(began, started)
    if began < end:
        yield Session(began, end, clean=False)


def _clock_steps(chance: _Chance, parameters: Parameters) -> Iterator[ClockStep]:
    """A step away from the true time, and after a while the one that takes it back."""
    random = chance.random("clock/offset")
    limit_ms = round(parameters.clock_step_seconds * SECOND_MS)
    free_ms, end_ms = chance.interval[0] + HOUR_MS, chance.interval[1] - HOUR_MS
    for start, end in chance.stretches("clock", parameters.clock_faults):
        if start >= free_ms and end < end_ms:
            yield ClockStep(start, random.randint(-limit_ms, limit_ms))
            yield ClockStep(end, 0)
            free_ms = end + HOUR_MS


def _windows(chance: _Chance, parameters: Parameters, components: Sequence[str]) -> Iterator[Window]:
    random = chance.random("windows")
    for stretch in chance.windows("maintenance", parameters.maintenance_windows, 4 * HOUR_MS):
        told = stretch[0] - NOTICE_MS
        yield Window(WindowKind.MAINTENANCE, *stretch, "planned work", AUTHOR, told, (random.choice(components),), told)
    for stretch in chance.windows("excluded", parameters.excluded_windows, 6 * HOUR_MS):
        yield Window(
            WindowKind.EXCLUDED,
            *stretch,
            "the customer's network was being rebuilt",
            AUTHOR,
            stretch[1] + HOUR_MS,
            (random.choice(components),),
            reason_class=ReasonClass.CUSTOMER,
            approver=APPROVER,
        )
    for stretch in chance.windows("restore", parameters.restore_windows, 8 * HOUR_MS):
        yield Window(WindowKind.RESTORE, *stretch, "restore from the night's backup", AUTHOR, stretch[0])


def _ends(window: Window) -> Interval:
    assert window.end_ms is not None
    return window.start_ms, window.end_ms


def _at_ms(step: ClockStep) -> int:
    return step.at_ms
