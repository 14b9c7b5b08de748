"""Mistakes that other monitors made in their yearly figures, each by name, tried on whole accounts.

 1. no data shown as 100 %, or as the last state
 2. time before a component existed counted as up
 3. a running outage, or running maintenance, ignored until it ends
 4. an outage longer than 24 h, or across midnight, month or year, cut short or lost
 5. the current year divided by its full length
 6. retries counted as downtime
 7. more than 100 % after a clock step
 8. a changed interval that weighs the past anew
 9. the mean of percentages
10. a better state that hides a worse one at the same time
11. 99.4996 % shown as 99.50 %
12. arithmetic on local times across a clock change
13. a rename that loses history
14. excluded and maintenance windows that overlap each other and an outage, subtracted twice
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.sla.accounts import Account, Judgement, account, component_outages, day_states, state_spans, year_budget
from monitor.sla.agreement import Agreement
from monitor.sla.availability import percent
from monitor.sla.components import current
from monitor.sla.model import Cause, Ledger, Life, Run, State, Verdict
from monitor.sla.periods import Period, day, month, months, year
from monitor.sla.runs import runs_of
from monitor.sla.windows import ReasonClass, WindowKind

from .records import agreement, period, record, window
from .timelines import DAY, HERE, HOUR, MINUTE, SECOND, STALE, T0, ledger, minutes, observation, observations, terms

WARSAW = ZoneInfo("Europe/Warsaw")
UTC = ZoneInfo("UTC")
ALWAYS = [Life(HERE, T0 - DAY, T0 + 4000 * DAY, False)]


def checked(verdict: Verdict, first_ms: int, until_ms: int) -> Run:
    """Checked every minute, up to the minute before `until_ms`."""
    return Run(verdict, first_ms, until_ms - MINUTE, (until_ms - first_ms) // MINUTE, STALE, 2)


def history(*changes: tuple[Verdict, int], until_ms: int) -> Ledger:
    """One probe, checked every minute; each change is a verdict and since when it is so."""
    ends = [*(at_ms for _, at_ms in changes[1:]), until_ms]
    runs = [checked(verdict, at_ms, end_ms) for (verdict, at_ms), end_ms in zip(changes, ends, strict=True)]
    return Ledger({("probe", HERE): runs}, [terms(from_ms=changes[0][1])], ALWAYS)


def of(facts: Ledger, asked: Period, as_of_ms: int, agreements: Iterable[Agreement] = ()) -> Account:
    return account(record(facts, as_of_ms, agreements=agreements), "api", asked)


def test_1_no_data_is_neither_100_percent_nor_the_last_state() -> None:
    nothing = of(ledger({"a": ""}), period(minutes(10)), T0 + 10 * MINUTE)
    assert (nothing.observed, nothing.pessimistic, nothing.optimistic, nothing.coverage) == (
        None,
        None,
        None,
        Fraction(0),
    )
    assert nothing.verdict is Judgement.INCONCLUSIVE
    stopped = ledger({"a": "uuuu"})
    assert of(stopped, period(minutes(60)), T0 + 60 * MINUTE).classes.up_ms == 5 * MINUTE
    spans = state_spans(record(stopped, T0 + 60 * MINUTE), "api", minutes(60))
    assert current(spans)[0] is State.UNKNOWN


def test_1_an_empty_period_has_no_figures() -> None:
    empty = of(ledger({"a": "uuuu"}), period((T0 + HOUR, T0 + 2 * HOUR)), T0 + MINUTE)
    assert empty.period.length_ms == 0
    assert (empty.observed, empty.pessimistic, empty.optimistic) == (None, None, None)
    assert (empty.verdict, empty.deciding_ms, empty.required_ms) == (None, None, 0)


def test_2_time_before_a_component_existed_is_not_up() -> None:
    found = of(ledger({"a": "uuuuuuuuuu"}), period((T0 - 10 * MINUTE, T0 + 10 * MINUTE)), T0 + 10 * MINUTE)
    assert (found.classes.up_ms, found.classes.unknown) == (10 * MINUTE, {Cause.NOT_IN_SERVICE: 10 * MINUTE})
    assert found.coverage == Fraction(1, 2)
    assert found.verdict is Judgement.INCONCLUSIVE


def test_2_time_before_it_was_promised_is_no_part_of_its_period() -> None:
    since = agreement(since={"api": T0})
    found = of(ledger({"a": "uuuuuuuuuu"}), period((T0 - HOUR, T0 + 10 * MINUTE)), T0 + 10 * MINUTE, [since])
    assert (found.classes.period_ms, found.classes.up_ms, found.coverage) == (10 * MINUTE, 10 * MINUTE, Fraction(1))


def test_3_a_running_outage_counts_before_it_ends() -> None:
    facts = ledger({"a": "uuuDDDDDD"})
    found = of(facts, period(minutes(60)), T0 + 9 * MINUTE)
    assert (found.classes.period_ms, found.classes.down_ms) == (9 * MINUTE, 6 * MINUTE)
    (outage,) = component_outages(record(facts, T0 + 9 * MINUTE), "api", minutes(60))
    assert (outage.end_ms, outage.down_ms) == (None, 6 * MINUTE)


def test_3_running_maintenance_counts_before_it_ends() -> None:
    facts = ledger({"a": "uuuDDDDDD"})
    running = window(WindowKind.MAINTENANCE, 2, None)
    spared = record(facts, T0 + 9 * MINUTE, [running], [agreement(maintenance_counts=False)])
    assert account(spared, "api", period(minutes(60))).classes.maintenance_ms == 7 * MINUTE
    counted = account(record(facts, T0 + 9 * MINUTE, [running]), "api", period(minutes(60)))
    assert (counted.classes.down_ms, counted.down_in_windows["maintenance"]) == (6 * MINUTE, 6 * MINUTE)


def test_4_an_outage_over_new_year_is_one_and_its_time_goes_to_both_years() -> None:
    new_year = year(2027, WARSAW).start_ms
    down_ms, up_ms, end_ms = new_year - 30 * HOUR, new_year + 5 * HOUR, new_year + DAY
    facts = history((Verdict.UP, T0), (Verdict.DOWN, down_ms), (Verdict.UP, up_ms), until_ms=end_ms)
    known = record(facts, end_ms)
    december, january = month(2026, 12, WARSAW), month(2027, 1, WARSAW)
    assert account(known, "api", december).classes.down_ms == 30 * HOUR
    assert account(known, "api", january).classes.down_ms == 5 * HOUR
    for asked in (december, january, year(2026, WARSAW), day(date(2026, 12, 31), WARSAW)):
        assert [each.down_ms for each in component_outages(known, "api", asked.interval)] == [35 * HOUR]
    days = {each.on: each.classes.down_ms for each in day_states(known, "api", december)}
    assert (days[date(2026, 12, 30)], days[date(2026, 12, 31)], sum(days.values())) == (6 * HOUR, 24 * HOUR, 30 * HOUR)


def test_5_the_running_year_is_not_divided_by_its_whole_length() -> None:
    now_ms = T0 + 10 * DAY
    facts = history((Verdict.UP, T0), (Verdict.DOWN, now_ms - DAY), until_ms=now_ms)
    found = of(facts, year(2026, UTC), now_ms)
    assert (found.observed, found.classes.period_ms) == (Fraction(9, 10), 10 * DAY)
    budget = year_budget(record(facts, now_ms), "api", year(2026, UTC))
    assert budget is not None
    assert (budget.allowed_ms, budget.spent_ms) == (365 * DAY // 200, DAY)
    assert budget.projected_ms == Fraction(365, 10) * DAY


def test_6_a_retry_is_no_downtime_but_possibly_one() -> None:
    retried = [observation(T0, Verdict.UP), observation(T0 + MINUTE, Verdict.DOWN)]
    retried += [observation(T0 + MINUTE + 5 * SECOND, Verdict.UP), observation(T0 + 2 * MINUTE, Verdict.UP)]
    facts = Ledger({("probe", HERE): runs_of(retried)}, [terms()], ALWAYS)
    found = of(facts, period(minutes(2)), T0 + 2 * MINUTE)
    assert (found.classes.down_ms, found.observed, found.blips, found.blip_ms) == (0, Fraction(1), 1, 5 * SECOND)
    assert (found.possibly_down_ms, found.certainly_down_ms) == (MINUTE + 5 * SECOND, 0)


def test_7_a_clock_that_is_set_back_makes_no_more_than_100_percent() -> None:
    results = [*observations("uuuuuuuuuu"), *observations("uuuuuuuuuu", T0 + 5 * MINUTE)]
    as_it_came = [*runs_of(results[:10]), *runs_of(results[10:])]
    for runs in (runs_of(results), as_it_came):
        facts = Ledger({("probe", HERE): runs}, [terms()], ALWAYS)
        found = of(facts, period(minutes(15)), T0 + 15 * MINUTE)
        assert (found.classes.up_ms, found.observed) == (15 * MINUTE, Fraction(1))
        assert found.optimistic is not None and found.optimistic <= 1


def test_8_a_changed_interval_does_not_weigh_the_past_anew() -> None:
    """An hour down at one check a minute, then an hour up at a check every 10 s: half and half."""
    slow = [observation(T0 + n * MINUTE, Verdict.DOWN) for n in range(60)]
    fast = [observation(T0 + HOUR + n * 10 * SECOND, Verdict.UP, stale_ms=25 * SECOND) for n in range(360)]
    changed = terms(from_ms=T0 + HOUR, every_ms=10 * SECOND)
    facts = Ledger({("probe", HERE): runs_of([*slow, *fast])}, [terms(), changed], ALWAYS)
    assert of(facts, period((T0, T0 + 2 * HOUR)), T0 + 2 * HOUR).observed == Fraction(1, 2)


def test_9_a_year_is_the_sum_of_its_months_not_the_mean_of_their_percentages() -> None:
    """Monitored for the last hour of January, all down, and for the whole of February, all up."""
    february, march = month(2026, 2, UTC).start_ms, month(2026, 3, UTC).start_ms
    facts = history((Verdict.DOWN, february - HOUR), (Verdict.UP, february), until_ms=march)
    monthly = [of(facts, each, march) for each in months(2026, UTC)]
    assert [each.observed for each in monthly[:3]] == [Fraction(0), Fraction(1), None]
    whole = of(facts, year(2026, UTC), march)
    assert whole.observed == Fraction(28 * 24, 28 * 24 + 1)
    total = monthly[0].classes
    for each in monthly[1:]:
        total += each.classes
    assert total == whole.classes
    assert sum(each.possibly_down_ms for each in monthly) == whole.possibly_down_ms


def test_10_a_better_state_does_not_hide_a_worse_one_at_the_same_time() -> None:
    facts = ledger({"late": "uuDDDuuu", "fine": "uuuuuuuu", "blind": "uu????uu"})
    found = of(facts, period(minutes(8)), T0 + 8 * MINUTE)
    assert (found.classes.down_ms, found.classes.unknown) == (3 * MINUTE, {Cause.BLOCKED: MINUTE})


def test_11_99_4996_percent_is_not_shown_as_99_50_and_misses_the_floor() -> None:
    """A floor of 99.5 % allows 2500 of 500,000 minutes; 2502 are down, 2501 of them certainly."""
    end_ms, down_ms = T0 + 500_000 * MINUTE, T0 + 1000 * MINUTE
    facts = history(
        (Verdict.UP, T0), (Verdict.DOWN, down_ms), (Verdict.UP, down_ms + 2502 * MINUTE), until_ms=end_ms + 2 * MINUTE
    )
    found = of(facts, period((T0, end_ms)), end_ms)
    assert found.observed == 1 - Fraction(2502, 500_000)
    assert percent(found.observed, 2) == "99.49 %"
    assert round(float(found.observed * 100), 2) == 99.5  # what is not to be shown
    assert found.verdict is Judgement.MISSED


def test_12_the_day_of_a_clock_change_has_its_own_length() -> None:
    """All down on the days with 23 and 25 hours; wall-time arithmetic would find 24."""
    for on, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        changed = day(on, WARSAW)
        facts = history((Verdict.DOWN, changed.start_ms - DAY), until_ms=changed.end_ms + DAY)
        found = account(record(facts, changed.end_ms + DAY), "api", changed)
        assert found.classes.down_ms == found.classes.period_ms == hours * HOUR
        (only,) = day_states(record(facts, changed.end_ms + DAY), "api", changed)
        assert (only.on, only.classes.down_ms) == (on, hours * HOUR)


def test_13_new_titles_and_settings_lose_no_history() -> None:
    """The probe's id and the component's key alone make the history."""
    changed = [terms(from_ms=T0 + 4 * MINUTE, every_ms=HOUR)]
    facts = Ledger({("probe", HERE): runs_of(observations("uuDDuuDDuu"))}, [terms(), *changed], ALWAYS)
    renamed = agreement(T0 + 5 * MINUTE, floor=Fraction(99, 100))
    found = of(facts, period(minutes(10)), T0 + 10 * MINUTE, [agreement(), renamed])
    assert found.classes.down_ms == 4 * MINUTE
    assert len(component_outages(record(facts, T0 + 10 * MINUTE), "api", minutes(10))) == 2


def test_13_a_line_that_is_left_out_of_the_agreement_takes_no_time_out() -> None:
    facts = ledger({"a": "uuDDuuDDuu"})
    without = agreement(T0 + 2 * MINUTE, components=("frontend",))
    again = agreement(T0 + 5 * MINUTE)
    found = of(facts, period(minutes(10)), T0 + 10 * MINUTE, [agreement(), without, again])
    assert (found.classes.period_ms, found.classes.down_ms) == (10 * MINUTE, 4 * MINUTE)


def test_14_windows_that_overlap_each_other_and_an_outage_take_no_time_twice() -> None:
    facts = ledger({"a": "uuuDDDDDDuuu"})
    windows = [
        window(WindowKind.MAINTENANCE, 2, 7),
        window(WindowKind.MAINTENANCE, 5, 8),
        window(WindowKind.EXCLUDED, 4, 6, reason_class=ReasonClass.AGREED, approver="jan"),
    ]
    facts_of = record(facts, T0 + 12 * MINUTE, windows, [agreement(maintenance_counts=False)])
    found = account(facts_of, "api", period(minutes(12)))
    classes = found.classes
    assert (classes.excluded_ms, classes.maintenance_ms) == (2 * MINUTE, 4 * MINUTE)
    assert (classes.up_ms, classes.down_ms, classes.period_ms) == (5 * MINUTE, MINUTE, 12 * MINUTE)
    assert found.down_in_windows == {"maintenance": 5 * MINUTE, "restore": 0, "excluded": 2 * MINUTE}
    bare = account(facts_of, "api", period(minutes(12)), windows=False)
    assert (bare.classes.down_ms, bare.classes.up_ms) == (6 * MINUTE, 6 * MINUTE)
    assert (outage := component_outages(facts_of, "api", minutes(12))[0]).down_ms == 6 * MINUTE
    assert outage.end_ms == T0 + 9 * MINUTE
