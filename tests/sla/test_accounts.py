"""Accounts: windows of all kinds, agreements that change, verdicts, and the identities that always hold."""

from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.accounts import (
    Account,
    Classes,
    Judgement,
    account,
    component_outages,
    day_states,
    state_spans,
    year_budget,
)
from monitor.sla.agreement import Agreement, RecurringMaintenance
from monitor.sla.model import Cause, DownWhen
from monitor.sla.periods import Period, months, year
from monitor.sla.record import Record
from monitor.sla.windows import Window, WindowEntry, WindowKind

from .records import agreement, period, record, window
from .test_differential import Course
from .timelines import DAY, HOUR, MINUTE, SECOND, T0, ledger, letters, minutes

UTC = ZoneInfo("UTC")
SPARING: dict[str, Any] = {"maintenance_counts": False}


def found(
    results: dict[str, str], windows: list[Window], rules: Agreement | None = None, component: str = "api"
) -> Account:
    """The account of all minutes of the first timeline."""
    length = len(next(iter(results.values())))
    known = record(ledger(results), T0 + length * MINUTE, windows, [rules or agreement()])
    return account(known, component, period(minutes(length)))


def by_class(of: Account) -> dict[str, float]:
    classes = of.classes
    each = {
        "up": classes.up_ms, "down": classes.down_ms, "unknown": classes.unknown_ms, "restore": classes.restore_ms,
        "maintenance": classes.maintenance_ms, "excluded": classes.excluded_ms,
    }  # fmt: skip
    return {name: length / MINUTE for name, length in each.items() if length}


def test_classes_that_do_not_sum_to_the_period_are_refused() -> None:
    with pytest.raises(ArithmeticError, match="do not sum"):
        Classes(10, 5, 4)
    with pytest.raises(ArithmeticError):
        Classes(10, 11, -1)
    with pytest.raises(ArithmeticError):
        Classes(10, 5, 4, {Cause.OFFLINE: 2, Cause.BLOCKED: -1})
    with pytest.raises(ArithmeticError):
        Classes(10, 5, 4, maintenance_ms=2, excluded_ms=-1)
    first = Classes(10, 5, 4, {Cause.OFFLINE: 1})
    assert first + Classes(6, 1, 0, {Cause.BLOCKED: 2}, 1, 1, 1) == Classes(
        16, 6, 4, {Cause.OFFLINE: 1, Cause.BLOCKED: 2}, 1, 1, 1
    )


def test_maintenance_that_counts_takes_nothing_out() -> None:
    of = found({"a": "uuuDDDuuuu"}, [window(WindowKind.MAINTENANCE, 2, 8)])
    assert by_class(of) == {"up": 7, "down": 3}
    assert of.down_in_windows["maintenance"] == 3 * MINUTE


@pytest.mark.parametrize(
    ("announced_minutes_before", "notice", "out"),
    [(60, 60, 6), (59, 60, 0), (None, 60, 0), (None, 0, 6), (-1, 0, 0), (0, 0, 6)],
)
def test_maintenance_is_taken_out_only_when_announced_in_time(
    announced_minutes_before: int | None, notice: int, out: int
) -> None:
    announced = None if announced_minutes_before is None else T0 + (2 - announced_minutes_before) * MINUTE
    of = found(
        {"a": "uuuDDDuuuu"},
        [window(WindowKind.MAINTENANCE, 2, 8, announced_ms=announced)],
        agreement(**SPARING, minimum_notice_ms=notice * MINUTE),
    )
    assert of.classes.maintenance_ms == out * MINUTE
    assert of.down_in_windows["maintenance"] == 3 * MINUTE


