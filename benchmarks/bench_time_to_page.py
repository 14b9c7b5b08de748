"""From a fault to the page.

Twelve components, each watched by an HTTP probe of a daemon with the pace of `config/efento-cloud.yaml`: every 30 s, a
failure confirmed after 5 s. At a random moment of one minute each begins to answer with status 500; from then until the
webhook of the pager is called, all in one process. Three ways lead there, at the same time and on the same faults: the
daemon's push; Prometheus, which scrapes the daemon and evaluates our rules every 15 s (`config/prometheus`); and beside
them blackbox_exporter, scraped by the same Prometheus, with the rule that is usual for it, `probe_success == 0` for one
minute. Both Alertmanagers, that of the push and that of Prometheus, run on `config/alertmanager` as it is.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import yaml
from aiohttp import web

from benchmarks import processes
from benchmarks.figures import CannotMeasure, Figure, measured
from monitor.clock import SystemClock
from monitor.demo import HOST, free_port
from tests.alerting.servers import alertmanager
from tests.e2e.paging import alertmanager_config, prometheus_config

FAULTS = 12
SEED = 20_261_123
WITHIN_SECONDS = 60.0  # all faults begin within so long: several turns of every interval that is in play
STEADY = "steady"  # stays up, so that each fault is that of one component and never the whole platform's
PAGED_WITHIN_SECONDS = 300.0
LIMIT_MEDIAN, LIMIT_WORST, SHARE_OF_PEER = 25.0, 45.0, 0.33
PUSHED, SCRAPED, PEER = "the daemon's push", "our rules in Prometheus", "blackbox_exporter"
PEERS_ALERT = "ProbeFailing"

Times = dict[str, float]
"""By component, on the monotonic clock."""


class Stage:
    """What is watched and what is called: `/target/NAME` until it fails, and the pager at `/push` and `/prometheus`."""

    def __init__(self, components: list[str]) -> None:
        self.components = components
        self.began: Times = {}
        self.paged: dict[str, Times] = {PUSHED: {}, SCRAPED: {}, PEER: {}}
        self.all_paged = asyncio.Event()
        self._clock = SystemClock()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/target/{component}", self._answer)
        app.router.add_post("/{way}/{receiver}", self._page)
        return app

    def fail(self, component: str) -> None:
        self.began[component] = self._clock.monotonic()

    def seconds(self, way: str) -> list[float]:
        """From each fault to its first page."""
        return [self.paged[way][component] - self.began[component] for component in self.components]

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text="All is well.", status=500 if request.match_info["component"] in self.began else 200)

    async def _page(self, request: web.Request) -> web.Response:
        now = self._clock.monotonic()
        for alert in (await request.json())["alerts"]:
            way = self._way(request.match_info["way"], alert["labels"]["alertname"])
            if way is not None and alert["status"] == "firing":
                self.paged[way].setdefault(alert["labels"]["component"], now)
        if all(len(paged) == len(self.components) for paged in self.paged.values()):
            self.all_paged.set()
        return web.Response()

    @staticmethod
    def _way(path: str, alertname: str) -> str | None:
        return {("push", "ComponentDown"): PUSHED, ("prometheus", "ComponentDown"): SCRAPED}.get(
            (path, alertname), PEER if alertname == PEERS_ALERT else None
        )


def measure() -> list[Figure]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=FAULTS)
    count = parser.parse_known_args()[0].faults
    with processes.work_folder() as folder:
        stage = asyncio.run(_staged([f"component-{number}" for number in range(count)], folder))
    return _figures(stage)


def _figures(stage: Stage) -> list[Figure]:
    push, rules, peer = (stage.seconds(way) for way in (PUSHED, SCRAPED, PEER))
    return [
        Figure(f"{PUSHED}, median of {len(push)}", median(push), "s", LIMIT_MEDIAN),
        Figure(f"{PUSHED}, worst", max(push), "s", LIMIT_WORST),
        Figure(f"{PUSHED}, median", median(push), "s", median(peer), f"{PEER}, same faults", SHARE_OF_PEER),
        Figure(f"{SCRAPED}, median", median(rules), "s", median(peer), f"{PEER}, same faults"),
        Figure(f"{SCRAPED}, worst", max(rules), "s", max(peer), f"{PEER}, same faults"),
    ]


async def _staged(components: list[str], folder: Path) -> Stage:
    stage = Stage(components)
    runner = web.AppRunner(stage.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with ExitStack() as stack:  # the servers start while those of this process answer
            await asyncio.to_thread(_start, stack, base, components, folder)
            await _play(stage)
    finally:
        await runner.cleanup()
    return stage


async def _play(stage: Stage) -> None:
    """The faults at their moments, and then what is left of the time until everybody was paged of all."""
    moments = random.Random(SEED)
    loop = asyncio.get_running_loop()
    for component in stage.components:
        loop.call_later(moments.uniform(0, WITHIN_SECONDS), stage.fail, component)
    try:
        async with asyncio.timeout(PAGED_WITHIN_SECONDS):
            await stage.all_paged.wait()
    except TimeoutError:
        counts = {way: len(paged) for way, paged in stage.paged.items()}
        raise CannotMeasure(f"pages of {len(stage.components)} faults: {counts}") from None


def _start(stack: ExitStack, base: str, components: list[str], folder: Path) -> None:
    """Everything, once all components are found up on both ways."""
    targets = {name: f"{base}/target/{name}" for name in [*components, STEADY]}
    exporter = stack.enter_context(processes.blackbox_exporter(folder))
    if exporter is None:
        raise CannotMeasure(f"no {processes.EXPORTER}: tools/get-servers bench gets it")
    push, told = (stack.enter_context(_alertmanager(f"{base}/{way}", folder / way)) for way in ("push", "prometheus"))
    port = free_port(HOST)
    config = _daemon_config(folder, targets, port, push)
    stack.enter_context(processes.daemon(config, port, folder / "daemon.log"))
    rules = _rules(folder, config)
    prometheus = prometheus_config(rules, {"efento-uptime": [f"127.0.0.1:{port}"]}, told.removeprefix("http://"), {})
    with_peer = yaml.safe_load(prometheus)
    with_peer["scrape_configs"].append(_peers_job(targets, exporter[1]))
    asked = stack.enter_context(_prometheus(folder, yaml.safe_dump(with_peer)))
    for query in ('sum(uptime_component_state{state="up"})', "sum(probe_success)"):
        processes.wait_until(partial(_is, asked, query, len(targets)), f"{query} is not {len(targets)}", 90)


def _daemon_config(folder: Path, targets: Mapping[str, str], port: int, told: str) -> Path:
    content = {
        "location": "bench",
        "store": {"url": f"sqlite:///{folder / 'uptime.db'}"},
        "web": {"port": port},
        "alerting": {"alertmanagers": [{"url": told}]},
        "components": {name: {"floor": "99.5 %", "severity": "blocker"} for name in targets},
        "probes": [
            {"id": name, "component": name, "kind": "http", "every": "30s", "timeout": "25s", "options": {"url": url}}
            for name, url in targets.items()
        ],
    }
    path = folder / "uptime.yaml"
    path.write_text(json.dumps(content))  # JSON is YAML
    return path


def _rules(folder: Path, config: Path) -> Path:
    """Ours for these components, and the peer's."""
    ours = processes.output("config", "prometheus", "-c", config)
    peers = {
        "alert": PEERS_ALERT,
        "expr": "probe_success == 0",
        "for": "1m",
        "labels": {"severity": "blocker"},
    }
    content = yaml.safe_load(ours)
    content["groups"].append({"name": "peer", "rules": [peers]})
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def _peers_job(targets: Mapping[str, str], exporter: int) -> dict[str, Any]:
    """As its documentation has it; the component's name only so that alerts can be told apart."""
    return {
        "job_name": "blackbox",
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "static_configs": [{"targets": [url], "labels": {"component": name}} for name, url in targets.items()],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
        ],
    }


@contextmanager
def _alertmanager(pager: str, folder: Path) -> Iterator[str]:
    """On the committed configuration; yields its address."""
    if processes.installed("prometheus-alertmanager") is None:
        raise CannotMeasure("no prometheus-alertmanager here: tools/get-servers gets it")
    folder.mkdir()
    with alertmanager(alertmanager_config(pager), folder) as url:
        yield url


@contextmanager
def _prometheus(folder: Path, config: str) -> Iterator[int]:
    """Yields its port."""
    file, port = folder / "prometheus.yml", free_port(HOST)
    file.write_text(config)
    options = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with processes.server("prometheus", options, port, "/-/ready", folder / "prometheus.log"):
        yield port


def _is(prometheus: int, query: str, value: float) -> bool:
    """False also as long as it is busy with its start."""
    answer = processes.fetch(prometheus, f"/api/v1/query?query={quote(query)}")
    found = json.loads(answer)["data"]["result"] if answer.startswith("{") else []
    return bool(found) and float(found[0]["value"][1]) == value


if __name__ == "__main__":
    measured(__doc__, measure)
