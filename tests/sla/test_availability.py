"""Figures: the identity of the classes of time, exact ratios, rounding, budgets, and what adding a failure may do."""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.sla.availability import Budget, Tally, budget, decimal_floor, percent, tally
from monitor.sla.model import Cause, Life, Observation, Verdict
from monitor.sla.probe_spans import probe_spans
from monitor.sla.runs import runs_of

from .timelines import DAY, HERE, HOUR, MINUTE, SECOND, T0, minutes, observation, of_one_setting, spans

END = T0 + 150 * SECOND
LIVES = [Life(HERE, T0 - HOUR, END + HOUR, False)]
results_of_one_setting = st.one_of([of_one_setting(stale, confirm) for stale in (5, 12, 40) for confirm in (1, 2, 3)])


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("uuuDDuuuuu", Fraction(8, 10)),
        ("uuuD??uuuu", Fraction(7, 8)),
        ("uuubuuuuuu", Fraction(1)),
        ("DDDDDDDDDD", Fraction(0)),
        ("??????????", None),
        ("nnnnnnnnnn", None),
    ],
)
def test_observed(text: str, observed: Fraction | None) -> None:
    assert tally(spans(text), minutes(10)).observed == observed


def test_classes_of_time() -> None:
    found = tally(spans("uubDD?!lskn"), minutes(11))
    assert (found.up_ms, found.blip_ms, found.down_ms, found.unknown_ms) == (
        3 * MINUTE, MINUTE, 2 * MINUTE, 6 * MINUTE,
    )  # fmt: skip
    assert found.unknown == dict.fromkeys(
        (
            Cause.BLOCKED, Cause.UNCONFIRMED, Cause.DAEMON_LATE, Cause.DAEMON_STOPPED, Cause.DAEMON_KILLED,
            Cause.NOT_IN_SERVICE,
        ),
        MINUTE,
    )  # fmt: skip
    assert found.coverage == Fraction(5, 11)


def test_an_empty_period_has_no_figure() -> None:
    empty = tally([], (T0, T0))
    assert empty.observed is None
    assert (empty.coverage, empty.period_ms) == (Fraction(0), 0)


@pytest.mark.parametrize("text", ["uu uu", "uuuu ", " uuuu", ""])
def test_spans_that_do_not_tile_the_period_are_refused(text: str) -> None:
    with pytest.raises(ArithmeticError):
        tally(spans(text), minutes(5))


def test_spans_that_overlap_are_refused() -> None:
    with pytest.raises(ArithmeticError):
        tally(spans("uuu") + spans("uu", T0 + 2 * MINUTE), minutes(4))


def test_classes_that_do_not_sum_to_the_period_are_refused() -> None:
    with pytest.raises(ArithmeticError):
        Tally(period_ms=10, up_ms=11, down_ms=0)
    with pytest.raises(ArithmeticError):
        Tally(period_ms=10, up_ms=11, down_ms=-1)
    with pytest.raises(ArithmeticError):
        Tally(period_ms=10, up_ms=10, down_ms=0, blip_ms=11)


@given(st.text("ubD?!lskn-", max_size=20), st.integers(0, 20), st.integers(0, 999))
def test_splitting_a_period_is_additive(text: str, minute: int, rest_ms: int) -> None:
    """Also where the cut goes through a span, and with spans that reach beyond the period."""
    start, end = minutes(len(text))
    cut = min(start + minute * MINUTE + rest_ms, end)
    whole = tally(spans(text), (start, end))
    assert tally(spans(text), (start, cut)) + tally(spans(text), (cut, end)) == whole
    assert whole.up_ms + whole.down_ms + whole.unknown_ms == end - start


def figures(results: list[Observation]) -> Tally:
    """Of the time from T0 on; before the first result nothing was in service."""
    found = probe_spans(runs_of(results), END, LIVES, HERE)
    first_ms = found[0].start_ms if found else END
    return tally(found, (first_ms, END)) + Tally(first_ms - T0, 0, 0, {Cause.NOT_IN_SERVICE: first_ms - T0})


@given(results_of_one_setting, st.integers(0, 24))
def test_a_success_that_turns_into_a_failure_never_raises_uptime(results: list[Observation], which: int) -> None:
    """Where a failure takes the place of a success, neither up time grows nor down time shrinks, so that the observed
    figure cannot rise: the time becomes down, unknown, or at best a blip, which is up as before."""
    successes = [place for place, result in enumerate(results) if result.verdict is Verdict.UP]
    assume(successes)
    place = successes[which % len(successes)]
    failed = replace(results[place], verdict=Verdict.DOWN, reason="refused")
    before, after = figures(results), figures([*results[:place], failed, *results[place + 1 :]])
    assert after.up_ms <= before.up_ms
    assert after.down_ms >= before.down_ms
    if before.observed is not None and after.observed is not None:
        assert after.observed <= before.observed


