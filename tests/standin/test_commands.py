"""`efento-uptime standin` as its own process, and the commands that break it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.commands.standin import standin
from standin.catalogue import CATALOGUE, markdown_table
from tests.standin.world import SERIAL, Sensor, T, World, measurements

PROGRAM = "from monitor.commands.standin import standin; standin(prog_name='standin')"
Start = Callable[..., "subprocess.Popen[str]"]
WAIT_SECONDS = 15


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a stand-in and waits until it has said where it listens; ends it with the test."""
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def listening(process: "subprocess.Popen[str]") -> list[str]:
    """What it says of its addresses; the last one is the reference place's."""
    assert process.stdout
    lines = [process.stdout.readline()]
    while lines[-1] and not lines[-1].startswith("reference"):
        lines.append(process.stdout.readline())
    return lines


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _out, errors = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, errors


def fault(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(standin, ["fault", "--data", str(data), *arguments])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_runs_until_it_is_told_to_stop_and_keeps_the_history(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("--data", str(tmp_path / "new"))
    lines = listening(process)
    addresses = json.loads((tmp_path / "new" / "addresses.json").read_text())
    assert [line.split() for line in lines] == [[name, place["url"]] for name, place in addresses.items()]
    with Sensor(addresses["coap"]["port"]) as sensor:
        await sensor.ask("m", measurements(T, 215))
    process.send_signal(number)
    assert ended(process) == (0, "")
    again = start("--data", str(tmp_path / "new"))
    listening(again)
    assert json.loads(control(tmp_path / "new", f"/samples?serial={SERIAL}"))["samples"][0]["value"] == 21.5


def control(data: Path, path: str) -> str:
    from urllib.request import urlopen

    url = json.loads((data / "addresses.json").read_text())["control"]["url"]
    with urlopen(url + path, timeout=WAIT_SECONDS) as response:
        text: str = response.read().decode()
        return text


def test_it_ends_with_its_parent(start: Start, tmp_path: Path) -> None:
    """The parent's end of the pipe is closed by the system when the parent dies."""
    process = start("--until-stdin-closes", "--addresses", str(tmp_path / "a" / "here.json"), "--data", str(tmp_path))
    here = tmp_path / "a" / "here.json"
    process.send_signal(signal.SIGCONT)  # does nothing but fail when the process has died
    wait_for(here, process)
    assert not (tmp_path / "addresses.json").exists()
    assert process.stdin
    process.stdin.close()
    process.stdin = None
    assert ended(process) == (0, "")


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Waits for the file, in steps of waiting for the process, which is not to end."""
    for _ in range(WAIT_SECONDS * 20):
        if path.exists():
            return
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"{path.name} was not written")


def test_a_taken_port_is_one_clear_sentence(start: Start) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, errors = ended(start("--api-port", str(taken.getsockname()[1])))
    assert code == 1
    assert errors.startswith("Error: the stand-in cannot start: ")
    assert "Traceback" not in errors


def test_ports_receivers_and_a_scenario_are_told_by_options(start: Start, tmp_path: Path) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(
        *("--data", str(tmp_path), "--reports-port", str(port), "--smtp", "127.0.0.1:2525"),
        *("--sms-webhook", "http://127.0.0.1:9/sms", "--scenario", "quiet-day"),
    )
    listening(process)
    assert json.loads((tmp_path / "addresses.json").read_text())["reports"]["port"] == port
    notifications = json.loads(control(tmp_path, "/settings"))["notifications"]
    assert (notifications["smtp_host"], notifications["smtp_port"]) == ("127.0.0.1", 2525)
    assert notifications["sms_webhook_url"] == "http://127.0.0.1:9/sms"
    assert json.loads(control(tmp_path, "/scenario"))["scenario"]["name"] == "quiet-day"


@pytest.mark.parametrize("address", ["localhost", ":25", "host:", "host:smtp"])
def test_a_mail_server_needs_host_and_port(address: str) -> None:
    result = CliRunner().invoke(standin, ["--smtp", address])
    assert result.exit_code == 2
    assert f"--smtp wants HOST:PORT, not {address!r}" in result.output


def test_a_remote_control_interface_is_refused(start: Start) -> None:
    code, errors = ended(start("--control-host", "0.0.0.0"))
    assert code == 2
    assert "the control interface has no authentication: 0.0.0.0 is not a loopback address" in errors


@pytest.fixture
def data(world: World, tmp_path: Path) -> Path:
    (tmp_path / "addresses.json").write_text(json.dumps({"daemon": {}, "standin": world.platform.addresses}))
    return tmp_path


async def run(*arguments: Any) -> Result:
    """The command in a thread, because the stand-in that it talks to lives in this loop."""
    import asyncio

    return await asyncio.to_thread(fault, *arguments)


async def test_faults_are_switched_by_command(data: Path, world: World) -> None:
    assert (await run(data, "list")).output == "no fault is on\n"
    result = await run(data, "on", "api", "wrong-status", "--set", "status=503", "--for", "3600")
    assert (result.exit_code, result.output) == (0, "api wrong-status status=503 (3600 s left)\n")
    result = await run(data, "on", "coap", "wrong-status", "--set", "code=4.00")
    assert result.output.splitlines()[1] == "coap wrong-status code=4.00"
    assert [each["fault"] for each in json.loads((await run(data, "list", "--json")).output)] == ["wrong-status"] * 2
    assert (await run(data, "off", "api", "wrong-status")).output == "coap wrong-status code=4.00\n"
    await run(data, "on", "api", "expired-token", "--set", "new_tokens_too=true")
    await run(data, "on", "api", "wrong-content-type", "--set", "content_type=text/plain")
    assert [each["parameters"] for each in world.platform.faults.shown()[1:]] == [
        {"new_tokens_too": True},
        {"content_type": "text/plain"},
    ]
    assert (await run(data, "clear")).output == "no fault is on\n"


async def test_the_control_address_can_be_named(world: World) -> None:
    import asyncio

    arguments = ["fault", "--control", world.url("control") + "/", "list"]
    result = await asyncio.to_thread(CliRunner().invoke, standin, arguments)
    assert (result.exit_code, result.output) == (0, "no fault is on\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["on", "coap", "gzip-bomb"], 1, "Error: gzip-bomb does not fit coap; it fits: api"),
        (["on", "coap", "nonsense"], 1, "Error: there is no fault 'nonsense'"),
        (["on", "co/ap", "slow"], 1, "Error: there is no interface 'co/ap'"),
        (["on", "coap", "slow", "--set", "seconds"], 2, "Error: --set wants KEY=VALUE, not 'seconds'"),
        (["on", "coap", "slow", "--for", "-1"], 1, "Error: for_seconds must be"),
    ],
)
async def test_what_cannot_be_done_is_said_clearly(data: Path, arguments: list[str], code: int, message: str) -> None:
    result = await run(data, *arguments)
    assert result.exit_code == code
    assert message in result.output


def test_nobody_answers(tmp_path: Path) -> None:
    result = fault(tmp_path, "list")
    assert result.exit_code == 1
    assert f"start a stand-in with --data {tmp_path}" in result.output
    (tmp_path / "addresses.json").write_text('{"control": {"url": "http://127.0.0.1:9"}}')
    result = fault(tmp_path, "clear")
    assert result.exit_code == 1
    assert result.output.startswith("Error: no stand-in answers at http://127.0.0.1:9: ")
    (tmp_path / "addresses.json").write_text('{"control": 1}')
    assert "does not name a control interface" in fault(tmp_path, "clear").output


def test_the_catalogue_needs_no_running_stand_in(tmp_path: Path) -> None:
    assert fault(tmp_path, "catalogue", "--markdown").output == markdown_table()
    assert [each["name"] for each in json.loads(fault(tmp_path, "catalogue", "--json").output)] == list(CATALOGUE)
    text = fault(tmp_path, "catalogue").output
    assert all(spec.meaning in text for spec in CATALOGUE.values())
