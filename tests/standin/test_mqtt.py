"""What a sensor that publishes sees of the platform's broker, and that the broker leaves nothing behind."""

import asyncio
import contextlib
import socket
from typing import Any

import aiomqtt
import pytest

from monitor.clock import ManualClock
from standin import StandIn, StandInSettings
from standin.mqtt.packets import matches
from standin.mqtt.settings import MqttSettings
from tests.probes.servers import eventually, open_sockets
from tests.standin.customer import CELSIUS, temperatures
from tests.standin.mqtt_client import (
    ACCEPTED,
    DISCONNECT,
    PASSWORD,
    PINGREQ,
    PINGRESP,
    PUBACK,
    TOPIC,
    USER,
    broker_tasks,
    client,
    client_at,
    connect,
    deliver,
    packet,
    publish,
    sample,
    text,
)
from tests.standin.world import DEADLINE_SECONDS, T, World


async def test_a_published_measurement_is_stored_and_shown(world: World) -> None:
    moment = await deliver(world)
    assert await temperatures(world) == {moment: [CELSIUS]}
    assert len(await world.history()) == 1


async def test_a_library_of_others_gets_through(world: World) -> None:
    options = {"username": USER, "password": PASSWORD}
    async with aiomqtt.Client("127.0.0.1", world.port("mqtt"), identifier="sensor", **options) as sensor:  # type: ignore[arg-type]
        await sensor.publish(TOPIC, sample(T), qos=1)
        await sensor.publish(TOPIC, sample(T + 180), qos=0)
        await sensor.publish(TOPIC, sample(T + 360), qos=1)
        granted: Any = await sensor.subscribe("efento/#")
        assert [code.is_failure for code in granted] == [True]
    assert sorted(await temperatures(world)) == [T, T + 180, T + 360]


async def test_a_message_is_acknowledged_only_when_it_is_stored(world: World) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect()) == ACCEPTED
        async with world.platform.storage.transaction():
            assert await sensor.ask(publish(sample(T)), 0.2) == "silent"
        assert await sensor.ask(b"") == PUBACK


async def test_a_connection_holds_many_messages_and_pings(world: World) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect(will=True)) == ACCEPTED
        for moment in range(T, T + 1800, 180):
            assert await sensor.ask(publish(sample(moment)) + PINGREQ, size=6) == PUBACK + PINGRESP
        assert await sensor.ask(DISCONNECT) == "closed"
    assert len(await temperatures(world)) == 10


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (connect(None, None), 5),
        (connect("standin", "wrong"), 4),
        (connect("stranger", PASSWORD), 4),
        (connect("standin", None), 4),
        (connect(level=5), 1),
        (connect(level=3), 1),
    ],
)
async def test_only_the_known_user_of_this_version_is_let_in(world: World, request_bytes: bytes, code: int) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(request_bytes) == bytes([0x20, 2, 0, code])
        assert await sensor.ask(b"") == "closed"


@pytest.mark.parametrize(
    "wrong",
    [
        PINGREQ,
        publish(sample(T)),
        b"\x10\xff\xff\xff\xff\x01",
        b"\x10\xff\xff\xff\x7f",
        b"\x10\x03\x00\x09M",
        packet(0x10, text("MQTT") + b"\x04\x02\x00\x3c" + b"\x00\x02\xff\xff"),
    ],
)
async def test_what_is_no_connect_closes_the_connection(world: World, wrong: bytes) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(wrong) == "closed"


@pytest.mark.parametrize("wrong", [connect(), publish(sample(T), qos=2), publish(b"{}", topic="a/#"), b"\xf0\x00"])
async def test_what_is_wrong_after_it_closes_the_connection(world: World, wrong: bytes) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect()) == ACCEPTED
        assert await sensor.ask(wrong) == "closed"
    assert await temperatures(world) == {}


@pytest.mark.parametrize(
    "ignored",
    [
        publish(sample(T), topic="efento/measurements"),
        publish(sample(T), topic="elsewhere/1/measurements"),
        publish(b"what is this?"),
        publish(b'{"measurements": [{"serial": "282C02FFFF01"}]}'),
    ],
)
async def test_what_is_no_measurement_is_acknowledged_and_ignored(world: World, ignored: bytes) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect()) == ACCEPTED
        assert await sensor.ask(ignored) == PUBACK
    assert await temperatures(world) == {}


async def test_a_client_that_is_silent_for_too_long_is_cut_off(world: World) -> None:
    async with client(world) as sensor:
        assert await sensor.ask(connect(keep_alive=1)) == ACCEPTED
        assert await sensor.ask(b"", 1.0) == "silent"
        assert await sensor.ask(b"", DEADLINE_SECONDS) == "closed"


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("efento/+/measurements", "efento/1/measurements", True),
        ("efento/+/measurements", "efento/1/2/measurements", False),
        ("efento/+/measurements", "efento/1", False),
        ("efento/#", "efento/1/measurements", True),
        ("efento/#", "efento", True),
        ("efento/#", "other/1", False),
        ("#", "efento/1", True),
        ("+/+", "/1", True),
    ],
)
def test_patterns_of_topics(pattern: str, topic: str, expected: bool) -> None:
    assert matches(pattern, topic) is expected


def test_the_password_is_not_shown() -> None:
    assert PASSWORD not in repr(MqttSettings())


@pytest.mark.parametrize("turns", range(6))
async def test_a_client_that_came_just_before_the_refusal_is_closed_too(world: World, turns: int) -> None:
    sockets = open_sockets()
    with socket.create_connection(("127.0.0.1", world.port("mqtt"))) as sensor:
        sensor.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        world.platform.faults.switch_on("mqtt", "refuse")
        async with asyncio.timeout(DEADLINE_SECONDS):
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.get_running_loop().sock_recv(sensor, 1) == b""
    world.platform.faults.switch_off("mqtt", "refuse")
    await eventually(lambda: open_sockets() == sockets and not broker_tasks())


async def test_nothing_is_left_after_the_stand_in_closes(clock: ManualClock) -> None:
    """Whatever its clients are in the middle of."""
    sockets, tasks = open_sockets(), asyncio.all_tasks()
    async with contextlib.AsyncExitStack() as clients:
        async with StandIn.start(StandInSettings(now=clock.now)) as platform:
            platform.faults.switch_on("mqtt", "half-open")
            port = platform.addresses["mqtt"]["port"]
            silent, let_in, waiting = [await clients.enter_async_context(client_at(port)) for _ in range(3)]
            assert await let_in.ask(connect()) == await waiting.ask(connect()) == ACCEPTED
            assert await waiting.ask(publish(sample(T)), 0.1) == "silent"
        assert asyncio.all_tasks() == tasks
        assert [await each.ask(b"") for each in (silent, let_in, waiting)] == ["closed"] * 3
    await eventually(lambda: open_sockets() == sockets)
