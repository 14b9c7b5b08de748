"""Starting, stopping and starting again."""

import asyncio
import socket
from pathlib import Path

import pytest

from standin import StandIn, StandInSettings
from standin.storage import Storage
from tests.standin.world import DEVICE_INFO, SERIAL, Sensor, T, http_exchange, measurements


async def test_a_restart_keeps_what_was_received(tmp_path: Path) -> None:
    settings = StandInSettings(database=tmp_path / "standin.db")
    async with StandIn.start(settings) as platform:
        with Sensor(platform.addresses["coap"]["port"]) as sensor:
            await sensor.ask("m", measurements(T, 215, 900))
            await sensor.ask("i", DEVICE_INFO)
    async with StandIn.start(settings) as platform:
        point = await platform.storage.point(SERIAL)
        assert point and point.id == 101
        assert [row["value"] for row in await platform.storage.samples(point)] == [21.5, 90.0]
        assert [row["endpoint"] for row in await platform.storage.messages(SERIAL)] == ["device_info"]
        assert len(await platform.storage.alerts()) == 1


async def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    """Neither a task nor a socket, even while requests are held up by faults."""
    tasks = asyncio.all_tasks()
    sockets = open_sockets()
    async with StandIn.start(StandInSettings(database=tmp_path / "standin.db")) as platform:
        for name in ("coap", "gateway", "api"):
            platform.faults.switch_on(name, "slow", seconds=3600)
        platform.faults.switch_on("api", "refuse", for_seconds=3600)
        with Sensor(platform.addresses["coap"]["port"]) as sensor:
            await sensor.send("m", measurements(T, 215))
            _reader, writer = await asyncio.open_connection("127.0.0.1", platform.addresses["gateway"]["port"])
            writer.write(b"POST /api/v2/measurements HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            point = None
            async with asyncio.timeout(10):
                while point is None:  # the message has been taken, and its answer waits
                    point = await platform.storage.point(SERIAL)
    writer.close()
    await writer.wait_closed()
    assert asyncio.all_tasks() == tasks
    assert open_sockets() == sockets
    assert platform.faults.shown() == []  # else a fault's end would open its socket again


def open_sockets() -> list[str]:
    links = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return sorted(str(link) for link in links if str(link).startswith("socket:"))


async def test_a_failure_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with StandIn.start():
            raise ZeroDivisionError


async def test_a_taken_port_is_an_error_and_leaves_nothing() -> None:
    tasks = asyncio.all_tasks()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = StandInSettings(api_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            async with StandIn.start(settings):
                pass
    assert asyncio.all_tasks() == tasks


async def test_chosen_ports_serials_and_endpoint_names(tmp_path: Path) -> None:
    async with StandIn.start() as platform:
        ports = {name: place["port"] for name, place in platform.addresses.items()}
    settings = StandInSettings(
        coap_port=ports["coap"], api_port=ports["api"], data_endpoint="efento/m", serials=("282C02FFFF77",)
    )
    async with StandIn.start(settings) as platform:
        assert (platform.addresses["coap"]["port"], platform.addresses["api"]["port"]) == (ports["coap"], ports["api"])
        with Sensor(ports["coap"]) as sensor:
            assert (await sensor.ask("efento/m", measurements(T, 215))).code == 65
        assert [point.serial for point in await platform.storage.points()] == ["282C02FFFF77", SERIAL]


async def test_a_cancelled_transaction_leaves_the_store_usable() -> None:
    async with Storage.open(None) as storage:

        async def abandon() -> None:
            async with storage.transaction():
                await asyncio.get_running_loop().create_future()

        for waits in range(1, 4):
            task = asyncio.get_running_loop().create_task(abandon())
            for _ in range(waits):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await storage.add_point(SERIAL, 0)).id == 101


async def test_ipv6_loopback() -> None:
    async with StandIn.start(StandInSettings(host="::1", control_host="::1")) as platform:
        assert platform.addresses["api"]["url"].startswith("http://[::1]:")
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ping:
            ping.setblocking(False)
            ping.connect(("::1", platform.addresses["coap"]["port"]))
            await loop.sock_sendall(ping, bytes.fromhex("40001234"))
            async with asyncio.timeout(10):
                assert (await loop.sock_recv(ping, 100)).hex() == "70001234"


async def test_a_client_that_goes_away_ends_its_request() -> None:
    async with StandIn.start() as platform:
        platform.faults.switch_on("gateway", "timeout")
        waiting_before = asyncio.all_tasks()
        exchange = await http_exchange(
            platform.addresses["gateway"]["port"], "POST", "/api/v2/measurements", {}, patience=0.05
        )
        assert exchange.ending == "silent"
        ended = asyncio.all_tasks() - waiting_before
        if ended:
            _done, pending = await asyncio.wait(ended, timeout=10)
            assert not pending
