"""The story of an outage: what belongs to it, and nothing else."""

from dataclasses import replace
from datetime import date

import pytest

from monitor.sla.agreement import Agreement, RecurringMaintenance
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.model import ComponentTerms, Ledger
from monitor.sla.outages import Outage
from monitor.sla.record import Record
from monitor.sla.story import (
    Blip,
    Success,
    all_outages,
    components_ever,
    named,
    nearest,
    story_of,
    windows_touching,
)
from monitor.sla.windows import Window, WindowEntry, WindowKind

from .timelines import DAY, HERE, HOUR, MINUTE, T0, ledger, minutes, terms

API = ComponentTerms("api", "API", None, None, "blocker")
AGREEMENT = Agreement(T0 - DAY, "UTC", (API,))


def record(known: Ledger, length: int, **more: object) -> Record:
    return replace(Record(T0 + length * MINUTE, known, [AGREEMENT]), **more)  # type: ignore[arg-type]


def no_holidays(_country: str) -> frozenset[date]:
    return frozenset()


def only(of: Record) -> Outage:
    (outage,) = all_outages(of, "api")
    return outage


def test_an_outage_with_all_around_it() -> None:
    known = record(ledger({"a": "uDuuuuDDDDuuuDuu", "b": "uuuuuuuDuuuuuuuu"}), 16)
    outage = only(known)
    noted = [
        ClockEvent(2, outage.id, ClockEventKind.CORRECTED, T0 + 9 * MINUTE, "ann", T0 + 10 * MINUTE),
        ClockEvent(3, outage.id, ClockEventKind.ACKNOWLEDGED, T0 + 8 * MINUTE, "bob", T0 + 10 * MINUTE),
        ClockEvent(1, "another", ClockEventKind.CORRECTED, T0 + 9 * MINUTE, "ann", T0 + 10 * MINUTE),
    ]
    story = story_of(replace(known, clock_events=noted), outage, no_holidays)
    assert story.last_success == Success("a", HERE, T0 + 5 * MINUTE)
    assert story.confirmed_ms == T0 + 7 * MINUTE
    assert story.blips == [
        Blip("a", HERE, T0 + MINUTE, 1, "refused", ""),
        Blip("a", HERE, T0 + 13 * MINUTE, 1, "refused", ""),
    ]
    assert story.checks == (T0 + 4 * MINUTE, T0 + 12 * MINUTE)
    assert (story.probes, story.terms) == (frozenset({"a", "b"}), API)
    assert [event.author for event in story.events] == ["bob", "ann"]
    assert [clock.met_ms for clock in story.clocks] == [T0 + 9 * MINUTE, T0 + 9 * MINUTE]


def test_checks_reach_back_to_the_last_success_but_not_beyond_all_measure() -> None:
    known = record(ledger({"a": "u" + "?" * 20 + "DDD"}), 24)
    assert story_of(known, only(known), no_holidays).checks == (T0, T0 + 24 * MINUTE + 1)
    known = record(ledger({"a": "u" + "?" * 70 + "DDD"}), 74)
    story = story_of(known, only(known), no_holidays)
    assert (story.last_success, story.checks[0]) == (Success("a", HERE, T0), T0 + 69 * MINUTE)


def test_an_outage_from_the_beginning_has_no_success_before_it() -> None:
    known = record(ledger({"a": "DDDuu"}), 5)
    assert story_of(known, only(known), no_holidays).last_success is None


def test_the_last_success_is_that_of_the_probe_that_failed_first() -> None:
    known = record(ledger({"a": "uuuuuDD", "b": "uuDDDDD", "c": "uuuuuuu"}), 7)
    assert story_of(known, only(known), no_holidays).last_success == Success("b", HERE, T0 + MINUTE)
    known = record(ledger({"a@x": "uuuuuuuuu", "a@y": "uuuDDDDDu", "a@z": "uDDDDDDDu"}), 9)
    assert story_of(known, only(known), no_holidays).last_success == Success("a", "z", T0)


