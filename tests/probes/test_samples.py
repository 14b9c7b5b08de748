"""Run-length bookkeeping of samples, compared with a plain dictionary of every sample."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.efento.samples import SampleRun, SampleState, marked

changes = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]),
        st.sampled_from([0, 0, 0, 1]),
        st.sampled_from(list(SampleState)),
        st.sets(st.integers(0, 12), min_size=1, max_size=8),
    ),
    max_size=10,
)


@given(changes)
def test_runs_know_of_every_sample_what_a_dictionary_knows(
    changes: list[tuple[int, int, SampleState, set[int]]],
) -> None:
    runs: list[SampleRun] = []
    known: dict[int, SampleState] = {}
    for period, phase, state, places in changes:
        times = [phase + place * period for place in places]
        runs = marked(runs, period, state, times)
        known |= dict.fromkeys(times, state)
    told = [(time, run.state) for run in runs for time in run.times()]
    assert len(told) == len(known)
    assert dict(told) == known
    assert runs == sorted(runs)


@given(st.sets(st.integers(0, 1000), min_size=1), st.integers(1, 60))
def test_samples_marked_one_by_one_make_as_few_runs_as_marked_together(places: set[int], period: int) -> None:
    times = [place * period for place in places]
    together = marked([], period, SampleState.SEEN, times)
    runs: list[SampleRun] = []
    for time in times:
        runs = marked(runs, period, SampleState.SEEN, [time])
    assert runs == together
    gaps = sum(1 for time in times if time + period not in times)
    assert len(together) == gaps


@pytest.mark.parametrize(("first", "last", "period"), [(0, 5, 0), (10, 0, 5), (0, 7, 5)])
def test_a_run_that_is_none_is_refused(first: int, last: int, period: int) -> None:
    with pytest.raises(ValueError, match="not a run"):
        SampleRun(first, last, period, SampleState.SEEN)