def test_the_cap_of_maintenance_is_used_up_in_order_of_time_and_by_the_calendar_year() -> None:
    """Two windows of two hours before New Year and two after it, of which three hours a year are taken out."""
    new_year = year(2027, UTC).start_ms
    firsts = [(new_year - T0) // MINUTE + hours * 60 for hours in (-9, -5, 1, 5)]
    rules = agreement(**SPARING, maintenance_cap_ms=3 * HOUR)
    known = record(
        ledger({"a": "u"}),
        new_year + DAY,
        [window(WindowKind.MAINTENANCE, first, first + 120) for first in firsts],
        [rules],
    )
    for number in (2026, 2027):
        assert account(known, "api", year(number, UTC)).classes.maintenance_ms == 3 * HOUR
    ends = Period(new_year - 6 * HOUR, new_year + 6 * HOUR, "ends", "UTC")
    assert account(known, "api", ends).classes.maintenance_ms == 1 * HOUR + 2 * HOUR + 1 * HOUR
    december = months(2026, UTC)[-1]
    assert account(known, "api", december).classes.maintenance_ms == 3 * HOUR


def test_excluded_time_does_not_use_the_cap_up() -> None:
    windows = [window(WindowKind.MAINTENANCE, 0, 4), window(WindowKind.EXCLUDED, 0, 3)]
    windows.append(window(WindowKind.MAINTENANCE, 6, 8))
    of = found({"a": "D" * 10}, windows, agreement(**SPARING, maintenance_cap_ms=3 * MINUTE))
    assert by_class(of) == {"excluded": 3, "maintenance": 3, "down": 4}


def test_a_window_over_new_year_uses_the_caps_of_both_years() -> None:
    new_year = year(2027, UTC).start_ms
    over = window(WindowKind.MAINTENANCE, (new_year - T0) // MINUTE - 120, (new_year - T0) // MINUTE + 120)
    rules = agreement(**SPARING, maintenance_cap_ms=HOUR)
    known = record(ledger({"a": "u"}), new_year + DAY, [over], [rules])
    assert account(known, "api", year(2026, UTC)).classes.maintenance_ms == HOUR
    assert account(known, "api", year(2027, UTC)).classes.maintenance_ms == HOUR


def test_recurring_maintenance_is_a_window_like_another() -> None:
    nightly = RecurringMaintenance("nightly", "FREQ=DAILY", "2026-01-01T02:00:00", HOUR, "patches")
    known = record(ledger({"a": "u"}), T0 + 10 * DAY, [], [agreement(**SPARING, recurring=(nightly,))])
    asked = period((T0 + DAY, T0 + 3 * DAY + 150 * MINUTE))
    assert account(known, "api", asked).classes.maintenance_ms == 2 * HOUR + 30 * MINUTE
    assert account(known, "api", asked, windows=False).classes.maintenance_ms == 0
    begins_inside = period((T0 + DAY + 150 * MINUTE, T0 + DAY + 300 * MINUTE))
    assert account(known, "api", begins_inside).classes.maintenance_ms == 30 * MINUTE


def test_recurring_maintenance_ends_with_the_agreement_that_has_it() -> None:
    nightly = RecurringMaintenance("nightly", "FREQ=DAILY", "2026-01-01T02:00:00", HOUR, "", ("api",))
    rules = [agreement(**SPARING, recurring=(nightly,)), agreement(T0 + 3 * DAY, **SPARING)]
    known = record(ledger({"a": "u"}), T0 + 10 * DAY, [], rules)
    assert account(known, "api", period((T0, T0 + 10 * DAY))).classes.maintenance_ms == 3 * HOUR
    assert account(known, "frontend", period((T0, T0 + 10 * DAY))).classes.maintenance_ms == 0


HISTORY = agreement(history_probes=("history",), restore_limit_ms=6 * MINUTE)


def test_a_restore_spares_what_fails_only_by_its_history() -> None:
    restore = [window(WindowKind.RESTORE, 1, 10)]
    of = found({"history": "uuDDDDDDDDuu", "live": "uuuuDDuuuuuu"}, restore, HISTORY)
    # Down alone by history from 2 to 4 and 6 to 7; from the limit on, at 7, it counts again.
    assert by_class(of) == {"up": 4, "down": 5, "restore": 3}
    assert of.down_in_windows["restore"] == 8 * MINUTE


def test_a_restore_spares_nobody_else() -> None:
    restore = [window(WindowKind.RESTORE, 0, 5)]
    of = found({"history": "uuDDuu"}, restore, agreement(history_probes=("history",), spared=("frontend",)))
    assert by_class(of) == {"up": 4, "down": 2}


def test_the_edges_of_what_a_restore_spares_are_not_possibly_down() -> None:
    of = found(
        {"history": "uuDDuuuuu", "live": "uuuuuuuuu"},
        [window(WindowKind.RESTORE, 0, 8)],
        agreement(history_probes=("history",)),
    )
    assert by_class(of) == {"up": 7, "restore": 2}
    assert of.possibly_down_ms == MINUTE  # after the last result of all


def test_a_restore_that_lasts_too_long_is_downtime_of_recovery() -> None:
    """Two that overlap are one, so that none can be cut into short ones."""
    restores = [window(WindowKind.RESTORE, 1, 6), window(WindowKind.RESTORE, 5, 12, components=("api",))]
    known = record(ledger({"a": "u" * 20}), T0 + 20 * MINUTE, restores, [HISTORY])
    of = account(known, "recovery", period(minutes(20)))
    assert (of.classes.down_ms, of.certainly_down_ms) == (5 * MINUTE, 5 * MINUTE)
    assert of.classes.unknown == {Cause.NOT_IN_SERVICE: 15 * MINUTE}
    later = account(known, "recovery", period((T0 + 10 * MINUTE, T0 + 20 * MINUTE)))
    assert later.classes.down_ms == 2 * MINUTE


def test_excluded_time_comes_before_restore_and_restore_before_maintenance() -> None:
    windows = [
        window(WindowKind.EXCLUDED, 3, 4),
        window(WindowKind.RESTORE, 2, 6),
        window(WindowKind.MAINTENANCE, 1, 8),
    ]
    of = found({"history": "uuDDDDuuuu"}, windows, agreement(**SPARING, history_probes=("history",)))
    assert by_class(of) == {"up": 3, "excluded": 1, "restore": 3, "maintenance": 3}


def test_a_window_of_another_component_changes_nothing() -> None:
    excluded = [window(WindowKind.EXCLUDED, 2, 5, components=("frontend",))]
    assert by_class(found({"a": "uuuDDDuuuu"}, excluded)) == {"up": 7, "down": 3}


def test_a_window_counts_from_when_it_was_on_record_until_it_was_replaced() -> None:
    before = window(WindowKind.EXCLUDED, 2, 5)
    facts = ledger({"a": "uuuDDDuuuu"})
    entries = [
        WindowEntry(1, T0 + 6 * MINUTE, "anna", before),
        WindowEntry(2, T0 + 9 * MINUTE, "anna", None, replaces=1, text="a mistake"),
    ]
    for as_of, excluded in ((6, 3), (8, 3), (9, 0)):
        known = Record(T0 + as_of * MINUTE, facts, [agreement()], entries)
        assert account(known, "api", period(minutes(6))).classes.excluded_ms == excluded * MINUTE


def test_agreements_that_change_hold_each_in_its_own_time() -> None:
    facts = ledger({"a": "uuuDDDuuuu", "b": "u" * 10})
    rules = [
        agreement(floor=Fraction(9, 10)),
        agreement(T0 + 4 * MINUTE, floor=Fraction(1, 2), down_when=DownWhen.ALL),
        agreement(T0 + 5 * MINUTE, floor=Fraction(3, 4)),
    ]
    known = record(facts, T0 + 10 * MINUTE, [], rules)
    of = account(known, "api", period(minutes(10)))
    assert (of.classes.down_ms, of.floor) == (2 * MINUTE, Fraction(3, 4))
    assert of.required_ms == (Fraction(9, 10) * 4 + Fraction(1, 2) + Fraction(3, 4) * 5) * MINUTE
    assert letters(state_spans(known, "api", minutes(10))) == "uuuDuDuuuu"
    assert len(component_outages(known, "api", minutes(10))) == 2


def judged(possibly: int, certainly: int, required: int | None) -> Account:
    classes = Classes(100, 90, 5, {Cause.OFFLINE: 5})
    return Account("api", period((0, 100)), classes, possibly, certainly, 0, 0, required, None)


@pytest.mark.parametrize(
    ("possibly", "certainly", "required", "verdict", "deciding"),
    [
        (10, 4, 90, Judgement.MET, None),
        (11, 4, 90, Judgement.INCONCLUSIVE, 1),
        (12, 10, 90, Judgement.INCONCLUSIVE, 2),
        (12, 11, 90, Judgement.MISSED, None),
        (12, 11, None, None, None),
    ],
)
def test_verdicts(
    possibly: int, certainly: int, required: int | None, verdict: Judgement | None, deciding: int | None
) -> None:
    of = judged(possibly, certainly, required)
    assert (of.verdict, of.deciding_ms) == (verdict, deciding)
    assert (of.pessimistic, of.optimistic) == (Fraction(100 - possibly, 100), Fraction(100 - certainly, 100))
    assert (of.observed, of.coverage) == (Fraction(90, 95), Fraction(95, 100))


def test_blips_in_excluded_time_are_not_told() -> None:
    of = found({"a": "uDuuuDuuu"}, [window(WindowKind.EXCLUDED, 4, 7)])
    assert (of.blips, of.blip_ms) == (1, MINUTE)


def test_the_budget_of_a_year_with_two_floors() -> None:
    rules = [agreement(floor=Fraction(99, 100)), agreement(T0 + 100 * DAY, floor=Fraction(199, 200))]
    known = record(ledger({"a": "uuDDu"}), T0 + 5 * MINUTE, [], rules)
    budget = year_budget(known, "api", year(2026, UTC))
    assert budget is not None
    assert (budget.allowed_ms, budget.spent_ms) == (DAY + 265 * DAY // 200, 2 * MINUTE)
    since = record(ledger({"a": "u"}), T0 + MINUTE, [], [agreement(since={"api": T0 + 165 * DAY})])
    half = year_budget(since, "api", year(2026, UTC))
    assert half is not None and half.allowed_ms == DAY
    assert year_budget(record(ledger(), T0, [], [agreement(floor=None)]), "api", year(2026, UTC)) is None


def test_days_before_the_promise_have_nothing_in_any_class() -> None:
    known = record(ledger({"a": "u"}), T0 + 2 * DAY + HOUR, [], [agreement(since={"api": T0 + DAY})])
    days = day_states(known, "api", year(2026, UTC))
    assert [each.on.isoformat() for each in days] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert [each.classes.period_ms for each in days] == [0, DAY, HOUR]


def test_who_asks_for_what_nobody_agreed_on_is_told() -> None:
    nothing = Record(T0 + HOUR, ledger({"a": "u"}), [])
    with pytest.raises(ValueError, match="no agreement is on record"):
        account(nothing, "api", period(minutes(1)))
    with pytest.raises(ValueError, match="names the component 'mars'"):
        account(record(ledger(), T0 + HOUR), "mars", period(minutes(1)))


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1800), max_size=5))
def test_the_parts_of_a_period_sum_to_the_whole(seed: int, cuts: list[int]) -> None:
    course = Course(seed, 1800)
    known = course.record()
    edges = [0, *sorted(cuts), 1800]
    parts = [
        account(known, course.key, period((T0 + first * SECOND, T0 + end * SECOND))) for first, end in pairwise(edges)
    ]
    whole = account(known, course.key, period((T0, T0 + 1800 * SECOND)))
    summed = parts[0].classes
    for part in parts[1:]:
        summed += part.classes
    assert summed == whole.classes
    for name in ("possibly_down_ms", "certainly_down_ms", "blip_ms", "blips"):
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name)
    for each in (*parts, whole):
        assert each.certainly_down_ms <= each.classes.down_ms
        assert each.classes.down_ms + each.classes.unknown_ms <= each.possibly_down_ms <= each.reckoned_ms
