"""Times are exact, aware, and the two clocks are not mixed up."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.clock import ManualClock, from_milliseconds, iso, to_milliseconds

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_survive_the_way_there_and_back(milliseconds: int) -> None:
    assert to_milliseconds(from_milliseconds(milliseconds)) == milliseconds


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        to_milliseconds(datetime(2026, 11, 23))  # noqa: DTZ001  # the mistake that is to be refused
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 11, 23))  # noqa: DTZ001


def test_other_zones_are_converted() -> None:
    assert to_milliseconds(NOON.astimezone(timezone(timedelta(hours=5)))) == to_milliseconds(NOON)
    assert iso(to_milliseconds(NOON)) == "2026-11-23T12:00:00.000Z"


def test_a_step_of_the_wall_clock_does_not_touch_the_monotonic_one() -> None:
    clock = ManualClock(NOON)
    before = clock.monotonic()
    clock.step_wall_clock(-3600)
    clock.advance(5)
    assert clock.now() == NOON - timedelta(seconds=3595)
    assert clock.monotonic() == before + 5
