"""Each fault of the broker shows on the wire while it is on, and only then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.servers import eventually, open_sockets
from tests.standin.customer import CELSIUS, temperatures
from tests.standin.mqtt_client import (
    ACCEPTED,
    OTHER,
    PUBACK,
    broker_tasks,
    client,
    connect,
    deliver,
    publish,
    sample,
    talk,
)
from tests.standin.world import SERIAL, T, World

Shows = Callable[[World], Awaitable[bool]]
PARAMETERS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 0.3},
    "delay": {"seconds": 30.0},
    "alter": {"amount": 2.5},
    "shift": {"seconds": 90.0},
    "refuse-login": {"code": 3},
}
EVIDENCE: dict[str, Shows] = {}


def evidence(fault: str) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE[fault] = shows
        return shows

    return register


def answered(fault: str, *answers: bytes | str) -> None:
    """Registers a fault that shows in what comes back to CONNECT and PUBLISH."""

    @evidence(fault)
    async def shows(world: World) -> bool:
        return (await talk(world)).answers == list(answers)


answered("refuse", "refused")
answered("timeout", "silent")
answered("reset", "reset")
answered("half-open", ACCEPTED, "silent")
answered("refuse-login", bytes.fromhex("20020003"))
answered("cut-off", ACCEPTED, "closed")
answered("unknown-packet", ACCEPTED, bytes.fromhex("40028007"))


@evidence("slow")
async def slow(world: World) -> bool:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await deliver(world)
    return loop.time() - started >= 0.6  # CONNECT and PUBLISH


@evidence("garbage")
async def garbage(world: World) -> bool:
    answer = (await talk(world)).answers[0]
    return isinstance(answer, bytes) and answer[0] == 0xFF


@evidence("accept-and-drop")
async def dropped(world: World) -> bool:
    return await deliver(world) not in await temperatures(world)


@evidence("lost-partition")
async def partition_dropped(world: World) -> bool:
    """The other partition's sensors are stored all the while."""
    other = sample(world.next_moment()).replace(SERIAL.encode(), OTHER.encode())
    async with client(world) as sensor:
        assert await sensor.ask(connect()) == ACCEPTED
        assert await sensor.ask(publish(other)) == PUBACK
    assert len(await world.stored(OTHER)) % 2 == 0 < len(await world.stored(OTHER))
    return await dropped(world)


@evidence("delay")
async def delayed(world: World) -> bool:
    before = len(await world.history()) if await temperatures(world) else 0
    await deliver(world)
    visible_at_once = len(await world.history()) > before
    world.clock.advance(30.0)
    assert len(await world.history()) == before + 1
    return not visible_at_once


@evidence("alter")
async def altered(world: World) -> bool:
    return (await temperatures_after(world)) == [CELSIUS + 2.5]


@evidence("double")
async def doubled(world: World) -> bool:
    return (await temperatures_after(world)) == [CELSIUS, CELSIUS]


@evidence("shift")
async def shifted(world: World) -> bool:
    moment = await deliver(world)
    stored = await temperatures(world)
    return moment not in stored and moment + 90 in stored


async def temperatures_after(world: World) -> list[float]:
    moment = await deliver(world)
    return (await temperatures(world))[moment]


FAULTS = [spec.name for spec in CATALOGUE.values() if Interface.MQTT in spec.interfaces]


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, fault: str) -> None:
    shows = EVIDENCE[fault]
    assert not await shows(world)
    world.platform.faults.switch_on("mqtt", fault, **PARAMETERS.get(fault, {}))
    assert await shows(world)
    world.platform.faults.switch_off("mqtt", fault)
    assert not await shows(world)


@pytest.mark.parametrize(("fault", "ending"), [("refuse", "closed"), ("timeout", "silent"), ("reset", "reset")])
async def test_a_fault_strikes_connections_that_are_open_already(world: World, fault: str, ending: str) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect()) == ACCEPTED
        world.platform.faults.switch_on("mqtt", fault)
        request = b"" if fault == "refuse" else publish(sample(T))
        assert await sensor.ask(request) == ending
        world.platform.faults.switch_off("mqtt", fault)
        if fault == "timeout":
            assert await sensor.ask(b"") == "closed"
    assert await temperatures(world) == {}


@pytest.mark.parametrize("fault", ["timeout", "half-open"])
async def test_clients_that_gave_up_do_not_pile_up(world: World, fault: str) -> None:
    world.platform.faults.switch_on("mqtt", fault)
    before = open_sockets()
    await asyncio.gather(*(talk(world, 0.2) for _ in range(5)))
    await eventually(lambda: not broker_tasks() and open_sockets() == before)


async def test_the_port_stays_ours_while_it_refuses(world: World) -> None:
    port = world.port("mqtt")
    world.platform.faults.switch_on("mqtt", "refuse")
    world.platform.faults.switch_on("mqtt", "refuse", for_seconds=0.05)
    await eventually(lambda: world.platform.faults.active(Interface.MQTT, "refuse") is None)
    await deliver(world)
    assert world.port("mqtt") == port
