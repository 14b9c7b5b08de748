"""Account and device operations of the stand-in: what is made is there, what is deleted is gone, and every fault."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from standin.operations.faults import WHAT
from tests.standin import http_signs
from tests.standin.world import HttpExchange, World, http_exchange

HERE = Interface.OPERATIONS
FIELDS: dict[str, dict[str, Any]] = {
    "organizations": {"name": "Anna's"},
    "users": {"name": "Anna", "email": "anna@example.invalid", "organizationId": 1},
    "devices": {"name": "Freezer", "serialNumber": "282C02FE0001", "organizationId": 1},
    "rules": {
        "name": "Warm",
        "organizationId": 1,
        "parameter": "TEMPERATURE",
        "condition": "MORE_THAN",
        "threshold": 8.0,
    },
    "invitations": {"name": "Jan", "email": "jan@example.invalid", "organizationId": 1},
}
PATHS = {"user": "users", "organization": "organizations", "device": "devices", "rule": "rules"}
PATHS["invitation"] = "invitations"


async def call(world: World, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
    """The status, and the JSON of the answer if it has any."""
    headers = {"Authorization": token or world.api_token}
    async with world.http.request(method, world.url("operations") + path, json=body, headers=headers) as response:
        return response.status, (await response.json() if response.status != 204 else None)


async def make(world: World, path: str, **changes: object) -> int:
    status, answer = await call(world, "POST", f"/{path}", {**FIELDS[path], **changes})
    assert status == 201, answer
    return int(answer["id"])


async def names(world: World, path: str, query: str = "") -> list[str]:
    _, answer = await call(world, "GET", f"/{path}{query}")
    return [each["name"] for each in answer[path]]


@pytest.mark.parametrize("path", FIELDS)
async def test_what_is_made_is_there_until_it_is_deleted(world: World, path: str) -> None:
    number = await make(world, path)
    assert await call(world, "GET", f"/{path}/{number}") == (200, {**FIELDS[path], "id": number})
    assert FIELDS[path]["name"] in await names(world, path)
    assert await call(world, "DELETE", f"/{path}/{number}") == (204, None)
    assert (await call(world, "GET", f"/{path}/{number}"))[0] == 404
    assert (await call(world, "DELETE", f"/{path}/{number}"))[0] == 404
    assert FIELDS[path]["name"] not in await names(world, path)


async def test_numbers_are_not_given_again(world: World) -> None:
    first = await make(world, "users")
    await call(world, "DELETE", f"/users/{first}")
    assert await make(world, "users") > first


async def test_a_list_is_narrowed_to_names_that_hold_a_text(world: World) -> None:
    for name in ("one-a", "one-b", "two"):
        await make(world, "users", name=name)
    assert await names(world, "users", "?name=one-") == ["one-a", "one-b"]


async def test_the_organisation_of_the_api_is_there_and_stays(world: World) -> None:
    assert await names(world, "organizations") == ["Stand-in"]
    assert (await call(world, "DELETE", "/organizations/1"))[0] == 403
    assert (await call(world, "GET", "/organizations/1"))[0] == 200


@pytest.mark.parametrize(
    ("path", "changes"),
    [("users", {"name": ""}), ("users", {"email": None}), ("users", {"organizationId": 77}), ("devices", {"name": 0})],
)
async def test_what_lacks_something_is_not_made(world: World, path: str, changes: dict[str, object]) -> None:
    status, _ = await call(world, "POST", f"/{path}", {**FIELDS[path], **changes})
    assert status == 400
    assert await names(world, path) == []


async def test_only_those_who_may_read_the_api_are_let_in(world: World) -> None:
    assert (await call(world, "GET", "/users", token="wrong"))[0] == 401
    settings = world.platform.live.current
    headers = {"X-USER-LOGIN": settings.login, "X-USER-PASSWORD": settings.password}
    async with world.http.post(world.url("operations") + "/login", headers=headers) as response:
        token = (await response.json())["accessToken"]
    assert (await call(world, "GET", "/users", token=f"Bearer {token}"))[0] == 200


async def ask(world: World, patience: float) -> HttpExchange:
    return await http_exchange(
        world.port("operations"), "GET", "/api/v2/users", {"Authorization": world.api_token}, patience=patience
    )


Shows = Callable[[World, str], Awaitable[bool]]


async def refused(world: World, path: str) -> bool:
    status, _ = await call(world, "POST", f"/{path}", FIELDS[path])
    return bool(status == 500)


async def dropped(world: World, path: str) -> bool:
    return bool((await call(world, "GET", f"/{path}/{await make(world, path)}"))[0] == 404)


async def twice(world: World, path: str) -> bool:
    before = len(await names(world, path))
    await make(world, path)
    return len(await names(world, path)) == before + 2


async def altered(world: World, path: str) -> bool:
    _, shown = await call(world, "GET", f"/{path}/{await make(world, path)}")
    return bool(shown["name"] != FIELDS[path]["name"])


async def undeletable(world: World, path: str) -> bool:
    return bool((await call(world, "DELETE", f"/{path}/{await make(world, path)}"))[0] == 500)


async def still_there(world: World, path: str) -> bool:
    number = await make(world, path)
    assert (await call(world, "DELETE", f"/{path}/{number}"))[0] == 204
    return bool((await call(world, "GET", f"/{path}/{number}"))[0] == 200)


OWN: dict[str, Shows] = {
    "create-refused": refused,
    "create-dropped": dropped,
    "created-twice": twice,
    "wrong-fields": altered,
    "undeletable": undeletable,
    "delete-dropped": still_there,
}


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if HERE in spec.interfaces])
async def test_every_fault_shows_while_it_is_on_and_only_then(world: World, fault: str) -> None:
    async def visible() -> bool:
        if fault in OWN:
            return await OWN[fault](world, "users")
        return await http_signs.shows(fault, lambda patience: ask(world, patience))

    assert not await visible()
    world.platform.faults.switch_on("operations", fault, **http_signs.PARAMETERS.get(fault, {}))
    assert await visible()
    world.platform.faults.switch_off("operations", fault)
    assert not await visible()


@pytest.mark.parametrize("fault", OWN)
async def test_a_fault_hits_only_what_it_is_for(world: World, fault: str) -> None:
    for what in WHAT:
        world.platform.faults.switch_on("operations", fault, what=what)
        hit = [other for other in WHAT if await OWN[fault](world, PATHS[other])]
        assert hit == [what]
    world.platform.faults.switch_on("operations", fault, what="any")
    assert await OWN[fault](world, "rules")