@given(results_of_one_setting, st.integers(0, 120))
def test_one_more_failure_never_shrinks_down_time_nor_adds_up_time_free_of_failures(
    results: list[Observation], second: int
) -> None:
    """A failure may be added anywhere, in silence too. All that was down stays down, and time that counts as up without
    any failure never grows: so the figure that takes blips and unknown time as down cannot rise. Up time with
    blips can: a failure that is cleared within time that was silent before tells that the platform did answer."""
    like = results[0] if results else observation(T0, Verdict.UP)
    assume(all(each.started_ms != T0 + second * SECOND for each in results))
    failure = replace(like, started_ms=T0 + second * SECOND, verdict=Verdict.DOWN, reason="refused")
    before, after = figures(results), figures([*results, failure])
    assert after.down_ms >= before.down_ms
    assert after.up_ms - after.blip_ms <= before.up_ms - before.blip_ms


@given(results_of_one_setting)
def test_classes_sum_to_the_period(results: list[Observation]) -> None:
    found = figures(results)
    assert found.up_ms + found.down_ms + sum(found.unknown.values()) == END - T0
    assert found.observed is None or 0 <= found.observed <= 1


@pytest.mark.parametrize(
    ("number", "places", "expected"),
    [
        (Fraction(994999, 10000), 2, "99.49"),
        (Fraction(994996, 10000), 1, "99.4"),
        (Fraction(199, 2), 2, "99.50"),
        (Fraction(100), 2, "100.00"),
        (Fraction(2, 3), 0, "0"),
        (Fraction(1, 1000), 2, "0.00"),
        (Fraction(-1, 1000), 2, "-0.01"),
        (Fraction(-5, 2), 1, "-2.5"),
    ],
)
def test_decimal_floor(number: Fraction, places: int, expected: str) -> None:
    assert decimal_floor(number, places) == expected


@given(st.fractions(-200, 200, max_denominator=10**6), st.integers(0, 6))
def test_decimal_floor_agrees_with_decimal_arithmetic(number: Fraction, places: int) -> None:
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    assume(Fraction(exact) == number)  # the decimal library has 28 digits
    expected = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_FLOOR)
    assert Decimal(decimal_floor(number, places)) == expected


def test_percent_rounds_down() -> None:
    assert percent(Fraction(994999, 1000000), 2) == "99.49 %"
    assert percent(Fraction(994999, 1000000)) == "99.4999 %"


YEAR = (T0, T0 + 365 * DAY)


def test_the_budget_of_a_common_year_at_99_5_percent() -> None:
    so_far = Tally(100 * DAY, 100 * DAY - 6 * HOUR, 6 * HOUR)
    assert budget(Fraction(199, 200), so_far, YEAR) == Budget(
        allowed_ms=157_680_000,  # 43.8 h
        spent_ms=6 * HOUR,
        projected_ms=round(6 * HOUR * 3.65),
    )


def test_a_budget_can_be_overspent() -> None:
    spent = budget(Fraction(1), Tally(DAY, 0, DAY), YEAR)
    assert (spent.remaining_ms, spent.spent, spent.projected_ms) == (-DAY, None, 365 * DAY)


def test_the_budget_projects_nothing_from_no_observation() -> None:
    blind = Tally(DAY, 0, 0, {Cause.DAEMON_STOPPED: DAY})
    found = budget(Fraction(99, 100), blind, YEAR)
    assert found.projected_ms is None
    assert (found.spent, found.remaining_ms) == (Fraction(0), found.allowed_ms)


def test_the_pace_is_that_of_the_observed_time() -> None:
    half_blind = Tally(10 * DAY, 4 * DAY, DAY, {Cause.DAEMON_STOPPED: 5 * DAY})
    assert budget(Fraction(99, 100), half_blind, YEAR).projected_ms == DAY + 355 * DAY // 5


def test_a_budget_does_not_flatter_by_rounding() -> None:
    assert budget(Fraction(2, 3), Tally(3, 2, 1), (0, 10)) == Budget(allowed_ms=3, spent_ms=1, projected_ms=4)
