"""Each fault really shows on each interface it fits, and only while it is on."""

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from probes.efento.proto.efento_pb2 import ProtoConfig
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.standin.customer import CELSIUS, answered, ask, deliver, post, send, temperatures
from tests.standin.world import (
    ACK,
    DEADLINE_SECONDS,
    GET,
    RST,
    SILENCE_SECONDS,
    Sensor,
    World,
    code,
    measurements,
)

Shows = Callable[[World, str], Awaitable[bool]]
PARAMETERS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 1.0},
    "gzip-bomb": {"mebibytes": 3},
    "delay": {"seconds": 30.0},
    "alter": {"amount": 2.5},
    "shift": {"seconds": 90.0},
    "lost-history": {"older_than_seconds": 3600.0},
}
EVIDENCE: dict[tuple[str, str], Shows] = {}


def evidence(fault: str, *interfaces: str) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE.update({(interface, fault): shows for interface in interfaces})
        return shows

    return register


@evidence("refuse", "gateway", "api")
async def http_refused(world: World, interface: str) -> bool:
    return (await ask(world, interface)).ending == "refused"


@evidence("refuse", "coap")
async def coap_refused(world: World, _interface: str) -> bool:
    with Sensor(world.port("coap")) as sensor:
        try:
            await sensor.ask("t", method=GET)
        except ConnectionRefusedError:
            return True
    return False


