"""Faults together, in time, and against the rules: what they leave behind and what they refuse."""

import asyncio
from typing import Any

import pytest

from standin.fault_model import FaultError, Interface
from tests.standin.customer import CELSIUS, answered, ask, deliver, post, send, temperatures
from tests.standin.world import (
    CON,
    DEADLINE_SECONDS,
    POST,
    World,
    code,
    datagram,
    measurements,
    taken_apart,
)


async def test_what_was_stored_wrongly_stays_wrong(world: World) -> None:
    for fault in ("alter", "double"):
        world.platform.faults.switch_on("coap", fault)
    time = await deliver(world, "coap")
    world.platform.faults.clear()
    assert await temperatures(world) == {time: [CELSIUS + 1.0, CELSIUS + 1.0]}
    assert len(await answered(world)) == 2


@pytest.mark.parametrize("fault", ["timeout", "reset", "wrong-status", "fail-first"])
@pytest.mark.parametrize("interface", ["coap", "gateway"])
async def test_a_dropped_request_is_not_stored(world: World, interface: str, fault: str) -> None:
    world.platform.faults.switch_on(interface, fault)
    moment = world.next_moment()
    if interface == "gateway":
        await post(world, moment)
    else:
        await world.sensor.send("m", measurements(moment, 215))
        if fault == "timeout":
            await world.sensor.send_raw(bytes.fromhex("40001234"))  # answered only after the message was dropped
        await world.sensor.receive()
    world.platform.faults.clear()
    later = await deliver(world, interface)
    assert list(await temperatures(world)) == [later]


@pytest.mark.parametrize("fault", ["garbage", "wrong-schema", "truncated", "half-open", "empty"])
@pytest.mark.parametrize("interface", ["coap", "gateway"])
async def test_a_request_with_a_spoiled_answer_is_stored(world: World, interface: str, fault: str) -> None:
    world.platform.faults.switch_on(interface, fault)
    moment = world.next_moment()
    if interface == "gateway":
        await post(world, moment)
    else:
        await world.sensor.send("m", measurements(moment, 215))
        await world.sensor.receive_raw()
    assert list(await temperatures(world)) == [moment]


async def test_several_faults_are_on_at_once(world: World) -> None:
    world.platform.faults.switch_on("coap", "wrong-status", code="4.01")
    world.platform.faults.switch_on("coap", "unknown-token")
    message_id = await world.sensor.send("m", measurements(world.next_moment(), 215))
    reply = await world.sensor.receive()
    assert (reply.code, reply.message_id) == (code("4.01"), message_id)
    assert reply.token != b"tk01"


async def test_a_refused_port_is_the_same_again_afterwards(world: World) -> None:
    before = {name: world.port(name) for name in ("coap", "gateway", "api")}
    for name in before:
        world.platform.faults.switch_on(name, "refuse")
        world.platform.faults.switch_off(name, "refuse")
        world.platform.faults.switch_on(name, "refuse")
        world.platform.faults.switch_off(name, "refuse")
    assert {name: world.port(name) for name in before} == before
    assert (await send(world)).code == code("2.01")
    assert (await ask(world, "gateway")).status == 201
    assert (await ask(world, "api")).status == 200


async def test_refusing_closes_the_connections_that_are_open(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port("api"))
    writer.write(b"GET /api/v2/organizations HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 401")
    world.platform.faults.switch_on("api", "refuse")
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_fault_ends_by_itself(world: World) -> None:
    """A request that the fault holds up is let go when its time is over: the connection ends without an answer."""
    world.platform.faults.switch_on("api", "timeout", for_seconds=0.2)
    exchange = await ask(world, "api", DEADLINE_SECONDS)
    assert (exchange.received, exchange.ending) == (b"", "closed")
    assert world.platform.faults.shown() == []


async def test_a_fault_switched_on_again_takes_the_new_parameters_and_time(world: World) -> None:
    faults = world.platform.faults
    faults.switch_on("api", "wrong-status", status=503, for_seconds=0.01)
    faults.switch_on("api", "wrong-status", status=429)
    faults.switch_on("api", "slow", seconds=0.05)  # longer than the first one's time
    assert (await ask(world, "api")).status == 429
    assert [fault["parameters"] for fault in faults.shown()] == [{"status": 429}, {"seconds": 0.05}]


async def test_replacing_a_fault_lets_go_of_what_it_held_up(world: World) -> None:
    world.platform.faults.switch_on("api", "timeout")
    replaced = world.platform.faults.active(Interface.API, "timeout")
    world.platform.faults.switch_on("api", "timeout")
    assert replaced and replaced.ended.is_set()


async def test_access_tokens_given_out_expire_and_a_new_login_works(world: World) -> None:
    old = await log_in(world)
    world.platform.faults.switch_on("api", "expired-token")
    new = await log_in(world)
    assert [await status_of(world, token) for token in (old, new, world.api_token)] == [401, 200, 401]
    world.platform.faults.switch_on("api", "expired-token", new_tokens_too=True)
    assert [await status_of(world, token) for token in (old, new, await log_in(world))] == [401, 401, 401]


async def log_in(world: World) -> str:
    settings = world.platform.live.current
    headers = {"X-USER-LOGIN": settings.login, "X-USER-PASSWORD": settings.password}
    async with world.http.post(world.url("api") + "/login", headers=headers) as response:
        return f"Bearer {(await response.json())['accessToken']}"


async def status_of(world: World, token: str) -> int:
    async with world.http.get(world.url("api") + "/organizations", headers={"Authorization": token}) as response:
        return response.status


@pytest.mark.parametrize(
    ("interface", "fault", "parameters", "message"),
    [
        ("coap", "nonsense", {}, "there is no fault 'nonsense'"),
        ("fax", "slow", {}, f"there is no interface 'fax'; there are: {', '.join(Interface)}"),
        ("coap", "gzip-bomb", {}, "gzip-bomb does not fit coap; it fits: api"),
        ("api", "accept-and-drop", {}, "accept-and-drop does not fit api; it fits: coap, gateway, mqtt"),
        ("api", "slow", {"second": 1}, "slow on api has no parameter 'second'; it has: seconds"),
        ("api", "slow", {"seconds": -1}, "seconds must be a number of seconds, 0 or more, not -1.0"),
        ("api", "slow", {"seconds": "1"}, "seconds must be a number of seconds, 0 or more, not '1'"),
        ("api", "slow", {"seconds": True}, "seconds must be"),
        ("api", "wrong-status", {"code": "5.00"}, "wrong-status on api has no parameter 'code'; it has: status"),
        ("api", "wrong-status", {"status": 99}, "status must be an HTTP status from 200 to 599, not 99"),
        ("coap", "wrong-status", {"code": "500"}, "code must be a CoAP code such as 5.00, not '500'"),
        ("api", "reset", {"for_seconds": 0}, "for_seconds must be a number of seconds above 0, not 0"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(
    world: World, interface: str, fault: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(FaultError) as refusal:
        world.platform.faults.switch_on(interface, fault, **parameters)
    assert str(refusal.value).startswith(message)
    assert world.platform.faults.shown() == []


async def test_a_duplicate_of_a_message_in_work_is_not_taken_for_a_new_one(world: World) -> None:
    world.platform.faults.switch_on("coap", "slow", seconds=0.1)
    raw = datagram(CON, POST, 900, b"tk", "m", measurements(world.next_moment(), 215))
    for _ in range(3):
        await world.sensor.send_raw(raw)
    assert taken_apart(await world.sensor.receive_raw()).code == code("2.01")
    assert (await world.control("GET", "/sensors/282C02FFFF01"))["uploads"] == 1
