"""The operations journey against the stand-in: what each fault leads to, and that nothing of it is ever left behind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from probes.contract import Reason
from probes.efento.operations_names import Naming
from probes.operations import Options
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.operations_stage import FIELDS, KINDS, NAMING, LyingServer, Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as standing:
        yield standing


async def test_everything_is_made_checked_and_undone(stage: Stage) -> None:
    journey = await stage.check()
    made = [f"{verb}_{what}" for what in KINDS for verb in ("create", "check")]
    undone = [f"undo_{what}" for what in reversed(KINDS)]
    assert [timing.name for timing in journey.timings()] == ["login", "leftovers", *made, *undone]
    assert journey.figures["leftovers_removed"] == 0
    assert (await stage.left(), stage.undone) == ([], [])


async def test_a_person_logs_in(stage: Stage) -> None:
    settings = stage.platform.live.current
    interface = {"url": stage.url, "login": settings.login, "password": settings.password}
    await stage.check(interface=interface)
    assert (await stage.failing(interface={**interface, "password": "wrong"})).reason is Reason.AUTH
    assert stage.step == "login"


async def test_operations_can_be_left_out(stage: Stage) -> None:
    only_users: dict[str, Any] = dict.fromkeys(KINDS)
    user = {"path": "/users", "listed_as": "users"}
    only_users["user"] = {**user, "fields": {"name": "{name}", "email": "{name}@example.invalid", "organizationId": 1}}
    journey = await stage.check(operations=only_users)
    steps = ["login", "leftovers", "create_user", "check_user", "undo_user"]
    assert [timing.name for timing in journey.timings()] == steps


FAULTS: dict[str, tuple[dict[str, Any], Reason, str]] = {
    "refuse": ({}, Reason.REFUSED, "leftovers"),
    "timeout": ({}, Reason.TIMEOUT, "leftovers"),
    "reset": ({}, Reason.RESET, "leftovers"),
    "slow": ({"seconds": 5}, Reason.TIMEOUT, "leftovers"),
    "wrong-status": ({}, Reason.STATUS, "leftovers"),
    "redirect-loop": ({}, Reason.REDIRECT, "leftovers"),
    "garbage": ({}, Reason.PROTOCOL, "leftovers"),
    "wrong-schema": ({}, Reason.SCHEMA, "leftovers"),
    "wrong-content-type": ({}, Reason.CONTENT, "leftovers"),
    "truncated": ({}, Reason.PROTOCOL, "leftovers"),
    "half-open": ({}, Reason.TIMEOUT, "leftovers"),
    "endless": ({}, Reason.TIMEOUT, "leftovers"),
    "create-refused": ({"what": "device"}, Reason.STATUS, "create_device"),
    "create-dropped": ({"what": "rule"}, Reason.MISSING, "check_rule"),
    "created-twice": ({"what": "invitation"}, Reason.DOUBLED, "check_invitation"),
    "wrong-fields": ({"what": "user"}, Reason.ALTERED, "check_user"),
    "undeletable": ({"what": "rule"}, Reason.LEFTOVER, "undo_rule"),
    "delete-dropped": ({"what": "organization"}, Reason.LEFTOVER, "undo_organization"),
}


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if Interface.OPERATIONS in spec.interfaces])
async def test_each_fault_has_its_reason_and_leaves_nothing_that_can_be_deleted(stage: Stage, fault: str) -> None:
    parameters, reason, step = FAULTS[fault]
    stage.platform.faults.switch_on("operations", fault, **parameters)
    failure = await stage.failing(patience=0.2 if reason is Reason.TIMEOUT else 5)
    assert (failure.reason, stage.step) == (reason, step), failure.detail
    left = await stage.left() if step != "leftovers" else []
    assert len(left) == (1 if reason is Reason.LEFTOVER else 0)
    stage.platform.faults.clear()
    assert len(await stage.left()) == len(left)
    stage.clock.advance(1000)
    assert (await stage.check()).figures["leftovers_removed"] == len(left)
    assert await stage.left() == []


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("fault", ["create-refused", "create-dropped", "created-twice", "wrong-fields"])
async def test_whatever_fails_the_rest_is_undone(stage: Stage, fault: str, what: str) -> None:
    stage.platform.faults.switch_on("operations", fault, what=what)
    await stage.failing()
    assert what in stage.step
    assert await stage.left() == []


STEPS = [f"{verb}_{what}" for verb in ("create", "check", "undo") for what in KINDS]


@pytest.mark.parametrize("step", STEPS)
async def test_a_cancel_leaves_nothing(stage: Stage, step: str) -> None:
    def reached() -> bool:
        return stage.last is not None and step in [timing.name for timing in stage.last.timings()]

    check = asyncio.create_task(stage.check())
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110  at every turn of the loop, so that the cancel strikes inside the step
            await asyncio.sleep(0)
    check.cancel()
    assert isinstance((await asyncio.gather(check, return_exceptions=True))[0], asyncio.CancelledError)
    assert await stage.left() == []


async def test_what_was_made_without_an_answer_is_found_by_its_name(stage: Stage) -> None:
    async with LyingServer(stage.url, None) as url:
        failure = await stage.failing(interface={"url": url, "token": "standin-api-token"})
    assert (failure.reason, stage.step, stage.undone) == (Reason.STATUS, "create_organization", ["organization"])
    assert await stage.left() == []


async def test_an_undo_that_fails_is_tried_again_after_the_check(stage: Stage) -> None:
    stage.platform.faults.switch_on("operations", "undeletable", what="rule")
    await stage.failing()
    assert stage.undone == ["device", "user", "organization"], "the others are undone all the same"


async def test_leftovers_of_a_killed_check_are_removed_once_they_are_old(stage: Stage) -> None:
    for path in FIELDS:
        await stage.make(path, stage.name(age=901))
        await stage.make(path, stage.name(age=899))
    assert (await stage.check()).figures["leftovers_removed"] == 3
    assert len(await stage.left()) == 3


def hostile(stage: Stage) -> list[str]:
    """Names that are not this probe's, however much they look like it."""
    ours = stage.name(age=9000)
    return [
        stage.name(9000, Naming("efento-uptime", "other", "probe")),
        stage.name(9000, Naming("efento-uptime", "", "another")),
        stage.name(9000, Naming("efento-uptime2", "", "probe")),
        f"x{ours}",
        f"{ours}x",
        f"{ours} ",
        f"{ours}\n",
        f" {ours}",
        ours.upper(),
        ours[:-1],
        f"{ours} (do not delete, says Anna)",
        NAMING.beginning,
        f"{NAMING.beginning}20261399999999-0123abcd",  # no such date
        f"{NAMING.beginning}2026092114١٥٠٠-0123abcd",  # digits of another script
        f"{NAMING.beginning}20260921141500-0123ABCD",
        f"{NAMING.beginning}20260921141500--123abcd",
        "efento-uptime",
        "Anna",
        "%",
        stage.name(age=-9000),  # of the future: another clock's running check
    ]


