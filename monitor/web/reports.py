"""`GET /reports/{period}`: the report of a year, a month or days, made by a process of its own and as of now.

Making one takes the better part of a second of a processor: in this process, also in a thread of it, that would show in
the durations of the checks.
"""

import asyncio
import base64
import hashlib
import json
import sys
from collections.abc import Callable

from aiohttp import web

from monitor.config import Config
from monitor.sla.agreement import to_json
from monitor.sla.report_periods import named_period

SECONDS = 30.0  # a report that takes longer is given up
MOST_WAITING = 4  # whoever comes after them is told to come again: else anybody could order hours of work
NOT_FOUND = 2  # the exit code that says that there is no such report

Ask = Callable[[web.Request], tuple[Config, int]]
"""The configuration and the present instant of whoever serves the request."""


class ReportPage(web.Response):
    """A page that brings its one style along, which the other pages' policy forbids, and the policy for it."""

    def __init__(self, page: bytes) -> None:
        super().__init__(body=page, content_type="text/html", charset="utf-8")
        self.policy = _policy(page)


def add_reports(app: web.Application, ask: Ask) -> None:
    """Adds the route. One report is made at a time, whoever asks for it, and few may wait for theirs."""
    turn = asyncio.Lock()
    asking = 0

    async def report(request: web.Request) -> web.Response:
        nonlocal asking
        config, as_of_ms = ask(request)
        period = request.match_info["period"]
        try:
            named_period(period, config.zone)
        except ValueError as error:
            raise web.HTTPNotFound(text=f"{error}\n") from None
        if asking > MOST_WAITING:
            raise web.HTTPServiceUnavailable(
                text="Others wait for their reports.\n", headers={"Retry-After": str(round(SECONDS))}
            )
        asking += 1
        try:
            async with turn:
                page = await _made(config, period, as_of_ms)
        finally:
            asking -= 1
        return ReportPage(page)

    app.router.add_get("/reports/{period}", report)
    app.on_response_prepare.append(_with_own_policy)


async def _with_own_policy(_request: web.Request, response: web.StreamResponse) -> None:
    """After all else has set headers."""
    if isinstance(response, ReportPage):
        response.headers["Content-Security-Policy"] = response.policy


def _policy(page: bytes) -> str:
    """Allows what stands in the page's first style element, and nothing else."""
    style = page.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"


async def _made(config: Config, period: str, as_of_ms: int) -> bytes:
    agreement = to_json(config.agreement(0))
    order = {"store": config.store_url, "period": period, "as_of_ms": as_of_ms, "agreement": agreement}
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor.reports"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            page, problem = await child.communicate(json.dumps(order).encode())
    except TimeoutError:
        raise web.HTTPServiceUnavailable(text="The report took too long.\n") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == NOT_FOUND:
        raise web.HTTPNotFound(text=problem.decode())
    if child.returncode:
        raise web.HTTPServiceUnavailable(text="The report could not be made.\n")
    return page
