"""What is measured on: configurations of many probes, and histories of results and runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from monitor.config import Config, load
from monitor.results import Result
from monitor.sla.model import Ledger, Life, ProbeTerms, Run, Verdict
from monitor.store import Store
from probes.contract import ProbeKind, StepTiming

LOCATION = "frankfurt"
COMPONENTS = ("ingest", "notifications", "reports", "api", "frontend", "recovery", "operations")
YEAR_MS = 365 * 24 * 3600 * 1000
START_MS = 1_735_686_000_000  # 2025-01-01T00:00 in Warsaw
EVERY_MS = 30_000
STALE_MS = 75_000
CONFIRM_AFTER = 2


def http_probe(port: int) -> dict[str, Any]:
    """A probe of the local target."""
    return {"kind": "http", "options": {"url": f"http://127.0.0.1:{port}/", "contains": "well"}}


def write_config(folder: Path, probe: dict[str, Any], *, count: int, every: str, web_port: int = 0) -> Path:
    """The configuration of a daemon with so many equal probes, spread over the components of the agreement."""
    keys = COMPONENTS[:count]
    content = {
        "location": LOCATION,
        "store": {"url": f"sqlite:///{folder / 'uptime.db'}"},
        "web": {"port": web_port},
        "components": {key: {"floor": "99.5 %"} for key in keys},
        "probes": [
            {"id": f"probe-{number}", "component": keys[number % len(keys)], "every": every, **probe}
            for number in range(count)
        ],
    }
    path = folder / "bench.yaml"
    path.write_text(json.dumps(content))  # JSON is YAML
    return path


def with_journey(config: Config, kind: ProbeKind) -> Config:
    """The same configuration, in which every probe is of this kind."""
    return replace(config, probes=tuple(replace(probe, kind=kind) for probe in config.probes))


def loaded(path: Path) -> Config:
    return load(path, {})


def probe_terms(probe: int, component: str) -> ProbeTerms:
    return ProbeTerms(f"probe-{probe}", LOCATION, START_MS, component, EVERY_MS, STALE_MS, CONFIRM_AFTER)


def agreement_terms(count: int = 8) -> list[ProbeTerms]:
    """So many probes, spread over the seven components."""
    return [probe_terms(number, COMPONENTS[number % len(COMPONENTS)]) for number in range(count)]


@asynccontextmanager
async def writing(file: Path) -> AsyncIterator[Store]:
    """A new store with the terms of 8 probes, and its writer at work."""
    async with await Store.open(f"sqlite:///{file}") as store, asyncio.TaskGroup() as group:
        await store.begin(LOCATION, file.stem, "bench", START_MS)
        await store.record_terms(LOCATION, START_MS, agreement_terms())
        group.create_task(store.run(), name="store.writer")
        yield store
        store.stop()


def results(count: int, probes: int = 8, *, every_ms: int = EVERY_MS, failing_each: int = 500) -> Iterator[Result]:
    """In order of time; of each probe two in a row fail out of `failing_each`."""
    for number in range(count):
        turn, probe = divmod(number, probes)
        started_ms = START_MS + turn * every_ms + probe * every_ms // probes
        yield _result(probe, started_ms, (turn + probe) % failing_each < 2)


def _result(probe: int, started_ms: int, failed: bool) -> Result:
    duration_us = 20_000 + started_ms * 7919 % 90_000
    return Result(
        probe=f"probe-{probe}",
        component=COMPONENTS[probe % len(COMPONENTS)],
        location=LOCATION,
        started_ms=started_ms,
        duration_us=duration_us,
        verdict=Verdict.DOWN if failed else Verdict.UP,
        reason="timeout" if failed else "",
        step="request" if failed else "",
        detail="GET http://127.0.0.1/: not complete within 10 s" if failed else "",
        steps=(StepTiming("request", "api", duration_us / 1e6, 1, not failed),),
    )


def year_ledger(runs_each: int, probes: int = 8) -> Ledger:
    """A year in which every probe has so many runs: a failure of two checks, up, the next failure, and so on."""
    terms = agreement_terms(probes)
    runs = {
        (each.probe, LOCATION): list(_year_of_runs(START_MS + number * EVERY_MS, runs_each))
        for number, each in enumerate(terms)
    }
    return Ledger(runs, terms, [Life(LOCATION, START_MS, START_MS + YEAR_MS, False)])


def _year_of_runs(start_ms: int, count: int) -> Iterator[Run]:
    spacing_ms = YEAR_MS // (count // 2)
    for down_ms in range(start_ms, start_ms + spacing_ms * (count // 2), spacing_ms):
        up_ms, last_ms = down_ms + 10_000, down_ms + spacing_ms - EVERY_MS
        yield Run(Verdict.DOWN, down_ms, down_ms + 5_000, 2, STALE_MS, CONFIRM_AFTER, "timeout", "request")
        yield Run(Verdict.UP, up_ms, last_ms, (last_ms - up_ms) // EVERY_MS + 1, STALE_MS, CONFIRM_AFTER)
