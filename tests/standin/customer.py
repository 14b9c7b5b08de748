"""What a customer does in the tests of faults: sends a sample, reads the history, logs in."""

import json
from datetime import UTC, datetime

from tests.standin.world import (
    DEADLINE_SECONDS,
    SILENCE_SECONDS,
    Datagram,
    HttpExchange,
    World,
    code,
    gateway_item,
    http_exchange,
    measurements,
)

CELSIUS = 21.5


async def ask(world: World, interface: str, patience: float = SILENCE_SECONDS) -> HttpExchange:
    """Sends a fresh sample to the gateway interface, or reads the history of the sensor from the API."""
    if interface == "gateway":
        return await post(world, world.next_moment(), patience)
    await world.platform.storage.add_point("282C02FFFF01", 0)
    path = "/api/v2/measurement-points/101/measurements?from=2026-01-01%2000:00:00&to=2027-01-01%2000:00:00"
    return await http_exchange(world.port("api"), "GET", path, {"Authorization": world.api_token}, patience=patience)


async def post(world: World, moment: int, patience: float = SILENCE_SECONDS) -> HttpExchange:
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    body = json.dumps({"measurements": [gateway_item(text, CELSIUS)]}).encode()
    headers = {"X-Api-Token": world.platform.live.current.gateway_token, "Content-Type": "application/json"}
    return await http_exchange(world.port("gateway"), "POST", "/api/v2/measurements", headers, body, patience)


async def send(world: World) -> Datagram:
    return await world.sensor.ask("m", measurements(world.next_moment(), 215))


async def deliver(world: World, interface: str, *, moment: int | None = None) -> int:
    """Delivers 21.5 °C, which must be acknowledged; returns the sample's time."""
    time = world.next_moment() if moment is None else moment
    if interface == "gateway":
        assert (await post(world, time, DEADLINE_SECONDS)).status == 201
    else:
        assert (await world.sensor.ask("m", measurements(time, 215))).code == code("2.01")
    return time


async def temperatures(world: World) -> dict[int, list[float]]:
    """What is stored, by time."""
    found: dict[int, list[float]] = {}
    for sample in await world.stored():
        if sample["type"] == "TEMPERATURE":
            found.setdefault(sample["time"], []).append(sample["value"])
    return found


async def answered(world: World) -> list[tuple[str, float]]:
    return [(entry["measuredAt"], entry["channels"][0]["value"]) for entry in await world.history()]
