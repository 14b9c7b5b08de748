"""A person at a real browser: what is found out, and that the browser never outlives its check."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import probes
from probes.browser.process import HERE
from probes.browser.troubles import _REASONS, reason_of_code, without_query
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from standin import StandIn, StandInSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.platform import SERIAL, START, Record
from tests.probes.servers import closed_port, eventually, failed_step, open_sockets, silent, tcp_server
from tests.real_servers import command
from tests.standin.world import Sensor, measurements

pytestmark = pytest.mark.timeout(60)

KIND = probes.discover()["frontend_browser"]
ROOT = HERE.parent.parent
QUICK = {"launch": 30, "page": 10, "login": 10, "data": 10}
PNG, JPEG = b"\x89PNG", b"\xff\xd8\xff"
# Fault → reason, step and what the detail or the console must tell. What is waited for has a short limit.
FAULTS: dict[str, tuple[Reason, str, str]] = {
    "refuse": (Reason.REFUSED, "page", "ERR_CONNECTION_REFUSED"),
    "timeout": (Reason.TIMEOUT, "page", "no answer within 0.7 s"),
    "reset": (Reason.RESET, "page", "ERR_CONNECTION_RESET"),
    "wrong-status": (Reason.STATUS, "page", "status 500"),
    "redirect-loop": (Reason.REDIRECT, "page", "ERR_TOO_MANY_REDIRECTS"),
    "garbage": (Reason.PROTOCOL, "page", "ERR_INVALID_HTTP_RESPONSE"),
    "wrong-schema": (Reason.CONTENT, "page", "application/json"),
    "endless": (Reason.TIMEOUT, "page", "still waiting for GET"),
    "wrong-page": (Reason.CONTENT, "page", 'input[name="login"]'),
    "truncated": (Reason.PROTOCOL, "login", "ERR_CONTENT_LENGTH_MISMATCH"),
    "missing-script": (Reason.STATUS, "login", "/app.js: status 404"),
    "broken-script": (Reason.CONTENT, "login", "undefinedOnPurpose is not defined"),
    "login-refused": (Reason.AUTH, "login", "Login or password is wrong."),
    "login-loop": (Reason.AUTH, "login", "Your session has ended."),
    "no-data": (Reason.CONTENT, "data", "no measurement point is shown"),
    "old-data": (Reason.STALE, "data", "3600 s old"),
}
SHORT = {
    "timeout": "page",
    "endless": "page",
    "wrong-page": "page",
    "truncated": "login",
    "missing-script": "login",
    "broken-script": "login",
    "no-data": "data",
}


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    now = Record().journey(START).now
    async with StandIn.start(StandInSettings(now=now, serials=(SERIAL,))) as platform:
        with Sensor(platform.addresses["coap"]["port"]) as sensor:
            await sensor.ask("m", measurements(START, 215))
        yield platform


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where all temporary files of the browser go; its path in a process's environment tells whose it is."""
    # pytest's own temporary folders have names too long for the sockets in them.
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as path:
        monkeypatch.setenv("TMPDIR", path)
        yield Path(path)


def left_behind(folder: Path) -> list[str]:
    """The files, and the processes that were started for them, whoever their parent is by now."""
    found = [str(path) for path in folder.iterdir()]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):
                texts = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if str(folder).encode() in texts:
                    found.append(f"{entry.name} {(entry / 'comm').read_text()}")
    return found


def options_of(url: str, **changes: Any) -> dict[str, Any]:
    person = {"login": "customer@example.com", "password": "standin-password"}
    own = {"executable": command("chromium").argv[0], "sandbox": False}
    return {"url": url, **person, **own, "limits": QUICK, "data": {"sensors": [SERIAL]}, **changes}


def of_standin(standin: StandIn, **changes: Any) -> dict[str, Any]:
    api = {"url": standin.addresses["api"]["url"], "token": "standin-api-token"}
    data = {"sensors": [SERIAL], "max_age": 600, "api": api}
    return options_of(standin.addresses["web"]["url"] + "/", data=data, **changes)


async def run(given: dict[str, Any], journey: Journey) -> None:
    await KIND.run(KIND.options.model_validate(given), journey)


async def failure(given: dict[str, Any]) -> tuple[ProbeFailed | Blocked, Journey]:
    journey = Record().journey(START, component="frontend")
    with pytest.raises((ProbeFailed, Blocked)) as caught:
        await run(given, journey)
    problem = caught.value
    assert isinstance(problem, (ProbeFailed, Blocked))
    return problem, journey