@evidence("timeout", "gateway", "api")
async def http_silent(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return (exchange.received, exchange.ending) == (b"", "silent")


@evidence("timeout", "coap")
async def coap_silent(world: World, _interface: str) -> bool:
    await world.sensor.send("t", method=GET)
    try:
        await world.sensor.receive_raw(SILENCE_SECONDS)
    except TimeoutError:
        return True
    return False


@evidence("reset", "gateway", "api")
async def http_reset(world: World, interface: str) -> bool:
    return (await ask(world, interface)).ending == "reset"


@evidence("reset", "coap")
async def coap_reset(world: World, _interface: str) -> bool:
    message_id = await world.sensor.send("t", method=GET)
    reply = await world.sensor.receive()
    return (reply.kind, reply.code, reply.message_id) == (RST, 0, message_id)


@evidence("slow", "gateway", "api", "coap")
async def slow(world: World, interface: str) -> bool:
    loop = asyncio.get_running_loop()
    started = loop.time()
    if interface == "coap":
        await send(world)
    else:
        assert (await ask(world, interface, DEADLINE_SECONDS)).status < 300
    return loop.time() - started >= 1.0


@evidence("wrong-status", "gateway", "api")
async def http_wrong_status(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.status == 500 and bool(exchange.json()["message"])


@evidence("wrong-status", "coap")
async def coap_wrong_status(world: World, _interface: str) -> bool:
    return (await send(world)).code == code("5.00")


@evidence("fail-first", "gateway", "coap")
async def first_attempt_fails(world: World, interface: str) -> bool:
    """A repetition may hold a newer sample too; it succeeds."""
    moment = world.next_moment()
    if interface == "gateway":
        first, second = (await post(world, moment)).status, (await post(world, moment)).status
        assert second == 201
        return first == 500
    one = (await world.sensor.ask("m", measurements(moment, 215))).code
    other = (await world.sensor.ask("m", measurements(moment, 215, 216))).code
    assert other == code("2.01")
    return one == code("5.00")


@evidence("redirect-loop", "gateway", "api")
async def redirected(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.status == 307 and exchange.headers["location"].startswith("/api/v2/measurement")


@evidence("garbage", "gateway", "api")
async def http_garbage(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.received != b"" and not exchange.received.startswith(b"HTTP/")


@evidence("garbage", "coap")
async def coap_garbage(world: World, _interface: str) -> bool:
    await world.sensor.send("t", method=GET)
    return (await world.sensor.receive_raw())[0] >> 6 != 1


@evidence("wrong-schema", "gateway", "api")
async def http_wrong_schema(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.status < 300 and not {"Y", "measurements"} & set(exchange.json())


@evidence("wrong-schema", "coap")
async def coap_wrong_schema(world: World, _interface: str) -> bool:
    reply = await send(world)
    config = ProtoConfig.FromString(reply.payload)
    return reply.code == code("2.01") and reply.payload != b"" and config.current_time == 0


@evidence("wrong-content-type", "gateway", "api")
async def http_wrong_content_type(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    assert exchange.json()
    return exchange.headers["content-type"].startswith("text/html")


@evidence("truncated", "gateway", "api")
async def http_truncated(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.ending == "closed" and 0 < len(exchange.body) < int(exchange.headers["content-length"])


@evidence("truncated", "coap")
async def coap_truncated(world: World, _interface: str) -> bool:
    try:
        ProtoConfig.FromString((await send(world)).payload)
    except DecodeError:
        return True
    return False


@evidence("half-open", "gateway", "api")
async def http_half_open(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return exchange.ending == "silent" and 0 < len(exchange.body) < int(exchange.headers["content-length"])


@evidence("half-open", "coap")
async def coap_half_open(world: World, _interface: str) -> bool:
    reply = await send(world)
    return (reply.kind, reply.code, reply.token) == (ACK, 0, b"")


@evidence("endless", "gateway", "api")
async def http_endless(world: World, interface: str) -> bool:
    return (await ask(world, interface)).ending == "unending"


@evidence("gzip-bomb", "api")
async def gzip_bomb(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    if exchange.headers.get("content-encoding") != "gzip":
        return False
    inflated = zlib.decompress(exchange.body, wbits=16 + zlib.MAX_WBITS)
    assert "measurements" in json.loads(inflated)
    return len(inflated) > 3 * 2**20 > 100 * len(exchange.body)


@evidence("empty", "gateway")
async def gateway_empty(world: World, interface: str) -> bool:
    exchange = await ask(world, interface)
    return (exchange.status, exchange.body) == (201, b"")


@evidence("empty", "coap")
async def coap_empty(world: World, _interface: str) -> bool:
    reply = await send(world)
    return (reply.code, reply.payload) == (code("2.01"), b"")


@evidence("empty", "api")
async def history_empty(world: World, _interface: str) -> bool:
    await deliver(world, "coap")
    return bool(await world.history() == [])


@evidence("unknown-token", "coap")
async def unknown_token(world: World, _interface: str) -> bool:
    await world.sensor.send("t", method=GET, message_id=77)
    reply = await world.sensor.receive()
    await world.sensor.send("t", method=GET, message_id=78)
    assert (reply.message_id, (await world.sensor.receive()).message_id) == (77, 78)
    return reply.token != b"tk77"


@evidence("expired-token", "api")
async def token_expired(world: World, interface: str) -> bool:
    return (await ask(world, interface)).status == 401


@evidence("accept-and-drop", "gateway", "coap")
@evidence("lost-partition", "gateway", "coap")
async def dropped(world: World, interface: str) -> bool:
    return await deliver(world, interface) not in await temperatures(world)


@evidence("delay", "gateway", "coap")
async def delayed(world: World, interface: str) -> bool:
    before = len(await world.history()) if await temperatures(world) else 0
    time = await deliver(world, interface)
    assert time in await temperatures(world)
    visible_at_once = len(await world.history()) > before
    world.clock.advance(29.9)
    visible_early = len(await world.history()) > before
    world.clock.advance(0.1)
    assert len(await world.history()) == before + 1
    return not visible_at_once and not visible_early


@evidence("alter", "gateway", "coap")
async def stored_altered(world: World, interface: str) -> bool:
    time = await deliver(world, interface)
    return (await temperatures(world))[time] == [CELSIUS + 2.5]


@evidence("alter", "api")
async def answered_altered(world: World, _interface: str) -> bool:
    time = await deliver(world, "coap")
    assert (await temperatures(world))[time] == [CELSIUS]
    return all(value == CELSIUS + 2.5 for _moment, value in await answered(world))


@evidence("double", "gateway", "coap")
async def stored_twice(world: World, interface: str) -> bool:
    time = await deliver(world, interface)
    return (await temperatures(world))[time] == [CELSIUS, CELSIUS]


@evidence("double", "api")
async def answered_twice(world: World, _interface: str) -> bool:
    time = await deliver(world, "coap")
    assert (await temperatures(world))[time] == [CELSIUS]
    entries = await answered(world)
    return len(entries) == 2 * len(set(entries))


@evidence("shift", "gateway", "coap")
async def stored_shifted(world: World, interface: str) -> bool:
    time = await deliver(world, interface)
    stored = await temperatures(world)
    return time not in stored and time + 90 in stored


@evidence("shift", "api")
async def answered_shifted(world: World, _interface: str) -> bool:
    time = await deliver(world, "coap")
    assert time in await temperatures(world)
    return all(moment.endswith(":30") for moment, _value in await answered(world))


@evidence("lost-history", "api")
async def history_lost(world: World, _interface: str) -> bool:
    """What is older than an hour is gone; what is younger is there."""
    now = int(world.clock.now().timestamp())
    await deliver(world, "coap", moment=now - 3601)
    await deliver(world, "coap", moment=now - 3600)
    assert len(await temperatures(world)) == 2
    return len(await answered(world)) == 1


@pytest.mark.parametrize(
    ("interface", "fault"),
    [
        (str(place), spec.name)
        for spec in CATALOGUE.values()
        for place in spec.interfaces
        if place in (Interface.COAP, Interface.GATEWAY, Interface.API)  # the others' tests are their parts' own
    ],
)
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, interface: str, fault: str) -> None:
    shows = EVIDENCE[interface, fault]
    assert not await shows(world, interface)
    world.platform.faults.switch_on(interface, fault, **PARAMETERS.get(fault, {}))
    assert await shows(world, interface)
    world.platform.faults.switch_off(interface, fault)
    assert not await shows(world, interface)
