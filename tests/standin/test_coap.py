"""What a cellular sensor sees of the platform."""

import pytest
from google.protobuf.message import Message

from probes.efento.proto.efento_pb2 import MeasurementType, ProtoChannel, ProtoConfig, ProtoMeasurements
from tests.standin.world import (
    ACK,
    CON,
    DEVICE_INFO,
    GET,
    NON,
    POST,
    RST,
    SERIAL,
    V1,
    Sensor,
    T,
    World,
    code,
    datagram,
    measurements,
    taken_apart,
)


async def test_a_sensors_frame_is_stored_and_read_back_over_rest(world: World) -> None:
    """The reference frame, byte for byte: 21.5, 21.6 and 21.2 °C, three minutes apart, 40, 40 and 41 %."""
    await world.sensor.send_raw(bytes.fromhex("42020007") + b"ab" + b"\xb1m\xff" + V1)
    assert (await world.sensor.receive()).code == code("2.01")
    assert await world.history() == [
        {
            "measuredAt": measured_at,
            "period": 180,
            "channels": [
                {"number": 1, "value": celsius, "status": "OK"},
                {"number": 2, "value": percent, "status": "OK"},
            ],
        }
        for measured_at, celsius, percent in [
            ("2026-09-21 16:15:00", 21.5, 40),
            ("2026-09-21 16:18:00", 21.6, 40),
            ("2026-09-21 16:21:00", 21.2, 41),
        ]
    ]


async def test_a_reply_is_a_piggybacked_acknowledgement(world: World) -> None:
    message_id = await world.sensor.send("m", V1, message_id=4711)
    reply = await world.sensor.receive()
    assert (reply.kind, reply.code, reply.message_id, reply.token) == (ACK, code("2.01"), message_id, b"tk11")


async def test_device_information_is_asked_for_until_it_has_arrived(world: World) -> None:
    """R2, then R1: the reply to the first message, and to those after the device's information."""
    assert (await world.sensor.ask("m", V1)).payload.hex() == "300140ebf7c4d506"
    assert (await world.sensor.ask("m", V1)).payload.hex() == "300140ebf7c4d506"
    assert (await world.sensor.ask("i", DEVICE_INFO)).payload.hex() == "40ebf7c4d506"
    assert (await world.sensor.ask("m", V1)).payload.hex() == "40ebf7c4d506"


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        ({"configuration_request": True}, "980101"),
        (
            {
                "transmission_interval": 900,
                "ack_interval": 0xFFFFFFFF,
                "measurement_period_base": 180,
                "measurement_period_factor": 1,
            },
            "10b40118840728ffffffff0fd00101",
        ),
    ],
    ids=["R3", "R4"],
)
async def test_a_queued_reply_is_delivered_once(world: World, fields: dict[str, object], payload: str) -> None:
    await world.sensor.ask("i", DEVICE_INFO)
    await world.control("PUT", "/settings", {"current_time_in_replies": False})
    await world.control("POST", f"/sensors/{SERIAL}/replies", fields, status=201)
    assert (await world.sensor.ask("m", V1)).payload.hex() == payload
    assert (await world.sensor.ask("m", V1)).payload == b""


async def test_a_queued_reply_comes_with_the_current_time_and_waits_for_a_confirmable_message(world: World) -> None:
    await world.control("POST", f"/sensors/{SERIAL}/replies", {"transmission_interval": 900}, status=201)
    await world.control("POST", f"/sensors/{SERIAL}/replies", {"configuration_request": True}, status=201)
    await world.sensor.send("m", V1, kind=NON)
    reply = ProtoConfig.FromString((await world.sensor.ask("i", DEVICE_INFO)).payload)
    assert reply == ProtoConfig(transmission_interval=900, configuration_request=True, current_time=T + 7)


async def test_a_non_confirmable_message_is_stored_and_never_answered(world: World) -> None:
    """The first datagram to arrive belongs to the confirmable message that was sent after it and asked of it."""
    await world.sensor.send("m", measurements(T, 215), kind=NON)
    last = await world.sensor.send("m", measurements(T + 180, 216))
    assert (await world.sensor.receive()).message_id == last
    await world.sensor.send("i", DEVICE_INFO, kind=NON)
    last = await world.sensor.send("m", b"")
    assert (await world.sensor.receive()).message_id == last
    assert [sample["value"] for sample in await world.stored()] == [21.5, 21.6]


async def test_a_duplicate_is_answered_from_memory_and_stored_once(world: World) -> None:
    raw = datagram(CON, POST, 900, b"tk", "m", measurements(T, 215))
    await world.sensor.send_raw(raw)
    first = await world.sensor.receive_raw()
    world.clock.advance(60)  # a second answer would tell another time
    await world.sensor.send_raw(raw)
    assert await world.sensor.receive_raw() == first
    assert (await world.control("GET", f"/sensors/{SERIAL}"))["uploads"] == 1


async def test_the_same_message_id_of_another_sensor_is_no_duplicate(world: World) -> None:
    await world.sensor.send("m", measurements(T, 215), message_id=5)
    await world.sensor.receive()
    with Sensor(world.port("coap")) as other:
        await other.send("m", measurements(T + 180, 216), message_id=5)
        await other.receive()
    assert len(await world.stored()) == 2


async def test_a_sample_sent_again_replaces_the_first(world: World) -> None:
    await world.sensor.ask("m", measurements(T, 215, 216))
    await world.sensor.ask("m", measurements(T, 215, 230))
    assert [(sample["time"], sample["value"]) for sample in await world.stored()] == [(T, 21.5), (T + 180, 23.0)]


async def test_a_ping_is_answered_by_a_reset(world: World) -> None:
    await world.sensor.send_raw(bytes.fromhex("40001234"))
    assert (await world.sensor.receive_raw()).hex() == "70001234"


