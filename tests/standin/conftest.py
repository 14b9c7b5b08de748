"""A stand-in on loopback with a clock that stands at T + 7 s."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from monitor.clock import ManualClock
from standin import StandIn, StandInSettings
from standin.clock import from_unix
from tests.standin.world import Sensor, T, World


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(from_unix(T + 7))


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[World]:
    async with (
        StandIn.start(StandInSettings(now=clock.now)) as platform,
        aiohttp.ClientSession() as http,
    ):
        with Sensor(platform.addresses["coap"]["port"]) as sensor:
            yield World(platform, clock, http, sensor)
