"""The web application works as an application does, and each of its faults shows, only while it is on."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.standin.customer import CELSIUS, send
from tests.standin.world import DEADLINE_SECONDS, SERIAL, SILENCE_SECONDS, HttpExchange, T, World, http_exchange

Shows = Callable[[World], Awaitable[bool]]
PARAMETERS: dict[str, dict[str, Any]] = {"slow": {"seconds": 1.0}, "old-data": {"seconds": 60.0}}
EVIDENCE: dict[str, Shows] = {}


def evidence(fault: str) -> Callable[[Shows], Shows]:
    def register(shows: Shows) -> Shows:
        EVIDENCE[fault] = shows
        return shows

    return register


async def get(world: World, path: str = "/", cookie: str = "", patience: float = SILENCE_SECONDS) -> HttpExchange:
    headers = {"Cookie": cookie} if cookie else {}
    return await http_exchange(world.port("web"), "GET", path, headers, patience=patience)


async def log_in(world: World, password: str = "standin-password") -> HttpExchange:
    body = json.dumps({"login": "customer@example.com", "password": password}).encode()
    headers = {"Content-Type": "application/json"}
    return await http_exchange(world.port("web"), "POST", "/app/login", headers, body)


async def data(world: World) -> HttpExchange:
    """After a login of its own."""
    cookie = (await log_in(world)).headers.get("set-cookie", "").partition(";")[0]
    return await get(world, "/app/data", cookie)


async def test_the_page_refers_to_a_script_and_a_style_that_are_there(world: World) -> None:
    page = await get(world)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b'<script src="/app.js"' in page.body and b'<form id="login"' in page.body
    script, style = await get(world, "/app.js"), await get(world, "/app.css")
    assert script.headers["content-type"].startswith("application/javascript") and b"/app/login" in script.body
    assert style.headers["content-type"].startswith("text/css")


async def test_a_person_logs_in_sees_the_current_values_and_logs_out(world: World) -> None:
    await send(world)
    answer = await log_in(world)
    assert answer.status == 200
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    (point,) = (await get(world, "/app/data", cookie)).json()["points"]
    assert (point["serial"], point["value"], point["measuredAt"]) == (SERIAL, CELSIUS, "2026-09-21T14:15:00Z")
    assert (await http_exchange(world.port("web"), "POST", "/app/logout", {"Cookie": cookie})).status == 200
    assert (await get(world, "/app/data", cookie)).status == 401


async def test_strangers_see_nothing(world: World) -> None:
    assert (await log_in(world, "wrong")).status == 401
    assert (await get(world, "/app/data")).status == 401
    assert (await get(world, "/app/data", "standin_session=guess")).status == 401
    assert (await http_exchange(world.port("web"), "POST", "/app/login", {}, b"not JSON")).status == 400
    assert (await http_exchange(world.port("web"), "POST", "/app/login", {}, b"[1]")).status == 400


async def test_a_session_ends_with_its_lifetime(world: World) -> None:
    cookie = (await log_in(world)).headers["set-cookie"].partition(";")[0]
    world.clock.advance(3599)
    assert (await get(world, "/app/data", cookie)).status == 200
    world.clock.advance(1)
    assert (await get(world, "/app/data", cookie)).status == 401


async def test_old_data_are_old_ones_where_there_are_any(world: World) -> None:
    for _ in range(3):
        await send(world)
    world.clock.advance(360)
    world.platform.faults.switch_on("web", "old-data", seconds=150.0)
    (point,) = (await data(world)).json()["points"]
    assert moment(point["measuredAt"]) == T + 180


def moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


@evidence("refuse")
async def refused(world: World) -> bool:
    return (await get(world)).ending == "refused"


@evidence("timeout")
async def silent(world: World) -> bool:
    exchange = await get(world)
    return (exchange.received, exchange.ending) == (b"", "silent")


@evidence("reset")
async def reset(world: World) -> bool:
    return (await get(world)).ending == "reset"


@evidence("slow")
async def slow(world: World) -> bool:
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await get(world, patience=DEADLINE_SECONDS)).status == 200
    return loop.time() - started >= 1.0


@evidence("wrong-status")
async def wrong_status(world: World) -> bool:
    return (await get(world)).status == 500


@evidence("redirect-loop")
async def redirected(world: World) -> bool:
    exchange = await get(world)
    return exchange.status == 307 and exchange.headers["location"] == "/"


@evidence("garbage")
async def garbage(world: World) -> bool:
    return not (await get(world)).received.startswith(b"HTTP/")


@evidence("wrong-schema")
async def wrong_schema(world: World) -> bool:
    return "points" not in (await data(world)).json()


@evidence("wrong-content-type")
async def wrong_content_type(world: World) -> bool:
    script = await get(world, "/app.js")
    assert script.body
    return script.headers["content-type"].startswith("text/html")


@evidence("truncated")
async def truncated(world: World) -> bool:
    exchange = await get(world)
    return exchange.ending == "closed" and 0 < len(exchange.body) < int(exchange.headers["content-length"])


@evidence("half-open")
async def half_open(world: World) -> bool:
    exchange = await get(world)
    return exchange.ending == "silent" and 0 < len(exchange.body) < int(exchange.headers["content-length"])


@evidence("endless")
async def endless(world: World) -> bool:
    return (await get(world)).ending == "unending"


@evidence("missing-script")
async def script_missing(world: World) -> bool:
    return (await get(world)).status == 200 and (await get(world, "/app.js")).status == 404


@evidence("broken-script")
async def script_broken(world: World) -> bool:
    script = await get(world, "/app.js")
    assert script.status == 200 and script.headers["content-type"].startswith("application/javascript")
    return b"undefinedOnPurpose" in script.body


@evidence("login-refused")
async def login_refused(world: World) -> bool:
    return (await log_in(world)).status == 401


@evidence("login-loop")
async def session_forgotten(world: World) -> bool:
    assert (await log_in(world)).status == 200
    return (await data(world)).status == 401


@evidence("no-data")
async def nothing_shown(world: World) -> bool:
    await send(world)
    return bool((await data(world)).json() == {"points": []})


@evidence("old-data")
async def old_values(world: World) -> bool:
    await send(world)
    (point,) = (await data(world)).json()["points"]
    assert point["value"] == CELSIUS
    return world.clock.now().timestamp() - moment(point["measuredAt"]) >= 60


@evidence("wrong-page")
async def another_page(world: World) -> bool:
    page = await get(world)
    assert page.status == 200
    return b"Maintenance" in page.body and b"<script" not in page.body


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if Interface.WEB in spec.interfaces])
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, fault: str) -> None:
    shows = EVIDENCE[fault]
    assert not await shows(world)
    world.platform.faults.switch_on("web", fault, **PARAMETERS.get(fault, {}))
    assert await shows(world)
    world.platform.faults.switch_off("web", fault)
    assert not await shows(world)
