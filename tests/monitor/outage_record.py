"""A store of a daemon that saw outages, and the commands that ask about them."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.clock import SystemClock, to_milliseconds
from monitor.results import Result as Check
from monitor.sla.model import ProbeTerms, Verdict
from monitor.store import Store
from probes.contract import StepTiming

MINUTE = 60_000
_VERDICTS = {"u": Verdict.UP, "D": Verdict.DOWN, "?": Verdict.UNKNOWN}
_CONFIG = """\
zone: Europe/Warsaw
location: frankfurt
store: {{url: "sqlite:///{folder}/uptime.db"}}
components:
  api: {{title: Efento Cloud API, floor: 99 %, severity: blocker}}
  operations: {{severity: major}}
probes:
  - {{id: web, component: api, kind: tcp, every: 60s, options: {{host: api.example.net, port: 443}}}}
  - {{id: web-2, component: api, kind: tcp, every: 60s, options: {{host: api.example.net, port: 444}}}}
  - {{id: door, component: operations, kind: tcp, every: 60s, options: {{host: api.example.net, port: 445}}}}
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`began_ms` is when the first check of each probe began; one check a minute."""

    config: Path
    began_ms: int

    @property
    def url(self) -> str:
        return f"sqlite:///{self.config.parent}/uptime.db"

    def at_ms(self, minute: float) -> int:
        return self.began_ms + round(minute * MINUTE)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "-c", str(self.config)])

    def answer(self, *arguments: str) -> Any:
        """The JSON that a command prints that succeeds."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def outage_ids(self, *components: str) -> list[str]:
        return [outage["id"] for outage in self.answer("outages", *components)]


def record(folder: Path, timelines: dict[str, str], *, minutes_ago: int = 600) -> Recorded:
    """Checks of each probe as text, one letter a minute; the first one so many minutes before now."""
    config = folder / "monitor.yaml"
    config.write_text(_CONFIG.format(folder=folder), encoding="utf-8")
    recorded = Recorded(config, to_milliseconds(SystemClock().now()) - minutes_ago * MINUTE)
    asyncio.run(_store(recorded, timelines))
    return recorded


async def _store(recorded: Recorded, timelines: dict[str, str]) -> None:
    components = {probe: "operations" if probe == "door" else "api" for probe in timelines}
    known = [
        ProbeTerms(probe, "frankfurt", recorded.began_ms, component, MINUTE, 5 * MINUTE // 2, 2)
        for probe, component in components.items()
    ]
    async with await Store.open(recorded.url) as store, asyncio.TaskGroup() as tasks:
        await store.record_terms("frankfurt", recorded.began_ms, known)
        await store.begin("frankfurt", "boot-1", "1.0", recorded.began_ms)
        tasks.create_task(store.run(), name="store")
        for check in sorted(_checks(recorded, timelines, components), key=lambda each: each.started_ms):
            await store.record(check)
        store.stop()


def _checks(recorded: Recorded, timelines: dict[str, str], components: dict[str, str]) -> Sequence[Check]:
    return [
        _check(Check(probe, components[probe], "frankfurt", recorded.at_ms(minute), 120_000, _VERDICTS[letter]))
        for probe, timeline in timelines.items()
        for minute, letter in enumerate(timeline)
        if letter != "."
    ]


def _check(check: Check) -> Check:
    if check.verdict is Verdict.UP:
        return check
    if check.verdict is Verdict.UNKNOWN:
        return replace(check, reason="blocked")
    steps = (StepTiming("resolve", "api", 0.01, 1, True), StepTiming("connect", "api", 0.11, 1, False))
    return replace(
        check,
        reason="refused",
        step="connect",
        detail="api.example.net:443 [111]",
        steps=steps,
        evidence={"address": "192.0.2.7"},
        figures={"attempts": 1.0},
    )
