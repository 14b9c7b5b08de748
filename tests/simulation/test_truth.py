"""What truly was, by hand."""

from dataclasses import replace
from fractions import Fraction

import pytest

from monitor.simulation.course import Course, Fault, draw
from monitor.simulation.parameters import UNEVENTFUL
from monitor.simulation.truth import Truth, down_intervals, truth
from monitor.sla.intervals import total
from monitor.sla.model import DownWhen
from monitor.sla.windows import ReasonClass, Window, WindowKind
from tests.simulation.places import START_MS, agreement, span, watcher

HOUR = 3_600_000
DAY = 24 * HOUR


def hours(start: float, end: float) -> Fault:
    return Fault(round(START_MS + start * HOUR), round(START_MS + end * HOUR))


def course_of(**faults: tuple[Fault, ...]) -> Course:
    drawn = draw(1, span(1), [watcher(probe) for probe in faults], UNEVENTFUL)
    return replace(drawn, faults=faults)


@pytest.mark.parametrize(("down_when", "expected"), [(DownWhen.ANY, 5), (DownWhen.ALL, 1), (DownWhen.MAJORITY, 1.5)])
def test_probes_are_put_together_by_the_component_s_rule(down_when: DownWhen, expected: float) -> None:
    course = course_of(one=(hours(1, 4),), two=(hours(3, 5),), three=(hours(3, 4), hours(9, 9.5), hours(4.5, 5.5)))
    assert total(down_intervals(course, "api", down_when)) / HOUR == expected


def test_a_probe_counts_from_its_coming_into_service() -> None:
    course = course_of(one=(), two=(hours(1, 4),))
    late = replace(course.probe("two"), settings=(replace(watcher().settings[0], from_ms=START_MS + 2 * HOUR),))
    assert truth(replace(course, probes=(course.probe("one"), late)), "api") == Truth(DAY, 2 * HOUR)


def test_excluded_time_is_no_time_and_maintenance_is_unless_it_does_not_count() -> None:
    course = course_of(one=(hours(1, 4), hours(10, 11)))
    excluded = Window(
        WindowKind.EXCLUDED, START_MS, START_MS + 2 * HOUR, "", "a", 0, reason_class=ReasonClass.AGREED, approver="b"
    )
    planned = Window(WindowKind.MAINTENANCE, START_MS + 9 * HOUR, START_MS + 12 * HOUR, "", "a", 0, announced_ms=0)
    course = replace(course, windows=(excluded, planned))
    assert truth(course, "api", agreement()) == Truth(22 * HOUR, 3 * HOUR)
    lenient = replace(agreement(), maintenance_counts=False)
    assert truth(course, "api", lenient) == Truth(19 * HOUR, 2 * HOUR)
    assert truth(course, "api", replace(lenient, minimum_notice_ms=START_MS * 2)) == Truth(22 * HOUR, 3 * HOUR)


def test_a_restore_spares_the_component_what_its_history_probes_alone_failed() -> None:
    course = course_of(one=(hours(3, 4),), history=(hours(2, 8),))
    restore = Window(WindowKind.RESTORE, START_MS + 2 * HOUR, START_MS + 8 * HOUR, "", "a", 0)
    terms = replace(agreement(), history_probes=("history",), restore_limit_ms=4 * HOUR)
    assert truth(replace(course, windows=(restore,)), "api", terms) == Truth(21 * HOUR, 3 * HOUR)


def test_uptime_is_exact() -> None:
    assert truth(course_of(one=(hours(0, 8),)), "api").uptime == Fraction(2, 3)
