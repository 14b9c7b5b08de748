"""What results are worth, where in time: staleness and confirmation, against tables and against a naive oracle."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.intervals import Interval
from monitor.sla.model import Cause, Life, Observation, Run, Span, State, Verdict
from monitor.sla.probe_spans import blips, cause_of, down_runs, probe_spans, spans_between
from monitor.sla.runs import runs_of
from monitor.sla.silence import Silence
from probes.contract import UNKNOWN_REASONS

from .timelines import HERE, HOUR, MINUTE, SECOND, T0, any_observations, letters, minutes, observation, observations

ALWAYS = [Life(HERE, T0 - HOUR, T0 + 1000 * HOUR, False)]


def states(timeline: str, confirm_after: int = 2, lives: list[Life] = ALWAYS) -> str:
    runs = runs_of(observations(timeline, confirm_after=confirm_after))
    return letters(probe_spans(runs, T0 + len(timeline) * MINUTE, lives, HERE))


@pytest.mark.parametrize(
    ("confirm_after", "timeline", "expected"),
    [
        (2, "uuuuuuuuuu", "uuuuuuuuuu"),
        (2, "uuuDDuuuuu", "uuuDDuuuuu"),  # down from the first failure to the first success
        (2, "uuuDuuuuuu", "uuubuuuuuu"),  # cleared by the next check
        (1, "uuuDuuuuuu", "uuuDuuuuuu"),
        (3, "uDDuDDDuuu", "ubbuDDDuuu"),
        (2, "uuu", "uuu"),
        (2, "uuu...", "uuuull"),  # silence is never up, and not the last state either
        (2, "uu....uu", "uuullluu"),
        (2, "uDDD....uu", "uDDDDllluu"),  # nor is it down
        (2, "uDD....Duu", "uDDDlllDuu"),  # the same outage goes on after silence, without a new confirmation
        (2, "uDD....u", "uDDDlllu"),
        (2, "uuD....u", "uu!!lllu"),  # neither confirmed nor cleared
        (2, "uuD....Du", "uu!!lllbu"),  # counting starts afresh after the silence
        (2, "uuD....DDu", "uu!!lllDDu"),
        (2, "uuD", "uu!"),  # the newest failure, nothing after it yet
        (2, "uuD....", "uu!!lll"),
        (2, "uuD?Duu", "uuD?Duu"),  # an unknown result does not clear ...
        (2, "uuD?uuu", "uub?uuu"),  # ... nor confirm ...
        (2, "uDD?Duu", "uDD?Duu"),  # ... nor end
        (2, "uDD?uuu", "uDD?uuu"),
        (2, "uuD?", "uu!?"),
        (2, "uD??..D?u", "u!???lb?u"),  # a silence after unknown results is a silence, too
        (3, "uD?D?Du", "uD?D?Du"),
        (3, "uD?D?uu", "ub?b?uu"),
        (2, "????", "????"),
        (2, "", ""),
    ],
)
def test_confirmation(confirm_after: int, timeline: str, expected: str) -> None:
    assert states(timeline, confirm_after) == expected


def test_silence_is_split_where_its_cause_changes() -> None:
    stopped = Life(HERE, T0, T0 + 3 * MINUTE, True)
    killed = Life(HERE, T0 + 5 * MINUTE, T0 + 8 * MINUTE, False)
    runs = runs_of(observations("u"))
    found = probe_spans(runs, T0 + 10 * MINUTE, [stopped, killed], HERE, heartbeat_ms=MINUTE)
    assert letters(found) == "uulssllllk"


def test_without_any_life_on_record_the_cause_of_silence_is_other() -> None:
    assert states("u...u", lives=[]) == "uu--u"


def test_results_from_the_end_on_are_not_shown_but_confirm() -> None:
    runs = runs_of(observations("uuDDu"))
    assert letters(probe_spans(runs, T0 + 3 * MINUTE, ALWAYS, HERE)) == "uuD"
    assert probe_spans(runs, T0, ALWAYS, HERE) == []
    assert probe_spans(runs, T0 - MINUTE, ALWAYS, HERE) == []


def test_a_result_speaks_for_no_longer_than_its_own_limit() -> None:
    runs = runs_of([observation(T0, Verdict.UP, stale_ms=90 * SECOND)])
    first, second = probe_spans(runs, T0 + HOUR, ALWAYS, HERE)
    assert first == Span(T0, T0 + 90 * SECOND, State.UP)
    assert second == Span(T0 + 90 * SECOND, T0 + HOUR, State.UNKNOWN, Cause.DAEMON_LATE)


def test_a_lowered_threshold_counts_the_failures_before_it() -> None:
    failures = [
        observation(T0 + n * MINUTE, Verdict.DOWN, confirm_after=confirm_after)
        for n, confirm_after in enumerate((5, 5, 3))
    ]
    assert letters(probe_spans(runs_of(failures), T0 + 3 * MINUTE, ALWAYS, HERE)) == "DDD"


def test_every_reason_for_not_knowing_has_its_cause() -> None:
    assert {cause_of(reason).value for reason in UNKNOWN_REASONS} == {reason.value for reason in UNKNOWN_REASONS}
    assert cause_of("offline") is Cause.OFFLINE
    assert cause_of("martian") is Cause.OTHER
    assert cause_of("not_in_service") is Cause.OTHER  # a result cannot say so


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [("uDuDDuDu", 2), ("uD?u", 1), ("uDD", 0), ("uD....u", 0), ("Du", 1), ("uD", 0)],
)
def test_blips_are_counted(timeline: str, expected: int) -> None:
    assert blips(runs_of(observations(timeline)), minutes(len(timeline))) == expected


def test_a_blip_of_several_runs_is_one_and_belongs_to_its_first_minute() -> None:
    runs = runs_of(observations("uD?Duu", confirm_after=3))
    assert blips(runs, minutes(6)) == 1
    assert blips(runs, (T0 + 2 * MINUTE, T0 + 6 * MINUTE)) == 0


def test_down_runs_are_the_confirmed_ones_that_speak_inside_the_interval() -> None:
    runs = runs_of(observations("uDuDD?Du"))
    assert [run.first_ms for run in down_runs(runs, minutes(8))] == [T0 + 3 * MINUTE, T0 + 6 * MINUTE]
    assert [run.first_ms for run in down_runs(runs, (T0 + 4 * MINUTE, T0 + 6 * MINUTE))] == [T0 + 3 * MINUTE]


# ---- a naive oracle: one look at all raw results for every second ----


def naive_states(results: list[Observation], until_ms: int) -> list[tuple[State, Cause | None, bool]]:
    rank = [Verdict.UP, Verdict.UNKNOWN, Verdict.DOWN]
    ordered = sorted(
        results,
        key=lambda each: (
            each.started_ms, rank.index(each.verdict), each.reason, each.step, each.stale_ms, each.confirm_after
        ),
    )  # fmt: skip
    if not ordered:
        return []
    return [naive_state(ordered, second) for second in range(ordered[0].started_ms, until_ms, SECOND)]


def naive_state(ordered: list[Observation], at_ms: int) -> tuple[State, Cause | None, bool]:
    place = max(index for index, each in enumerate(ordered) if each.started_ms <= at_ms)
    result = ordered[place]
    if at_ms >= result.started_ms + result.stale_ms:
        return State.UNKNOWN, Cause.DAEMON_LATE, False
    if result.verdict is Verdict.UP:
        return State.UP, None, False
    if result.verdict is Verdict.UNKNOWN:
        return State.UNKNOWN, Cause(result.reason) if result.reason != "martian" else Cause.OTHER, False
    return naive_failure(ordered, place)


def naive_failure(ordered: list[Observation], place: int) -> tuple[State, Cause | None, bool]:
    """An episode lasts from success to success; silences cut it into parts, each of which is counted by itself."""
    first = place
    while first > 0 and ordered[first - 1].verdict is not Verdict.UP:
        first -= 1
    parts: list[list[int]] = [[first]]
    for index in range(first + 1, len(ordered)):
        if ordered[index].started_ms - ordered[index - 1].started_ms > ordered[index - 1].stale_ms:
            parts.append([])
        if ordered[index].verdict is Verdict.UP:
            cleared_in: int | None = len(parts) - 1
            break
        parts[-1].append(index)
    else:
        cleared_in = None
    mine = next(number for number, part in enumerate(parts) if place in part)
    if any(naive_confirmed(ordered, part) for part in parts[: mine + 1]):
        return State.DOWN, None, False
    return (State.UP, None, True) if cleared_in == mine else (State.UNKNOWN, Cause.UNCONFIRMED, False)


def naive_confirmed(ordered: list[Observation], part: list[int]) -> bool:
    failures = [ordered[index] for index in part if ordered[index].verdict is Verdict.DOWN]
    return any(count >= failure.confirm_after for count, failure in enumerate(failures, start=1))


def by_second(found: list[Span]) -> list[tuple[State, Cause | None, bool]]:
    return [(span.state, span.cause, span.blip) for span in found for _ in range(span.start_ms, span.end_ms, SECOND)]


@given(any_observations, st.integers(-5, 200))
def test_agrees_with_the_oracle_second_by_second(results: list[Observation], seconds: int) -> None:
    until_ms = T0 + seconds * SECOND
    found = probe_spans(runs_of(results), until_ms, ALWAYS, HERE)
    assert by_second(found) == naive_states(results, until_ms)


@given(any_observations, st.integers(0, 200))
def test_tiles_without_hole_or_overlap_and_joins_equals(results: list[Observation], seconds: int) -> None:
    until_ms = T0 + seconds * SECOND
    found = probe_spans(runs_of(results), until_ms, ALWAYS, HERE)
    first_ms = min((each.started_ms for each in results), default=until_ms)
    edges = [first_ms, *(span.end_ms for span in found)]
    assert [span.start_ms for span in found] == edges[:-1]
    assert edges[-1] == max(first_ms, until_ms) or not found
    assert all(span.start_ms < span.end_ms for span in found)


@given(any_observations, st.tuples(st.integers(0, 130), st.integers(0, 130)))
def test_a_part_of_the_history_is_judged_like_the_whole(results: list[Observation], part: Interval) -> None:
    """Runs outside the period decide what is inside it, and the few that are looked up are enough."""
    start, end = (T0 + second * SECOND for second in sorted(part))
    runs = runs_of(results)
    whole = naive_states(results, end)
    first_ms = runs[0].first_ms if runs else end
    silent = [(State.UNKNOWN, Cause.DAEMON_LATE, False)] * max((min(first_ms, end) - start) // SECOND, 0)
    expected = silent + whole[max((start - first_ms) // SECOND, 0) :]
    assert by_second(spans_between(runs, (start, end), Silence(ALWAYS, HERE))) == expected


any_run = st.builds(
    lambda verdict, first, length, stale: Run(verdict, T0 + first, T0 + first + length, 1, stale, 2),
    st.sampled_from(list(Verdict)),
    st.integers(0, 50),
    st.integers(0, 30),
    st.integers(1, 20),
)


@given(st.lists(any_run, max_size=8))
def test_runs_that_overlap_never_make_time_count_twice(runs: list[Run]) -> None:
    """Runs of a clock that was set back, in whatever order: the spans still follow each other."""
    found = probe_spans(runs, T0 + 100, ALWAYS, HERE)
    assert all(before.end_ms == after.start_ms for before, after in pairwise(found))
    assert sum(span.end_ms - span.start_ms for span in found) == (T0 + 100 - runs[0].first_ms if runs else 0)