@pytest.mark.parametrize("stray", ["", "ff", "c0021234", "60001234", "70001234", "40021234b5e0", "40021234b1ff"])
async def test_stray_datagrams_are_ignored(world: World, stray: str) -> None:
    await world.sensor.send_raw(bytes.fromhex(stray))
    assert (await world.sensor.ask("t", method=GET)).code == code("2.05")


@pytest.mark.parametrize("method", [GET, POST])
async def test_the_time_is_four_bytes_big_endian(world: World, method: int) -> None:
    reply = await world.sensor.ask("t", method=method)
    assert (reply.code, reply.payload.hex()) == (code("2.05"), "6ab13beb")


@pytest.mark.parametrize(
    ("path", "method", "payload", "expected"),
    [
        ("x", POST, b"", "4.04"),
        ("efento/m", POST, V1, "4.04"),
        ("m", GET, b"", "4.05"),
        ("t", 3, b"", "4.05"),
        ("m", POST, b"\x0a\xff", "5.00"),
        ("c", POST, b"\x0a\xff", "5.00"),
        ("i", POST, b"\x0a\xff", "5.00"),
        ("m", POST, b"", "4.00"),
        ("m", POST, b"\x0a\x05serial", "5.00"),
        ("m", POST, b"\x0a\x05seria", "4.00"),
        ("m", POST, V1.replace(b"\x08\x01\x10", b"\x08\x63\x10"), "4.00"),  # measurement type 99
        ("m", POST, V1.replace(b"\x18\xb4\x01", b""), "4.00"),  # several samples without a period
    ],
)
async def test_what_is_wrong_is_refused(world: World, path: str, method: int, payload: bytes, expected: str) -> None:
    reply = await world.sensor.ask(path, payload, method=method)
    assert (reply.code, reply.payload) == (code(expected), b"")


async def test_what_arrived_on_c_and_i_is_on_record(world: World) -> None:
    configuration = ProtoConfig(
        serial_number=bytes.fromhex(SERIAL), transmission_interval=900, cloud_token="device-secret"
    )
    await world.sensor.ask("c", configuration.SerializeToString())
    await world.sensor.send("i", DEVICE_INFO, kind=NON)
    await world.sensor.ask("m", V1)
    sensor = await world.control("GET", f"/sensors/{SERIAL.lower()}")
    received = {"received_ms": (T + 7) * 1000}
    assert sensor["configurations"] == [
        {**received, "confirmable": True, "fields": {"serial_number": "KCwC//8B", "transmission_interval": 900}}
    ]
    assert sensor["device_infos"] == [
        {**received, "confirmable": False, "fields": {"serial_number": "KCwC//8B", "sw_version": 1546}}
    ]
    assert (sensor["uploads"], sensor["transfer_reason"], sensor["battery_ok"]) == (1, 1, 1)


@pytest.mark.parametrize("payload_of", [ProtoMeasurements, ProtoConfig], ids=["m", "c"])
async def test_an_unknown_sensor_can_be_ignored_or_refused(world: World, payload_of: type[Message]) -> None:
    path = "m" if payload_of is ProtoMeasurements else "c"
    payload = payload_of(serial_number=bytes.fromhex(SERIAL)).SerializeToString()
    for policy, expected in (("ignore", "2.01"), ("refuse", "4.01")):
        await world.control("PUT", "/settings", {"unknown_serial": policy})
        assert (await world.sensor.ask(path, payload)).code == code(expected)
    await world.control("GET", f"/sensors/{SERIAL}", status=404)


async def test_the_cloud_token_is_checked_when_told_so(world: World) -> None:
    await world.control("PUT", "/settings", {"check_sensor_token": True})
    message = ProtoMeasurements.FromString(V1)
    for token, expected in (("", "4.01"), ("wrong", "4.01"), (world.platform.live.current.sensor_token, "2.01")):
        message.cloud_token = token
        assert (await world.sensor.ask("m", message.SerializeToString())).code == code(expected)


async def test_the_factors_of_the_period_and_sensor_errors_are_understood(world: World) -> None:
    message = ProtoMeasurements(
        serial_number=bytes.fromhex(SERIAL), measurement_period_base=30, measurement_period_factor=4
    )
    message.channels.append(ProtoChannel())
    message.channels.add(
        type=MeasurementType.MEASUREMENT_TYPE_TEMPERATURE,
        timestamp=T,
        start_point=-50,
        sample_offsets=[1, 8_388_557, 8_355_839, 8_355_840],
    )
    await world.sensor.ask("m", message.SerializeToString())
    stored = [(each["channel"], each["time"] - T, each["value"], each["status"]) for each in await world.stored()]
    assert stored == [
        (2, 0, -4.9, "OK"),
        (2, 120, None, "ERROR"),
        (2, 240, 835_578.9, "OK"),
        (2, 360, None, "ERROR"),
    ]


async def test_changes_of_a_binary_channel_are_stored_as_alarm_values(world: World) -> None:
    message = ProtoMeasurements(serial_number=bytes.fromhex(SERIAL), measurement_period_base=20)
    message.channels.add(type=MeasurementType.MEASUREMENT_TYPE_OK_ALARM, timestamp=T, sample_offsets=[-1, 241, -481])
    await world.sensor.ask("m", message.SerializeToString())
    stored = [(each["type"], each["time"] - T, each["value"]) for each in await world.stored()]
    assert stored == [("ALARM", 0, 0), ("ALARM", 240, 1), ("ALARM", 480, 0)]


def test_the_reset_of_a_ping_is_an_empty_message() -> None:
    reply = taken_apart(bytes.fromhex("70001234"))
    assert (reply.kind, reply.code, reply.payload) == (RST, 0, b"")