async def test_a_person_sees_current_data_and_nothing_is_left(standin: StandIn, folder: Path) -> None:
    sockets = open_sockets()
    journey = Record().journey(START, component="frontend")
    given = of_standin(standin)
    given["data"]["expected"] = f"Sensor {SERIAL}"
    await run(given, journey)
    assert [timing.name for timing in journey.timings()] == ["launch", "page", "login", "data"]
    assert (journey.figures["rows_shown"], journey.figures["shown_age_seconds"]) == (1, 0)
    assert not journey.pictures and not journey.evidence_items()
    assert left_behind(folder) == []
    assert open_sockets() <= sockets


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_reason_its_step_and_a_screenshot(standin: StandIn, folder: Path, fault: str) -> None:
    standin.faults.switch_on("web", fault)
    limits = {**QUICK, SHORT[fault]: 0.7} if fault in SHORT else QUICK
    problem, journey = await failure(of_standin(standin, limits=limits))
    assert isinstance(problem, ProbeFailed), problem
    reason, step, words = FAULTS[fault]
    assert (problem.reason, failed_step(journey)) == (reason, step), problem
    assert words in problem.detail
    assert left_behind(folder) == []
    if fault != "endless":  # of a page that never ends no picture can be taken
        (picture,) = journey.pictures
        assert picture.content.startswith(PNG if picture.media_type == "image/png" else JPEG)


def test_no_fault_of_the_web_application_is_forgotten() -> None:
    fitting = {spec.name for spec in CATALOGUE.values() if Interface.WEB in spec.interfaces}
    a_browser_does_not_mind = {"wrong-content-type"}
    like_a_timeout = {"slow", "half-open"}
    assert fitting == FAULTS.keys() | a_browser_does_not_mind | like_a_timeout


async def test_secrets_get_into_no_record(standin: StandIn) -> None:
    standin.faults.switch_on("web", "old-data")
    problem, journey = await failure(of_standin(standin))
    kept = "\n".join([problem.detail, *journey.evidence_items().values()])
    assert "standin-password" not in kept
    (session,) = journey.secrets
    assert len(session) > 20 and session not in kept


async def test_the_console_tells_what_went_wrong_without_queries(standin: StandIn) -> None:
    standin.faults.switch_on("web", "wrong-status", status=503)
    given = of_standin(standin)
    _, journey = await failure({**given, "url": given["url"] + "?token=secret"})
    console = journey.evidence_items()["console"]
    assert f"GET {given['url']}: status 503" in console
    assert "secret" not in console


async def test_a_text_that_is_not_there_is_a_failure(standin: StandIn) -> None:
    given = of_standin(standin, limits={**QUICK, "data": 0.7})
    given["data"]["expected"] = "Another organisation"
    problem, journey = await failure(given)
    assert (problem.reason, failed_step(journey)) == (Reason.CONTENT, "data")


async def test_a_sensor_that_never_sent_is_not_the_frontends_fault(standin: StandIn) -> None:
    given = of_standin(standin)
    await standin.storage.add_point("282C02FFFF02", 0)
    given["data"]["sensors"] = ["282C02FFFF02"]
    assert isinstance((await failure(given))[0], Blocked)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"executable": "/bin/false"}, "could not be started"),
        ({"executable": "/etc/hostname"}, "could not be started"),
        ({"limits": {**QUICK, "launch": 0.001}}, "could not be started"),
        pytest.param(
            {"sandbox": True},
            "sandbox",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root cannot use the sandbox"),
        ),
    ],
)
async def test_a_browser_that_does_not_start_is_nobodys_failure(
    folder: Path, changes: dict[str, Any], words: str
) -> None:
    problem, journey = await failure(options_of(f"http://127.0.0.1:{await closed_port()}/", **changes))
    assert isinstance(problem, Blocked), problem
    assert words in problem.detail
    assert failed_step(journey) == "launch"
    assert left_behind(folder) == []


