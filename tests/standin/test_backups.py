"""The stand-in's backups and restores: real copies, really restored, and every fault."""

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import ManualClock
from standin import StandIn, StandInSettings
from standin.backups.restore import main as restore_main
from standin.backups.settings import BackupSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.standin import http_signs
from tests.standin.customer import CELSIUS, deliver
from tests.standin.world import SERIAL, HttpExchange, World, http_exchange

HERE = Interface.BACKUPS
TOKEN = "standin-backup-token"
AMPLE = {"from": "2026-01-01 00:00:00", "to": "2027-12-31 00:00:00"}


async def call(world: World, method: str, path: str, body: object = None, *, token: str = TOKEN, **query: str) -> Any:
    url = path if path.startswith("http") else world.url("backups") + path
    headers = {"Authorization": f"Bearer {token}"}
    async with world.http.request(method, url, json=body, headers=headers, params=query) as response:
        return response.status, (await response.json() if response.status != 204 else None)


async def manifest(world: World) -> Any:
    status, answer = await call(world, "GET", "/manifest.json")
    assert status == 200
    return answer


async def back_up(world: World) -> Any:
    return await world.control("POST", "/backups", status=201)


async def restored(world: World, backup: str, *, seconds: float = 5.0) -> Any:
    """The restore's last state; `running` when it is not done within the time."""
    status, answer = await call(world, "POST", "/restores", {"backup": backup})
    assert status == 202
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        _, state = await call(world, "GET", f"/restores/{answer['id']}")
        if state.get("state") != "running" or loop.time() > until:
            return {**state, "id": answer["id"]}
        await asyncio.sleep(0.01)


async def history(world: World, url: str) -> list[tuple[str, float]]:
    _, points = await call(world, "GET", f"{url}/measurement-points", **{"location-ids": "10"})
    number = points["measurementPoints"][0]["id"]
    _, answer = await call(world, "GET", f"{url}/measurement-points/{number}/measurements", **AMPLE)
    return [(each["measuredAt"], each["channels"][0]["value"]) for each in answer["measurements"]]


async def live(world: World) -> list[tuple[str, float]]:
    return [(entry["measuredAt"], entry["channels"][0]["value"]) for entry in await world.history()]


async def test_a_backup_is_made_at_once_and_again_and_again(world: World) -> None:
    world.platform.live.change({"backups": {"every_seconds": 0.01, "keep": 3}})
    first = (await manifest(world))["backups"][0]
    async with asyncio.timeout(10):
        while first["id"] in [each["id"] for each in (await manifest(world))["backups"]]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    listed = await manifest(world)
    assert len(listed["backups"]) == 3
    assert listed["source_location"] not in [each["location"] for each in listed["backups"]]
    assert datetime.fromisoformat(listed["backups"][-1]["taken_at"]).timestamp() == int(world.clock.now().timestamp())


async def test_a_backup_is_the_file_that_the_list_describes(world: World) -> None:
    moment = await deliver(world, "coap")
    made = await back_up(world)
    content = await asyncio.to_thread(Path(made["file"]).read_bytes)
    assert (made["bytes"], made["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert datetime.fromisoformat(made["samples_until"]).timestamp() == moment
    assert [each["id"] for each in (await manifest(world))["backups"]][-1] == made["id"]


async def test_a_restore_shows_what_was_there_when_the_backup_was_made(world: World) -> None:
    await deliver(world, "coap")
    then, made = await live(world), await back_up(world)
    await deliver(world, "coap")
    done = await restored(world, made["id"])
    assert (done["state"], await history(world, done["url"])) == ("done", then)
    assert len(await live(world)) == 2
    assert (await call(world, "GET", done["url"] + "/organizations"))[1]["organizations"][0]["id"] == 1
    assert (await call(world, "GET", done["url"] + "/locations"))[1]["locations"][0]["id"] == 10


async def test_what_was_restored_can_be_removed(world: World) -> None:
    done = await restored(world, (await back_up(world))["id"])
    assert (await call(world, "DELETE", f"/restores/{done['id']}"))[0] == 204
    assert (await call(world, "GET", f"/restores/{done['id']}"))[0] == 404
    assert (await call(world, "GET", done["url"] + "/locations"))[0] == 404


async def test_what_nobody_removes_expires(world: World) -> None:
    done = await restored(world, (await back_up(world))["id"])
    world.platform.live.change({"backups": {"restores_expire_seconds": 1e-6}})
    await manifest(world)
    assert (await call(world, "GET", f"/restores/{done['id']}"))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/restores", {"backup": "none"}, 404),
        ("POST", "/restores", ["?"], 400),
        ("GET", "/restores/none", None, 404),
        ("DELETE", "/restores/none", None, 404),
        ("GET", "/restored/none/api/v2/locations", None, 404),
    ],
)
async def test_what_is_not_there(world: World, method: str, path: str, body: object, status: int) -> None:
    assert (await call(world, method, path, body))[0] == status
    assert (await call(world, method, path, body, token="wrong"))[0] == 401


@asynccontextmanager
async def standing(directory: Path, clock: ManualClock) -> AsyncIterator[StandIn]:
    settings = StandInSettings(
        now=clock.now, database=directory / "standin.db", backups=BackupSettings(every_seconds=3600)
    )
    async with StandIn.start(settings) as platform:
        yield platform


