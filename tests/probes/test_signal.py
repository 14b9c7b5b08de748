"""The synthetic signal promises: a pure function of key and time, harmless values, never twice the same in a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.efento.signal import CHANNEL_TYPES, DEFAULT_KEY, sensor_signal

SERIAL = "282C02FFFF01"
times = st.integers(0, 2**32)
names = st.sampled_from(sorted(CHANNEL_TYPES))


@given(times, names, st.data())
def test_times_no_further_apart_than_the_levels_have_different_values(
    time: int, name: str, data: st.DataObject
) -> None:
    signal = sensor_signal(SERIAL, DEFAULT_KEY, [name]).channels[0]
    apart = data.draw(st.integers(1, signal.type.levels))
    assert signal.raw(time) != signal.raw(time + apart)


@given(times, names)
def test_values_stay_in_the_range_and_survive_the_resolution(time: int, name: str) -> None:
    signal = sensor_signal(SERIAL, DEFAULT_KEY, [name]).channels[0]
    raw = signal.raw(time)
    assert signal.type.low <= raw < signal.type.low + 2 * signal.type.levels
    assert signal.type.raw(signal.value(time)) == raw


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("TEMPERATURE", -20.0, 69.7), ("HUMIDITY", 3, 96), ("HUMIDITY_ACCURATE", 5.0, 94.7)],
)
def test_every_level_is_used_within_two_blocks(name: str, lowest: float, highest: float) -> None:
    signal = sensor_signal(SERIAL, DEFAULT_KEY, [name]).channels[0]
    levels = signal.type.levels
    block = 4_000_000 * 2 * levels
    values = {signal.value(time) for time in range(block, block + 2 * levels)}
    assert (min(values), max(values), len(values)) == (lowest, highest, 2 * levels)


def test_the_values_of_today_are_the_values_of_every_later_version() -> None:
    """Changing them would make years of stored samples look altered."""
    raws = [sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE", "HUMIDITY"]).raws(1_790_000_100 + n) for n in range(4)]
    assert raws == [(509, 47), (430, 45), (351, 43), (272, 41)]


def test_serial_and_key_and_type_each_change_the_signal() -> None:
    span = range(1_790_000_000, 1_790_000_050)

    def course(serial: str, key: str, name: str) -> list[int]:
        return [sensor_signal(serial, key, [name]).raws(time)[0] for time in span]

    base = course(SERIAL, DEFAULT_KEY, "TEMPERATURE")
    assert base != course("282C02FFFF02", DEFAULT_KEY, "TEMPERATURE")
    assert base != course(SERIAL, "another key", "TEMPERATURE")
    offset = 50 + 200
    assert [raw + offset for raw in base] != course(SERIAL, DEFAULT_KEY, "HUMIDITY_ACCURATE")


def test_a_value_between_two_steps_of_the_resolution_has_no_raw() -> None:
    assert CHANNEL_TYPES["TEMPERATURE"].raw(21.46) is None
    assert CHANNEL_TYPES["TEMPERATURE"].raw(21.5) == 215
    assert CHANNEL_TYPES["HUMIDITY"].raw(40.0) == 40
