"""Metrics over a real board, and what Prometheus' parser makes of their text."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from prometheus_client.parser import text_string_to_metric_families

from monitor.clock import SystemClock
from monitor.config import Config
from monitor.config.alerting import AlertingSection, AlertmanagerEntry
from monitor.daemon import Daemon
from monitor.metrics import Metrics
from monitor.metrics.heartbeat_series import HeartbeatSeries
from monitor.results import Result
from monitor.sla.model import Verdict
from probes.contract import StepTiming
from tests.monitor.boards import START_MS, Recorded, watching
from tests.monitor.build import component_terms


class Calls:
    """What a daemon that is called, and calls, tells of it."""

    up = True
    counts: Mapping[str, int] = MappingProxyType({"ok": 0, "failed": 0})

    def silent(self) -> dict[str, bool]:
        return {"dublin": True}

    def last_calls(self) -> dict[str, float]:
        return {"dublin": START_MS / 1000}


class Scraped:
    """A board and the metrics of it; what is checked is counted, as the daemon does once it is stored."""

    def __init__(self, config: Config) -> None:
        Daemon(config, SystemClock())  # which settles for the whole process that counters have no `_created` series
        self.recorded = Recorded(config)
        self.results: list[Result] = []
        self.waiting = 0
        self.metrics = Metrics(
            config, self.recorded.board, "1.2.3", lambda: 3, waiting=lambda: self.waiting, heartbeat_age=lambda: 1.5
        )
        self.metrics.config_loaded.set(START_MS / 1000)
        self.metrics.registry.register(HeartbeatSeries(Calls(), Calls()))

    def check(self, number: int, verdict: Verdict, **changes: object) -> Result:
        addition = self.recorded.add(number, verdict)
        result = replace(addition, **changes)  # type: ignore[arg-type]
        _, closed, run = self.recorded.added[-1]
        self.recorded.board.add(result, closed, run)
        self.metrics.checked(result)
        self.results.append(result)
        return result

    async def text(self) -> str:
        return (await self.metrics.render()).decode()


def agreement() -> Config:
    config = watching("ingest", "api", "api", also=[component_terms("recovery", None)])
    told = AlertmanagerEntry.model_validate({"url": "http://alertmanager.example.net:9093"})
    return replace(config, alerting=AlertingSection(alertmanagers=(told,)))


async def with_every_verdict() -> Scraped:
    scraped = Scraped(agreement())
    steps = (StepTiming("connect", "ingest", 0.25, 1, True), StepTiming("read_back", "api", 0.5, 1, True))
    for _ in range(2):
        scraped.recorded.wait(10)
        scraped.check(0, Verdict.UP, steps=steps, figures={"attempts": 1.0})
        scraped.check(1, Verdict.DOWN)
        scraped.check(2, Verdict.UNKNOWN)
    scraped.metrics.lateness(0.003)
    scraped.metrics.schedule_event("p0", "late")
    scraped.recorded.wait(5)
    return scraped


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found
