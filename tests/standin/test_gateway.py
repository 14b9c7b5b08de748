"""What an Efento Gateway sees of the platform."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.standin.world import SERIAL, World, gateway_item

OTHER = "282C02FFFF02"
MOMENT = int(datetime(2026, 11, 23, 1, 0, tzinfo=UTC).timestamp())


async def post(world: World, body: object, token: str | None = None) -> tuple[int, Any]:
    headers = {"X-Api-Token": world.platform.live.current.gateway_token if token is None else token}
    url = world.url("gateway")
    if isinstance(body, str):
        async with world.http.post(url, data=body, headers=headers) as response:
            return response.status, await response.json()
    async with world.http.post(url, json=body, headers=headers) as response:
        return response.status, await response.json()


def upload(*items: dict[str, Any]) -> dict[str, Any]:
    return {"measurements": list(items)}


@pytest.mark.parametrize("text", ["2026-11-23 01:00:00 UTC", "2026-11-23 01:00:00"])
async def test_measurements_are_stored_and_their_handles_returned(world: World, text: str) -> None:
    assert await post(world, upload(gateway_item(text, 21.4))) == (201, {"Y": [1], "N": []})
    stored = [(each["channel"], each["type"], each["time"], each["value"]) for each in await world.stored()]
    assert stored == [(1, "TEMPERATURE", MOMENT, 21.4), (2, "HUMIDITY", MOMENT, 44.0)]
    assert await world.history() == [
        {
            "measuredAt": "2026-11-23 02:00:00",
            "period": 180,
            "channels": [
                {"number": 1, "value": 21.4, "status": "OK"},
                {"number": 2, "value": 44.0, "status": "OK"},
            ],
        }
    ]


async def test_one_request_holds_several_measurements_and_sensors(world: World) -> None:
    items = [
        gateway_item("2026-11-23 01:00:00", 21.4, handle=4),
        gateway_item("2026-11-23 01:03:00", 21.5, handle=5),
        gateway_item("2026-11-23 01:00:00", 3.0, handle=6, serial=OTHER.lower()),
    ]
    assert await post(world, upload(*items)) == (201, {"Y": [4, 5, 6], "N": []})
    assert [len(await world.stored(serial)) for serial in (SERIAL, OTHER)] == [4, 2]


async def test_states_are_values_too(world: World) -> None:
    item = gateway_item("2026-11-23 01:00:00", 0)
    item["params"] = [
        {"channel": 1, "type": "open-close", "value": "open"},
        {"channel": 2, "type": "pressure_diff", "value": -12},
    ]
    assert (await post(world, upload(item)))[0] == 201
    stored = [(each["type"], each["value"]) for each in await world.stored()]
    assert stored == [("OPEN_CLOSE", 1), ("DIFFERENTIAL_PRESSURE", -12)]


async def test_an_unwanted_sensors_handle_is_in_n(world: World) -> None:
    await post(world, upload(gateway_item("2026-11-23 01:00:00", 21.4)))
    await world.control("PUT", "/settings", {"unknown_serial": "ignore"})
    items = [
        gateway_item("2026-11-23 01:03:00", 21.4, handle=8),
        gateway_item("2026-11-23 01:03:00", 3.0, handle=9, serial=OTHER),
    ]
    assert await post(world, upload(*items)) == (201, {"Y": [8], "N": [9]})


@pytest.mark.parametrize("token", ["", "wrong", "tökén"])
async def test_a_wrong_token_is_refused(world: World, token: str) -> None:
    status, answer = await post(world, upload(gateway_item("2026-11-23 01:00:00", 21.4)), token)
    assert (status, list(answer)) == (401, ["message"])
    assert await world.stored() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ({}, "measurements: Field required"),
        (upload({"serial": SERIAL}), "measurements.0.response_handle: Field required"),
        (upload(gateway_item("yesterday", 1.0)), "measurements.0.measured_at: Value error"),
        (upload(gateway_item("2026-11-23 01:00:00", 1.0, serial="nobody")), "measurements.0.serial: String should"),
        (upload({**gateway_item("2026-11-23 01:00:00", 1.0), "params": [{}]}), "measurements.0.params.0.channel: "),
    ],
)
async def test_what_is_not_a_measurement_is_refused(world: World, body: object, message: str) -> None:
    status, answer = await post(world, body)
    assert status == 400
    assert answer["message"].startswith(message)


async def test_the_answer_has_no_more_headers_than_a_gateway_takes(world: World) -> None:
    headers = {"X-Api-Token": world.platform.live.current.gateway_token}
    body = upload(gateway_item("2026-11-23 01:00:00", 21.4))
    async with world.http.post(world.url("gateway"), json=body, headers=headers) as response:
        assert len(response.headers) <= 10
