"""A time that somebody writes means one instant, or is refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.clock import to_milliseconds
from monitor.instants import NoInstant, parse_instant

WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("text", "hour_utc"),
    [
        ("2026-11-23T02:00:00Z", 2),
        ("2026-11-23 02:00z", 2),
        ("2026-11-23t02:00:00.000+01:00", 1),
        (" 2026-11-23T02:00:00.739266876+01:00 ", 1),
        ("2026-11-23 02:00", 1),
        ("2026-11-23T02:00:00", 1),
    ],
)
def test_times_with_an_offset_and_wall_times(text: str, hour_utc: int) -> None:
    assert parse_instant(text, WARSAW) // 1000 == datetime(2026, 11, 23, hour_utc, tzinfo=UTC).timestamp()


def test_an_offset_decides_in_the_hour_that_comes_twice() -> None:
    first = parse_instant("2026-10-25T02:30:00+02:00", WARSAW)
    assert parse_instant("2026-10-25T02:30:00+01:00", WARSAW) - first == 3_600_000


def test_a_wall_time_that_comes_twice_is_refused_with_both() -> None:
    with pytest.raises(NoInstant) as caught:
        parse_instant("2026-10-25 02:30", WARSAW)
    assert caught.value.expected == (
        "either 2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00: this wall time comes twice in Europe/Warsaw"
    )


def test_a_wall_time_that_never_comes_is_refused_with_both_readings() -> None:
    with pytest.raises(NoInstant) as caught:
        parse_instant("2026-03-29 02:30", WARSAW)
    assert caught.value.expected == (
        "either 2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00: "
        "this wall time does not come: the clocks jump over it in Europe/Warsaw"
    )


def test_the_edges_of_a_clock_change_are_single_instants() -> None:
    at = {text: parse_instant(f"2026-10-25 {text}", WARSAW) for text in ("01:59", "03:00")}
    assert at["03:00"] - at["01:59"] == (60 + 1 + 60) * 60_000
    assert parse_instant("2026-03-29 03:00", WARSAW) == to_milliseconds(datetime(2026, 3, 29, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-23", "2026-02-30 02:00", "2026-11-23 25:00", "0001-01-01T00:00:00+14:00", "٢٠٢٦-11-23 02:00"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NoInstant, match=r"expected a time such as .* wall time of Europe/Warsaw"):
        parse_instant(text, WARSAW)
