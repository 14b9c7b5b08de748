"""How far the past is settled: whatever comes later, in order, changes no state before that instant."""

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.components import component_spans
from monitor.sla.model import DownWhen, Ledger, Life, Observation, ProbeTerms, Span, State, Verdict
from monitor.sla.runs import runs_of
from monitor.sla.settled import component_settled_until, settled_until
from tests.sla.timelines import HERE, MINUTE, SECOND, STALE, T0, ledger, observation, observations, terms

MARGIN = 20 * SECOND
END = T0 + 4000 * SECOND

# A result, and how long after it the next one comes; some of the pauses are longer than a result speaks.
steps = st.tuples(st.sampled_from(list(Verdict)), st.sampled_from([5, 5, 30, 30, 30, 119, 121, 200]))
courses = st.lists(steps, max_size=12)


def results_of(course: Sequence[tuple[Verdict, int]], confirm_after: int = 2) -> list[Observation]:
    times = accumulate((pause for _, pause in course), initial=0)
    return [
        observation(T0 + second * SECOND, verdict, confirm_after=confirm_after)
        for (verdict, _), second in zip(course, times, strict=False)
    ]


def states_before(
    results: Sequence[Observation], until_ms: int, known: Sequence[ProbeTerms]
) -> list[tuple[int, int, State]]:
    found = Ledger({("probe", HERE): runs_of(results)}, known, [Life(HERE, T0, END, False)])
    return [(each.start_ms, each.end_ms, each.state) for each in spans_until(found, until_ms)]


def spans_until(found: Ledger, until_ms: int, down_when: DownWhen = DownWhen.ANY) -> list[Span]:
    return component_spans(found, "api", (T0, until_ms), down_when)


@given(course=courses, later=courses, waiting=st.integers(0, 400), took=st.integers(0, 20), confirm=st.integers(1, 3))
def test_what_is_settled_never_changes(
    course: list[tuple[Verdict, int]], later: list[tuple[Verdict, int]], waiting: int, took: int, confirm: int
) -> None:
    """A check that comes in after now began no longer than the margin ago, and after the newest result."""
    before = results_of(course, confirm)
    newest_ms = before[-1].started_ms if before else T0
    now_ms = newest_ms + waiting * SECOND
    first_ms = max(newest_ms + 1, now_ms - took * SECOND)
    after = [
        Observation(each.started_ms - T0 + first_ms, each.verdict, each.stale_ms, each.confirm_after, each.reason)
        for each in results_of(later, confirm)
    ]
    settled_ms = settled_until(runs_of(before), now_ms, MARGIN)
    assert settled_ms <= now_ms - MARGIN
    if settled_ms > T0:
        assert states_before(before, settled_ms, [terms()]) == states_before([*before, *after], settled_ms, [terms()])


@given(course=courses, waiting=st.lists(st.integers(0, 200), max_size=5))
def test_it_never_goes_back(course: list[tuple[Verdict, int]], waiting: list[int]) -> None:
    results = results_of(course)
    seen = []
    for count in range(1, len(results) + 1):
        runs = runs_of(results[:count])
        next_ms = results[count].started_ms if count < len(results) else END
        moments = [results[count - 1].started_ms + each * SECOND for each in sorted([0, *waiting])]
        seen += [settled_until(runs, now_ms, MARGIN) for now_ms in moments if now_ms <= next_ms]
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("timeline", "settled_minutes"),
    [
        ("uuuu", 3.0),  # as far as the newest result: the next one may come a moment after it
        ("uuuD", 3.0),
        ("uuuDD", 4.0),  # confirmed
        ("uuD?", 2.0),  # the unknown result neither confirms nor clears the failure
        ("uuD??D", 5.0),
        ("uuDu", 3.0),  # a blip, and that for ever
        ("uD...D", 5.0),  # silence has settled the first failure, the second is open from its own start
        ("D", 0.0),
    ],
)
def test_a_failure_is_settled_once_it_is_confirmed_cleared_or_silenced(timeline: str, settled_minutes: float) -> None:
    runs = runs_of(observations(timeline))
    now_ms = runs[-1].last_ms + MARGIN
    assert settled_until(runs, now_ms, MARGIN) == T0 + round(settled_minutes * MINUTE)


def test_silence_settles_a_failure_as_unknown() -> None:
    runs = runs_of(observations("uuD"))
    silent_ms = T0 + 2 * MINUTE + STALE + MARGIN
    assert settled_until(runs, silent_ms, MARGIN) == T0 + 2 * MINUTE
    assert settled_until(runs, silent_ms + 1, MARGIN) == silent_ms + 1 - MARGIN


def test_without_any_result_only_a_check_under_way_can_change_the_past() -> None:
    assert settled_until([], T0 + MINUTE, MARGIN) == T0 + MINUTE - MARGIN


def test_a_component_waits_for_its_slowest_probe() -> None:
    found = ledger({"quick": "uuuuuu", "slow": "uu...."})
    assert component_settled_until(found, "api", T0 + 3 * MINUTE, MARGIN) == T0 + MINUTE


def test_a_component_without_any_probe_has_no_past() -> None:
    assert component_settled_until(ledger(), "api", T0 + MINUTE, MARGIN) is None


def test_never_before_the_coming_into_service() -> None:
    found = ledger(more_terms=[terms()])
    assert component_settled_until(found, "api", T0 + SECOND, MARGIN) == T0


@pytest.mark.parametrize("back", [True, False], ids=["taken out and put back", "moved to another component"])
def test_a_failure_of_a_probe_that_left_stays_open(back: bool) -> None:
    """What it finds afterwards confirms the failure, and so changes what the component it left was then."""
    left_ms = T0 + 2 * MINUTE + SECOND
    gone = terms(from_ms=left_ms, component=None if back else "frontend")
    known = [terms("other"), terms(), gone, *([terms(from_ms=left_ms + 10 * SECOND)] if back else [])]
    results = observations("uuD")
    confirming = observation(left_ms + 15 * SECOND, Verdict.DOWN)
    now_ms = left_ms + MARGIN
    always = runs_of(observations("uuuu"))

    def facts(found: Sequence[Observation], entries: Sequence[ProbeTerms]) -> Ledger:
        runs = {("probe", HERE): runs_of(found), ("other", HERE): always}
        return Ledger(runs, entries, [Life(HERE, T0, END, False)])

    settled_ms = component_settled_until(facts(results, known[:3]), "api", left_ms + 1, 0)
    assert settled_ms is not None
    then = spans_until(facts(results, known[:3]), settled_ms)
    assert then == spans_until(facts([*results, confirming], known), settled_ms)
    assert spans_until(facts([*results, confirming], known), now_ms) != spans_until(facts(results, known[:3]), now_ms)
