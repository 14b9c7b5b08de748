"""The benchmark of accuracy, with few years: what it compares, and that the bounds hold."""

from dataclasses import replace

import pytest

from benchmarks.accuracy import METHODS, YEAR, averaged, counted, hidden_outages, is_plain, see_year, table, watcher
from monitor.simulation.course import Course, Fault, draw
from monitor.simulation.observing import Looks, looks_only, observe
from monitor.simulation.parameters import UNEVENTFUL

HOUR = 3_600_000
NOON = YEAR[0] + 12 * HOUR


def day(*faults: Fault) -> Course:
    course = draw(1, (YEAR[0], YEAR[0] + 24 * HOUR), [watcher(30)], UNEVENTFUL)
    return replace(course, faults={"probe": faults})


def looks(course: Course) -> list[Looks]:
    return list(looks_only(observe(course, course.probes[0])))


@pytest.mark.parametrize("seed", [1, 2])
def test_in_plain_years_the_truth_lies_within_the_bounds(seed: int) -> None:
    seen = see_year(seed, 60, shortest_seconds=120)
    assert seen.plain and seen.within_bounds
    assert seen.hidden_ms == 0 < seen.down_ms
    assert abs(seen.errors[0]) < seen.width


def test_the_table_names_every_method_and_how_many_years_hold() -> None:
    seen = [see_year(seed, 300) for seed in (1, 2)]
    text = table(300, seen, seen)
    assert text.startswith("every 300 s, 2 years")
    assert all(method in text for method in METHODS)
    assert "of 2 years" in text


def test_what_others_make_of_a_calm_day_is_everything() -> None:
    assert counted(looks(day())) == averaged(day(), looks(day())) == 1


def test_a_half_day_that_failed_is_half_for_each() -> None:
    course = day(Fault(NOON, NOON + 12 * HOUR))
    assert averaged(course, looks(course)) == pytest.approx(0.5, abs=0.001)
    assert counted(looks(course)) < 0.2  # because an outage is looked at more often


def test_an_outage_between_two_checks_is_hidden_and_one_that_was_seen_is_not() -> None:
    first = next(each for each in looks(day()) if each.count > 1)
    between = Fault(first.true_ms + 300_001, first.true_ms + 310_000)
    seen = Fault(first.true_ms + 599_000, first.true_ms + 720_001)
    course = day(between, seen)
    assert list(hidden_outages(course, looks(course))) == [between.interval]
    assert is_plain(course, looks(course))
