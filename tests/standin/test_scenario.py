"""Scenarios: what a file must be, what ships, and that the player keeps to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from monitor.commands.standin import standin
from standin import StandIn, StandInSettings, scenario
from standin.fault_model import Interface
from standin.scenario import ScenarioError, Switch, load, names, parse
from tests.probes.servers import client_tasks, eventually

HEAD = "title: T\ndescription: D\n"


def events(*lines: str, head: str = HEAD) -> str:
    return head + "events:\n" + "".join(f"  - {line}\n" for line in lines)


def test_a_file_becomes_switches_in_order_of_time() -> None:
    read = parse(
        events(
            "{at: 1m, on: {interface: api, fault: slow, params: {seconds: 3}}, for: 20s}",
            "{at: 0.5s, on: {interface: [coap, gateway], fault: delay}}",
            "{at: 80s, on: {interface: api, fault: slow}}",
            "{at: 1h, off: {interface: all, fault: slow}}",
            "{at: 2s, on: {interface: coap, fault: wrong-status, params: {code: 5.00}}}",
        ).replace("all, fault: slow", "api, fault: slow"),
        "f.yaml",
        "f",
    )
    api, coap, gateway = Interface.API, Interface.COAP, Interface.GATEWAY
    assert read.switches == (
        Switch(0.5, True, coap, "delay", {"seconds": 60.0}),
        Switch(0.5, True, gateway, "delay", {"seconds": 60.0}),
        Switch(2.0, True, coap, "wrong-status", {"code": "5.00"}),
        Switch(60.0, True, api, "slow", {"seconds": 3.0}),
        Switch(80.0, False, api, "slow", {}),
        Switch(80.0, True, api, "slow", {"seconds": 5.0}),
        Switch(3600.0, False, api, "slow", {}),
    )
    assert (read.name, read.title, read.description, read.repeat) == ("f", "T", "D", None)


def test_all_means_every_interface_that_the_fault_fits() -> None:
    read = parse(events("{at: 0s, on: {interface: all, fault: refuse}}"), "f.yaml", "f")
    places = {switch.interface for switch in read.switches}
    assert places == set(Interface) - {Interface.MAIL, Interface.SMS}


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["f:1: expected keys with values"]),
        ("a: [", ["f:1: not valid YAML: expected the node content, but found '<stream end>'"]),
        ("[" * 5_000, ["f: not valid YAML: nested too deeply"]),
        ("- 1", ["f:1: expected keys with values"]),
        ("title: T\ntitle: U\n", ["f:2: title: stands there twice"]),
        (
            "titel: T\ndescription: [D]\nrepeat: 5\n",
            [
                "f:1: events is missing",
                "f:1: titel: unknown key; expected: title, description, repeat, events",
                "f:1: title is missing",
                "f:2: description: expected a text",
                "f:3: repeat: expected a length of time such as 30s, 2m or 1h",
            ],
        ),
        (HEAD + "events: {}", ["f:3: events: expected a list"]),
        (events("{at: 1s}"), ["f:4: events[0]: expected either on or off"]),
        (events("{on: {interface: api, fault: slow}}"), ["f:4: events[0]: at is missing"]),
        (
            events("{at: 22:00, on: {interface: api, fault: slow}}", "{at: -1s, on: {interface: api, fault: slow}}"),
            [
                "f:4: events[0].at: expected a length of time such as 30s, 2m or 1h",
                "f:5: events[1].at: expected a length of time such as 30s, 2m or 1h",
            ],
        ),
        (
            events("{at: 1s, on: {interface: api, fault: slow}, for: 0s}"),
            ["f:4: events[0].for: expected a length of time such as 30s, 2m or 1h"],
        ),
        (
            events("{at: 1s, off: {interface: api, fault: slow}, for: 1s}"),
            ["f:4: events[0].for: goes with on, not with off"],
        ),
        (
            events("{at: 1s, on: {interface: api, fault: slo}}", "{at: 1s, on: {interface: apy, fault: slow}}"),
            [
                "f:4: events[0].on.fault: there is no fault 'slo'; `efento-uptime standin fault catalogue` shows them",
                f"f:5: events[1].on.interface: there is no interface 'apy'; there are: {', '.join(Interface)}",
            ],
        ),
        (
            events("{at: 1s, on: {interface: coap, fault: gzip-bomb}}", "{at: 1s, on: {interface: [], fault: slow}}"),
            [
                "f:4: events[0].on.interface: gzip-bomb does not fit coap; it fits: api",
                "f:5: events[1].on.interface: expected at least one interface",
            ],
        ),
        (
            events("{at: 1s, on: {interface: api, fault: slow, params: {seconds: long}}}"),
            ["f:4: events[0].on.params: seconds must be a number of seconds, 0 or more, not 'long'"],
        ),
        (
            events("{at: 1s, on: {interface: api, fault: slow, params: {second: 1}}}"),
            ["f:4: events[0].on.params: slow on api has no parameter 'second'; it has: seconds"],
        ),
        (
            events("{at: 1s, off: {interface: api, fault: slow, params: {seconds: 1}}}"),
            [
                "f:4: events[0].off.params: unknown key; expected: interface, fault",
            ],
        ),
        (
            events(
                "{at: 5s, on: {interface: api, fault: slow}, for: 9s}", "{at: 6s, on: {interface: api, fault: slow}}"
            ),
            [
                "f:5: events[1].on: slow on api: is on already at 6 s",
            ],
        ),
        (
            events("{at: 1s, off: {interface: api, fault: slow}}"),
            ["f:4: events[0].off: slow on api: is not on at 1 s"],
        ),
        (
            events("{at: 5s, on: {interface: api, fault: slow}, for: 6s}", head=HEAD + "repeat: 10s\n"),
            ["f:5: events[0].on: slow on api: ends or begins after 10 s, when all is repeated"],
        ),
    ],
)
def test_every_mistake_is_told_with_its_place(text: str, problems: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "f", "f")
    assert str(caught.value).splitlines() == problems


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"there is no scenario 'nonsense'.* there are: .*everything-down"):
        load("nonsense")
    (tmp_path / "latin.yaml").write_bytes(b"title: \xe9")
    with pytest.raises(ScenarioError, match=r"latin\.yaml: is not UTF-8"):
        load(str(tmp_path / "latin.yaml"))
    (tmp_path / "large.yaml").write_bytes(b"#" * (scenario.MAX_BYTES + 1))
    with pytest.raises(ScenarioError, match="is too large"):
        load(str(tmp_path / "large.yaml"))
    (tmp_path / "own.yaml").write_text(events("{at: 1s, on: {interface: api, fault: slow}}"))
    assert load(str(tmp_path / "own.yaml")).name == "own"


def test_the_promised_scenarios_ship() -> None:
    promised = {
        *("quiet-day", "ingest-partition-lost", "mail-delayed", "api-flapping"),
        *("restore-under-way", "everything-down", "own-network-down"),
    }
    assert promised <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_shipped_scenario_can_be_played_and_mends_what_it_breaks(name: str) -> None:
    read = load(name)
    assert read.title and read.description and read.switches
    on: set[tuple[str, str]] = set()
    for switch in read.switches:
        (on.add if switch.on else on.discard)((switch.interface, switch.fault))
    assert on == set()


def test_everything_down_spares_the_reference_and_the_own_network_does_not() -> None:
    def hit(name: str) -> set[Interface]:
        return {switch.interface for switch in load(name).switches}

    assert hit("everything-down") == set(Interface) - {Interface.REFERENCE}
    assert hit("own-network-down") == set(Interface)


@asynccontextmanager
async def playing(text: str) -> AsyncIterator[StandIn]:
    async with StandIn.start(StandInSettings(scenario=parse(text, "f", "f"))) as platform:
        yield platform


def is_on(platform: StandIn, interface: str, fault: str) -> bool:
    return platform.faults.active(Interface(interface), fault) is not None


async def position(platform: StandIn) -> Any:
    url = platform.addresses["control"]["url"] + "/scenario"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return (await response.json())["scenario"]


async def test_faults_go_on_and_off_at_their_times() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    text = events("{at: 0.2s, on: {interface: api, fault: slow, params: {seconds: 0.5}}, for: 0.3s}")
    async with playing(text) as platform:
        assert not is_on(platform, "api", "slow")
        await eventually(lambda: is_on(platform, "api", "slow"))
        assert loop.time() - began >= 0.2
        fault = platform.faults.active(Interface.API, "slow")
        assert fault and fault.number("seconds") == 0.5
        await eventually(lambda: not is_on(platform, "api", "slow"))
        assert loop.time() - began >= 0.5
        await asyncio.sleep(0)
        told = await position(platform)
        assert (told["finished"], told["next"], told["round"]) == (True, [], 1)


async def test_rounds_begin_again_with_nothing_left_over() -> None:
    text = events(
        "{at: 0s, on: {interface: api, fault: slow}}",
        "{at: 0.1s, on: {interface: coap, fault: slow}}",
        head=HEAD + "repeat: 0.2s\n",
    )
    seen: list[tuple[str, bool]] = []
    async with playing(text) as platform:
        for place in (Interface.API, Interface.COAP):
            platform.faults.watch(place, "slow", lambda on, place=place: seen.append((place, on)))  # type: ignore[misc]
        await eventually(lambda: len(seen) >= 8)
        assert (await position(platform))["round"] >= 2
    api, coap = str(Interface.API), str(Interface.COAP)
    assert seen[:8] == [(api, True), (coap, True), (api, False), (coap, False)] * 2


async def test_the_position_is_told() -> None:
    text = events("{at: 1h, on: {interface: api, fault: slow}, for: 1m}", head=HEAD + "repeat: 2h\n")
    async with playing(text) as platform:
        await eventually(lambda: "scenario" in str(client_tasks()))
        await asyncio.sleep(0)
        told = await position(platform)
    assert (told["name"], told["title"], told["round"], told["finished"]) == ("f", "T", 1, False)
    assert (told["description"], told["repeat_seconds"]) == ("D", 7200)
    assert 0 <= told["position_seconds"] < 60
    first, second = told["next"]
    assert 3540 < first.pop("in_seconds") <= 3600 < second.pop("in_seconds") <= 3660
    assert first == {"switch": "on", "interface": "api", "fault": "slow", "parameters": {"seconds": 5.0}}
    assert second == {"switch": "off", "interface": "api", "fault": "slow"}


async def test_without_a_scenario_there_is_no_position() -> None:
    async with StandIn.start() as platform:
        assert await position(platform) is None


async def test_what_somebody_else_switched_stays() -> None:
    text = events("{at: 0s, on: {interface: api, fault: slow}}", head=HEAD + "repeat: 0.1s\n")
    seen: list[bool] = []
    async with playing(text) as platform:
        platform.faults.switch_on("coap", "double")
        platform.faults.watch(Interface.API, "slow", seen.append)
        await eventually(lambda: seen[:2] in ([True, False], [False, True]))
        assert is_on(platform, "coap", "double")


def test_the_scenarios_are_listed() -> None:
    result = CliRunner().invoke(standin, ["scenarios"])
    assert result.exit_code == 0
    for name in names():
        assert name in result.output and load(name).title in result.output
    as_json = json.loads(CliRunner().invoke(standin, ["scenarios", "--json"]).output)
    assert [each["name"] for each in as_json] == names()


@pytest.mark.parametrize("text", ["titel: x", None])
def test_a_wrong_scenario_ends_the_command_with_its_problems(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "f.yaml"
    if text:
        file.write_text(text)
    result = CliRunner().invoke(standin, ["--scenario", str(file)])
    assert result.exit_code == 2
    assert ("f.yaml:1: titel: unknown key" if text else "there is no scenario") in result.output
