"""Why nothing was observed, as the lives of the daemons tell it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.model import Cause, Life
from monitor.sla.silence import Silence

HEARTBEAT = 5

any_life = st.builds(
    lambda location, first, length, clean: Life(location, first, first + length, clean),
    st.sampled_from(["here", "there"]),
    st.integers(0, 60),
    st.integers(0, 20),
    st.booleans(),
)


def causes(lives: list[Life], start: int = 0, end: int = 100) -> list[Cause]:
    """The cause of each single millisecond."""
    silence = Silence(lives, "here", heartbeat_ms=HEARTBEAT)
    return [cause for first, until, cause in silence.between((start, end)) for _ in range(first, until)]


def naive_cause(lives: list[Life], at: int) -> Cause:
    """Looks at every life for every millisecond."""
    ends = {life: life.last_ms + (0 if life.clean else HEARTBEAT) for life in lives if life.location == "here"}
    if any(life.first_ms <= at < end for life, end in ends.items()):
        return Cause.DAEMON_LATE
    over = [(end, not life.clean) for life, end in ends.items() if end <= at]
    if not over:
        return Cause.OTHER
    return Cause.DAEMON_KILLED if max(over)[1] else Cause.DAEMON_STOPPED


@pytest.mark.parametrize(
    ("lives", "at", "expected"),
    [
        ([], 50, Cause.OTHER),
        ([Life("there", 0, 90, True)], 50, Cause.OTHER),
        ([Life("here", 10, 90, True)], 50, Cause.DAEMON_LATE),
        ([Life("here", 10, 40, True)], 5, Cause.OTHER),
        ([Life("here", 10, 40, True)], 40, Cause.DAEMON_STOPPED),
        ([Life("here", 10, 40, False)], 44, Cause.DAEMON_LATE),
        ([Life("here", 10, 40, False)], 45, Cause.DAEMON_KILLED),
        ([Life("here", 10, 40, False), Life("here", 44, 60, True)], 44, Cause.DAEMON_LATE),
        ([Life("here", 0, 20, True), Life("here", 30, 40, False)], 25, Cause.DAEMON_STOPPED),
        ([Life("here", 0, 20, True), Life("here", 30, 40, False)], 60, Cause.DAEMON_KILLED),
        ([Life("here", 0, 80, True), Life("here", 10, 20, False)], 50, Cause.DAEMON_LATE),
    ],
)
def test_cause_of_silence(lives: list[Life], at: int, expected: Cause) -> None:
    assert causes(lives)[at] is expected


@given(st.lists(any_life, max_size=6), st.integers(0, 100), st.integers(0, 100))
def test_agrees_with_looking_at_every_millisecond(lives: list[Life], start: int, end: int) -> None:
    assert causes(lives, start, end) == [naive_cause(lives, at) for at in range(start, end)]
