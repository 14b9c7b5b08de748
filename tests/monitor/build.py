"""Small real parts for tests of the daemon: probe kinds with a journey of one's own, and configurations of them."""

from collections.abc import Awaitable, Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from monitor.config import Config, ProbeConfig
from monitor.sla.model import ComponentTerms, DownWhen
from probes.contract import Journey, ProbeKind, ProbeOptions

JourneyFunction = Callable[[Any, Journey], Awaitable[None]]


class NoOptions(ProbeOptions):
    """A kind without options."""


async def works(_options: Any, _journey: Journey) -> None:
    """The journey that finds nothing wrong."""


def probe_config(
    journey: JourneyFunction = works,
    *,
    name: str = "ingest-coap",
    component: str = "ingest",
    every: float = 30.0,
    timeout: float = 5.0,
    recheck: float = 5.0,
    options: ProbeOptions | None = None,
) -> ProbeConfig:
    return ProbeConfig(
        id=name,
        component=component,
        kind=ProbeKind("test", NoOptions, journey, "A journey of a test."),
        options=options or NoOptions(),
        title=name,
        every_seconds=every,
        timeout_seconds=timeout,
        confirm_after=2,
        recheck_seconds=recheck,
        stale_seconds=every * 2.5,
    )


def component_terms(key: str, floor: Fraction | None = Fraction(995, 1000)) -> ComponentTerms:
    return ComponentTerms(key, key.capitalize(), floor, None, "blocker", DownWhen.ANY)


def config_of(probes: Sequence[ProbeConfig], *, store: Path | None = None, drain: float = 1.0) -> Config:
    keys = list(dict.fromkeys(probe.component for probe in probes))
    return Config(
        path=Path("test.yaml"),
        zone=ZoneInfo("Europe/Warsaw"),
        location="frankfurt",
        store_url=f"sqlite:///{store}" if store else "sqlite:///unused.db",
        web_host="127.0.0.1",
        web_port=0,
        log_level="info",
        log_format="json",
        heartbeat_seconds=1.0,
        drain_seconds=drain,
        confirm_after=2,
        recheck_seconds=5.0,
        stale_factor=2.5,
        components=tuple(component_terms(key) for key in keys),
        quorums={},
        probes=tuple(probes),
        references={},
    )
