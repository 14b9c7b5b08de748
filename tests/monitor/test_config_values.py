"""Durations and percentages: exact, and nothing else is taken for one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.values import duration_text, parse_duration, parse_percentage, percentage_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("30 s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("1d", 86_400.0),
        ("1.5h", 5400.0),
        ("500ms", 0.5),
        ("1s500ms", 1.5),
        (30, 30.0),
        (2.5, 2.5),
        ("30", 30.0),
        ("0s", 0.0),
    ],
)
def test_durations_in_seconds(text: object, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "s", "5 minutes", "30m1h", "1h1h", "-5s", "1e3", "5S", "1w", "٣s", True, None, []]
)
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 10**10))
def test_a_duration_written_out_reads_back(milliseconds: int) -> None:
    text = duration_text(milliseconds / 1000)
    assert round(parse_duration(text) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("99.5 %", Fraction(199, 200)),
        ("99.5%", Fraction(199, 200)),
        ("99.99 %", Fraction(9999, 10000)),
        ("0.1 %", Fraction(1, 1000)),
    ],
)
def test_percentages_are_exact(text: str, ratio: Fraction) -> None:
    assert parse_percentage(text) == ratio


@pytest.mark.parametrize(
    "text", ["99.5", 99.5, "99,5 %", "99.5 %%", "99.5  %", "-1 %", "%", ".5 %", "1e1 %", None, True]
)
def test_what_is_no_percentage(text: object) -> None:
    with pytest.raises(ValueError, match="not a percentage"):
        parse_percentage(text)


@given(st.integers(1, 10**14 - 1))
def test_a_percentage_written_out_reads_back(millionths_of_millionths: int) -> None:
    ratio = Fraction(millionths_of_millionths, 10**14)
    assert parse_percentage(percentage_text(ratio)) == ratio
