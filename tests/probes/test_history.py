"""The history journey verifies what was seen once, today and at every age, and blames nobody without a reason."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.samples import SampleRun, SampleState
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from probes.history import Options, history
from tests.probes.platform import SERIAL, START, Platform, Record, running_platform

DAY = 86400
NOW = START + 1000
SIGNAL = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running_platform() as running:
        yield running


def store(platform: Platform, record: Record, first: int, last: int, state: SampleState = SampleState.SEEN) -> None:
    run = SampleRun(first, last, 10, state)
    record.runs[SERIAL] = sorted([*record.runs.get(SERIAL, []), run])
    platform.samples += [(SERIAL, time, [SIGNAL.value(time)]) for time in run.times()]


async def check(platform: Platform, record: Record, now: int = NOW, **changes: Any) -> Journey:
    api = {"url": platform.api_url, "token": "token"}
    options = Options.model_validate({"sensors": [SERIAL], "api": api, "window": 600, **changes})
    journey = record.journey(now, component="api")
    try:
        await history(options, journey)
    finally:
        record.keep(journey)
    return journey


async def failing(platform: Platform, record: Record, now: int = NOW, **changes: Any) -> ProbeFailed:
    with pytest.raises(ProbeFailed) as caught:
        await check(platform, record, now, **changes)
    return caught.value


async def test_the_window_that_ends_with_the_newest_sample_seen_is_verified(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 5000, START)
    journey = await check(platform, record)
    assert journey.figures["samples_verified"] >= 60


async def test_a_sample_that_vanished_is_missing(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 1000, START)
    platform.samples.remove((SERIAL, START - 300, [SIGNAL.value(START - 300)]))
    failure = await failing(platform, record)
    assert (failure.reason, "1 missing: 2026-09-21T14:10:00Z" in failure.detail) == (Reason.MISSING, True)


async def test_a_sample_outside_the_window_is_not_asked_for(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 1000, START)
    platform.samples.remove((SERIAL, START - 600, [SIGNAL.value(START - 600)]))
    await check(platform, record)


async def test_pending_and_lost_samples_are_not_judged(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 500, START)
    record.runs[SERIAL] += [
        SampleRun(START + 10, START + 10, 10, SampleState.PENDING),
        SampleRun(START + 20, START + 20, 10, SampleState.LOST),
    ]
    platform.samples.append((SERIAL, START + 20, [SIGNAL.value(START + 20) + 1]))
    await check(platform, record)


async def test_a_strange_sample_is_judged_by_its_value(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 500, START)
    platform.samples.append((SERIAL, START - 5, [SIGNAL.value(START - 5)]))
    await check(platform, record)
    platform.samples.append((SERIAL, START - 7, [SIGNAL.value(START - 7) + 0.1]))
    assert (await failing(platform, record)).reason is Reason.ALTERED


async def test_samples_that_are_just_being_sent_are_not_judged(platform: Platform) -> None:
    """What became of them is on record only when the check of ingest that sends them has ended."""
    record = Record()
    store(platform, record, START - 500, START)
    platform.samples.append((SERIAL, START + 10, [SIGNAL.value(START + 10) + 0.1]))
    platform.samples += [(SERIAL, START + 20, [SIGNAL.value(START + 20)])] * 2
    await check(platform, record)


async def test_without_any_knowledge_there_is_nothing_to_verify(platform: Platform) -> None:
    with pytest.raises(Blocked) as caught:
        await check(platform, Record())
    assert caught.value.reason is Reason.NOTHING_TO_VERIFY


async def test_what_a_platform_shows_to_one_who_knows_nothing_is_judged_by_value(platform: Platform) -> None:
    store(platform, Record(), START, START + 500)
    assert (await check(platform, Record())).figures["samples_verified"] > 50
    platform.samples.append((SERIAL, START + 205, [SIGNAL.value(START + 205) + 0.1]))
    assert (await failing(platform, Record())).reason is Reason.ALTERED


async def test_each_age_is_verified_once_a_day_and_a_failed_one_again(platform: Platform) -> None:
    record = Record()
    store(platform, record, START - 3000, START)
    store(platform, record, NOW - 7 * DAY - 900, NOW - 7 * DAY + 900)
    await check(platform, record, ages=[1, 7])
    assert record.memory[f"age:{SERIAL}:7"] == str(NOW // DAY)
    assert f"age:{SERIAL}:1" not in record.memory
    asked = len(platform.requests)
    await check(platform, record, ages=[1, 7])
    assert len(platform.requests) == asked + 1

    tomorrow = NOW + DAY
    platform.samples = [sample for sample in platform.samples if sample[1] > START - 5 * DAY]
    store(platform, record, tomorrow - 7 * DAY - 900, tomorrow - 7 * DAY)
    platform.samples.pop()
    for _ in range(2):
        failure = await failing(platform, record, tomorrow, ages=[1, 7])
        assert failure.reason is Reason.MISSING
    platform.samples.append((SERIAL, record.runs[SERIAL][1].last, [SIGNAL.value(record.runs[SERIAL][1].last)]))
    await check(platform, record, tomorrow, ages=[1, 7])


@pytest.mark.parametrize(("zone", "query_zone"), [("UTC", "UTC"), ("Europe/Warsaw", "America/New_York")])
async def test_a_wrong_zone_setting_blocks_and_blames_nobody(platform: Platform, zone: str, query_zone: str) -> None:
    record = Record()
    store(platform, record, START - 1000, START)
    platform.zone, platform.query_zone = zone, query_zone
    with pytest.raises(Blocked) as caught:
        await check(platform, record)
    assert caught.value.reason is Reason.WRONG_ZONE


async def test_before_anything_was_stored_a_sensor_without_a_measurement_point_is_no_failure(
    platform: Platform,
) -> None:
    """A new installation's first minutes are not an outage of the API."""
    with pytest.raises(Blocked) as caught:
        await check(platform, Record(), sensors=["282C02FFFFEE"])
    assert caught.value.reason is Reason.NOTHING_TO_VERIFY


async def test_a_measurement_point_that_vanished_with_what_was_seen_is_a_loss(platform: Platform) -> None:
    record = Record()
    record.runs["282C02FFFFEE"] = [SampleRun(START - 100, START, 10, SampleState.SEEN)]
    failure = await failing(platform, record, sensors=["282C02FFFFEE"])
    assert failure.reason is Reason.MISSING
