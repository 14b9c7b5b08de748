"""The simulated past that a new demo begins with."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from monitor.clock import ManualClock, to_milliseconds
from monitor.config import Config, load, shipped_config
from monitor.demo_past import record_past
from monitor.seals import seal, verify
from monitor.sla.accounts import account, component_outages
from monitor.sla.periods import year
from monitor.sla.record import Record
from monitor.store import Store

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(shipped_config("demo.yaml"), {"DEMO_STORE": f"sqlite:///{tmp_path / 'uptime.db'}"})


async def facts_of(config: Config, now: datetime) -> Record:
    async with await Store.open(config.store_url, read_only=True) as store:
        return await store.facts(to_milliseconds(now))


async def test_every_component_has_a_year_to_show(config: Config) -> None:
    assert await record_past(config, ManualClock(NOW)) == date(2026, 1, 1)
    record = await facts_of(config, NOW)
    for terms in config.components:
        found = account(record, terms.key, year(2026, config.zone))
        assert found.observed is not None and 0.99 < found.observed < 1
        assert found.coverage > 0.99
        assert component_outages(record, terms.key, found.period.interval)


async def test_it_is_over_when_the_demo_starts_and_says_what_it_is(config: Config) -> None:
    await record_past(config, ManualClock(NOW))
    record = await facts_of(config, NOW)
    last = record.ledger.lives[-1]
    assert last.clean
    assert 180_000 <= to_milliseconds(NOW) - last.last_ms <= 420_000
    windows = [entry.window for entry in record.windows if entry.window is not None]
    assert windows and all("simulated" in window.text for window in windows)
    assert all(window.start_ms % 60_000 == 0 for window in windows)


async def test_what_it_leaves_can_be_sealed_and_verified(config: Config) -> None:
    await record_past(config, ManualClock(NOW))
    async with await Store.open(config.store_url) as store:
        await seal(store, config.seal_key_path, to_milliseconds(NOW))
        found = await verify(store)
    assert found.holds, found.findings


async def test_a_store_that_is_there_is_left_alone(config: Config) -> None:
    async with await Store.open(config.store_url):
        pass
    assert await record_past(config, ManualClock(NOW)) is None
    assert not (await facts_of(config, NOW)).ledger.terms


@pytest.mark.parametrize(
    ("now", "first"),
    [
        (datetime(2027, 1, 5, tzinfo=UTC), date(2026, 1, 1)),
        (datetime(2027, 3, 5, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
async def test_early_in_a_year_it_begins_with_the_year_before(config: Config, now: datetime, first: date) -> None:
    assert await record_past(config, ManualClock(now)) == first
