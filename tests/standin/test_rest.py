"""What an integration sees of the cloud's REST API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from yarl import URL

from standin import AlertRule, StandIn, StandInSettings
from tests.standin.world import SERIAL, V1, Sensor, T, World, measurements

WINDOW = {"from": "2026-09-21 00:00:00", "to": "2026-09-22 00:00:00"}
HISTORY = "/measurement-points/101/measurements"


async def get(
    world: World, path: str, query: Mapping[str, str] | str = "", *, token: str | None = None
) -> tuple[int, Any]:
    url = URL(world.url("api") + path).with_query(query or None)
    headers = {"Authorization": world.api_token if token is None else token}
    async with world.http.get(url, headers=headers) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def test_the_way_from_the_organisation_to_current_values(world: World) -> None:
    await world.sensor.ask("m", V1)
    assert (await world.api("/organizations"))["organizations"][0]["id"] == 1
    locations = await world.api("/locations", **{"organization-id": "1"})
    assert [location["id"] for location in locations["locations"]] == [10]
    points = await world.api("/measurement-points", **{"location-ids": "10"})
    assert points["measurementPoints"] == [
        {
            "id": 101,
            "name": f"Sensor {SERIAL}",
            "createdAt": "2026-09-21 16:15:07",
            "device": {
                "serialNumber": SERIAL,
                "channels": [{"number": 1, "type": "TEMPERATURE"}, {"number": 2, "type": "HUMIDITY"}],
            },
            "measurements": {
                "channels": [
                    {"number": 1, "type": "TEMPERATURE", "value": 21.2, "status": "OK"},
                    {"number": 2, "type": "HUMIDITY", "value": 41, "status": "OK"},
                ]
            },
        }
    ]


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("location-ids=10", 1),
        ("location-ids=9,10", 1),
        ("location-ids=9&location-ids=10", 1),
        ("location-ids=9", 0),
    ],
)
async def test_locations_are_listed_by_comma_or_repetition(world: World, query: str, points: int) -> None:
    await world.sensor.ask("m", V1)
    status, answer = await get(world, "/measurement-points", query)
    assert (status, len(answer["measurementPoints"])) == (200, points)


async def test_history_names_the_point_its_device_and_what_it_measured(world: World) -> None:
    await world.sensor.ask("m", measurements(T, 215))
    status, answer = await get(world, HISTORY, WINDOW)
    assert status == 200
    device = {"serialNumber": SERIAL, "channels": [{"number": 1, "type": "TEMPERATURE"}]}
    assert answer["measurementPoint"] == {"id": 101, "device": device}
    assert answer["measuredByDevices"] == [{"serialNumber": SERIAL}]
    assert len(answer["measurements"]) == 1


async def test_both_ends_of_the_window_belong_to_it(world: World) -> None:
    await world.sensor.ask("m", measurements(T, 215, 216, 217, 218))
    found = await world.history("2026-09-21 14:18:00", "2026-09-21 14:21:00")
    assert [entry["channels"][0]["value"] for entry in found] == [21.6, 21.7]
    assert await world.history("2026-09-21 14:25:00", "2026-09-21 14:26:00") == []


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/nothing", "", 404),
        ("/locations", "organization-id=2", 404),
        ("/locations", "", 400),
        ("/locations", "organization-id=one", 400),
        ("/measurement-points", "", 400),
        ("/measurement-points", "location-ids=10,x", 400),
        ("/measurement-points/102/measurements", WINDOW, 404),
        (HISTORY, "", 400),
        (HISTORY, {**WINDOW, "to": "2026-09-22"}, 400),
        (HISTORY, {**WINDOW, "to": "2026-09-22T00:00:00Z"}, 400),
        (HISTORY, {**WINDOW, "to": "0001-01-01 00:00:00"}, 200),
        ("/alerts", "", 400),
        ("/alerts", "select-by=SENSORS", 400),
        ("/alerts", "select-by=MEASUREMENT_POINTS&select-by-ids=x", 400),
    ],
)
async def test_wrong_requests_are_refused_with_a_message(world: World, path: str, query: Any, status: int) -> None:
    await world.sensor.ask("m", V1)
    given, answer = await get(world, path, query)
    assert given == status
    assert status == 200 or list(answer) == ["message"]


async def test_a_login_gives_an_access_token_that_expires(world: World) -> None:
    """The API token is sent bare, an access token behind `Bearer`, and neither the other way."""
    settings = world.platform.live.current
    headers = {"X-USER-LOGIN": settings.login, "X-USER-PASSWORD": settings.password}
    async with world.http.post(world.url("api") + "/login", headers=headers) as response:
        assert response.status == 200
        token = (await response.json())["accessToken"]
    assert (await get(world, "/organizations", token=f"Bearer {token}"))[0] == 200
    assert (await get(world, "/organizations", token=token))[0] == 401
    assert (await get(world, "/organizations", token=f"Bearer {world.api_token}"))[0] == 401
    world.clock.advance(3599)
    assert (await get(world, "/organizations", token=f"Bearer {token}"))[0] == 200
    world.clock.advance(1)
    assert (await get(world, "/organizations", token=f"Bearer {token}"))[0] == 401
    assert (await get(world, "/organizations"))[0] == 200


@pytest.mark.parametrize("token", ["", "wrong", "Bearer ", "Bearer wrong"])
async def test_without_a_right_token_nothing_is_told(world: World, token: str) -> None:
    for path in ("/organizations", "/alerts", "/nothing"):
        status, answer = await get(world, path, token=token)
        assert (status, list(answer)) == (401, ["message"])


@pytest.mark.parametrize("headers", [{}, {"X-USER-LOGIN": "customer@example.com", "X-USER-PASSWORD": "wrong"}])
async def test_a_wrong_login_is_refused(world: World, headers: dict[str, str]) -> None:
    async with world.http.post(world.url("api") + "/login", headers=headers) as response:
        assert (response.status, list(await response.json())) == (401, ["message"])


async def test_the_hour_that_autumn_repeats_comes_twice_in_wall_time(world: World) -> None:
    """On 25 October 2026 clocks in Warsaw went from 3:00 back to 2:00, at 1:00 UTC."""
    first = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())
    await world.sensor.ask("m", measurements(first, 215, 216, 217, period=1800))
    found = await world.history("2026-10-25 00:00:00", "2026-10-25 02:00:00")
    assert [(entry["measuredAt"], entry["channels"][0]["value"]) for entry in found] == [
        ("2026-10-25 02:30:00", 21.5),
        ("2026-10-25 02:00:00", 21.6),
        ("2026-10-25 02:30:00", 21.7),
    ]
    await world.control("PUT", "/settings", {"query_zone": "Europe/Warsaw"})
    assert len(await world.history("2026-10-25 02:30:00", "2026-10-25 02:30:00")) == 3


async def test_the_zones_of_answers_and_queries_can_be_changed(world: World) -> None:
    await world.sensor.ask("m", measurements(T, 215))
    await world.control("PUT", "/settings", {"answer_zone": "UTC", "query_zone": "Europe/Warsaw"})
    found = await world.history("2026-09-21 16:15:00", "2026-09-21 16:15:00")
    assert [entry["measuredAt"] for entry in found] == ["2026-09-21 14:15:00"]


async def test_samples_become_visible_after_the_delay(world: World) -> None:
    await world.control("PUT", "/settings", {"visibility_delay_seconds": 5})
    await world.sensor.ask("m", measurements(T, 215))
    world.clock.advance(4.999)
    assert await world.history() == []
    world.clock.advance(0.001)
    assert len(await world.history()) == 1
    await world.sensor.ask("m", measurements(T, 216))
    assert [entry["channels"][0]["value"] for entry in await world.history()] == [21.6]


async def alerts(world: World, **query: str) -> Any:
    chosen = {"select-by": "MEASUREMENT_POINTS", "select-by-ids": "101", **query}
    return (await world.api("/alerts", **chosen))["alerts"]


async def test_an_alert_opens_with_the_first_value_over_the_threshold_and_ends_with_the_next_below(
    world: World,
) -> None:
    await world.sensor.ask("m", measurements(T - 720, 800))
    assert await alerts(world) == []
    await world.sensor.ask("m", measurements(T - 540, 801, 900))
    alert = {
        "id": 9001,
        "serialNumber": SERIAL,
        "measurement": 80.1,
        "createdAt": "2026-09-21 16:15:07",
        "neutralizedAt": None,
        "confirmedAt": None,
        "rule": {
            "name": "Temperature above 80",
            "condition": "MORE_THAN",
            "parameter": "TEMPERATURE",
            "threshold": 80.0,
        },
    }
    assert await alerts(world) == [alert]
    world.clock.advance(60)
    await world.sensor.ask("m", measurements(T - 720, 215))  # older than what is known: says nothing about now
    assert await alerts(world) == [alert]
    await world.sensor.ask("m", measurements(T - 180, 215))
    assert await alerts(world) == [{**alert, "neutralizedAt": "2026-09-21 16:16:07"}]
    await world.sensor.ask("m", measurements(T, 900))
    assert [each["id"] for each in await alerts(world)] == [9001, 9002]


async def test_alerts_are_chosen_by_point_and_by_time(world: World) -> None:
    await world.sensor.ask("m", measurements(T, 900))
    assert len(await alerts(world, **WINDOW)) == 1
    assert await alerts(world, **{**WINDOW, "to": "2026-09-21 14:15:06"}) == []
    assert await alerts(world, **{"select-by-ids": "102"}) == []


async def test_rules_are_a_setting() -> None:
    rule = AlertRule(name="Too dry", parameter="HUMIDITY", condition="LESS_THAN", threshold=40.5)
    async with StandIn.start(StandInSettings(rules=(rule,))) as platform:
        with Sensor(platform.addresses["coap"]["port"]) as sensor:
            await sensor.ask("m", V1)
        rows = await platform.storage.alerts()
    assert [(row["rule"], row["measurement"], row["neutralized_ms"] is None) for row in rows] == [
        ("Too dry", 40.0, False)
    ]