def test_blips_further_away_than_an_hour_do_not_belong_to_it() -> None:
    known = record(ledger({"a": "uDu" + "u" * 60 + "uDDDu" + "u" * 60 + "Du"}), 130)
    assert story_of(known, only(known), no_holidays).blips == []
    known = record(ledger({"a": "uuDu" + "u" * 59 + "DDDu" + "u" * 58 + "Du"}), 127)
    assert len(story_of(known, only(known), no_holidays).blips) == 1


def test_failures_with_only_unknown_between_them_are_one_blip() -> None:
    known = record(ledger({"a": "uD?Duuu?DDDDDu"}, confirm_after=4), 14)
    (blip,) = story_of(known, only(known), no_holidays).blips
    assert (blip.start_ms, blip.failures) == (T0 + MINUTE, 2)


def window(
    start: float, end: float | None, kind: WindowKind = WindowKind.MAINTENANCE, number: int = 1, *on: str
) -> Window:
    end_ms = None if end is None else T0 + round(end * HOUR)
    return Window(kind, T0 + round(start * HOUR), end_ms, "work", "ann", T0, on, number=number)


@pytest.mark.parametrize(
    ("declared", "touches"),
    [
        (window(1, 3), True),
        (window(1, 2), False),
        (window(4, 5), False),
        (window(3.9, 5), True),
        (window(1, None), True),
        (window(1, 5, WindowKind.RESTORE, 1, "api"), True),
        (window(1, 5, WindowKind.RESTORE, 1, "ingest"), False),
    ],
)
def test_windows_that_share_time_with_it(declared: Window, touches: bool) -> None:
    known = record(Ledger({}), 600, windows=[WindowEntry(1, T0, "ann", declared)])
    assert windows_touching(known, "api", (T0 + 2 * HOUR, T0 + 4 * HOUR)) == ([declared] if touches else [])


def test_a_revoked_window_does_not_touch_it_and_a_recurring_one_does() -> None:
    rule = RecurringMaintenance("night", "FREQ=DAILY", "2025-12-01T02:00:00", HOUR, "nightly work")
    known = record(
        Ledger({}),
        600,
        windows=[WindowEntry(1, T0, "ann", window(1, 5)), WindowEntry(2, T0, "ann", None, replaces=1)],
        agreements=[replace(AGREEMENT, recurring=(rule,))],
    )
    (found,) = windows_touching(known, "api", (T0 + 2 * HOUR, T0 + 4 * HOUR))
    assert (found.rule, found.start_ms) == ("night", T0 + 2 * HOUR)
    assert windows_touching(known, "api", (T0 + 3 * HOUR, T0 + 4 * HOUR)) == []


def test_outages_by_the_beginning_of_their_ids() -> None:
    outages = [Outage("api", T0 + each * DAY, None, 0, 0) for each in range(3)]
    first = outages[0]
    assert named(outages, first.id) == named(outages, f" {first.id[:6].upper()} ") == [first]
    assert named(outages, "") == named(outages, "zz") == []
    assert len(named(outages, "a") + named(outages, "e")) <= len(outages)
    assert nearest(outages, first.id[:-1] + "z")[0] is first
    assert len(nearest(outages, "nothing like it")) == 3
    assert nearest([], "x") == []


def test_the_components_of_all_agreements() -> None:
    second = Agreement(T0 + HOUR, "UTC", (ComponentTerms("web", "Web", None, None, "major"), API))
    assert components_ever(record(Ledger({}), 600, agreements=[AGREEMENT, second])) == ["api", "web"]


def test_an_outage_of_a_component_that_left_the_agreement_is_still_told() -> None:
    gone = terms("a", from_ms=T0 + 8 * MINUTE, component=None)
    known = record(ledger({"a": "uuDDDuuu"}, more_terms=[gone]), 12)
    without = Agreement(T0 + 10 * MINUTE, "UTC", ())
    known = replace(known, agreements=[AGREEMENT, without])
    assert only(known).start_ms == minutes(2)[1]
    assert story_of(known, only(known), no_holidays).terms == API
