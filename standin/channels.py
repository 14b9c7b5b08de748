"""The measurement types of the sensors' interface, and the samples that a measurement message holds. Pure."""

from dataclasses import dataclass

from probes.efento.proto.efento_pb2 import ProtoChannel, ProtoMeasurements

ERROR_CODES = range(8_355_840, 8_388_608)  # an offset in here is a sensor error, not a distance from the start point
BINARY_PERIODS = 14  # default of the period's factor for binary sensors; 1 for continuous ones


@dataclass(frozen=True, slots=True)
class ChannelType:
    """`per_unit`: raw steps in a unit, e.g. 10 for 0.1 °C. `states`: raw values are split by it, the rest a state."""

    name: str
    per_unit: int = 1
    states: int = 1
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured value at `time` (Unix seconds). `value` is None where `status` is not OK. `copy` numbers doubles."""

    channel: int
    type: str
    time: int
    value: float | None
    period: int
    status: str = "OK"
    copy: int = 0


CHANNEL_TYPES = {
    1: ChannelType("TEMPERATURE", 10),
    2: ChannelType("HUMIDITY"),
    3: ChannelType("ATMOSPHERIC_PRESSURE", 10),
    4: ChannelType("DIFFERENTIAL_PRESSURE"),
    5: ChannelType("ALARM", binary=True),
    6: ChannelType("IAQ", states=3),
    7: ChannelType("FLOODING", binary=True),
    8: ChannelType("PULSE_CNT"),
    9: ChannelType("ELECTRICITY_METER"),
    10: ChannelType("WATER_METER"),
    11: ChannelType("SOIL_MOISTURE"),
    12: ChannelType("CO_GAS"),
    13: ChannelType("NO2_GAS"),
    14: ChannelType("H2S_GAS", 100),
    15: ChannelType("AMBIENT_LIGHT", 10),
    16: ChannelType("PM_1_0"),
    17: ChannelType("PM_2_5"),
    18: ChannelType("PM_10_0"),
    19: ChannelType("NOISE_LEVEL", 10),
    20: ChannelType("NH3_GAS"),
    21: ChannelType("CH4_GAS"),
    22: ChannelType("HIGH_PRESSURE"),
    23: ChannelType("DISTANCE_MM"),
    24: ChannelType("WATER_METER_ACC_MINOR", states=6),
    25: ChannelType("WATER_METER_ACC_MAJOR", states=4),
    26: ChannelType("CO2_GAS", states=3),
    27: ChannelType("HUMIDITY_ACCURATE", 10),
    28: ChannelType("STATIC_IAQ", states=3),
    29: ChannelType("CO2_EQUIVALENT", states=3),
    30: ChannelType("BREATH_VOC", states=3),
    32: ChannelType("PERCENTAGE", 100),
    33: ChannelType("VOLTAGE", 10),
    34: ChannelType("CURRENT", 100),
    35: ChannelType("PULSE_CNT_ACC_MINOR", states=6),
    36: ChannelType("PULSE_CNT_ACC_MAJOR", states=4),
    37: ChannelType("ELEC_METER_ACC_MINOR", states=6),
    38: ChannelType("ELEC_METER_ACC_MAJOR", states=4),
    39: ChannelType("PULSE_CNT_ACC_WIDE_MINOR", states=6),
    40: ChannelType("PULSE_CNT_ACC_WIDE_MAJOR", states=4),
    41: ChannelType("CURRENT_PRECISE", 1000),
    42: ChannelType("OUTPUT_CONTROL", binary=True),
    43: ChannelType("RESISTANCE"),
}


def samples_of(message: ProtoMeasurements) -> list[Sample]:
    """All samples of a message; raises `ValueError` for a channel that cannot be understood."""
    samples: list[Sample] = []
    for number, channel in enumerate(message.channels, start=1):
        if channel.type == 0:
            continue
        kind = CHANNEL_TYPES.get(channel.type)
        if kind is None:
            raise ValueError(f"channel {number} has the unknown measurement type {channel.type}")
        factor = message.measurement_period_factor or (BINARY_PERIODS if kind.binary else 1)
        period = message.measurement_period_base * factor
        if period == 0 and len(channel.sample_offsets) > 1:
            raise ValueError("several samples, but no measurement period")
        decode = _binary if kind.binary else _continuous
        samples.extend(decode(number, kind, channel, period))
    return samples


def _continuous(number: int, kind: ChannelType, channel: ProtoChannel, period: int) -> list[Sample]:
    samples = []
    for index, offset in enumerate(channel.sample_offsets):
        time = channel.timestamp + index * period
        if offset in ERROR_CODES:
            samples.append(Sample(number, kind.name, time, None, period, "ERROR"))
        else:
            raw = (channel.start_point + offset) // kind.states
            # Dividing gives the float nearest to the decimal value; multiplying by 0.1 would give 21.500000000000004.
            samples.append(Sample(number, kind.name, time, raw / kind.per_unit, period))
    return samples


def _binary(number: int, kind: ChannelType, channel: ProtoChannel, period: int) -> list[Sample]:
    """Only the changes are listed, each as ±(seconds from the start + 1); the sign is the state."""
    if 0 in channel.sample_offsets:
        raise ValueError(f"channel {number} has an entry without a state")
    return [
        Sample(number, kind.name, channel.timestamp + abs(entry) - 1, float(entry > 0), period)
        for entry in channel.sample_offsets
    ]
