"""A course is drawn from its seed alone, and what is drawn holds together."""

from dataclasses import replace
from itertools import pairwise

import pytest

from monitor.simulation.course import Course, draw
from monitor.simulation.parameters import NOTHING
from monitor.sla.intervals import subtract, total
from monitor.sla.windows import WindowKind
from tests.simulation.places import BUSY, busy, span, three_watchers


def test_the_same_seed_gives_the_same_course_and_another_one_another() -> None:
    assert busy(5) == busy(5)
    assert busy(5).faults != busy(6).faults


def test_leaving_out_one_kind_of_event_changes_no_other() -> None:
    without = draw(5, span(4), three_watchers(), replace(BUSY, kills=NOTHING, short_outages=NOTHING))
    assert without.lost == busy(5).lost
    assert without.offline == busy(5).offline
    assert without.windows == busy(5).windows
    assert without.sessions != busy(5).sessions


@pytest.mark.parametrize("seed", range(5))
def test_what_lasts_is_in_order_and_inside_the_time(seed: int) -> None:
    course = busy(seed)
    start, end = course.interval
    faults = [[fault.interval for fault in faults] for faults in course.faults.values()]
    for stretches in (*faults, [(each.start_ms, each.end_ms) for each in course.sessions], course.offline):
        assert all(one[1] < other[0] for one, other in pairwise(stretches))
        assert all(start <= first < last <= end for first, last in stretches)


def test_the_clock_is_right_before_after_and_between_its_faults() -> None:
    course = busy(1)
    assert {step.offset_ms for step in course.clock_steps[1::2]} == {0}
    assert any(step.offset_ms < 0 for step in course.clock_steps)
    assert any(step.offset_ms > 0 for step in course.clock_steps)
    assert course.offset_at(course.interval[0]) == course.offset_at(course.interval[1]) == 0
    first = course.clock_steps[0]
    assert course.offset_at(first.at_ms - 1) == 0 != course.offset_at(first.at_ms) == first.offset_ms


def test_the_daemon_is_started_anew_at_the_instant_its_settings_change() -> None:
    course = busy(2)
    stopped = subtract([course.interval], ((each.start_ms, each.end_ms) for each in course.sessions))
    for probe in course.probes:
        for settings in probe.settings[1:]:
            assert any(start < settings.from_ms <= end for start, end in stopped)


def test_something_is_down_in_windows_and_announced_ones_are_announced() -> None:
    course = busy(3)
    assert {window.kind for window in course.windows} == set(WindowKind)
    for window in course.windows:
        if window.kind is WindowKind.MAINTENANCE:
            assert window.announced_ms is not None and window.announced_ms < window.start_ms
            assert _down_in(course, window.components[0], (window.start_ms, window.end_ms or 0)) > 0
        if window.kind is WindowKind.EXCLUDED:
            assert window.retroactive and window.reason_class and window.approver != window.author


def _down_in(course: Course, component: str, interval: tuple[int, int]) -> int:
    down = course.faults_of(component)
    return total([interval]) - total(subtract([interval], down))
