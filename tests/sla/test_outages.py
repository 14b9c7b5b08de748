"""Outages: where they begin and end, whom they name, and that nothing cuts a long one in two."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.components import component_spans
from monitor.sla.model import DownWhen, Ledger, Run, State, Verdict
from monitor.sla.outages import Outage, outages, outages_between
from monitor.sla.runs import runs_of

from .timelines import DAY, HERE, HOUR, MINUTE, T0, ledger, minutes, observations, spans, terms


def brief(found: list[Outage]) -> list[tuple[int, int | None]]:
    """Start and end in minutes."""
    return [
        ((each.start_ms - T0) // MINUTE, None if each.end_ms is None else (each.end_ms - T0) // MINUTE)
        for each in found
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uuuuu", []),
        ("uDDDu", [(1, 4)]),
        ("uDuDu", [(1, 2), (3, 4)]),
        ("uD??Du", [(1, 5)]),
        ("uDD???u", [(1, 6)]),  # nothing says that it ended before the first success
        ("u??DDu", [(3, 5)]),
        ("uDDD", [(1, None)]),
        ("uDD??", [(1, None)]),
        ("DDu", [(0, 2)]),
        ("uDDnnn", [(1, 3)]),  # taken out of service: no outage goes on for ever in a component that is gone
        ("uubuu", []),
        ("", []),
    ],
)
def test_start_and_end(text: str, expected: list[tuple[int, int | None]]) -> None:
    assert brief(outages(spans(text), "api", Ledger({}))) == expected


def test_down_and_unknown_time_are_told_apart() -> None:
    (outage,) = outages(spans("uDD?!Du"), "api", Ledger({}))
    assert (outage.down_ms, outage.unknown_ms) == (3 * MINUTE, 2 * MINUTE)


def with_reasons(results: dict[str, tuple[str, str, str]]) -> Ledger:
    """Probes with timeline, reason and step of their failures."""
    known = ledger({place: timeline for place, (timeline, _, _) in results.items()})
    details = {tuple(place.split("@")): (reason, step) for place, (_, reason, step) in results.items()}

    def named(place: tuple[str, str], run: Run) -> Run:
        reason, step = details[place]
        return replace(run, reason=reason, step=step) if run.verdict is Verdict.DOWN else run

    return replace(known, runs={place: [named(place, run) for run in runs] for place, runs in known.runs.items()})


def found_in(known: Ledger, length: int, down_when: DownWhen = DownWhen.ANY) -> list[Outage]:
    return outages(component_spans(known, "api", minutes(length), down_when), "api", known)


def test_names_the_probes_that_were_down_and_the_first_reason() -> None:
    known = with_reasons(
        {
            "blip@x": ("uDuuuuuuu", "dns", "resolve"),
            "later@x": ("uuuuDDuuu", "timeout", "login"),
            "first@x": ("uuuDDuuuu", "refused", "connect"),
            "other@x": ("uuuuuuuDD", "tls", "connect"),
        }
    )
    first, second = found_in(known, 9)
    assert (first.probes, first.reason, first.step) == (("first", "later"), "refused", "connect")
    assert (second.probes, second.reason, second.step) == (("other",), "tls", "connect")


def test_the_first_failure_may_have_been_seen_at_any_location() -> None:
    known = with_reasons(
        {"a@x": ("uuDDDu", "timeout", "y"), "a@y": ("uDDDDu", "refused", "x"), "a@z": ("uuuuuu", "", "")}
    )
    (outage,) = found_in(known, 6)
    assert (outage.start_ms, outage.probes, outage.reason) == (T0 + 2 * MINUTE, ("a",), "refused")


def test_a_failure_that_only_one_of_three_locations_saw_is_not_the_first() -> None:
    known = with_reasons(
        {
            "alone@x": ("uDDDu", "dns", "resolve"),
            "alone@y": ("uuuuu", "", ""),
            "alone@z": ("uuuuu", "", ""),
            "b@x": ("uuDDu", "refused", "connect"),
        }
    )
    (outage,) = found_in(known, 5)
    assert (outage.probes, outage.reason, outage.step) == (("b",), "refused", "connect")


def test_a_probe_that_does_not_count_any_more_is_not_named() -> None:
    gone = terms("gone", from_ms=T0 + MINUTE, component=None)
    known = ledger({"gone": "DDDDD", "here": "uuDDu"}, more_terms=[gone])
    first, second = found_in(known, 5)
    assert (first.probes, second.probes) == (("gone",), ("here",))


def long_outage(start_ms: int, end_ms: int) -> Ledger:
    """Checked every minute: up from T0 on, down from `start_ms`, up again from `end_ms` on for an hour."""
    up = Run(Verdict.UP, T0, start_ms - MINUTE, (start_ms - T0) // MINUTE, 2 * MINUTE, 2)
    down = Run(Verdict.DOWN, start_ms, end_ms - MINUTE, (end_ms - start_ms) // MINUTE, 2 * MINUTE, 2, "refused")
    again = Run(Verdict.UP, end_ms, end_ms + HOUR, 61, 2 * MINUTE, 2)
    return Ledger({("probe", HERE): [up, down, again]}, [terms()])


NEW_YEAR = T0 + 365 * DAY


def test_an_outage_over_midnight_month_and_new_year_is_one() -> None:
    known = long_outage(NEW_YEAR - 30 * HOUR, NEW_YEAR + 10 * HOUR)
    now_ms = NEW_YEAR + 11 * HOUR
    (whole,) = outages_between(known, "api", (T0, now_ms), now_ms)
    assert (whole.start_ms, whole.end_ms, whole.down_ms) == (
        NEW_YEAR - 30 * HOUR, NEW_YEAR + 10 * HOUR, 40 * HOUR,
    )  # fmt: skip
    for part in ((NEW_YEAR - DAY, NEW_YEAR), (NEW_YEAR, now_ms)):
        assert outages_between(known, "api", part, now_ms) == [whole]
    assert outages_between(known, "api", (T0, NEW_YEAR - 30 * HOUR), now_ms) == []
    assert outages_between(known, "api", (NEW_YEAR + 10 * HOUR, now_ms), now_ms) == []


def test_a_running_outage_is_open_and_keeps_its_id_when_it_ends() -> None:
    known = long_outage(T0 + DAY, T0 + 3 * DAY)
    (running,) = outages_between(known, "api", (T0, T0 + 2 * DAY), T0 + 2 * DAY)
    (ended,) = outages_between(known, "api", (T0, T0 + 4 * DAY), T0 + 4 * DAY)
    assert (running.end_ms, ended.end_ms) == (None, T0 + 3 * DAY)
    assert running.down_ms == DAY
    assert running.id == ended.id
    assert running.id != replace(running, component="ingest").id != replace(running, start_ms=T0).id


def test_the_id_is_the_same_in_every_version() -> None:
    assert Outage("api", 1_767_225_600_000, None, 0, 0).id == "ee81a205b2"


def test_a_component_never_in_service_has_no_outages() -> None:
    assert outages_between(ledger({"a": "DDD"}), "frontend", minutes(3), T0 + 3 * MINUTE) == []
    assert outages_between(ledger({"a": "DDD"}), "api", minutes(3), T0) == []


@given(st.text("uuDD??.", max_size=30))
def test_outages_hold_all_down_time_and_nothing_that_is_up(timeline: str) -> None:
    known = Ledger({("probe", HERE): runs_of(observations(timeline))}, [terms()])
    found_spans = component_spans(known, "api", minutes(len(timeline)))
    found = outages(found_spans, "api", known)
    down_ms = sum(span.end_ms - span.start_ms for span in found_spans if span.state is State.DOWN)
    assert sum(outage.down_ms for outage in found) == down_ms
    end_ms = T0 + len(timeline) * MINUTE
    for outage in found:
        lasted_ms = (end_ms if outage.end_ms is None else outage.end_ms) - outage.start_ms
        assert outage.down_ms + outage.unknown_ms == lasted_ms
        assert (outage.probes, outage.reason) == (("probe",), "refused")
    assert all(before.end_ms is not None and before.end_ms < after.start_ms for before, after in pairwise(found))
