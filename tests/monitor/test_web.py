"""The pages and the status API, served for real and asked over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from monitor.board import Board
from monitor.clock import ManualClock, to_milliseconds
from monitor.config import Config
from monitor.metrics import Metrics
from monitor.results import Result
from monitor.sla.model import Ledger, Life, ProbeTerms, Run, Verdict
from monitor.web import listen, serve
from monitor.web.app import SECURITY_HEADERS, Sources
from monitor.web.words import length
from probes.contract import Picture
from tests.monitor.build import config_of, probe_config

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOON_MS = to_milliseconds(NOON)
MINUTE = 60_000


def run_of(verdict: Verdict, first: int, last: int, reason: str = "", step: str = "") -> Run:
    """A run of 30 s checks, times in minutes before noon."""
    count = (first - last) * 2 + 1
    return Run(verdict, NOON_MS - first * MINUTE, NOON_MS - last * MINUTE, count, 75_000, 2, reason, step)


def result_of(verdict: Verdict, probe: str = "ingest-coap", detail: str = "") -> Result:
    reason, step = ("missing", "read_back") if verdict is Verdict.DOWN else ("", "")
    return Result(probe, "ingest", "frankfurt", NOON_MS - 1000, 12_345, verdict, reason, step, detail)


def terms_of(config: Config, since_minutes: int) -> list[ProbeTerms]:
    since = NOON_MS - since_minutes * MINUTE
    return [ProbeTerms(p.id, config.location, since, p.component, 30_000, 75_000, 2) for p in config.probes]


class Site:
    """A served board, and questions to it."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def get(self, path: str) -> tuple[int, str, dict[str, str]]:
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text(), dict(answer.headers)


@asynccontextmanager
async def site(runs: list[Run], latest: Result, problems: list[str] | None = None, **more: Any) -> AsyncIterator[Site]:
    """`more` is what else there is to show, of `Sources`."""
    config = config_of([probe_config(), probe_config(name="api", component="api")])
    clock = ManualClock(NOON)
    board = Board(config, clock)
    lives = [Life("frankfurt", NOON_MS - 60 * MINUTE, NOON_MS, False)]
    board.load(Ledger({("ingest-coap", "frankfurt"): runs}, terms_of(config, 60), lives), [latest])

    async def readiness() -> list[str]:
        return problems or []

    sources = Sources(config, board, Metrics(config, board, "1.2.3", lambda: 0), readiness, **more)
    with listen("127.0.0.1", 0) as listening:
        async with serve(sources, listening) as port, aiohttp.ClientSession() as session:
            yield Site(session, f"http://127.0.0.1:{port}")


def an_outage() -> list[Run]:
    return [run_of(Verdict.UP, 60, 5), run_of(Verdict.DOWN, 4, 0, "missing", "read_back")]