async def test_what_is_not_ours_is_never_touched(stage: Stage) -> None:
    names = hostile(stage)
    for name in names:
        await stage.make("users", name)
    assert (await stage.check()).figures["leftovers_removed"] == 0
    assert await stage.names("users") == names


async def test_a_list_that_is_not_narrowed_does_as_well(stage: Stage) -> None:
    names = hostile(stage)
    for name in [*names, stage.name(age=9000)]:
        await stage.make("users", name)
    interface = {"url": stage.url, "token": "standin-api-token", "name_filter": ""}
    assert (await stage.check(interface=interface)).figures["leftovers_removed"] == 1
    assert await stage.names("users") == names


async def test_a_person_beside_a_daemon_removes_nothing_of_its(stage: Stage) -> None:
    await stage.make("users", stage.name(age=1))
    await stage.make("users", stage.name(age=9000))
    assert (await stage.check(one_shot=True)).figures["leftovers_removed"] == 0
    assert len(await stage.left()) == 2


async def test_a_leftover_that_stays_fails_after_everything_else_was_tried(stage: Stage) -> None:
    await stage.make("users", stage.name(age=9000))
    stage.platform.faults.switch_on("operations", "undeletable", what="user")
    failure = await stage.failing(operations=dict.fromkeys(("device", "rule", "invitation")))
    assert failure.reason is Reason.LEFTOVER
    assert stage.step == "undo_user", "this round's own failure is told first"


async def test_a_number_of_somebody_elses_thing_is_not_deleted(stage: Stage) -> None:
    """A platform that answers with a wrong number must not make us delete what has it."""
    theirs = await stage.make("organizations", "Anna's")
    async with LyingServer(stage.url, theirs) as url:
        failure = await stage.failing(interface={"url": url, "token": "standin-api-token"})
    assert (failure.reason, stage.step) == (Reason.ALTERED, "check_organization")
    assert await stage.left() == ["Anna's"]


def test_a_name_tells_when_it_was_made() -> None:
    moment = datetime(2026, 11, 23, 4, 19, 7, tzinfo=UTC)
    name = NAMING.fresh(moment)
    assert NAMING.made_at(name) == moment
    assert NAMING.fresh(moment) != name
    assert len(f"{name}@example.invalid".partition("@")[0]) <= 64
    assert NAMING.made_at(None) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operations": {"organization": None}}, "organization is not made before it"),
        ({"operations": dict.fromkeys(KINDS)}, "at least one operation"),
        ({"operations": {"user": {"path": "/u", "listed_as": "u", "fields": {"name": "fixed"}}}}, "must hold {name}"),
        (
            {"operations": {"organization": {"path": "/o", "listed_as": "o", "fields": {"name": "{name}{self}"}}}},
            "unknown placeholder self",
        ),
        ({"prefix": "a" * 25}, "prefix"),
        ({"leftover_after": 5}, "leftover_after"),
    ],
)
def test_what_could_not_be_undone_is_refused_at_the_start(changes: dict[str, Any], message: str) -> None:
    interface = {"url": "http://127.0.0.1/api/v2", "token": "t"}
    with pytest.raises(ValidationError, match=message):
        Options.model_validate({"interface": interface, **changes})


@pytest.mark.parametrize("as_person", [False, True])
@pytest.mark.parametrize("new_tokens_too", [False, True])
async def test_a_token_that_the_api_does_not_know_either_is_the_apis_failure(
    stage: Stage, as_person: bool, new_tokens_too: bool
) -> None:
    settings, api = stage.platform.live.current, {"url": stage.platform.addresses["api"]["url"], "token": "another"}
    person = {"login": settings.login, "password": settings.password}
    interface = {"url": stage.url, **(person if as_person else {"token": "standin-api-token"})}
    stage.platform.faults.switch_on("api", "expired-token", new_tokens_too=new_tokens_too)
    if as_person and not new_tokens_too:
        await stage.check(interface=interface, api=api)
        return
    assert (await stage.failing(interface=interface, api=api)).reason is Reason.AUTH
    assert stage.last and stage.last.failed_step and stage.last.failed_step.component == "api"


async def test_a_refusal_that_the_api_knows_nothing_of_is_that_of_operations(stage: Stage) -> None:
    api = {"url": stage.platform.addresses["api"]["url"], "token": "another"}
    stage.platform.faults.switch_on("operations", "wrong-status", status=401)
    assert (await stage.failing(api=api)).reason is Reason.AUTH
    assert stage.last and stage.last.failed_step and stage.last.failed_step.component == "operations"
