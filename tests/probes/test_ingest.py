"""The ingest journeys send what is due, obey the platform, and believe only what they can read back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.clock import SystemClock
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.proto import efento_pb2 as pb
from probes.efento.samples import SampleRun, SampleState
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from probes.ingest_coap import Options, ingest_coap
from probes.ingest_gateway import Options as GatewayOptions
from probes.ingest_gateway import ingest_gateway
from tests.probes.platform import SERIAL, START, Platform, Record, Sample, running_platform
from tests.probes.servers import failed_step, http_answer

OTHER = "282C02FFFF02"
SEEN, PENDING, LOST = SampleState.SEEN, SampleState.PENDING, SampleState.LOST
SIGNAL = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running_platform() as running:
        yield running


def common(platform: Platform, changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "sensors": [SERIAL],
        "token": "cloud-token",
        "retry_pause": 0.01,
        "answer_timeout": 1.0,
        "read_back": {"deadline": 0.3},
        "api": {"url": platform.api_url, "token": "token"},
        **changes,
    }


def options_for(platform: Platform, **changes: Any) -> Options:
    return Options.model_validate({"host": "127.0.0.1", "port": platform.coap_port, **common(platform, changes)})


async def send(platform: Platform, record: Record, now: float = START, **changes: Any) -> Journey:
    """One check over CoAP; what it marks and remembers is kept, whatever the outcome."""
    journey = record.journey(now)
    try:
        await ingest_coap(options_for(platform, **changes), journey)
    finally:
        record.keep(journey)
    return journey


async def failing(platform: Platform, record: Record, now: float = START, **changes: Any) -> ProbeFailed | Blocked:
    with pytest.raises((ProbeFailed, Blocked)) as caught:
        await send(platform, record, now, **changes)
    assert isinstance(caught.value, (ProbeFailed, Blocked))
    return caught.value


def messages(platform: Platform) -> list[pb.ProtoMeasurements]:
    return [pb.ProtoMeasurements.FromString(payload) for path, payload in platform.coap if path == "m"]


async def test_a_sample_is_sent_and_seen_again(platform: Platform) -> None:
    record = Record()
    journey = await send(platform, record)
    assert platform.samples == [(SERIAL, START, [SIGNAL.value(START)])]
    assert record.in_state(SEEN) == [START]
    assert [timing.name for timing in journey.timings()] == ["send", "read_back", "api"]
    assert journey.figures["attempts"] == 1
    (message,) = messages(platform)
    assert message.serial_number.hex().upper() == SERIAL
    assert (message.transfer_reason, message.cloud_token) == (1, "cloud-token")
    assert message.next_transmission_at == START + 60 + 60


async def test_what_was_missed_is_sent_oldest_first_and_the_present_always(platform: Platform) -> None:
    record = Record()
    await send(platform, record)
    await send(platform, record, START + 3000, max_batches=2)
    sent = [(message.channels[0].timestamp, len(message.channels[0].sample_offsets)) for message in messages(platform)]
    assert sent == [(START, 1), (START + 10, 60), (START + 3010 - 600, 60)]
    await send(platform, record, START + 3010)
    assert record.in_state(SEEN) == list(range(START, START + 3011, 10))
    assert messages(platform)[-1].transfer_reason == 0


async def test_nothing_new_to_send_waits_for_the_next_sample(platform: Platform) -> None:
    """The clock starts just before the next time on the grid and runs."""
    monotonic = SystemClock().monotonic
    started = monotonic()
    record = Record({SERIAL: [SampleRun(START - 20, START, 10, SEEN)]})
    journey = record.journey()
    opened = journey.now() + timedelta(seconds=9.8)
    journey.now = lambda: opened + timedelta(seconds=monotonic() - started)
    await ingest_coap(options_for(platform), journey)
    assert platform.samples == [(SERIAL, START + 10, [SIGNAL.value(START + 10)])]
    assert "wait_for_sample" in [timing.name for timing in journey.timings()]


async def test_a_clock_that_went_back_sends_nothing_twice(platform: Platform) -> None:
    record = Record({SERIAL: [SampleRun(START - 100, START + 1000, 10, SEEN)]})
    journey = record.journey()
    moments = iter([journey.now() + timedelta(seconds=seconds) for seconds in (9.95, 9.95, 10.01)])
    journey.now = lambda: next(moments)
    with pytest.raises(Blocked, match="clock went back"):
        await ingest_coap(options_for(platform), journey)
    assert platform.samples == []


async def test_a_failed_attempt_is_repeated_with_its_count_raised(platform: Platform) -> None:
    platform.codes = [0xA0, 0, 0x41]
    journey = await send(platform, Record(), answer_timeout=0.3)
    assert journey.figures["attempts"] == 3
    # The silent attempt is one message with one retry noted; its retransmissions would be the same bytes.
    assert [message.transfer_reason for message in messages(platform)] == [1, 1 | 1 << 3, 1 | 2 << 3]
    assert journey.evidence_items()["attempt_1"] == "status: /m answered 5.00, expected 2.01"


async def test_the_retry_count_goes_on_from_check_to_check_until_a_success(platform: Platform) -> None:
    record = Record()
    platform.codes = [0xA0] * 4
    assert (await failing(platform, record)).reason is Reason.STATUS
    assert record.runs == {}
    await send(platform, record, START + 10)
    await send(platform, record, START + 20)
    counts = [message.transfer_reason >> 3 for message in messages(platform)]
    assert counts == [0, 1, 2, 3, 4, 0]


@pytest.mark.parametrize(("code", "reason"), [(0x81, Reason.AUTH), (0x84, Reason.STATUS), (0x44, Reason.STATUS)])
async def test_any_answer_but_created_fails_the_sending(platform: Platform, code: int, reason: Reason) -> None:
    platform.codes = [code] * 3
    failure = await failing(platform, Record())
    assert failure.reason is reason


async def test_a_malformed_reply_is_a_protocol_failure(platform: Platform) -> None:
    platform.reply = b"\xff\xff\xff"
    assert (await failing(platform, Record())).reason is Reason.PROTOCOL


async def test_a_sample_shown_late_but_in_time_is_seen(platform: Platform) -> None:
    platform.hidden_requests = 2
    journey = await send(platform, Record(), read_back={"deadline": 5})
    assert 0.2 <= journey.figures["read_back_seconds"] < 5


def dropped(sample: Sample) -> list[Sample]:
    return []


def altered(sample: Sample) -> list[Sample]:
    return [(sample[0], [sample[1][0] + 0.1])]


def doubled(sample: Sample) -> list[Sample]:
    return [sample, sample]


def shifted(sample: Sample) -> list[Sample]:
    return [(sample[0] + 7, sample[1])]


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (dropped, Reason.MISSING),
        (altered, Reason.ALTERED),
        (doubled, Reason.DOUBLED),
        (shifted, Reason.SHIFTED),
    ],
)
async def test_what_became_of_an_acknowledged_sample_is_named(platform: Platform, fate: Any, reason: Reason) -> None:
    record = Record()
    platform.store_as = fate
    failure = await failing(platform, record)
    assert (failure.reason, record.in_state(LOST)) == (reason, [START])
    assert "2026-09-21T14:15:00Z" in failure.detail
    platform.store_as = lambda sample: [sample]
    await send(platform, record, START + 10)
    assert (record.in_state(LOST), record.in_state(SEEN)) == ([START], [START + 10])


@pytest.mark.parametrize(
    "shown_as",
    [
        lambda sample: [],
        lambda sample: [(sample[0], [value + 3 for value in sample[1]])],
        lambda sample: [sample, sample],
    ],
)
async def test_samples_that_were_right_once_and_are_wrong_now_are_the_apis_to_answer_for(
    platform: Platform, shown_as: Any
) -> None:
    record = Record()
    for now in range(START, START + 50, 10):
        await send(platform, record, now)
    platform.samples = [(serial, *shown) for serial, *sample in platform.samples for shown in shown_as(tuple(sample))]
    platform.store_as = shown_as
    failure = await failing(platform, record, START + 50)
    assert "seen before and wrong now" in failure.detail
    assert record.in_state(PENDING) == [START + 50]


async def test_a_single_old_sample_that_is_gone_does_not_hide_that_a_new_one_is_lost(platform: Platform) -> None:
    record = Record()
    for now in range(START, START + 50, 10):
        await send(platform, record, now)
    del platform.samples[0]
    platform.store_as = lambda sample: []
    failure = await failing(platform, record, START + 50)
    assert (failure.reason, record.in_state(LOST)) == (Reason.MISSING, [START + 50])


async def test_a_sample_that_comes_after_its_deadline_is_lost_all_the_same(platform: Platform) -> None:
    record = Record()
    platform.hidden_requests = 3  # the wide question that follows the deadline finds it
    failure = await failing(platform, record, read_back={"deadline": 0.25})
    assert failure.reason is Reason.MISSING
    assert record.in_state(LOST) == [START]


async def test_an_api_that_fails_leaves_the_samples_pending_for_a_later_check(platform: Platform) -> None:
    record = Record()
    platform.api_override["measurements"] = http_answer(b"oops", status="500 Broken")
    journey = record.journey()
    with pytest.raises(ProbeFailed):
        await ingest_coap(options_for(platform), journey)
    record.keep(journey)
    assert journey.failed_step is not None
    assert (failed_step(journey), journey.failed_step.component) == ("api", "api")
    assert record.in_state(PENDING) == [START]
    platform.api_override.clear()
    await send(platform, record, START + 10)
    assert record.in_state(SEEN) == [START, START + 10]


@pytest.mark.parametrize(
    ("zone", "query_zone", "named"),
    [("UTC", "UTC", "api.answer_zone"), ("Europe/Warsaw", "Asia/Tokyo", "api.query_zone")],
)
async def test_a_wrong_zone_setting_is_no_data_loss(platform: Platform, zone: str, query_zone: str, named: str) -> None:
    record = Record()
    platform.zone, platform.query_zone = zone, query_zone
    failure = await failing(platform, record)
    assert isinstance(failure, Blocked)
    assert (failure.reason, named in failure.detail) == (Reason.WRONG_ZONE, True)
    assert record.in_state(PENDING) == [START]


async def test_the_platforms_wishes_are_obeyed(platform: Platform) -> None:
    wishes = pb.ProtoConfig(current_time=START + 3, device_info_request=True, configuration_request=True)
    platform.reply = wishes.SerializeToString()
    record = Record()
    journey = await send(platform, record)
    assert journey.figures["clock_offset_seconds"] == 3
    assert [path for path, _ in platform.coap] == ["m", "i", "c"]
    assert pb.ProtoDeviceInfo.FromString(platform.coap[1][1]).cloud_token == "cloud-token"
    assert pb.ProtoConfig.FromString(platform.coap[2][1]).measurement_period_base == 10


async def test_new_settings_are_adopted_reported_and_remembered(platform: Platform) -> None:
    record = Record()
    platform.reply = pb.ProtoConfig(transmission_interval=900, ack_interval=180).SerializeToString()
    await send(platform, record)
    platform.reply = b""
    await send(platform, record, START + 10)
    paths = [path for path, _ in platform.coap]
    assert paths == ["m", "c", "m"]
    reported = pb.ProtoConfig.FromString(platform.coap[1][1])
    assert (reported.transmission_interval, reported.ack_interval) == (900, 180)
    before, after = messages(platform)
    assert after.configuration_hash == reported.configuration_hash != before.configuration_hash
    assert after.next_transmission_at == START + 10 + 900 + 60


async def test_sensors_take_turns(platform: Platform) -> None:
    other = "282C02FFFF02"
    platform.points[102] = other
    record = Record()
    for now in (START, START + 10, START + 20):
        await send(platform, record, now, sensors=[SERIAL, other])
    serials = [message.serial_number.hex().upper() for message in messages(platform)]
    assert serials == [SERIAL, other, SERIAL]


async def test_a_sensor_that_failed_is_asked_again_until_it_succeeds(platform: Platform) -> None:
    """So a fault that hits one partition of the sensors is confirmed by failures in a row, and becomes an outage."""
    other = "282C02FFFF02"
    platform.points[102] = other
    sensors, record = [SERIAL, other], Record()
    await send(platform, record, START, sensors=sensors)
    platform.codes = [0x80, 0x80]
    for now in (START + 10, START + 20):
        await failing(platform, record, now, sensors=sensors, attempts=1)
    await send(platform, record, START + 30, sensors=sensors)
    await send(platform, record, START + 40, sensors=sensors)
    serials = [message.serial_number.hex().upper() for message in messages(platform)]
    assert serials == [SERIAL, other, other, other, SERIAL]


async def test_a_persons_check_disturbs_nothing(platform: Platform) -> None:
    record = Record({SERIAL: [SampleRun(START - 50, START - 20, 10, PENDING)]})
    journey = record.journey(one_shot=True)
    await ingest_coap(options_for(platform), journey)
    assert platform.samples == [(SERIAL, START - 1, [SIGNAL.value(START - 1)])]
    assert journey.marks == []
    assert set(journey.memory) <= {f"point:{SERIAL}"}


def gateway_options(platform: Platform, **changes: Any) -> GatewayOptions:
    url = f"http://127.0.0.1:{platform.http_port}/measurements"
    return GatewayOptions.model_validate({"url": url, **common(platform, changes)})


async def send_gateway(platform: Platform, record: Record, **changes: Any) -> Journey:
    journey = record.journey()
    try:
        await ingest_gateway(gateway_options(platform, **changes), journey)
    finally:
        record.keep(journey)
    return journey


async def test_a_gateway_posts_json_and_its_sample_is_seen(platform: Platform) -> None:
    record = Record()
    platform.statuses = [503, 200]
    journey = await send_gateway(platform, record)
    assert (record.in_state(SEEN), journey.figures["attempts"]) == ([START], 3)
    (measurement,) = platform.gateway[0]["measurements"]
    assert measurement == {
        "serial": SERIAL,
        "response_handle": 1,
        "battery": "ok",
        "signal": -67,
        "measured_at": "2026-09-21 14:15:00 UTC",
        "measurement_interval": 10,
        "next_measurement_at": "2026-09-21 14:15:10 UTC",
        "params": [{"channel": 1, "type": "temperature", "value": SIGNAL.value(START)}],
    }


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"statuses": [200] * 3}, Reason.STATUS),
        ({"statuses": [401] * 3}, Reason.AUTH),
        ({"gateway_refuses": (1,)}, Reason.CONTENT),
        ({"gateway_headers": tuple(f"X-{n}: 1" for n in range(10))}, Reason.PROTOCOL),
    ],
)
async def test_what_a_gateway_would_not_take_for_success_is_none(
    platform: Platform, knobs: dict[str, Any], reason: Reason
) -> None:
    for name, value in knobs.items():
        setattr(platform, name, value)
    with pytest.raises(ProbeFailed) as caught:
        await send_gateway(platform, Record())
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"period": 48, "channels": ["HUMIDITY"]},
        {"period": 450},
        {"sensors": ["282C02FFFF0"]},
        {"sensors": []},
        {"sensors": [SERIAL, SERIAL.lower()]},
        {"api": {"url": "http://x/api"}},
        {"api": {"url": "http://x/api", "token": "a", "login": "b", "password": "c"}},
        {"api": {"url": "http://me:secret@x/api", "token": "a"}},
        {"api": {"url": "http://x/api", "token": "a", "answer_zone": "Europe/Warschau"}},
        {"token": "line\nbreak"},
    ],
)
async def test_options_that_cannot_work_are_refused(platform: Platform, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"host": "127.0.0.1", **common(platform, wrong)})


async def test_serials_are_claimed_in_capitals(platform: Platform) -> None:
    options = Options.model_validate({"host": "x", **common(platform, {"sensors": [SERIAL.lower()]})})
    assert options.claims() == {SERIAL}


async def test_a_deadline_in_the_read_back_leaves_the_sample_pending(platform: Platform) -> None:
    record = Record()
    platform.hidden_requests = 1000
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await send(platform, record, read_back={"deadline": 10})
    assert record.in_state(PENDING) == [START]


async def test_a_first_sample_that_was_accepted_and_dropped_is_a_loss_though_no_measurement_point_exists(
    platform: Platform,
) -> None:
    platform.store_as = lambda _sample: []
    failure = await failing(platform, Record(), sensors=["282C02FFFFEE"])
    assert isinstance(failure, ProbeFailed)
    assert failure.reason is Reason.MISSING


@pytest.mark.parametrize("way", ["coap", "gateway"])
async def test_a_failed_check_tells_how_each_sensor_stood(platform: Platform, way: str) -> None:
    """Also after checks that could not tell; what a sensor's kind remembers of it is untouched by that."""
    third = "282C02FFFF03"
    platform.points |= {102: OTHER, 103: third}
    record, sensors = Record(), [SERIAL, OTHER, third]
    journey = await one_of(way, platform, record, START, sensors)
    assert (journey.evidence_items()["sensor"], "sensors" in journey.evidence_items()) == (SERIAL, False)
    platform.api_override["measurement-points"] = http_answer(b"", status="503 Not now")
    journey = await one_of(way, platform, record, START + 10, sensors)
    assert journey.evidence_items()["sensor"] == OTHER
    assert journey.evidence_items()["sensors"].splitlines() == [
        f"{SERIAL} up 2026-09-21T14:15:00Z",
        f"{OTHER} unknown blocked 2026-09-21T14:15:10Z",
        f"{third} not checked yet",
    ]
    platform.api_override.clear()
    platform.store_as = dropped
    journey = await one_of(way, platform, record, START + 20, sensors)
    assert journey.evidence_items()["sensors"].splitlines() == [
        f"{SERIAL} up 2026-09-21T14:15:00Z",
        f"{OTHER} unknown blocked 2026-09-21T14:15:10Z",
        f"{third} down missing 2026-09-21T14:15:20Z",
    ]
    if way == "coap":
        assert [message.transfer_reason for message in messages(platform)][:3] == [1, 1, 1]


async def one_of(way: str, platform: Platform, record: Record, now: float, sensors: list[str]) -> Journey:
    """A check that may fail, of the sensor whose turn it is."""
    journey = record.journey(now)
    with suppress(ProbeFailed):
        if way == "coap":
            await ingest_coap(options_for(platform, sensors=sensors), journey)
        else:
            await ingest_gateway(gateway_options(platform, sensors=sensors), journey)
    record.keep(journey)
    return journey


async def test_a_check_that_its_deadline_cut_off_is_unfinished(platform: Platform) -> None:
    record = Record()
    platform.hidden_requests = 1000
    journey = record.journey()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ingest_coap(options_for(platform, read_back={"deadline": 10}), journey)
    assert journey.evidence_items()["sensors"] == f"{SERIAL} unfinished 2026-09-21T14:15:00Z"


async def test_a_persons_check_changes_no_standing(platform: Platform) -> None:
    record = Record()
    await send(platform, record)
    platform.store_as = dropped
    journey = record.journey(START + 10, one_shot=True)
    with pytest.raises(ProbeFailed):
        await ingest_coap(options_for(platform), journey)
    assert journey.evidence_items()["sensors"] == f"{SERIAL} down missing 2026-09-21T14:15:10Z"
    assert journey.memory == {}