class Balanced(HTMLParser):
    """Notes tags that are not closed in order."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


async def test_the_status_says_what_is_down_since_when_and_why() -> None:
    async with (
        site(an_outage(), result_of(Verdict.DOWN, detail="2 missing")) as served,
        served.session.get(served.url + "/api/v1/status") as answer,
    ):
        status = await answer.json()
    ingest, api = status["components"]
    assert (ingest["key"], ingest["state"], ingest["since"]) == ("ingest", "down", "2026-11-23T11:56:00.000Z")
    assert (ingest["floor"], api["state"], api["observed"]) == (0.995, "unknown", None)
    # 56 minutes up, 4 down, of one hour observed
    assert ingest["observed"] == pytest.approx(56 / 60, abs=1e-9)
    assert ingest["observed"] <= 56 / 60
    outage = ingest["outage"]
    assert (outage["start"], outage["end"], outage["reason"], outage["step"], outage["probes"]) == (
        "2026-11-23T11:56:00.000Z",
        None,
        "missing",
        "read_back",
        ["ingest-coap"],
    )
    probe, unchecked = status["probes"]
    assert {key: probe[key] for key in ("id", "component", "verdict", "reason", "step", "detail", "last_check")} == {
        "id": "ingest-coap",
        "component": "ingest",
        "verdict": "down",
        "reason": "missing",
        "step": "read_back",
        "detail": "2 missing",
        "last_check": "2026-11-23T11:59:59.000Z",
    }
    assert probe["seconds"] == 0.012345
    assert (unchecked["verdict"], unchecked["last_check"]) == (None, None)


async def test_the_status_page_names_the_outage_in_local_time_and_is_well_formed() -> None:
    async with site(an_outage(), result_of(Verdict.DOWN)) as served:
        status, page, headers = await served.get("/")
    parser = Balanced()
    parser.feed(page)
    assert (status, parser.wrong, parser.open) == (200, [], [])
    assert "Down: Ingest" in page
    assert "Outage since 2026-11-23 12:56:00 CET" in page
    assert "93.3333 %" in page, "rounded down"
    assert "<script" not in page
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_what_a_platform_answered_cannot_become_markup() -> None:
    async with site(an_outage(), result_of(Verdict.DOWN, detail="<script>alert(1)</script>")) as served:
        _status, page, _headers = await served.get("/")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_nothing_observed_is_a_dash_and_not_100_percent() -> None:
    async with site([], result_of(Verdict.UP)) as served:
        _status, page, _headers = await served.get("/")
    assert "100.0000 %" not in page
    assert "–" in page


@pytest.mark.parametrize(("problems", "status"), [([], 200), (["probe api has no fresh result: never"], 503)])
async def test_ready_names_what_is_wrong(problems: list[str], status: int) -> None:
    async with site([], result_of(Verdict.UP), problems) as served:
        code, text, _headers = await served.get("/readyz")
        assert (await served.get("/healthz"))[0] == 200
    assert code == status
    assert all(problem in text for problem in problems)


async def test_an_unknown_page_is_not_found() -> None:
    async with site([], result_of(Verdict.UP)) as served:
        status, _text, headers = await served.get("/nothing")
    assert status == 404
    assert SECURITY_HEADERS.items() <= headers.items()


async def test_a_kept_picture_is_shown_as_what_it_is_and_nothing_else_is() -> None:
    kept = {
        ("boot:1", "page"): Picture("page", "image/png", b"\x89PNG"),
        ("boot:1", "script"): Picture("script", "image/svg+xml", b"<svg><script>"),
    }

    async def picture(result: str, name: str) -> Picture | None:
        return kept.get((result, name))

    async with site([], result_of(Verdict.UP), picture=picture) as served:
        url = served.url + "/api/v1/results/boot:1/pictures/"
        async with served.session.get(url + "page") as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", b"\x89PNG")
            assert SECURITY_HEADERS.items() <= answer.headers.items()
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for missing in ("script", "other", "page/x"):
            async with served.session.get(url + missing) as answer:
                assert answer.status == 404


async def test_only_inbound_routes_take_anything() -> None:
    async def receive(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), status=202)

    routes = [web.post("/inbound/sms/{name}", receive)]
    async with site([], result_of(Verdict.UP), inbound_routes=routes) as served:
        async with served.session.post(served.url + "/inbound/sms/one", data=b"x") as answer:
            assert (answer.status, await answer.read()) == (202, b"x")
            assert SECURITY_HEADERS.items() <= answer.headers.items()
        pages = ["/", "/metrics", "/api/v1/status", "/healthz", "/readyz", "/api/v1/results/boot:1/pictures/page"]
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for page in pages:
                async with served.session.request(method, served.url + page) as answer:
                    assert answer.status == 405
                    assert SECURITY_HEADERS.items() <= answer.headers.items()


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 s"),
        (999, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (3_661_000, "1 h 1 min"),
        (90_000_000, "1 d 1 h"),
        (86_400_000 * 3 + 59_000, "3 d"),
    ],
)
def test_lengths_are_rounded_down_to_their_two_largest_units(milliseconds: int, text: str) -> None:
    assert length(milliseconds) == text
