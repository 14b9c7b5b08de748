"""The control interface: a demonstration or a test breaks, mends and inspects the platform through it."""

from typing import Any

import pytest
from pydantic import ValidationError

from standin import StandInSettings
from standin.catalogue import CATALOGUE
from tests.standin.world import SERIAL, T, World, measurements


async def test_health_and_addresses(world: World) -> None:
    assert await world.control("GET", "/healthz") == {"status": "ok"}
    addresses = await world.control("GET", "/addresses")
    assert addresses == world.platform.addresses
    assert set(addresses) >= {"coap", "gateway", "api", "control"}
    assert addresses["coap"]["url"] == f"coap://127.0.0.1:{addresses['coap']['port']}"
    assert addresses["api"]["url"].endswith("/api/v2")


async def test_the_catalogue_tells_everything_about_each_fault(world: World) -> None:
    faults = (await world.control("GET", "/catalogue"))["faults"]
    assert [fault["name"] for fault in faults] == list(CATALOGUE)
    wrong_status = next(fault for fault in faults if fault["name"] == "wrong-status")
    http = ["gateway", "api", "web", "reports", "backups", "operations"]
    assert wrong_status["interfaces"] == ["coap", *http]
    assert [(each["name"], each["default"], each["interfaces"]) for each in wrong_status["parameters"]] == [
        ("status", 500, http),
        ("code", "5.00", ["coap"]),
    ]


async def test_faults_go_on_and_off(world: World) -> None:
    answer = await world.control("PUT", "/faults/api/slow", {"seconds": 3, "for_seconds": 60})
    assert await world.control("GET", "/faults") == {"faults": [{**answer["faults"][0], "seconds_left": Near(60)}]}
    await world.control("PUT", "/faults/coap/accept-and-drop")
    shown = (await world.control("DELETE", "/faults/api/slow"))["faults"]
    assert shown == [
        {
            "interface": "coap",
            "fault": "accept-and-drop",
            "parameters": {},
            "since": "2026-09-21T14:15:07+00:00",
            "seconds_left": None,
        }
    ]
    assert await world.control("DELETE", "/faults") == {"faults": []}
    assert await world.control("DELETE", "/faults/api/slow") == {"faults": []}


class Near(float):
    """Equal to numbers that are at most ten seconds smaller."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and self - 10 <= other <= self

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("PUT", "/faults/api/nonsense", {}, 404, "there is no fault 'nonsense'"),
        ("PUT", "/faults/fax/slow", {}, 404, "there is no interface 'fax'"),
        ("DELETE", "/faults/api/nonsense", None, 404, "there is no fault 'nonsense'"),
        ("PUT", "/faults/api/unknown-token", {}, 400, "unknown-token does not fit api; it fits: coap"),
        ("PUT", "/faults/api/slow", {"seconds": "long"}, 400, "seconds must be a number of seconds"),
        ("PUT", "/faults/api/slow", {"for_seconds": "long"}, 400, "for_seconds must be"),
        ("PUT", "/faults/api/slow", {"interface": "coap"}, 400, "slow on api has no parameter 'interface'"),
        ("PUT", "/faults/api/slow", [1], 400, "the body must be a JSON object"),
        ("PUT", "/settings", {"api_token": "x"}, 400, "cannot be changed at run time: api_token; can be: "),
        ("PUT", "/settings", {"answer_zone": "Europe/Atlantis"}, 400, "answer_zone: Value error, no time zone"),
        ("PUT", "/settings", {"visibility_delay_seconds": -1}, 400, "visibility_delay_seconds: Input should be"),
        ("POST", f"/sensors/{SERIAL}/replies", {"nonsense": 1}, 400, "not a configuration: "),
        ("GET", f"/sensors/{SERIAL}", None, 404, "Nothing has been received"),
        ("GET", "/nothing", None, 404, "Not Found"),
        ("POST", "/faults", None, 405, "Method Not Allowed"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    world: World, method: str, path: str, body: Any, status: int, message: str
) -> None:
    answer = await world.control(method, path, body, status=status)
    assert answer["message"].startswith(message)


async def test_a_body_that_is_not_json_is_refused(world: World) -> None:
    async with world.http.put(world.url("control") + "/faults/api/slow", data=b"{") as response:
        assert (response.status, await response.json()) == (400, {"message": "the body is not JSON"})


async def test_settings_change_all_or_none(world: World) -> None:
    before = await world.control("GET", "/settings")
    assert before == {
        "answer_zone": "Europe/Warsaw",
        "query_zone": "UTC",
        "visibility_delay_seconds": 0.0,
        "token_lifetime_seconds": 3600.0,
        "unknown_serial": "create",
        "check_sensor_token": False,
        "current_time_in_replies": True,
        **{part: before[part] for part in ("notifications", "reports", "backups")},
    }
    assert (before["reports"]["delay_seconds"], before["notifications"]["sms_format"]) == (0.2, "json")
    await world.control("PUT", "/settings", {"answer_zone": "UTC", "unknown_serial": "perhaps"}, status=400)
    assert await world.control("GET", "/settings") == before
    changed = await world.control("PUT", "/settings", {"answer_zone": "UTC"})
    assert changed == {**before, "answer_zone": "UTC"}
    changed = await world.control("PUT", "/settings", {"reports": {"delay_seconds": 3}})
    assert changed["reports"] == {**before["reports"], "delay_seconds": 3.0}


async def test_samples_are_shown_as_they_are_stored(world: World) -> None:
    await world.control("PUT", "/settings", {"visibility_delay_seconds": 5})
    await world.sensor.ask("m", measurements(T, 215))
    assert await world.stored(SERIAL.lower()) == [
        {
            "time": T,
            "channel": 1,
            "copy": 0,
            "type": "TEMPERATURE",
            "value": 21.5,
            "status": "OK",
            "period": 180,
            "accepted_ms": (T + 7) * 1000,
            "visible_ms": (T + 12) * 1000,
        }
    ]
    assert await world.stored("282C02FFFFFF") == []


async def test_a_queued_reply_can_be_seen_before_the_sensor_is_known(world: World) -> None:
    await world.control("POST", f"/sensors/{SERIAL}/replies", {"transmission_interval": 900}, status=201)
    sensor = await world.control("GET", f"/sensors/{SERIAL}")
    assert (sensor["measurement_point"], sensor["queued_replies"]) == (None, 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_the_control_interface_stays_on_loopback_unless_told(host: str) -> None:
    with pytest.raises(ValidationError, match="no authentication"):
        StandInSettings(control_host=host)
    assert StandInSettings(control_host=host, allow_remote_control=True).control_host == host


def test_secrets_are_not_in_the_settings_text() -> None:
    settings = StandInSettings()
    shown = repr(settings)
    for secret in (settings.api_token, settings.gateway_token, settings.sensor_token, settings.password):
        assert secret not in shown
