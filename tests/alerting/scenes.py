"""Parts of tests about alerts: configurations, standings, and a pusher with its Alertmanager."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from aiohttp import web
from prometheus_client import CollectorRegistry

from monitor.alerting.alerts import Alert, alerts_of, possible_labels
from monitor.alerting.push import Pusher
from monitor.clock import Clock, SystemClock, iso, to_milliseconds
from monitor.config import Config
from monitor.config.alerting import AlertingSection
from monitor.daemon import Daemon
from monitor.metrics import AlertSeries
from monitor.picture import Standing
from monitor.sla.model import State
from monitor.sla.outages import Outage
from tests.monitor.boards import watching
from tests.monitor.build import component_terms

CLOCK = SystemClock()


def alerting(*urls: str, **settings: Any) -> AlertingSection:
    """Settings as in a file; where nothing else is said, intervals shorter than a file may have them."""
    given = {"alertmanagers": [{"url": url} for url in urls], "timeout": "500ms", "outlive": "1m", **settings}
    short = {"resend": 0.1, "settle": 0.25}
    section = AlertingSection.model_validate(given)
    return section.model_copy(update={name: seconds for name, seconds in short.items() if name not in given})


def config_with(section: AlertingSection, *components: str, web_url: str | None = None) -> Config:
    return replace(watching(*components), alerting=section, web_url=web_url)


def standing(key: str, state: State, outage_ms: int | None = None) -> Standing:
    outage = None if outage_ms is None else Outage(key, outage_ms, None, 1, 0, (f"{key}-1",), "refused", "connect")
    return Standing(component_terms(key), state, outage)


def down(config: Config, *keys: str, since_ms: int) -> list[Alert]:
    """The alerts of components that are down; every other one is up."""
    return alerts_of(
        [
            standing(terms.key, State.DOWN, since_ms) if terms.key in keys else standing(terms.key, State.UP)
            for terms in config.components
        ],
        config,
    )


@dataclass
class Scene:
    """A pusher for each configured Alertmanager, running, and what they counted."""

    config: Config
    clock: Clock = field(default_factory=SystemClock)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.series = AlertSeries(self.config, self.registry)
        self.pushers = [
            Pusher(each, self.config.alerting, self.clock, self.series, possible_labels(self.config))
            for each in self.config.alerting.alertmanagers
        ]

    def holds(self, *keys: str, since_ms: int | None = None) -> None:
        alerts = down(self.config, *keys, since_ms=self.ago(30) if since_ms is None else since_ms)
        for pusher in self.pushers:
            pusher.holds(alerts)

    def ago(self, seconds: float) -> int:
        return to_milliseconds(self.clock.now()) - round(seconds * 1000)

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Scene"]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pusher.run(), name=pusher.name) for pusher in self.pushers]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()


async def until(condition: Callable[[], object], what: str, seconds: float = 8.0) -> None:
    """Asks again and again; fails with `what` when the time is over."""
    over = CLOCK.monotonic() + seconds
    while not condition():
        assert CLOCK.monotonic() < over, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[None]:
    """A whole daemon in this process, from when it is ready until it has stopped in order."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(Daemon(config, SystemClock()).run(stop, lambda _port: ready.set()))
    try:
        await until(lambda: ready.is_set() or task.done(), "a daemon that is ready")
        yield
    finally:
        stop.set()
        await task


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Impostor:
    """A server that is asked like an Alertmanager, and answers as a test wants."""

    answer: Answer | None = None
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    url: str = ""

    @property
    def told(self) -> list[list[dict[str, Any]]]:
        """What it was told of; without the posts that only asked whether, and when, it would listen."""
        return [post for post in self.posts if post]

    def labels(self) -> list[list[str]]:
        """The components in each post."""
        return [[alert["labels"].get("component", "") for alert in post] for post in self.posts]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        self.asked += 1
        if request.method == "POST":
            self.posts.append(json.loads(await request.text()))
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response(self.held) if request.method == "GET" else web.Response()


@asynccontextmanager
async def impostor(answer: Answer | None = None, port: int = 0) -> AsyncIterator[Impostor]:
    server = Impostor(answer)
    app = web.Application()
    app.router.add_route("*", "/api/v2/alerts", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


def status(code: int, text: str = "") -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    return answer


def held_by(url: str, *matchers: str) -> list[dict[str, Any]]:
    """The alerts that an Alertmanager says are not over."""
    query = "&".join(f"filter={quote(each)}" for each in matchers)
    with urlopen(f"{url}/api/v2/alerts?{query}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def tell(url: str, labels: dict[str, str], starts_ms: int, ends_ms: int) -> None:
    """What a Prometheus says."""
    times = {"startsAt": iso(starts_ms), "endsAt": iso(ends_ms)}
    alert = {
        "labels": labels,
        "annotations": {"summary": "by rule"},
        **times,
        "generatorURL": "http://prometheus/graph",
    }
    body = json.dumps([alert]).encode()
    urlopen(Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"}), timeout=5).close()
