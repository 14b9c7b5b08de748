"""Mistakes that uptime arithmetic is known for, each by name: none of them is made here."""

from datetime import UTC, date, datetime
from fractions import Fraction
from time import perf_counter
from zoneinfo import ZoneInfo

from monitor.sla.availability import Tally, percent, tally
from monitor.sla.components import component_spans, current
from monitor.sla.model import Cause, Ledger, Life, Run, State, Verdict
from monitor.sla.outages import outages_between
from monitor.sla.periods import day, months, to_date, year
from monitor.sla.probe_spans import probe_spans
from monitor.sla.runs import extend, runs_of

from .timelines import DAY, HERE, HOUR, MINUTE, SECOND, STALE, T0, ledger, minutes, observation, observations, terms

WARSAW = ZoneInfo("Europe/Warsaw")
ALWAYS = [Life(HERE, T0 - DAY, T0 + 4000 * DAY, False)]


def figures(found: Ledger, period: tuple[int, int], component: str = "api") -> Tally:
    return tally(component_spans(found, component, period), period)


def checked(verdict: Verdict, first_ms: int, until_ms: int) -> Run:
    """Checked every minute, up to the minute before `until_ms`."""
    return Run(verdict, first_ms, until_ms - MINUTE, (until_ms - first_ms) // MINUTE, STALE, 2)


def test_no_data_is_neither_100_percent_nor_the_last_state() -> None:
    assert figures(ledger({"a": ""}), minutes(10)).observed is None
    stopped = ledger({"a": "uuuu"})
    assert figures(stopped, minutes(60)).up_ms == 5 * MINUTE
    assert current(component_spans(stopped, "api", minutes(60)))[0] is State.UNKNOWN


def test_time_before_a_component_existed_is_not_up() -> None:
    found = figures(ledger({"a": "uuuuuuuuuu"}), (T0 - 10 * MINUTE, T0 + 10 * MINUTE))
    assert (found.up_ms, found.unknown) == (10 * MINUTE, {Cause.NOT_IN_SERVICE: 10 * MINUTE})
    assert found.coverage == Fraction(1, 2)


def test_a_running_outage_counts_before_it_ends() -> None:
    running = ledger({"a": "uuuDDDDDD"})
    assert figures(running, minutes(9)).down_ms == 6 * MINUTE
    (outage,) = outages_between(running, "api", minutes(9), T0 + 9 * MINUTE)
    assert (outage.end_ms, outage.down_ms) == (None, 6 * MINUTE)


def test_an_outage_over_new_year_is_one_and_its_time_goes_to_both_years() -> None:
    new_year = year(2027, WARSAW).start_ms
    down_ms, up_ms = new_year - 30 * HOUR, new_year + 5 * HOUR
    runs = [
        checked(Verdict.UP, T0, down_ms), checked(Verdict.DOWN, down_ms, up_ms),
        checked(Verdict.UP, up_ms, new_year + DAY),
    ]  # fmt: skip
    found = Ledger({("probe", HERE): runs}, [terms()], ALWAYS)
    december, january = months(2026, WARSAW)[-1], to_date(months(2027, WARSAW)[0], new_year + DAY)
    assert figures(found, december.interval).down_ms == 30 * HOUR
    assert figures(found, january.interval).down_ms == 5 * HOUR
    whole = outages_between(found, "api", december.interval, january.end_ms)
    assert [outage.down_ms for outage in whole] == [35 * HOUR]
    assert whole == outages_between(found, "api", january.interval, january.end_ms)


def test_the_running_year_is_not_divided_by_its_whole_length() -> None:
    now_ms = T0 + 10 * DAY
    runs = [checked(Verdict.UP, T0, now_ms - DAY), checked(Verdict.DOWN, now_ms - DAY, now_ms)]
    found = Ledger({("probe", HERE): runs}, [terms()], ALWAYS)
    period = to_date(year(2026, ZoneInfo("UTC")), now_ms)
    assert figures(found, period.interval).observed == Fraction(9, 10)


def test_a_retry_is_no_downtime() -> None:
    retried = [observation(T0, Verdict.UP), observation(T0 + MINUTE, Verdict.DOWN)]
    retried.append(observation(T0 + MINUTE + 5 * SECOND, Verdict.UP))
    found = tally(probe_spans(runs_of(retried), T0 + 2 * MINUTE, ALWAYS, HERE), minutes(2))
    assert (found.down_ms, found.blip_ms, found.observed) == (0, 5 * SECOND, Fraction(1))


def test_many_quick_checks_weigh_no_more_than_the_time_they_speak_for() -> None:
    """Rechecks every 5 s in one bad minute are twelve of the 21 results, but one of ten minutes."""
    results = observations("u.uuuuuuuu")
    results += [observation(T0 + MINUTE + n * 5 * SECOND, Verdict.DOWN) for n in range(12)]
    found = tally(probe_spans(runs_of(results), T0 + 10 * MINUTE, ALWAYS, HERE), minutes(10))
    assert found.observed == Fraction(9, 10)


def test_a_clock_that_is_set_back_makes_no_more_than_100_percent() -> None:
    before = observations("uuuuuuuuuu")
    after = observations("uuuuuuuuuu", T0 + 5 * MINUTE)
    sorted_out = figures(Ledger({("probe", HERE): runs_of([*before, *after])}, [terms()], ALWAYS), minutes(15))
    folded: list[Run] = []
    run: Run | None = None
    for each in [*before, *after]:
        closed, run = extend(run, each)
        folded += [closed] if closed else []
    assert run is not None
    as_it_came = figures(Ledger({("probe", HERE): [*folded, run]}, [terms()], ALWAYS), minutes(15))
    assert (sorted_out.up_ms, as_it_came.up_ms) == (15 * MINUTE, 15 * MINUTE)


def test_two_results_at_the_same_time_take_no_time_twice() -> None:
    results = [observation(T0, Verdict.UP), observation(T0, Verdict.DOWN), observation(T0 + MINUTE, Verdict.DOWN)]
    found = tally(probe_spans(runs_of(results), T0 + 2 * MINUTE, ALWAYS, HERE), minutes(2))
    assert (found.up_ms, found.down_ms) == (0, 2 * MINUTE)


def test_a_changed_interval_does_not_weigh_the_past_anew() -> None:
    """An hour down at one check a minute, then an hour up at a check every 10 s: half and half."""
    slow = [observation(T0 + n * MINUTE, Verdict.DOWN) for n in range(60)]
    fast = [observation(T0 + HOUR + n * 10 * SECOND, Verdict.UP, stale_ms=25 * SECOND) for n in range(360)]
    changed = terms(from_ms=T0 + HOUR, every_ms=10 * SECOND)
    found = Ledger({("probe", HERE): runs_of([*slow, *fast])}, [terms(), changed], ALWAYS)
    assert figures(found, (T0, T0 + 2 * HOUR)).observed == Fraction(1, 2)


def test_a_year_is_the_sum_of_its_time_not_the_mean_of_percentages() -> None:
    """Monitored for an hour of January, all down, and for the whole of February, all up."""
    january = Tally(31 * DAY, 0, HOUR, {Cause.NOT_IN_SERVICE: 31 * DAY - HOUR})
    february = Tally(28 * DAY, 28 * DAY, 0)
    both = january + february
    assert (january.observed, february.observed) == (Fraction(0), Fraction(1))
    assert both.observed == Fraction(28 * 24, 28 * 24 + 1)


def test_a_better_state_does_not_hide_a_worse_one_at_the_same_time() -> None:
    found = ledger({"late": "uuDDDuuu", "fine": "uuuuuuuu", "blind": "uu????uu"})
    assert figures(found, minutes(8)).down_ms == 3 * MINUTE
    assert figures(found, minutes(8)).unknown == {Cause.BLOCKED: MINUTE}


def test_99_4996_is_not_shown_as_99_50() -> None:
    assert percent(Fraction(994_996, 1_000_000), 2) == "99.49 %"
    almost = Tally(10**9, 10**9 - 1, 1)
    assert almost.observed is not None
    assert percent(almost.observed, 2) == "99.99 %"


def test_the_day_of_a_clock_change_has_its_own_length() -> None:
    """All down on the day with 23 hours; wall-time arithmetic would find 24."""
    changed = day(date(2026, 3, 29), WARSAW)
    found = Ledger({("probe", HERE): [checked(Verdict.DOWN, T0, changed.end_ms + DAY)]}, [terms()], ALWAYS)
    assert figures(found, changed.interval).down_ms == 23 * HOUR
    assert changed.start_ms == round(datetime(2026, 3, 28, 23, tzinfo=UTC).timestamp() * 1000)


def test_new_settings_or_another_component_lose_no_history() -> None:
    """The id alone makes the history: it stays with the component that the probe then belonged to."""
    moved = [terms(from_ms=T0 + 4 * MINUTE, every_ms=HOUR), terms(from_ms=T0 + 6 * MINUTE, component="frontend")]
    found = Ledger({("probe", HERE): runs_of(observations("uuDDuuDDuu"))}, [terms(), *moved], ALWAYS)
    assert figures(found, minutes(10)).down_ms == 2 * MINUTE
    assert figures(found, minutes(10), "frontend").down_ms == 2 * MINUTE
    assert figures(found, minutes(10)).unknown == {Cause.NOT_IN_SERVICE: 4 * MINUTE}


def test_a_long_history_takes_no_more_than_linear_time() -> None:
    """100,000 runs: well under a second on a common machine; a quadratic sweep would take minutes."""
    runs = [
        checked(Verdict.UP if n % 2 else Verdict.DOWN, T0 + 2 * n * MINUTE, T0 + 2 * n * MINUTE + 2 * MINUTE)
        for n in range(50_000)
    ]
    shifted = [Run(run.verdict, run.first_ms + 1, run.last_ms + 1, run.count, STALE, 2) for run in runs]
    found = Ledger({("a", HERE): runs, ("b", HERE): shifted}, [terms("a"), terms("b")], ALWAYS)
    period = (T0, runs[-1].last_ms)
    started = perf_counter()
    assert figures(found, period).observed_ms > 0
    assert perf_counter() - started < 5
