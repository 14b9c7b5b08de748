"""What a virtual sensor sends next."""

from hypothesis import given
from hypothesis import strategies as st

from probes.efento.backlog import MEMORY_SAMPLES, Batch, batches, in_state, pending, unsent
from probes.efento.samples import SampleRun, SampleState, marked

SERIAL = "282C02FFFF01"
SEEN, PENDING, LOST = SampleState.SEEN, SampleState.PENDING, SampleState.LOST


def test_a_new_sensor_sends_only_the_present() -> None:
    assert unsent([], 10, 1005) == [range(1000, 1001, 10)]


def test_what_was_not_acknowledged_is_sent_from_the_first_known_sample_on() -> None:
    runs = [SampleRun(100, 120, 10, SEEN), SampleRun(150, 160, 10, PENDING)]
    assert [list(gap) for gap in unsent(runs, 10, 185)] == [[130, 140], [170, 180]]


def test_lost_samples_are_not_sent_again() -> None:
    assert unsent([SampleRun(100, 180, 10, LOST)], 10, 185) == []


def test_a_new_period_does_not_send_the_past_again() -> None:
    runs = [SampleRun(100, 190, 10, SEEN)]
    assert [list(gap) for gap in unsent(runs, 15, 230)] == [[195, 210, 225]]


def test_no_more_is_kept_than_the_sensor_remembers() -> None:
    now = 10 * (MEMORY_SAMPLES + 500)
    gaps = unsent([SampleRun(0, 0, 10, SEEN)], 10, now)
    assert sum(map(len, gaps)) == MEMORY_SAMPLES
    assert gaps[-1][-1] == now


@given(
    st.sets(st.integers(0, 60), min_size=1),
    st.sampled_from([1, 7, 10]),
    st.integers(0, 700),
)
def test_acknowledged_and_unsent_samples_are_together_the_whole_grid(places: set[int], period: int, now: int) -> None:
    known = {place * period for place in places}
    runs = marked([], period, SEEN, known)
    waiting = [time for gap in unsent(runs, period, now) for time in gap]
    grid = range(min(known), now + 1, period)
    assert waiting == [time for time in grid if time not in known]


def test_the_oldest_are_sent_first_and_the_newest_always() -> None:
    cut = batches(SERIAL, [range(0, 4000, 10), range(5000, 5010, 10)], 3)
    assert cut == [
        Batch(SERIAL, range(0, 600, 10)),
        Batch(SERIAL, range(600, 1200, 10)),
        Batch(SERIAL, range(5000, 5010, 10)),
    ]
    assert [len(batch.times) for batch in batches(SERIAL, [range(0, 1300, 10)], 5)] == [60, 60, 10]


def test_pending_and_other_states_are_told_apart_and_cut_to_size() -> None:
    runs = [SampleRun(0, 40, 10, PENDING), SampleRun(50, 60, 10, SEEN), SampleRun(70, 90, 10, PENDING)]
    assert pending(runs, 6) == [0, 10, 20, 30, 40, 70]
    assert pending(runs, -1) == []
    assert in_state(runs, PENDING, 15, 75) == {20, 30, 40, 70}
    assert in_state(runs, SEEN, 0, 49) == frozenset()