@pytest.mark.parametrize("milliseconds", [0, 20, 60, 120, 250, 500, 800, 1200])
async def test_a_cancel_at_any_moment_leaves_nothing(folder: Path, milliseconds: int) -> None:
    sockets = open_sockets()
    async with tcp_server(silent) as port:
        journey = Record().journey(START, component="frontend")
        check = asyncio.create_task(run(options_of(f"http://127.0.0.1:{port}/"), journey), name="check")
        await asyncio.wait([check], timeout=milliseconds / 1000)
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check
        assert left_behind(folder) == []
    await eventually(lambda: open_sockets() == sockets)


async def test_a_second_cancel_does_not_stop_the_clearing_away(folder: Path) -> None:
    sockets = open_sockets()
    async with tcp_server(silent) as port:
        journey = Record().journey(START, component="frontend")
        check = asyncio.create_task(run(options_of(f"http://127.0.0.1:{port}/"), journey), name="check")
        await eventually(lambda: len(left_behind(folder)) > 3, 20)
        check.cancel()
        await asyncio.sleep(0)
        check.cancel()
        with pytest.raises(asyncio.CancelledError):
            await check
        assert left_behind(folder) == []
    await eventually(lambda: open_sockets() == sockets)


KILLED = """
import asyncio, sys
from probes.browser.process import worker
async def main():
    async with worker() as browser:
        await browser.tell("launch", 30, executable=sys.argv[1], sandbox=False, viewport=[800, 600])
        print("ready", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_killed_daemon_leaves_no_browser(folder: Path) -> None:
    daemon = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, command("chromium").argv[0]), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert daemon.stdout
    try:
        assert await daemon.stdout.readline() == b"ready\n"
        assert len(left_behind(folder)) > 5
    finally:
        daemon.send_signal(signal.SIGKILL)
        await daemon.wait()
    await eventually(lambda: left_behind(folder) == [], 10)


async def test_a_killed_browser_is_nobodys_failure(folder: Path) -> None:
    asked = asyncio.Event()

    async def never_answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        await reader.read()

    async with tcp_server(never_answering) as port:
        journey = Record().journey(START, component="frontend")
        check = asyncio.create_task(run(options_of(f"http://127.0.0.1:{port}/"), journey), name="check")
        await asked.wait()
        for line in left_behind(folder):
            number, _, name = line.partition(" ")
            if name.strip() == "chromium":
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)
        with pytest.raises(Blocked):
            await check
    assert left_behind(folder) == []


def test_without_playwright_the_options_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.frontend_browser.PLAYWRIGHT_IS_INSTALLED", False)
    with pytest.raises(ValidationError, match=r"pip install 'efento-uptime\[browser\]'"):
        KIND.options.model_validate({"url": "http://localhost/", "login": "me", "password": "secret"})


def test_an_age_cannot_be_judged_without_a_time() -> None:
    given = {"url": "http://localhost/", "login": "me", "password": "secret"}
    with pytest.raises(ValidationError, match="max_age"):
        KIND.options.model_validate({**given, "data": {"time": None}})
    KIND.options.model_validate({**given, "data": {"time": None, "max_age": None}})


async def test_the_probing_process_does_not_load_playwright() -> None:
    code = "import sys, probes; probes.discover(); print('playwright' in sys.modules, end='')"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0] == b"False"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Page.goto: net::ERR_NAME_NOT_RESOLVED at http://nowhere.example/", Reason.DNS),
        ("net::ERR_CERT_DATE_INVALID", Reason.TLS),
        ("net::ERR_SSL_PROTOCOL_ERROR", Reason.TLS),
        ("net::ERR_CONNECTION_TIMED_OUT", Reason.TIMEOUT),
        ("net::ERR_CONNECTION_CLOSED", Reason.RESET),
        ("net::ERR_ADDRESS_UNREACHABLE", Reason.NETWORK),
        ("net::ERR_SOMETHING_NEW", Reason.NETWORK),
        ("net::ERR_INTERNET_DISCONNECTED", None),
        ("net::ERR_NETWORK_CHANGED", None),
        ("Target crashed", None),
    ],
)
def test_names_of_network_errors_have_reasons(message: str, reason: Reason | None) -> None:
    assert reason_of_code(message)[1] == reason


def test_every_reason_of_a_network_error_exists() -> None:
    assert {reason for _, reason in _REASONS if reason} <= set(Reason)


def test_queries_are_removed_from_urls() -> None:
    text = "failed (http://a.example/x?token=1#part) and https://b.example?y=2 'http://c.example/z'"
    assert without_query(text) == "failed (http://a.example/x) and https://b.example 'http://c.example/z'"
