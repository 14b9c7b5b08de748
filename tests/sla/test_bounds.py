"""What is certain: tables, invariants against what was observed, and a simulated truth that always lies within."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.accounts import account
from monitor.sla.bounds import certain_quorum, certain_spans, component_bounds
from monitor.sla.components import component_spans
from monitor.sla.model import DownWhen, Ledger, Life, Observation, Run, Span, State, Verdict
from monitor.sla.probe_spans import spans_between
from monitor.sla.runs import runs_of
from monitor.sla.silence import Silence

from .records import agreement, period, record
from .timelines import (
    HERE,
    MINUTE,
    SECOND,
    STALE,
    T0,
    any_observations,
    ledger,
    minutes,
    observation,
    observations,
    spans,
    terms,
)

LIVES = [Life(HERE, T0 - MINUTE, T0 + 10_000 * MINUTE, False)]


def certainties(found: Sequence[Span]) -> str:
    """One letter a minute: up, down, or `~` for what is not certain."""
    letter = {State.UP: "u", State.DOWN: "D", State.UNKNOWN: "~"}
    return "".join(letter[span.state] * ((span.end_ms - span.start_ms) // MINUTE) for span in found)


@pytest.mark.parametrize(
    ("timeline", "certain"),
    [
        ("uuuuuu", "uuuuu~"),  # after the last success nothing is certain
        ("uuDDDuuu", "u~DD~uu~"),  # neither just before the first failure nor just after the last one
        ("uuDuuu", "u~~uu~"),  # a blip: from the success before it to the one after it
        ("uuDDuu", "u~D~u~"),
        ("uu...uu", "u~~~~u~"),  # silence, and the time before it from the last success on
        ("uu.uu", "uuuu~"),  # no silence: a success speaks for two minutes
        ("uu?uu", "u~~u~"),  # an unknown result is nobody's observation
        ("uDD?DDuu", "~D~~D~u~"),
        ("uDD....Duu", "~D~~~~~~u~"),
        ("uuD", "u~~"),
        ("..uu", "~~u~"),
        ("????", "~~~~"),
        ("", ""),
    ],
)
def test_what_is_certain_of_a_probe(timeline: str, certain: str) -> None:
    assert certainties(certain_spans(runs_of(observations(timeline)), minutes(len(timeline)))) == certain


def test_what_came_after_the_interval_still_makes_its_end_certain() -> None:
    runs = runs_of(observations("uuDDDuu"))
    assert certainties(certain_spans(runs, minutes(4))) == "u~DD"
    assert certainties(certain_spans(runs, (T0 + 3 * MINUTE, T0 + 6 * MINUTE))) == "D~u"


def test_changed_settings_do_not_make_uncertain() -> None:
    results = observations("uuu") + observations("uuu", T0 + 3 * MINUTE, stale_ms=5 * MINUTE)
    assert certainties(certain_spans(runs_of(results), minutes(6))) == "uuuuu~"


@pytest.mark.parametrize(
    ("sources", "needed", "certain"),
    [
        (["uD~", "uD~", "uD~"], None, "uD~"),
        (["uuD", "~DD", "~~~"], None, "~~D"),  # two of three are needed
        (["uu", "u~", "~D"], None, "u~"),
        (["u~D", "~~u"], None, "u~u"),  # two of two are needed: one that is up suffices
        (["uD", "~~"], 1, "~D"),
        (["uD~", "uDD"], 3, "u~~"),  # never enough to be down, but somebody must be up to say so
    ],
)
def test_locations_are_put_together_by_all_that_they_may_be(
    sources: list[str], needed: int | None, certain: str
) -> None:
    found = certain_quorum({str(n): spans(text.replace("~", "-")) for n, text in enumerate(sources)}, needed)
    assert certainties(found) == certain


def each_second(found: Sequence[Span]) -> list[State]:
    return [span.state for span in found for _ in range(span.start_ms, span.end_ms, SECOND)]


@given(any_observations, st.tuples(st.integers(-5, 150), st.integers(-5, 150)))
def test_certain_is_less_than_observed(results: list[Observation], part: tuple[int, int]) -> None:
    start, end = (T0 + second * SECOND for second in sorted(part))
    runs = runs_of(results)
    certain = each_second(certain_spans(runs, (start, end)))
    observed = each_second(spans_between(runs, (start, end), Silence(LIVES, HERE)))
    assert len(certain) == len(observed)
    assert all(sure in (State.UNKNOWN, seen) for sure, seen in zip(certain, observed, strict=True))


any_run = st.builds(
    lambda verdict, first, length, stale: Run(verdict, T0 + first, T0 + first + length, 1, stale, 1),
    st.sampled_from(list(Verdict)),
    st.integers(0, 50),
    st.integers(0, 30),
    st.integers(1, 20),
)


@given(st.lists(any_run, max_size=8))
def test_runs_that_overlap_tile_as_well(runs: list[Run]) -> None:
    runs = sorted(runs, key=lambda run: run.first_ms)
    found = certain_spans(runs, (T0, T0 + 100))
    assert [span.start_ms for span in found] == [T0, *(span.end_ms for span in found[:-1])]
    assert found[-1].end_ms == T0 + 100


@given(
    st.dictionaries(st.sampled_from(["a@x", "a@y", "a@z", "b@x", "c@x"]), st.text("uuuDD?.", max_size=14)),
    st.sampled_from(DownWhen),
    st.none() | st.integers(1, 3),
)
def test_a_component_is_certainly_down_within_observed_down_within_possibly_down(
    results: dict[str, str], down_when: DownWhen, needed: int | None
) -> None:
    facts = ledger(results)
    observed = each_second(component_spans(facts, "api", minutes(15), down_when, locations_needed=needed))
    certain = each_second(component_bounds(facts, "api", minutes(15), down_when, locations_needed=needed))
    assert len(observed) == len(certain) == 15 * 60
    assert all(sure in (State.UNKNOWN, seen) for sure, seen in zip(certain, observed, strict=True))


# ---- a simulated truth ----

LENGTH = 600  # seconds


@st.composite
def watched(draw: st.DrawFn) -> tuple[list[Observation], list[bool]]:
    """A place: its results, and for each second whether it was truly down.

    Truth changes at most once between two results that know, as long as there is neither an unknown result nor a
    silence between them; elsewhere it does what it likes.
    """
    pauses = draw(st.lists(st.sampled_from([5, 30, 30, 30, 45, 61, 100]), min_size=1, max_size=18))
    confirm_after = draw(st.integers(1, 3))
    verdicts = st.sampled_from([Verdict.UP, Verdict.UP, Verdict.DOWN, Verdict.DOWN, Verdict.UNKNOWN])
    times = [at for at in accumulate(pauses, initial=draw(st.integers(0, 40))) if at < LENGTH]
    results = [
        observation(T0 + at * SECOND, draw(verdicts), stale_ms=60 * SECOND, confirm_after=confirm_after) for at in times
    ]
    changes = draw(st.lists(st.integers(0, LENGTH), max_size=30).map(sorted))
    down = [bisect_right(changes, second) % 2 == 1 for second in range(LENGTH)]
    for result, at in zip(results, times, strict=True):
        if result.verdict is not Verdict.UNKNOWN:
            down[at] = result.verdict is Verdict.DOWN
    for first, following in pairwise(results):
        _change_once(draw, first, following, down)
    return results, down


def _change_once(draw: st.DrawFn, first: Observation, following: Observation, down: list[bool]) -> None:
    start, end = ((each.started_ms - T0) // SECOND for each in (first, following))
    if Verdict.UNKNOWN in (first.verdict, following.verdict) or end - start > 60:
        return
    changes = draw(st.integers(start + 1, end))
    down[start:changes] = [first.verdict is Verdict.DOWN] * (changes - start)
    down[changes:end] = [following.verdict is Verdict.DOWN] * (end - changes)


def truly_down(at: Sequence[Sequence[bool]], needed: int | None) -> bool:
    """Whether a probe is down that is so at these locations."""
    downs = sum(1 for each in at if each)
    return downs >= (len(at) // 2 + 1 if needed is None else needed)


def component_down(probes: Sequence[bool], down_when: DownWhen) -> bool:
    if down_when is DownWhen.ANY:
        return any(probes)
    return all(probes) if down_when is DownWhen.ALL else 2 * sum(probes) > len(probes)


@given(
    st.lists(st.lists(watched(), min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from(DownWhen),
    st.none() | st.just(1),
)
def test_the_truth_lies_within_the_bounds(
    probes: list[list[tuple[list[Observation], list[bool]]]], down_when: DownWhen, needed: int | None
) -> None:
    places = {
        (f"probe{p}", f"city{c}"): runs_of(results)
        for p, cities in enumerate(probes)
        for c, (results, _) in enumerate(cities)
    }
    facts = Ledger(places, [terms(probe, location=city) for probe, city in places], [])
    truth = [
        component_down([truly_down([down[s] for _, down in cities], needed) for cities in probes], down_when)  # type: ignore[misc]
        for s in range(LENGTH)
    ]
    end_ms = T0 + LENGTH * SECOND
    quorums = {} if needed is None else {"api": needed}
    found = account(
        record(facts, end_ms, agreements=[agreement(down_when=down_when, quorums=quorums)]), "api", period((T0, end_ms))
    )
    true_down_ms = sum(truth) * SECOND
    assert found.certainly_down_ms <= true_down_ms <= found.possibly_down_ms
    bounds = component_bounds(facts, "api", (T0, end_ms), down_when, locations_needed=needed)
    for down, sure in zip(truth, each_second(bounds), strict=True):
        assert sure is State.UNKNOWN or down == (sure is State.DOWN)


def test_a_year_of_eight_probes_takes_milliseconds() -> None:
    """Generously bounded, for a busy machine: a look at every result would take minutes."""
    runs = []
    for n in range(150):
        at = T0 + n * 3400 * MINUTE
        runs.append(Run(Verdict.UP, at, at + 3390 * MINUTE, 3391, STALE, 2))
        runs.append(Run(Verdict.DOWN, at + 3391 * MINUTE, at + 3399 * MINUTE, 9, STALE, 2))
    facts = Ledger({(f"p{n}", HERE): runs for n in range(8)}, [terms(f"p{n}") for n in range(8)], LIVES)
    started = perf_counter()
    found = component_bounds(facts, "api", (T0, T0 + 365 * 1440 * MINUTE))
    assert len(found) > 300
    assert perf_counter() - started < 1
