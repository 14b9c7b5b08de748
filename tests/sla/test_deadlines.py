"""An outage's clocks: what starts, stops and meets each of them, against a count minute by minute."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sla.agreement import DEADLINES, WEEK_MS, Agreement, Deadlines, SupportHours
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.deadlines import Clock, ClockName, clocks, clocks_of, waiting_at
from monitor.sla.model import ComponentTerms, Ledger
from monitor.sla.outages import Outage
from monitor.sla.record import Record

from .test_support_hours import at, is_support
from .timelines import DAY, HOUR, MINUTE

ACKNOWLEDGED, WAITING, RESUMED, WORKED_AROUND, CORRECTED = ClockEventKind
AGREEMENT = Agreement(0, "Europe/Warsaw", (ComponentTerms("api", "API", None, None, "blocker"),))
NO_HOLIDAYS: frozenset[date] = frozenset()
MONDAY = at("2026-11-23 00:00")
EIGHT = at("2026-11-23 08:00")

Told = tuple[ClockEventKind, float]
"""A kind of event, and so many hours after Monday 0:00."""


def outage(start: float = 8, end: float | None = None) -> Outage:
    """By hours after Monday 0:00."""
    start_ms, end_ms = round(MONDAY + start * HOUR), None if end is None else round(MONDAY + end * HOUR)
    return Outage("api", start_ms, end_ms, HOUR, 0, ("probe",))


def events(told: list[Told], of: Outage) -> list[ClockEvent]:
    return [
        ClockEvent(number, of.id, kind, round(MONDAY + hour * HOUR), "ann", round(MONDAY + hour * HOUR))
        for number, (kind, hour) in enumerate(told, start=1)
    ]


def by_name(severity: str, now: float, *told: Told, end: float | None = None, start: float = 8) -> dict[str, Clock]:
    found = outage(start, end)
    now_ms = round(MONDAY + now * HOUR)
    given_events = events(list(told), found)
    return {each.name.value: each for each in clocks(found, severity, AGREEMENT, NO_HOLIDAYS, given_events, now_ms)}


def hour(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else (milliseconds - MONDAY) / HOUR


def test_a_blockers_clocks_run_around_the_clock() -> None:
    found = by_name("blocker", 5 * 24 + 3, start=5 * 24)  # since Saturday
    assert list(found) == ["workaround", "correction"]
    workaround, correction = found["workaround"], found["correction"]
    assert (hour(workaround.due_ms), workaround.remaining_ms) == (5 * 24 + 8, 5 * HOUR)
    assert (hour(correction.due_ms), correction.remaining_ms) == (12 * 24, WEEK_MS - 3 * HOUR)
    assert (workaround.running, workaround.suspended, workaround.breached) == (True, False, False)


def test_a_majors_response_and_workaround_run_in_support_hours_its_correction_does_not() -> None:
    found = by_name("major", 4 * 24 + 17, start=4 * 24 + 14)  # Friday 14:00, looked at on Friday at 17:00
    assert [hour(clock.due_ms) for clock in found.values()] == [
        7 * 24 + 14,  # Monday
        9 * 24 + 14,  # Wednesday
        4 * 24 + 14 + 8 * 7 * 24,
    ]
    assert [clock.remaining_ms for clock in found.values()] == [6 * HOUR, 22 * HOUR, 8 * WEEK_MS - 3 * HOUR]


def test_a_minor_has_no_time_for_a_workaround() -> None:
    found = by_name("minor", 9)
    assert {name: clock.allowed_ms for name, clock in found.items()} == {
        "response": 8 * HOUR, "correction": 48 * WEEK_MS,
    }  # fmt: skip


def test_holidays_are_no_support_hours() -> None:
    started = Outage("api", at("2026-12-23 12:00"), None, 0, 0)
    holidays = frozenset({date(2026, 12, 24), date(2026, 12, 25)})
    response = clocks(started, "major", AGREEMENT, holidays, [], started.start_ms)[0]
    assert response.due_ms == at("2026-12-28 12:00")


def test_a_severity_without_deadlines_has_no_clocks() -> None:
    assert by_name("cosmetic", 9) == {}


@pytest.mark.parametrize(
    ("told", "end", "response", "workaround", "correction"),
    [
        ([], None, None, None, None),
        ([(ACKNOWLEDGED, 9)], None, 9, None, None),
        ([(WAITING, 9)], None, 9, None, None),  # who asks the customer works on it
        ([(WORKED_AROUND, 10)], None, 10, 10, None),
        ([(CORRECTED, 10)], None, 10, 10, 10),
        ([], 11, 11, 11, 11),  # its end corrects it
        ([(ACKNOWLEDGED, 9)], 11, 9, 11, 11),
        ([(WORKED_AROUND, 10)], 11, 10, 10, None),  # it was only worked around
        ([(WORKED_AROUND, 10), (CORRECTED, 12)], 11, 10, 10, 12),
        ([(WORKED_AROUND, 12)], 11, 11, 11, 11),  # it had ended by itself before
        ([(CORRECTED, 12)], 11, 11, 11, 11),
        ([(CORRECTED, 12), (WORKED_AROUND, 10), (ACKNOWLEDGED, 9)], None, 9, 10, 12),  # recorded out of order
        ([(ACKNOWLEDGED, 9), (ACKNOWLEDGED, 10)], None, 9, None, None),  # the first one counts
        ([(ACKNOWLEDGED, 7)], None, 8, None, None),  # before the outage: from its start on
        ([(ACKNOWLEDGED, 14)], None, None, None, None),  # in the future: not yet
        ([], 14, None, None, None),
        ([(RESUMED, 9)], None, 9, None, None),
    ],
)
def test_what_meets_a_clock(
    told: list[Told], end: float | None, response: float, workaround: float, correction: float
) -> None:
    found = by_name("major", 13, *told, end=end)
    assert [hour(clock.met_ms) for clock in found.values()] == [response, workaround, correction]
    assert not any(clock.running or clock.suspended for clock in found.values() if clock.met_ms is not None)


def test_events_of_other_outages_do_not_count() -> None:
    other = events([(CORRECTED, 9)], outage(7))
    assert all(clock.met_ms is None for clock in clocks(outage(), "major", AGREEMENT, NO_HOLIDAYS, other, EIGHT + HOUR))


def test_a_wait_stops_every_clock_and_moves_what_is_due() -> None:
    waiting = by_name("blocker", 13, (WAITING, 10))
    for clock, left in zip(waiting.values(), (6 * HOUR, WEEK_MS - 2 * HOUR), strict=True):
        assert (clock.due_ms, clock.remaining_ms, clock.paused_ms) == (None, left, 3 * HOUR)
        assert (clock.running, clock.suspended, clock.breached) == (False, True, False)
    resumed = by_name("blocker", 20, (WAITING, 10), (RESUMED, 15))
    assert [hour(clock.due_ms) for clock in resumed.values()] == [21, 8 + 7 * 24 + 5]
    assert [(clock.running, clock.paused_ms) for clock in resumed.values()] == [(True, 5 * HOUR)] * 2
    assert resumed["workaround"].remaining_ms == HOUR


def test_a_wait_over_a_night_takes_no_support_hours() -> None:
    found = by_name("major", 40, (WAITING, 15), (RESUMED, 33))  # Monday 15:00 to Tuesday 9:00
    assert hour(found["workaround"].due_ms) == 82  # Thursday at 10:00
    assert found["workaround"].paused_ms == 18 * HOUR
    assert hour(found["correction"].due_ms) == 8 + 8 * 7 * 24 + 18


@pytest.mark.parametrize(
    ("told", "waited", "suspended"),
    [
        ([(WAITING, 10), (WAITING, 11), (RESUMED, 12)], 2, False),  # doubled: from the first
        ([(WAITING, 10), (RESUMED, 12), (RESUMED, 13)], 2, False),
        ([(RESUMED, 12), (WAITING, 10)], 2, False),  # recorded out of order
        ([(RESUMED, 9), (WAITING, 10)], 4, True),
        ([(WAITING, 10), (RESUMED, 11), (WAITING, 12), (RESUMED, 13)], 2, False),
        ([(WAITING, 6), (RESUMED, 9)], 1, False),  # from the outage's start on
        ([(WAITING, 6), (RESUMED, 7)], 0, False),
        ([(WAITING, 10), (RESUMED, 20)], 4, True),  # the end of the wait is yet to come
        ([(WAITING, 20)], 0, False),
        ([(WAITING, 10), (ACKNOWLEDGED, 11), (WORKED_AROUND, 12)], 4, True),  # only the answer ends it
        ([(WAITING, 14)], 0, True),
    ],
)
def test_pauses(told: list[Told], waited: float, suspended: bool) -> None:
    correction = by_name("blocker", 14, *told)["correction"]
    assert (correction.paused_ms, correction.suspended) == (waited * HOUR, suspended)
    assert correction.remaining_ms == WEEK_MS - (6 - waited) * HOUR


def test_what_comes_of_one_instant_counts_in_the_order_of_the_record() -> None:
    assert not by_name("blocker", 14, (WAITING, 10), (RESUMED, 10))["correction"].suspended
    assert by_name("blocker", 14, (RESUMED, 10), (WAITING, 10))["correction"].suspended


@pytest.mark.parametrize(
    ("now", "told", "breached", "left"),
    [
        (16, [], False, 0),  # within eight hours: the last instant is still within
        (16.5, [], True, -0.5),
        (20, [(WORKED_AROUND, 16)], False, 0),
        (20, [(WORKED_AROUND, 17)], True, -1),  # met, but too late: that stays
        (20, [(WAITING, 17)], True, -1),  # a wait after the end of the time mends nothing
        (20, [(WAITING, 16)], True, 0),
        (30, [(WAITING, 10), (RESUMED, 29)], False, 5),
    ],
)
def test_breached(now: float, told: list[Told], breached: bool, left: float) -> None:
    workaround = by_name("blocker", now, *told)["workaround"]
    assert (workaround.breached, workaround.remaining_ms) == (breached, left * HOUR)
    if breached:
        assert hour(workaround.due_ms) == 16


def test_support_time_that_is_used_up_in_the_evening_was_due_then() -> None:
    overnight = by_name("major", 20)["response"]  # Monday 20:00; eight hours were over at 16:00
    assert (hour(overnight.due_ms), overnight.remaining_ms, overnight.breached) == (16, 0, True)


def test_a_met_clock_does_not_change_any_more() -> None:
    told: list[Told] = [(WAITING, 9), (RESUMED, 10), (CORRECTED, 12)]
    early, late = by_name("major", 12, *told), by_name("major", 12 + 1000, *told, (WAITING, 13))
    assert early == late
    assert early["workaround"].paused_ms == HOUR
    while_waiting = by_name("blocker", 13, (WAITING, 10), (WORKED_AROUND, 12))["workaround"]
    assert (hour(while_waiting.due_ms), while_waiting.suspended) == (18, False)  # as if it had gone on then


def test_no_support_hours_at_all() -> None:
    never = Agreement(0, "UTC", (), support=SupportHours(weekdays=()))
    response, workaround, correction = clocks(outage(), "major", never, NO_HOLIDAYS, [], EIGHT + 3 * DAY)
    assert (response.due_ms, workaround.due_ms, response.breached) == (None, None, False)
    assert correction.due_ms == EIGHT + 8 * WEEK_MS


def test_the_agreement_of_the_outages_start_holds() -> None:
    slower = {**DEADLINES, "blocker": Deadlines(None, 16 * HOUR, None, support_hours_only=False)}
    later = Agreement(EIGHT + HOUR, "UTC", AGREEMENT.components, deadlines=slower)
    record = Record(EIGHT + 2 * HOUR, Ledger({}), [AGREEMENT, later], clock_events=events([(WAITING, 9)], outage()))
    before, after = (clocks_of(record, outage(start), lambda _country: NO_HOLIDAYS) for start in (8, 9.5))
    assert [(clock.allowed_ms, clock.suspended) for clock in before] == [(8 * HOUR, True), (WEEK_MS, True)]
    assert [(clock.allowed_ms, clock.suspended) for clock in after] == [(16 * HOUR, False)]


def test_no_clocks_for_what_the_agreement_does_not_know() -> None:
    empty = Record(EIGHT, Ledger({}), [])
    assert clocks_of(empty, outage(), lambda _country: NO_HOLIDAYS) == []
    stranger = Outage("stranger", EIGHT, None, 0, 0)
    assert clocks_of(Record(EIGHT, Ledger({}), [AGREEMENT]), stranger, lambda _country: NO_HOLIDAYS) == []


def test_who_waits_at_an_instant() -> None:
    found = events([(RESUMED, 12), (WAITING, 10)], outage())
    assert [waiting_at(found, MONDAY + hour * HOUR) for hour in (9, 10, 11, 12)] == [False, True, True, False]


MINUTES = 3 * 24 * 60
kinds = st.sampled_from(list(ClockEventKind))
anything_told = st.lists(st.tuples(kinds, st.integers(-100, MINUTES + 100).map(lambda minute: minute / 60)), max_size=7)
days = st.sampled_from(["2026-11-26", "2026-03-27", "2026-10-23"])  # Thursday; Fridays before the clocks change


@settings(max_examples=60)
@given(
    days,
    st.sampled_from(["blocker", "major"]),
    anything_told,
    st.none() | st.integers(1, MINUTES),
    st.integers(0, MINUTES),
)
def test_against_a_count_minute_by_minute(day: str, severity: str, told: list[Told], end: int | None, now: int) -> None:
    start_ms = at(f"{day} 07:00")
    holidays = frozenset({date.fromisoformat(day) + timedelta(days=3)})
    of = Outage("api", start_ms, None if end is None else start_ms + end * MINUTE, 0, 0)
    noted = [
        ClockEvent(number, of.id, kind, start_ms + round(hour * 60) * MINUTE, "", 0)
        for number, (kind, hour) in enumerate(told)
    ]
    for clock in clocks(of, severity, AGREEMENT, holidays, noted, start_ms + now * MINUTE):
        in_support = severity == "major" and clock.name is not ClockName.CORRECTION
        assert naive(clock, noted, of, now, holidays if in_support else None) == (
            clock.due_ms if clock.remaining_ms <= 0 else None, clock.remaining_ms, clock.paused_ms, clock.suspended
        )  # fmt: skip


def naive(
    clock: Clock, noted: list[ClockEvent], of: Outage, now: int, holidays: frozenset[date] | None
) -> tuple[int | None, int, int, bool]:
    """When the time was used up, what is left, what was waited, whether somebody waits; by one minute after another."""
    counted = waited = 0
    used_up: int | None = None
    stop = now if clock.met_ms is None else (clock.met_ms - of.start_ms) // MINUTE
    for minute in range(stop):
        at_ms = of.start_ms + minute * MINUTE
        if waits_naively(noted, of, at_ms):
            waited += 1
        elif holidays is None or is_support(AGREEMENT.support, holidays, at_ms):
            counted += 1
            if counted * MINUTE == clock.allowed_ms:
                used_up = at_ms + MINUTE
    waits = clock.met_ms is None and waits_naively(noted, of, of.start_ms + now * MINUTE)
    return used_up, clock.allowed_ms - counted * MINUTE, waited * MINUTE, waits


def waits_naively(noted: list[ClockEvent], of: Outage, at_ms: int) -> bool:
    """The newest of what begins and ends a wait says it."""
    turns = [(event.at_ms, event.number, event.kind) for event in noted if event.kind in (WAITING, RESUMED)]
    past = [turn for turn in turns if max(turn[0], of.start_ms) <= at_ms]
    return bool(past) and max(past)[2] is WAITING