async def test_backups_outlive_the_process_beside_its_database(
    tmp_path: Path, clock: ManualClock, world: World
) -> None:
    async with standing(tmp_path, clock) as platform:
        before = await manifest(World(platform, clock, world.http, world.sensor))
    async with standing(tmp_path, clock) as platform:
        after = await manifest(World(platform, clock, world.http, world.sensor))
    kept = tmp_path / "backups-other-location"
    assert before["backups"][0] in after["backups"]
    assert Path(before["backups"][0]["file"]).parent == kept


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_the_command_restores_and_prints_the_samples(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    times = [await deliver(world, "coap") for _ in range(3)]
    made = await back_up(world)
    arguments = [made["file"], str(tmp_path / "scratch"), "--serial", SERIAL, "--first", str(times[1])]
    assert await asyncio.to_thread(restore_main, arguments + (["--csv"] if form == "csv" else [])) == 0
    printed = capsys.readouterr().out.splitlines()
    if form == "csv":
        assert printed == ["serial,time,channel,value", *(f"{SERIAL},{time},1,{CELSIUS}" for time in times[1:])]
    else:
        expected = [{"serial": SERIAL, "time": time, "channel": 1, "value": CELSIUS} for time in times[1:]]
        assert [json.loads(line) for line in printed] == expected


async def test_the_command_fails_for_what_is_no_backup(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    await asyncio.to_thread(broken.write_bytes, b"no database" * 100)
    command = (sys.executable, "-m", "standin.backups.restore", str(broken), str(tmp_path / "scratch"))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, complaint = await process.communicate()
    assert (process.returncode, b"cannot be restored" in complaint) == (1, True)


async def ask(world: World, patience: float) -> HttpExchange:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return await http_exchange(world.port("backups"), "GET", "/manifest.json", headers, patience=patience)


async def stale(world: World) -> bool:
    newest = (await manifest(world))["backups"][-1]["taken_at"]
    return world.clock.now().timestamp() - datetime.fromisoformat(newest).timestamp() == 30 * 3600


async def none_listed(world: World) -> bool:
    return bool((await manifest(world))["backups"] == [])


async def same_place(world: World) -> bool:
    listed = await manifest(world)
    return all(each["location"] == listed["source_location"] for each in listed["backups"])


async def a_restore(world: World) -> Any:
    return await restored(world, (await back_up(world))["id"])


async def fails(world: World) -> bool:
    return bool((await a_restore(world))["state"] == "failed")


async def slow(world: World) -> bool:
    return bool((await restored(world, (await back_up(world))["id"], seconds=0.3))["state"] == "running")


async def lost(world: World) -> bool:
    return "state" not in await a_restore(world)


async def compared(world: World) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    await deliver(world, "coap")
    return await live(world), await history(world, (await a_restore(world))["url"])


async def incomplete(world: World) -> bool:
    there, back = await compared(world)
    return len(back) < len(there) and set(back) < set(there)


async def other_values(world: World) -> bool:
    there, back = await compared(world)
    return back == [(time, value + 1.0) for time, value in there]


async def doubled(world: World) -> bool:
    there, back = await compared(world)
    return back == sorted(2 * there)


async def shifted(world: World) -> bool:
    there, back = await compared(world)
    return len(back) == len(there) and not {time for time, _ in there} & {time for time, _ in back[-1:]}


async def stays(world: World) -> bool:
    done = await a_restore(world)
    return bool((await call(world, "DELETE", f"/restores/{done['id']}"))[0] == 500)


OWN: dict[str, Callable[[World], Awaitable[bool]]] = {
    "stale-backup": stale,
    "no-backups": none_listed,
    "same-place": same_place,
    "failing-restore": fails,
    "slow-restore": slow,
    "lost-restore": lost,
    "incomplete-restore": incomplete,
    "altered-restore": other_values,
    "doubled-restore": doubled,
    "shifted-restore": shifted,
    "undeletable-restore": stays,
}


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if HERE in spec.interfaces])
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, fault: str) -> None:
    async def visible() -> bool:
        if fault in OWN:
            return await OWN[fault](world)
        return await http_signs.shows(fault, lambda patience: ask(world, patience))

    assert not await visible()
    world.platform.faults.switch_on("backups", fault, **http_signs.PARAMETERS.get(fault, {}))
    assert await visible()
    world.platform.faults.switch_off("backups", fault)
    assert not await visible()


async def test_no_backup_is_made_while_they_are_stale(world: World) -> None:
    """None of the moment at which the fault was on; the newest stays 48 h old while the clock runs."""
    world.platform.live.change({"backups": {"every_seconds": 0.001, "keep": 10_000}})
    world.platform.faults.switch_on("backups", "stale-backup", hours=48)
    await manifest(world)
    world.clock.advance(60)
    then = world.clock.now()
    for _ in range(20):
        newest = (await manifest(world))["backups"][-1]["taken_at"]
        assert (then - datetime.fromisoformat(newest)).total_seconds() == 48 * 3600
    world.clock.advance(60)
    world.platform.faults.switch_off("backups", "stale-backup")
    times = {each["taken_at"] for each in (await manifest(world))["backups"]}
    assert then.isoformat().replace("+00:00", "Z") not in times


async def test_a_slow_restore_goes_on_when_the_fault_ends(world: World) -> None:
    made = await back_up(world)
    world.platform.faults.switch_on("backups", "slow-restore")
    running = asyncio.create_task(restored(world, made["id"]))
    await asyncio.sleep(0)
    world.platform.faults.switch_off("backups", "slow-restore")
    assert (await running)["state"] == "done"
