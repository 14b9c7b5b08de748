"""Locations into probes, probes into components: rules by table, the sweep against a look at every instant."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.components import combine, component_spans, current, merged, quorum
from monitor.sla.model import DownWhen, Ledger, Life, Span, State

from .timelines import HERE, MINUTE, T0, ledger, letters, minutes, spans, terms

any_text = st.text("uuDDb?!l ", min_size=6, max_size=6)
any_sources = st.lists(any_text, min_size=1, max_size=5)


def at(found: Sequence[Span], ms: int) -> Span | None:
    return next((span for span in found if span.start_ms <= ms < span.end_ms), None)


def column(sources: Sequence[str], minute: int) -> str:
    """The letters of all sources at one minute; blanks say nothing."""
    return "".join(text[minute] for text in sources).replace(" ", "")


def naive_any(seen: str) -> State:
    if "D" in seen:
        return State.DOWN
    return State.UP if set(seen) <= set("ub") else State.UNKNOWN


def naive_all(seen: str) -> State:
    if set(seen) & set("ub"):
        return State.UP
    return State.DOWN if set(seen) == {"D"} else State.UNKNOWN


def naive_majority(seen: str) -> State:
    downs = seen.count("D")
    could_be_down = len(seen) - seen.count("u") - seen.count("b")
    if downs > len(seen) / 2:
        return State.DOWN
    return State.UP if could_be_down <= len(seen) / 2 else State.UNKNOWN


NAIVE = {DownWhen.ANY: naive_any, DownWhen.ALL: naive_all, DownWhen.MAJORITY: naive_majority}


@pytest.mark.parametrize(
    ("down_when", "first", "second", "third", "expected"),
    [
        (DownWhen.ANY, "uuu", "uDu", "uuu", "uDu"),
        (DownWhen.ANY, "u?u", "uDu", "uuu", "uDu"),
        (DownWhen.ANY, "u?u", "u!u", "uuu", "u?u"),  # the first unknown probe names the cause
        (DownWhen.ALL, "DDD", "D?u", "DDD", "D?u"),
        (DownWhen.MAJORITY, "DDD", "DuD", "uu?", "DuD"),
        (DownWhen.MAJORITY, "D??", "?u?", "uuu", "?u?"),
    ],
)
def test_rules(down_when: DownWhen, first: str, second: str, third: str, expected: str) -> None:
    found = combine({"a": spans(first), "b": spans(second), "c": spans(third)}, down_when)
    assert letters(found) == expected


@given(any_sources, st.sampled_from(DownWhen))
def test_combine_agrees_with_looking_at_every_minute(sources: list[str], down_when: DownWhen) -> None:
    by_probe = {str(number): spans(text) for number, text in enumerate(sources)}
    found = combine(by_probe, down_when)
    for minute in range(6):
        seen = column(sources, minute)
        span = at(found, T0 + minute * MINUTE)
        assert (span.state if span else None) == (NAIVE[down_when](seen) if seen else None)
        if span and span.state is State.UNKNOWN:
            first = next(letter for letter in seen if letter in "?!l")
            assert span.cause is spans(first)[0].cause
    assert_well_formed(found)


@given(any_sources, st.sampled_from(DownWhen))
def test_up_time_is_a_blip_where_confirmed_blips_would_make_it_down(sources: list[str], down_when: DownWhen) -> None:
    found = combine({str(number): spans(text) for number, text in enumerate(sources)}, down_when)
    for minute in range(6):
        span = at(found, T0 + minute * MINUTE)
        if span and span.state is State.UP:
            assert span.blip == (NAIVE[down_when](column(sources, minute).replace("b", "D")) is State.DOWN)


@given(any_sources, st.none() | st.integers(1, 3))
def test_quorum_agrees_with_looking_at_every_minute(sources: list[str], needed: int | None) -> None:
    found = quorum({str(number): spans(text) for number, text in enumerate(sources)}, needed)
    for minute in range(6):
        seen = column(sources, minute)
        downs, ups = seen.count("D"), seen.count("u") + seen.count("b")
        span = at(found, T0 + minute * MINUTE)
        if span is None:
            assert seen == ""
        elif downs + ups == 0:
            assert (span.state, span.cause) == (State.UNKNOWN, spans(seen[0])[0].cause)
        elif downs > (downs + ups) / 2 if needed is None else downs >= needed:
            assert span.state is State.DOWN
        else:
            assert span.state is (State.UP if ups else State.UNKNOWN)
    assert_well_formed(found)


def assert_well_formed(found: Sequence[Span]) -> None:
    assert merged(found) == list(found)
    assert all(span.start_ms < span.end_ms for span in found)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("needed", "frankfurt", "dublin", "warsaw", "expected"),
    [
        (None, "uDD", "uuD", "uuu", "uuD"),
        (None, "uDD", "uuu", "???", "uuu"),  # one of the two that know is not more than half
        (None, "?D?", "???", "l??", "?D?"),  # only one knows
        (1, "uDD", "uuu", "uuu", "uDD"),
        (2, "uDD", "u?D", "u??", "u!D"),  # too few that know: not down, but nobody says up
        (3, "DDD", "DDu", "DuD", "Duu"),
    ],
)
def test_locations(needed: int | None, frankfurt: str, dublin: str, warsaw: str, expected: str) -> None:
    places = {"frankfurt": spans(frankfurt), "dublin": spans(dublin), "warsaw": spans(warsaw)}
    assert letters(quorum(places, needed)) == expected


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ({"a": "uuuDDuu"}, "uuuDDuu"),
        ({"a": "uuuuuuu", "b": "uDDuuuu"}, "uDDuuuu"),
        ({"a": "uuuuuuu", "b": "..uuuuu"}, "lluuuuu"),  # a member without a result yet is not up
        ({"a": "uuuuuuu", "b": ""}, "lllllll"),
        ({"a@x": "uDDDuuu", "a@y": "uuDDDuu", "a@z": "uuuuuuu"}, "uuDDuuu"),
        ({}, "nnnnnnn"),
    ],
)
def test_component(results: dict[str, str], expected: str) -> None:
    assert letters(component_spans(ledger(results), "api", minutes(7))) == expected


def test_a_probe_counts_exactly_while_its_terms_name_the_component() -> None:
    moves = [
        terms("b", from_ms=T0 + 2 * MINUTE),
        terms("b", from_ms=T0 + 4 * MINUTE, component="frontend"),
        terms("b", from_ms=T0 + 6 * MINUTE, component=None),
        terms("b", from_ms=T0 + 8 * MINUTE),
    ]
    found = ledger({"a": "uuuuuuuuuu"}, more_terms=moves)
    both = Ledger(
        {**found.runs, **{("b", HERE): ledger({"b": "DDDDDDDDDD"}).runs["b", HERE]}}, found.terms, found.lives
    )
    assert letters(component_spans(both, "api", minutes(10))) == "uuDDuuuuDD"
    assert letters(component_spans(both, "frontend", minutes(10))) == "nnnnDDnnnn"


def test_a_location_that_was_taken_out_is_not_asked() -> None:
    gone = terms("a", location="y", from_ms=T0 + 3 * MINUTE, component=None)
    found = ledger({"a@x": "uuuDDDuu", "a@y": "uuuuuuuu"}, more_terms=[gone])
    assert letters(component_spans(found, "api", minutes(8))) == "uuuDDDuu"


def test_silence_has_the_cause_of_its_location() -> None:
    lives = [Life("x", T0, T0 + 2 * MINUTE, True), Life("y", T0, T0 + 8 * MINUTE, False)]
    found = ledger({"a@x": "u", "b@y": "uuuu"}, lives=lives)
    assert letters(component_spans(found, "api", minutes(8))) == "uussssss"
    assert letters(component_spans(found, "api", minutes(8), DownWhen.ALL)) == "uuuuusss"


def test_an_empty_period_has_no_spans() -> None:
    assert component_spans(ledger({"a": "uuu"}), "api", (T0, T0)) == []


@pytest.mark.parametrize(
    ("text", "state", "minute"),
    [("uubu", State.UP, 0), ("uDDD", State.DOWN, 1), ("uD??!l", State.UNKNOWN, 2), ("D", State.DOWN, 0)],
)
def test_current_state_lasts_since_its_last_change(text: str, state: State, minute: int) -> None:
    assert current(spans(text)) == (state, T0 + minute * MINUTE)


def test_the_current_state_of_nothing_is_unknown() -> None:
    assert current([]) == (State.UNKNOWN, None)


@given(
    st.dictionaries(st.sampled_from(["a@x", "a@y", "a@z", "b@x", "c@y"]), st.text("uuuD?..", max_size=12)),
    st.integers(0, 14),
    st.integers(0, 14),
    st.sampled_from(DownWhen),
)
def test_a_period_is_the_sum_of_its_parts(results: Mapping[str, str], cut: int, end: int, down_when: DownWhen) -> None:
    """Cutting a period anywhere changes nothing: what confirms a failure may lie beyond the cut."""
    cut = min(cut, end)
    found = ledger(dict(results), lives=[Life("x", T0, T0 + 5 * MINUTE, True)])
    whole = component_spans(found, "api", minutes(end), down_when)
    before = component_spans(found, "api", minutes(cut), down_when)
    after = component_spans(found, "api", (T0 + cut * MINUTE, T0 + end * MINUTE), down_when)
    assert merged([*before, *after]) == whole
