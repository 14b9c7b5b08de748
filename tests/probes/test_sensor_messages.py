"""The virtual sensor's bytes are a real sensor's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.contract import ProbeFailed, Reason
from probes.efento.proto import efento_pb2 as pb
from probes.efento.sensor_messages import (
    ASK_FOR_ACK_ALWAYS,
    SensorChannel,
    SensorConfiguration,
    SensorCounters,
    ServerReply,
    configuration_message,
    device_info_message,
    measurements_message,
    parse_reply,
    transfer_reason,
)

SERIAL = "282C02FFFF01"
T = 1_790_000_100
V1 = (
    "0a06282c02ffff01100118b4012210080110e4f7c4d50620ae032a03000205220f080210e4f7c4d50620502a0300000228f493c5d506"
    "300140014805"
)


def message(token: str = "", reason: int = 1) -> bytes:
    return measurements_message(
        SERIAL,
        period=180,
        first=T,
        channels=[SensorChannel("TEMPERATURE", [215, 216, 212]), SensorChannel("HUMIDITY", [40, 40, 41])],
        next_transmission_at=T + 3600,
        reason=reason,
        configuration_hash=5,
        cloud_token=token,
    )


def test_the_reference_measurement_comes_out_byte_for_byte() -> None:
    assert message().hex() == V1


def test_the_cloud_token_stands_in_field_16() -> None:
    assert message("abc").hex() == V1 + "820103616263"


@pytest.mark.parametrize(
    ("hexadecimal", "reply"),
    [
        ("40ebf7c4d506", ServerReply(current_time=T + 7)),
        ("300140ebf7c4d506", ServerReply(current_time=T + 7, device_info_request=True)),
        ("980101", ServerReply(configuration_request=True)),
        (
            "10b40118840728ffffffff0fd00101",
            ServerReply(transmission_interval=900, ack_interval=ASK_FOR_ACK_ALWAYS, period_base=180, period_factor=1),
        ),
        ("", ServerReply()),
    ],
)
def test_replies_are_understood(hexadecimal: str, reply: ServerReply) -> None:
    assert parse_reply(bytes.fromhex(hexadecimal)) == reply


def test_a_reply_that_is_no_protobuf_is_a_protocol_failure() -> None:
    with pytest.raises(ProbeFailed) as failure:
        parse_reply(b"\xff\xff\xff")
    assert failure.value.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    ("retries", "first", "expected"), [(0, True, 1), (0, False, 0), (2, False, 16), (31, True, 249), (32, False, 0)]
)
def test_the_transfer_reason_counts_retries_in_five_bits(retries: int, first: bool, expected: int) -> None:
    assert transfer_reason(retries=retries, first_after_reset=first) == expected


@given(st.lists(st.integers(-200, 697), min_size=1, max_size=60))
def test_every_value_comes_back_from_the_bytes(raws: list[int]) -> None:
    data = measurements_message(
        SERIAL,
        period=10,
        first=T,
        channels=[SensorChannel("TEMPERATURE", raws)],
        next_transmission_at=T,
        reason=0,
        configuration_hash=1,
    )
    channel = pb.ProtoMeasurements.FromString(data).channels[0]
    assert [channel.start_point + offset for offset in channel.sample_offsets] == raws


def test_device_information_has_all_that_receivers_insist_on() -> None:
    info = pb.ProtoDeviceInfo.FromString(device_info_message(SERIAL, now=T, counters=SensorCounters(60, 3, 2)))
    assert info.serial_number.hex().upper() == SERIAL
    assert len(info.memory_statistics) == 22
    assert list(info.runtime_info.message_counters) == [3, 0, 2]
    assert info.runtime_info.up_time == 60
    assert (info.modem.type, len(info.modem.parameters)) == (4, 22)
    assert info.modem.parameters[4] == -95


def test_the_configuration_tells_what_was_adopted() -> None:
    adopted = SensorConfiguration(180, 1, 900, ASK_FOR_ACK_ALWAYS, 7, T)
    data = configuration_message(SERIAL, configuration=adopted, channel_types=["TEMPERATURE"], cloud_token="abc")
    config = pb.ProtoConfig.FromString(data)
    assert (config.measurement_period_base, config.transmission_interval, config.configuration_hash) == (180, 900, 7)
    assert list(config.channel_types) == [1, 0, 0, 0, 0, 0]
    assert (config.cloud_token_config, config.cloud_token) == (1, "abc")
    assert config.payload_split_info == 0
