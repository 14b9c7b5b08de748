"""The web application over plain HTTP: what it answers for, what it does not, and what never gets into a record."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

import probes
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.web_data import moment
from probes.efento.web_login import at, script_sources
from standin import StandIn, StandInSettings
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.platform import SERIAL, START, Record
from tests.probes.servers import Handler, failed_step, http_answer, tcp_server
from tests.standin.world import Sensor, measurements

KIND = probes.discover()["frontend"]
LOGIN = {"login": "customer@example.com", "password": "standin-password"}
MAX_AGE = 600
# Fault → reason and step.
FAULTS: dict[str, tuple[Reason, str]] = {
    "refuse": (Reason.REFUSED, "page"),
    "timeout": (Reason.TIMEOUT, "page"),
    "reset": (Reason.RESET, "page"),
    "slow": (Reason.TIMEOUT, "page"),
    "wrong-status": (Reason.STATUS, "page"),
    "redirect-loop": (Reason.REDIRECT, "page"),
    "garbage": (Reason.PROTOCOL, "page"),
    "wrong-schema": (Reason.CONTENT, "page"),
    "wrong-content-type": (Reason.CONTENT, "script"),
    "truncated": (Reason.PROTOCOL, "page"),
    "half-open": (Reason.TIMEOUT, "page"),
    "endless": (Reason.TIMEOUT, "page"),
    "wrong-page": (Reason.CONTENT, "page"),
    "missing-script": (Reason.STATUS, "script"),
    "login-refused": (Reason.AUTH, "login"),
    "login-loop": (Reason.AUTH, "data"),
    "no-data": (Reason.CONTENT, "data"),
    "old-data": (Reason.STALE, "data"),
}
WAITED_FOR = {"timeout", "slow", "half-open", "endless"}
ONLY_A_BROWSER_SEES = {"broken-script"}


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    now = Record().journey(START).now
    async with StandIn.start(StandInSettings(now=now, serials=(SERIAL,))) as platform:
        yield platform


async def send(standin: StandIn, *times: int) -> None:
    with Sensor(standin.addresses["coap"]["port"]) as sensor:
        for moment_of_sample in times:
            await sensor.ask("m", measurements(moment_of_sample, 215))


def options_of(standin: StandIn, **changes: Any) -> dict[str, Any]:
    places = standin.addresses
    api = {"url": places["api"]["url"], "token": "standin-api-token", "timeout": 1}
    data = {"sensors": [SERIAL], "max_age": MAX_AGE, "api": api}
    return {"url": places["web"]["url"] + "/", "login": LOGIN, "data": data, "timeout": 5, **changes}


async def take(given: dict[str, Any]) -> Journey:
    journey = Record().journey(START, component="frontend")
    await run(given, journey)
    return journey


async def run(given: dict[str, Any], journey: Journey) -> None:
    await KIND.run(KIND.options.model_validate(given), journey)


async def failure(given: dict[str, Any]) -> tuple[ProbeFailed | Blocked, Journey]:
    journey = Record().journey(START, component="frontend")
    with pytest.raises((ProbeFailed, Blocked)) as caught:
        await run(given, journey)
    problem = caught.value
    assert isinstance(problem, (ProbeFailed, Blocked))
    return problem, journey


async def test_a_healthy_application_is_up(standin: StandIn) -> None:
    await send(standin, START - 30)
    journey = await take(options_of(standin))
    assert [timing.name for timing in journey.timings()] == ["page", "script", "login", "data"]
    assert (journey.figures["rows_shown"], journey.figures["shown_age_seconds"]) == (1, 30)


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_has_its_reason_and_its_step(standin: StandIn, fault: str) -> None:
    await send(standin, START - 7200, START)
    standin.faults.switch_on("web", fault)
    problem, journey = await failure(options_of(standin, timeout=0.3 if fault in WAITED_FOR else 5))
    assert isinstance(problem, ProbeFailed), problem
    assert (problem.reason, failed_step(journey)) == FAULTS[fault]
    assert journey.failed_step and journey.failed_step.component == "frontend"


def test_no_fault_of_the_web_application_is_forgotten() -> None:
    fitting = {spec.name for spec in CATALOGUE.values() if Interface.WEB in spec.interfaces}
    assert fitting == FAULTS.keys() | ONLY_A_BROWSER_SEES


async def test_old_data_are_not_the_frontends_fault_where_nothing_newer_arrived(standin: StandIn) -> None:
    await send(standin, START - MAX_AGE - 1)
    problem, _ = await failure(options_of(standin))
    assert isinstance(problem, Blocked) and "history has nothing" in problem.detail


async def test_the_newest_sample_of_the_history_is_never_too_old_to_show(standin: StandIn) -> None:
    """The limit is passed between two whole seconds: the history, asked by the second, has that sample still."""
    await send(standin, START - MAX_AGE)
    journey = Record().journey(START + 0.4, component="frontend")
    with pytest.raises(Blocked, match="history has nothing"):
        await run(options_of(standin), journey)


@pytest.mark.parametrize("shown", ["no-data", None])
async def test_a_sensor_that_never_sent_is_not_the_frontends_fault(standin: StandIn, shown: str | None) -> None:
    if shown:
        standin.faults.switch_on("web", shown)
    problem, _ = await failure(options_of(standin))
    assert isinstance(problem, Blocked)


async def test_a_sensor_that_the_api_does_not_know_either_is_not_the_frontends_fault(standin: StandIn) -> None:
    given = options_of(standin)
    given["data"]["sensors"] = ["282C02FFFFFF"]
    problem, _ = await failure(given)
    assert isinstance(problem, Blocked) and "does not know it either" in problem.detail


async def test_an_api_that_does_not_answer_is_not_the_frontends_fault(standin: StandIn) -> None:
    await send(standin, START)
    standin.faults.switch_on("web", "old-data")
    standin.faults.switch_on("api", "wrong-status")
    _, journey = await failure(options_of(standin))
    assert journey.failed_step and journey.failed_step.component == "api"


async def test_without_an_api_old_data_are_nobodys_fault_but_an_absent_sensor_is(standin: StandIn) -> None:
    await send(standin, START)
    given = options_of(standin, data={"sensors": [SERIAL]})
    standin.faults.switch_on("web", "old-data")
    assert isinstance((await failure(given))[0], Blocked)
    standin.faults.switch_on("web", "no-data")
    assert (await failure(given))[0].reason is Reason.CONTENT


async def test_neither_password_nor_session_gets_into_the_record(standin: StandIn) -> None:
    await send(standin, START)
    standin.faults.switch_on("web", "old-data")
    problem, journey = await failure(options_of(standin))
    kept = json.dumps([problem.detail, *journey.evidence_items().values(), list(journey.memory.values())])
    assert "standin-password" not in kept
    (session,) = journey.secrets
    assert len(session) > 20 and session not in kept


Respond = Callable[[str, dict[str, str], bytes], bytes]


@asynccontextmanager
async def application(respond: Respond) -> AsyncIterator[str]:
    """Answers each request by the function of its line, headers and body; gives the URL."""

    async def handle(reader: Any, writer: Any) -> None:
        line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(respond(line.rpartition(" ")[0], headers, body))
        await writer.drain()

    handler: Handler = handle
    async with tcp_server(handler) as port:
        yield f"http://127.0.0.1:{port}/"


PAGE = http_answer(
    b'<html><script src="https://other.example/x.js"></script><script src="main.js?v=1&amp;w=2"></script>',
    "Content-Type: text/html",
    "Set-Cookie: lang=en",
    "Set-Cookie: csrf=0123456789abcdef; Path=/",
)
SCRIPT = http_answer(b"start()", "Content-Type: text/javascript")


def as_json(content: object, *headers: str) -> bytes:
    return http_answer(json.dumps(content).encode(), "Content-Type: application/json", *headers)


async def test_every_cookie_is_carried_on_and_a_deleted_one_is_not() -> None:
    seen: dict[str, str] = {}

    def respond(line: str, headers: dict[str, str], _body: bytes) -> bytes:
        seen[line] = headers.get("cookie", "")
        answers = {
            "GET /": PAGE,
            "GET /main.js?v=1&w=2": SCRIPT,
            "POST /app/login": as_json(
                {}, "Set-Cookie: a=1", "Set-Cookie: b=2; HttpOnly", "Set-Cookie: lang=; Max-Age=0"
            ),
            "GET /app/data": as_json({"points": [{"serial": SERIAL, "value": 1}]}),
        }
        return answers[line]

    async with application(respond) as url:
        journey = await take({"url": url, "login": LOGIN})
    assert seen["GET /"] == ""
    assert seen["POST /app/login"] == "lang=en; csrf=0123456789abcdef"
    assert seen["GET /app/data"] == "csrf=0123456789abcdef; a=1; b=2"
    assert journey.secrets == {"0123456789abcdef"}  # removing "1" from every text would make it unreadable


async def test_data_that_come_back_between_two_looks_are_no_failure() -> None:
    """Ingest was dead and recovers in this moment: the history is asked later than the application was."""
    arrived: list[str] = []

    def respond(line: str, _headers: dict[str, str], _body: bytes) -> bytes:
        path = line.partition(" ")[2].partition("?")[0]
        if path.endswith("/measurements"):
            arrived.append(path)
            row = {"measuredAt": "2026-09-21 16:15:00", "period": 10, "channels": []}
            return as_json({"measurements": [row]})
        shown = START if arrived else START - 3600
        answers = {
            "/": PAGE,
            "/app/login": as_json({}),
            "/app/data": as_json({"points": [{"serial": SERIAL, "value": 1, "measuredAt": shown}]}),
            "/api/organizations": as_json({"organizations": [{"id": 1}]}),
            "/api/locations": as_json({"locations": [{"id": 2}]}),
            "/api/measurement-points": as_json(
                {"measurementPoints": [{"id": 3, "name": "Room", "device": {"serialNumber": SERIAL}}]}
            ),
        }
        return answers.get(path, SCRIPT)

    async with application(respond) as url:
        data = {"sensors": [SERIAL], "api": {"url": f"{url}api", "token": "token"}}
        journey = await take({"url": url, "login": LOGIN, "data": data})
    assert len(arrived) == 1
    assert "3600 s old" in journey.evidence_items()["first look"]


@pytest.mark.parametrize(
    ("send_as", "expected"),
    [
        ("json", b'{"user": "customer@example.com", "secret": "standin-password"}'),
        ("form", b"user=customer%40example.com&secret=standin-password"),
        ("headers", b""),
    ],
)
async def test_the_way_of_logging_in_is_configuration(send_as: str, expected: bytes) -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    def respond(line: str, headers: dict[str, str], body: bytes) -> bytes:
        if line.startswith("POST"):
            seen.append((headers, body))
            return as_json({"user": {"token": "a-long-access-token"}})
        if "data" in line:
            assert headers["authorization"] == "Bearer a-long-access-token"
            return as_json([{"device": {"sn": SERIAL.lower()}, "now": 0, "at": START * 1000}])
        return SCRIPT if "main.js" in line else PAGE

    names = {"login_field": "user", "password_field": "secret"}
    login = {**LOGIN, "path": "/session", "send": send_as, "token": "user.token", **names}
    data = {"rows": "", "serial": "device.sn", "value": "now", "time": "at", "sensors": [SERIAL]}
    async with application(respond) as url:
        journey = await take({"url": url, "login": login, "data": data})
    headers, body = seen[0]
    assert body == expected
    assert (headers.get("user"), headers.get("secret")) == (
        ("customer@example.com", "standin-password") if send_as == "headers" else (None, None)
    )
    assert "a-long-access-token" in journey.secrets


@pytest.mark.parametrize(
    ("login", "data", "reason", "step"),
    [
        (as_json({}), b"", Reason.SCHEMA, "login"),  # neither cookie nor token
        (http_answer(b"", status="400 Bad Request"), b"", Reason.STATUS, "login"),
        (http_answer(b"", status="403 Forbidden"), b"", Reason.AUTH, "login"),
        (http_answer(b"", "Location: /login?failed", status="302 Found"), b"", Reason.REDIRECT, "login"),
        (as_json({}, "Set-Cookie: s=1"), as_json({"points": {}}), Reason.SCHEMA, "data"),
        (as_json({}, "Set-Cookie: s=1"), as_json({"points": [{}]}), Reason.SCHEMA, "data"),
        (as_json({}, "Set-Cookie: s=1"), http_answer(b"<html>", "Content-Type: text/html"), Reason.CONTENT, "data"),
    ],
)
async def test_a_wrong_answer_has_its_reason(login: bytes, data: bytes, reason: Reason, step: str) -> None:
    def respond(line: str, _headers: dict[str, str], _body: bytes) -> bytes:
        answers = {"GET /": PAGE.replace(b"Set-Cookie", b"X-Nothing"), "POST /app/login": login, "GET /app/data": data}
        return answers.get(line, SCRIPT)

    async with application(respond) as url:
        problem, journey = await failure({"url": url, "login": {**LOGIN, "status": [200]}})
    assert (problem.reason, failed_step(journey)) == (reason, step)


async def test_an_empty_script_is_none() -> None:
    empty = http_answer(b"\n", "Content-Type: text/javascript")
    async with application(lambda line, _headers, _body: PAGE if line == "GET /" else empty) as url:
        problem, journey = await failure({"url": url, "login": LOGIN})
    assert (problem.reason, failed_step(journey)) == (Reason.CONTENT, "script")


def test_scripts_are_found_as_a_browser_finds_them() -> None:
    page = """<!-- <script src="/old.js"></script> --><SCRIPT defer src='/a.js'></SCRIPT>
        <script>inline()</script><script type="module" src=/b.mjs></script>
        <script data-src="/no.js"></script><script src = "/c.js?x=1&amp;y=2"></script><!-- <script src="/end.js">"""
    assert script_sources(page) == ["/a.js", "/b.mjs", "/c.js?x=1&y=2"]


@pytest.mark.parametrize("piece", ["<script ", "<!--", "<script src", '<script src="', "<!-- --", "src= "])
def test_a_hostile_page_takes_no_time(piece: str) -> None:
    started = time.process_time()
    script_sources(piece * (2**20 // len(piece)))
    assert time.process_time() - started < 1.0


def test_paths_in_json() -> None:
    assert at({"a": {"b": [1]}}, "a.b") == [1]
    assert at([1], "") == [1]
    assert at({"a": 1}, "a.b") is None


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [
        ("2026-09-21T14:15:00Z", START),
        ("2026-09-21T16:15:00+02:00", START),
        ("2026-09-21 16:15:00", START),
        (START, START),
        (START * 1000, START),
        (str(START), START),
        ("2026-10-25 02:30:00", 1_792_891_800),  # comes twice: the later one
        ("yesterday", None),
        (True, None),
        (-5, None),
        (None, None),
    ],
)
def test_times_as_they_are_shown(shown: object, seconds: int | None) -> None:
    assert moment(shown, ZoneInfo("Europe/Warsaw")) == seconds


async def test_a_time_ahead_of_the_clock_is_a_wrong_zone_and_no_failure(standin: StandIn) -> None:
    await send(standin, START + 3600)
    problem, _ = await failure(options_of(standin))
    assert problem.reason is Reason.WRONG_ZONE


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a regular expression"):
        KIND.options.model_validate({"url": "http://localhost/", "login": LOGIN, "script": "("})
