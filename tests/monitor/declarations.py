"""A store with one outage on record, and what is declared about it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from monitor.clock import ManualClock, from_milliseconds
from monitor.config import Config
from monitor.declaring import Declaring
from monitor.store import Store
from tests.monitor.build import config_of, probe_config
from tests.store.histories import EVERY_MS, START_MS, history, import_rows, terms

# 2026-09-21T14:13:20Z in the histories of the store; the outage begins two checks later, and lasts for three.
OUTAGE_MS = START_MS + 2 * EVERY_MS
OUTAGE = "d8c167954a"  # made of its component and start
NOW_MS = START_MS + 8 * EVERY_MS
TOKENS = {"anna": SecretStr("token-of-anna-1234"), "tool": SecretStr("token-of-the-tool")}


def config(folder: Path, tokens: Mapping[str, SecretStr] = TOKENS) -> Config:
    """Two components; `api` is watched by the probe of the store's histories."""
    probes = [probe_config(name="web", component="api"), probe_config(name="coap", component="ingest")]
    return replace(config_of(probes, store=folder / "uptime.db"), tokens=tokens)


@asynccontextmanager
async def declaring(folder: Path, tokens: Mapping[str, SecretStr] = TOKENS) -> AsyncIterator[tuple[Declaring, Store]]:
    settings = config(folder, tokens)
    async with await Store.open(settings.store_url) as store:
        await store.record_terms("frankfurt", START_MS, [terms("web")])
        results = import_rows(history("uuDDDuuu"))
        await store.import_results(results, file_name="test", sha256="", imported_ms=START_MS)
        yield Declaring(store, settings, ManualClock(from_milliseconds(NOW_MS))), store
