"""What alerts are made from is what pages and metrics show, only cheaper."""

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.sla.model import Verdict
from tests.monitor.boards import Recorded, watching

STEPS = st.tuples(st.integers(0, 2), st.sampled_from(Verdict), st.sampled_from([0.1, 5.0, 30.0, 80.0, 4000.0]))


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=30), looked_at=st.sets(st.integers(0, 29)))
def test_a_standing_agrees_with_the_picture_whenever_either_is_asked_for(
    steps: list[tuple[int, Verdict, float]], looked_at: set[int]
) -> None:
    recorded = Recorded(watching("ingest", "api", "api"))
    for index, (number, verdict, seconds) in enumerate(steps):
        recorded.add(number, verdict)
        recorded.wait(seconds)
        standings = [recorded.board.standing(terms.key) for terms in recorded.config.components]
        if index in looked_at:
            shown = [(each.state, each.open_outage) for each in recorded.board.picture().components]
            assert [(each.state, each.open_outage) for each in standings] == shown
