"""When checks start: cadence, spreading, rechecks, late and missed starts, the stop."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import ManualClock, SystemClock
from monitor.config import ProbeConfig
from monitor.schedule import Checks, GridTrigger, Schedule, ScheduleEvent, phases
from tests.monitor.build import probe_config

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@given(
    every=st.integers(1, 86_400),
    phase=st.floats(0, 0.999),
    late=st.floats(0, 0.99),
    turns=st.integers(1, 50),
)
def test_cadence_does_not_drift_however_late_each_start_is(every: int, phase: float, late: float, turns: int) -> None:
    trigger = GridTrigger(every, every * phase)
    first = at = trigger.get_next_fire_time(None, NOON)
    assert NOON <= first < NOON + timedelta(seconds=every)
    for _turn in range(turns):
        at = trigger.get_next_fire_time(at, at + timedelta(seconds=every * late))
    assert at - first == turns * timedelta(seconds=every)


def test_two_daemons_of_one_configuration_start_on_the_same_grid() -> None:
    trigger = GridTrigger(30, 7)
    assert trigger.get_next_fire_time(None, NOON) == trigger.get_next_fire_time(None, NOON + timedelta(seconds=6.9))


@pytest.mark.parametrize("number", [2, 7, 100, 1000])
def test_starts_are_spread_evenly(number: int) -> None:
    """No half of the interval gets much more than half of the starts, and no two starts coincide."""
    spread = sorted(phases([probe_config(name=f"p{index}") for index in range(number)]).values())
    gaps = [second - first for first, second in zip(spread, [*spread[1:], spread[0] + 1], strict=True)]
    assert min(gaps) > 0.3 / number
    assert max(gaps) < 3 / number


class Recorder:
    """Counts starts and events, and lets a test wait for them."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, datetime]] = []
        self.events: list[ScheduleEvent] = []
        self.changed = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def check(self, probe: ProbeConfig) -> None:
        self.starts.append((probe.id, SystemClock().now()))
        self.changed.set()
        if self.hold is not None:
            await self.hold.wait()

    def event(self, event: ScheduleEvent) -> None:
        self.events.append(event)
        self.changed.set()

    async def until(self, starts: int = 0, events: int = 0) -> None:
        async with asyncio.timeout(10):
            while len(self.starts) < starts or len(self.events) < events:
                self.changed.clear()
                await self.changed.wait()


async def test_checks_come_on_the_grid_at_the_interval() -> None:
    recorder = Recorder()
    probes = [probe_config(name="a", every=0.2), probe_config(name="b", every=0.2)]
    async with asyncio.TaskGroup() as group:
        schedule = Schedule(probes, Checks(group, recorder.check), SystemClock(), recorder.event)
        schedule.start(fresh=frozenset({"a", "b"}))
        await recorder.until(starts=8)
        schedule.stop()
    for name, phase in phases(probes).items():
        times = [at.timestamp() for probe, at in recorder.starts if probe == name]
        assert len(times) >= 3
        off_grid = [(time / 0.2 - phase) % 1 for time in times]
        assert sum(off < 0.5 for off in off_grid) >= len(times) - 1, "starts follow their turns on the grid"


async def test_after_a_start_of_the_daemon_first_checks_do_not_wait_for_the_grid() -> None:
    recorder = Recorder()
    async with asyncio.TaskGroup() as group:
        schedule = Schedule(
            [probe_config(name="yearly", every=365 * 86_400.0)],
            Checks(group, recorder.check),
            SystemClock(),
            recorder.event,
        )
        schedule.start()
        await recorder.until(starts=1)
        schedule.stop()


async def test_a_failing_probe_is_checked_again_at_its_own_pace() -> None:
    recorder = Recorder()
    probe = probe_config(every=86_400, recheck=0.01)
    async with asyncio.TaskGroup() as group:
        schedule = Schedule([probe], Checks(group, recorder.check), SystemClock(), recorder.event)
        schedule.start(fresh=frozenset({probe.id}))
        for count in range(1, 4):
            schedule.recheck(probe.id)
            await recorder.until(starts=count)
        schedule.stop()


async def test_a_check_that_still_runs_at_its_next_turn_is_an_overrun_and_not_started_twice() -> None:
    recorder = Recorder()
    recorder.hold = asyncio.Event()
    probe = probe_config(every=0.1)
    async with asyncio.TaskGroup() as group:
        schedule = Schedule([probe], Checks(group, recorder.check), SystemClock(), recorder.event)
        schedule.start(fresh=frozenset({probe.id}))
        await recorder.until(starts=1, events=1)
        schedule.stop()
        assert len(recorder.starts) == 1
        recorder.hold.set()
    assert recorder.events[0].event == "overrun"
    assert "still runs" in recorder.events[0].cause


async def test_turns_missed_while_the_loop_stood_still_are_reported_once_with_their_number() -> None:
    recorder = Recorder()
    probe = probe_config(every=10.0)
    clock = ManualClock(NOON)
    async with asyncio.TaskGroup() as group:
        schedule = Schedule([probe], Checks(group, recorder.check), clock, recorder.event)
        turns: Sequence[datetime] = [NOON - timedelta(seconds=10 * back) for back in (3, 2, 1, 0)]
        schedule._due(probe, list(turns))
        await recorder.until(starts=1, events=1)
    assert [(event.event, event.late_ms) for event in recorder.events] == [("skipped", 30_000)]
    assert "3 turns" in recorder.events[0].cause


