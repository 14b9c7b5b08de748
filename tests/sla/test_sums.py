"""Summed-up history gives what adding up its spans gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.availability import tally, tally_of
from monitor.sla.sums import StateSums
from tests.sla.timelines import MINUTE, T0, spans


@given(st.text("ubD!?lskn-", min_size=1, max_size=30), st.data())
def test_any_period_of_it(text: str, data: st.DataObject) -> None:
    end_ms = T0 + len(text) * MINUTE
    first, last = sorted(data.draw(st.tuples(st.integers(T0, end_ms), st.integers(T0, end_ms))))
    cut = data.draw(st.integers(0, len(text)))
    sums = StateSums(T0)
    sums.extend(spans(text)[:cut])
    sums.extend(spans(text)[cut:])
    assert sums.end_ms == end_ms
    assert tally_of(sums.between(first, last), last - first) == tally(spans(text), (first, last))


@pytest.mark.parametrize("text", ["u D", " D"])
def test_a_hole_is_refused(text: str) -> None:
    with pytest.raises(ArithmeticError, match="hole"):
        StateSums(T0).extend(spans(text))
