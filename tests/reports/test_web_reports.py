"""`GET /reports/{period}`: a page made by a process of its own, under a policy that allows its own style alone."""

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from monitor.config import Config, load
from monitor.sla.model import ProbeTerms
from monitor.store import Store
from monitor.web.app import inbound_application, listen, serve
from monitor.web.reports import MOST_WAITING, add_reports
from tests.reports.records import EVERY, HERE, STALE, START
from tests.reports.test_report_command import CONFIG

AS_OF_MS = START + 3_600_000


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "uptime.yaml").write_text(CONFIG)
    return load(tmp_path / "uptime.yaml", {"REPORTED_STORE": f"sqlite:///{tmp_path / 'uptime.db'}"})


async def asked(config: Config, path: str) -> tuple[int, str, str]:
    """Status, text and policy."""
    app: web.Application = inbound_application([])
    add_reports(app, lambda _request: (config, AS_OF_MS))
    listening = listen("127.0.0.1", 0)
    async with (
        serve(app, listening) as port,
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text(), answer.headers["Content-Security-Policy"]


@pytest.mark.slow
async def test_the_page_of_a_period_is_shown_with_its_own_style_and_nothing_else(config: Config) -> None:
    async with await Store.open(config.store_url) as store:
        await store.record_terms(HERE, START, [ProbeTerms("api", HERE, START, "api", EVERY, STALE, 2)])
    status, page, policy = await asked(config, "/reports/2026-01")
    assert (status, "Uptime report January 2026" in page) == (200, True)
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert f"'sha256-{base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


async def test_what_is_no_period_is_not_found(config: Config) -> None:
    status, text, policy = await asked(config, "/reports/26")
    assert (status, "expected a year (2026)" in text) == (404, True)
    assert "'self'" in policy


@pytest.mark.slow
async def test_a_period_that_has_not_begun_is_not_found(config: Config) -> None:
    async with await Store.open(config.store_url):
        pass
    status, text, _policy = await asked(config, "/reports/2027")
    assert (status, text) == (404, "2027 has not begun at the time of the report\n")


@pytest.mark.slow
async def test_without_a_store_there_is_no_report_and_no_detail(config: Config, tmp_path: Path) -> None:
    status, text, _policy = await asked(config, "/reports/2026")
    assert (status, str(tmp_path) in text) == (503, False)


@pytest.mark.slow
async def test_a_crowd_cannot_order_hours_of_work(config: Config) -> None:
    app: web.Application = inbound_application([])
    add_reports(app, lambda _request: (config, AS_OF_MS))
    async with serve(app, listen("127.0.0.1", 0)) as port, ClientSession() as session:

        async def told_to_come_again() -> bool:
            async with session.get(f"http://127.0.0.1:{port}/reports/2026") as answer:
                return "Retry-After" in answer.headers

        told = await asyncio.gather(*(told_to_come_again() for _ in range(MOST_WAITING + 4)))
    assert told.count(True) == 3  # one is made, so many wait