async def test_a_late_start_is_recorded_with_how_late_it_was() -> None:
    recorder = Recorder()
    lateness: list[float] = []
    probe = probe_config(every=10.0)
    clock = ManualClock(NOON + timedelta(seconds=1.5))
    async with asyncio.TaskGroup() as group:
        schedule = Schedule([probe], Checks(group, recorder.check), clock, recorder.event, lateness.append)
        schedule._due(probe, [NOON])
        await recorder.until(starts=1)
    assert [(event.event, event.late_ms) for event in recorder.events] == [("late", 1500)]
    assert lateness == [1.5]


async def test_no_check_starts_after_the_stop() -> None:
    recorder = Recorder()
    probe = probe_config(every=0.05)
    async with asyncio.TaskGroup() as group:
        checks = Checks(group, recorder.check)
        schedule = Schedule([probe], checks, SystemClock(), recorder.event)
        schedule.start()
        await recorder.until(starts=1)
        schedule.stop()
        schedule.recheck(probe.id)
        schedule._due(probe, [NOON])
        await checks.drain(1.0)
        assert len(checks) == 0


async def test_draining_waits_for_checks_and_cuts_off_the_rest() -> None:
    finished: list[str] = []
    release = asyncio.Event()

    async def check(probe: ProbeConfig) -> None:
        await (release.wait() if probe.id == "quick" else asyncio.Event().wait())
        finished.append(probe.id)

    async with asyncio.TaskGroup() as group:
        checks = Checks(group, check)
        checks.start(probe_config(name="quick"), 0.0)
        checks.start(probe_config(name="stuck"), 0.0)
        asyncio.get_running_loop().call_soon(release.set)
        assert await checks.drain(0.05) == 1
    assert finished == ["quick"]


class Undoing:
    """Checks that have something to undo: `judged` is at it already, the journey of `held` takes for ever."""

    def __init__(self, group: asyncio.TaskGroup, undo_seconds: float) -> None:
        self.checks = Checks(group, self.check, undo_seconds)
        self.may_end = asyncio.Event()
        self.begun = {"judged": asyncio.Event(), "held": asyncio.Event()}
        self.ended: list[str] = []
        for number, name in enumerate(self.begun):
            self.checks.start(probe_config(name=name), float(number))

    async def check(self, probe: ProbeConfig) -> None:
        try:
            if probe.id == "held":
                await asyncio.Event().wait()
        finally:
            self.checks.undo_begins(probe.id)
            self.begun[probe.id].set()
            await self.may_end.wait()
            self.ended.append(f"{probe.id} undone")
        self.ended.append(f"{probe.id} stored")


async def test_draining_waits_for_what_is_being_undone() -> None:
    """Of a check that is cut off, and of one that has been judged already: that one's result is not lost."""
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        undoing = Undoing(group, undo_seconds=60)
        await undoing.begun["judged"].wait()
        draining = asyncio.create_task(undoing.checks.drain(0.01))
        await undoing.begun["held"].wait()
        undoing.may_end.set()
        assert await draining == 1
    assert sorted(undoing.ended) == ["held undone", "judged stored", "judged undone"]
    assert len(undoing.checks) == 0


async def test_draining_does_not_wait_for_ever_for_what_is_being_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.schedule.UNDO_GRACE_SECONDS", 0.01)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        undoing = Undoing(group, undo_seconds=0.01)
        await undoing.begun["judged"].wait()
        assert await undoing.checks.drain(0.01) == 2
    assert undoing.ended == []


async def test_a_turn_missed_because_of_the_undoing_says_so() -> None:
    recorder = Recorder()
    recorder.hold = asyncio.Event()
    probe = probe_config(every=10.0)
    clock = ManualClock(NOON)
    async with asyncio.TaskGroup() as group:
        checks = Checks(group, recorder.check)
        schedule = Schedule([probe], checks, clock, recorder.event)
        schedule._due(probe, [NOON])
        clock.advance(10)
        checks.undo_begins(probe.id)
        schedule._due(probe, [NOON + timedelta(seconds=10)])
        recorder.hold.set()
    assert [(event.event, event.cause) for event in recorder.events] == [
        ("overrun", "the check before it is still being undone, since 10.0 s")
    ]


async def test_a_wall_clock_set_back_does_not_stop_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler plans in wall time: without a new alignment it would wait until the old time comes round again."""
    monkeypatch.setattr("monitor.schedule.TICK_SECONDS", 0.01)
    recorder = Recorder()
    probe = probe_config(every=3600.0)
    clock = ManualClock(NOON)
    async with asyncio.TaskGroup() as group:
        schedule = Schedule([probe], Checks(group, recorder.check), clock, recorder.event)
        schedule.start(fresh=frozenset({probe.id}))
        watch = group.create_task(schedule.watch_clock())
        await asyncio.sleep(0)
        clock.step_wall_clock(-3600)
        await recorder.until(events=1)
        watch.cancel()
        schedule.stop()
    assert recorder.events[0].late_ms == 3_600_000
    assert recorder.events[0].cause == "wall clock stepped"
