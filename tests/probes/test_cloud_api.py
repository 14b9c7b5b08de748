"""The API client: identity, schema, time zones and the memory of where a sensor measures."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from probes.api import Options, api
from probes.contract import ProbeFailed, Reason
from probes.efento.cloud_api import ApiOptions, CloudApi
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from tests.probes.platform import POINT, SERIAL, START, Platform, Record, api_answer, running_platform
from tests.probes.servers import http_answer


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    async with running_platform() as running:
        signal = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]
        running.samples = [(SERIAL, time, [signal.value(time)]) for time in range(START, START + 100, 10)]
        yield running


def client(platform: Platform, record: Record | None = None, **changes: Any) -> CloudApi:
    options = ApiOptions.model_validate({"url": platform.api_url, "token": "token", **changes})
    return CloudApi(options, (record or Record()).journey())


def person(platform: Platform, **changes: Any) -> CloudApi:
    return client(platform, token=None, login="me@example.net", password="s3cret", **changes)


async def test_an_api_token_stands_bare(platform: Platform) -> None:
    assert await client(platform).organisations() == [1]
    assert platform.authorization == ["token"]


async def test_a_person_logs_in_once_and_bears_the_access_token(platform: Platform) -> None:
    api_of_person = person(platform)
    await api_of_person.organisations()
    await api_of_person.locations(1)
    assert platform.authorization == ["", "Bearer first", "Bearer first"]
    assert api_of_person.journey.secrets == {"first"}


async def test_an_expired_access_token_is_replaced_once(platform: Platform) -> None:
    api_of_person = person(platform)
    await api_of_person.organisations()
    platform.access_tokens.pop(0)
    assert await api_of_person.organisations() == [1]
    assert platform.authorization[-1] == "Bearer second"


async def test_credentials_that_are_not_accepted_are_an_auth_failure(platform: Platform) -> None:
    platform.api_override["organizations"] = api_answer(b'{"message": "go away"}', status="401 Unauthorized")
    for api_client in (client(platform), person(platform)):
        with pytest.raises(ProbeFailed) as caught:
            await api_client.organisations()
        assert caught.value.reason is Reason.AUTH
        assert caught.value.detail.endswith("go away")
    logins = [request for request in platform.requests if request.endswith("/login")]
    assert len(logins) == 2


async def test_times_are_asked_for_with_encoded_blanks_in_the_query_zone(platform: Platform) -> None:
    await client(platform, query_zone="Europe/Warsaw").history(SERIAL, START, START + 60, ["TEMPERATURE"])
    assert platform.requests[-1].endswith("?from=2026-09-21%2016:15:00&to=2026-09-21%2016:16:00")


async def test_a_repeated_hour_is_asked_for_generously(platform: Platform) -> None:
    """02:30 in Warsaw on 25 October 2026 comes twice, so whichever the platform takes must be inside."""
    half_past_two = 1_792_888_200
    await client(platform, query_zone="Europe/Warsaw").history(SERIAL, half_past_two, half_past_two, ["TEMPERATURE"])
    assert platform.requests[-1].endswith("?from=2026-10-25%2001:30:00&to=2026-10-25%2003:30:00")


async def test_the_measurement_point_is_looked_up_once_and_again_when_it_is_gone(platform: Platform) -> None:
    record = Record()
    first = client(platform, record)
    await first.history(SERIAL, START, START, ["TEMPERATURE"])
    record.keep(first.journey)
    assert record.memory == {f"point:{SERIAL}": str(POINT)}
    platform.requests.clear()
    second = client(platform, record)
    platform.api_override["measurements"] = api_answer(b"{}", status="404 Not Found")
    with pytest.raises(ProbeFailed):
        await second.history(SERIAL, START, START, ["TEMPERATURE"])
    assert len(platform.requests) == 1
    record.keep(second.journey)
    platform.api_override.clear()
    platform.points = {POINT + 1: SERIAL}
    assert len(await client(platform, record).history(SERIAL, START, START, ["TEMPERATURE"])) == 1


async def test_a_sensor_that_is_nowhere_is_told(platform: Platform) -> None:
    with pytest.raises(ProbeFailed) as caught:
        await client(platform).point_of("282C02000000")
    assert (caught.value.reason, "282C02000000" in caught.value.detail) == (Reason.CONTENT, True)


ROW = {"measuredAt": "2026-09-21 16:15:00", "period": 10, "channels": [{"number": 1, "value": 1.0, "status": "OK"}]}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"measuredAt": "2026-09-21T16:15:00"}, "measurements.0.measuredAt"),
        ({"measuredAt": "2026-02-30 16:15:00"}, "measurements.0.measuredAt"),
        ({"measuredAt": "0001-01-01 00:00:00"}, "measurements.0.measuredAt"),
        ({"measuredAt": 5}, "measurements.0.measuredAt"),
        ({"period": "10"}, "measurements.0.period"),
        ({"channels": None}, "measurements.0.channels"),
        ({"channels": [{"number": 1, "value": "warm"}]}, "measurements.0.channels.0.value"),
    ],
)
async def test_a_broken_promise_of_the_schema_is_named_with_its_place(
    platform: Platform, change: dict[str, Any], where: str
) -> None:
    platform.api_override["measurements"] = api_answer(json.dumps({"measurements": [{**ROW, **change}]}).encode())
    with pytest.raises(ProbeFailed) as caught:
        await client(platform).history(SERIAL, START, START, ["TEMPERATURE"])
    assert caught.value.reason is Reason.SCHEMA
    assert f"{where}: " in caught.value.detail


async def test_json_under_another_content_type_is_told(platform: Platform) -> None:
    platform.api_override["organizations"] = http_answer(b'{"organizations": []}', "Content-Type: text/html")
    with pytest.raises(ProbeFailed, match="content type text/html, expected application/json") as caught:
        await client(platform).organisations()
    assert caught.value.reason is Reason.CONTENT


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"measurements": {}}', b"{}"])
async def test_an_answer_of_another_shape_is_a_schema_failure(platform: Platform, body: bytes) -> None:
    platform.api_override["measurements"] = api_answer(body)
    with pytest.raises(ProbeFailed) as caught:
        await client(platform).history(SERIAL, START, START, ["TEMPERATURE"])
    assert caught.value.reason is Reason.SCHEMA


@pytest.mark.parametrize(
    "channels",
    [
        [],
        [{"number": 2, "value": 1.0, "status": "OK"}],
        [{"number": 1, "value": None, "status": "MISSING"}],
        [{"number": 1, "value": 1.0, "status": "ERROR"}],
        [{"number": 1, "value": 1.04, "status": "OK"}],
    ],
)
async def test_a_row_without_a_usable_value_has_no_raw(platform: Platform, channels: list[dict[str, Any]]) -> None:
    rows = {"measurements": [{**ROW, "channels": channels, "unknown": 1}]}
    platform.api_override["measurements"] = api_answer(json.dumps(rows).encode())
    (sample,) = await client(platform).history(SERIAL, START, START, ["TEMPERATURE"])
    assert sample.raws == (None,)


async def test_the_api_journey_takes_all_its_steps(platform: Platform) -> None:
    journey = Record().journey(component="api")
    api_options = {"url": platform.api_url, "login": "me", "password": "s3cret"}
    await api(Options.model_validate({"api": api_options, "sensors": [SERIAL]}), journey)
    steps = [timing.name for timing in journey.timings()]
    assert steps == ["login", "organisations", "locations", "measurement_points", "alerts"]
    assert any("location-ids=10,11" in request for request in platform.requests)


@pytest.mark.parametrize(
    ("override", "body", "step", "reason"),
    [
        ("organizations", b'{"organizations": []}', "organisations", Reason.CONTENT),
        ("locations", b'{"locations": []}', "locations", Reason.CONTENT),
        ("measurement-points", b'{"measurementPoints": []}', "measurement_points", Reason.CONTENT),
        ("measurement-points", b'{"measurementPoints": [{"id": 1}]}', "measurement_points", Reason.SCHEMA),
        ("alerts", b'{"alerts": [{"id": 1}]}', "alerts", Reason.SCHEMA),
    ],
)
async def test_the_api_journey_tells_where_it_failed(
    platform: Platform, override: str, body: bytes, step: str, reason: Reason
) -> None:
    platform.api_override[override] = api_answer(body)
    journey = Record().journey(component="api")
    options = Options.model_validate({"api": {"url": platform.api_url, "token": "token"}, "sensors": [SERIAL]})
    with pytest.raises(ProbeFailed) as caught:
        await api(options, journey)
    assert caught.value.reason is reason
    assert journey.failed_step is not None
    assert journey.failed_step.name == step


async def test_a_sensor_without_a_current_value_is_told(platform: Platform) -> None:
    point = {"id": 1, "name": "x", "device": {"serialNumber": SERIAL}, "measurements": {"channels": []}}
    platform.api_override["measurement-points"] = api_answer(json.dumps({"measurementPoints": [point]}).encode())
    options = Options.model_validate({"api": {"url": platform.api_url, "token": "token"}, "sensors": [SERIAL]})
    with pytest.raises(ProbeFailed, match="no current value"):
        await api(options, Record().journey(component="api"))
