"""A seal a day, and after it the deletion of what is old: when the wall clock says so, and again where it failed."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

import monitor.seals.process  # noqa: F401 - beforehand: what it needs takes longer to load than the loop may be held up
from monitor.board import Board
from monitor.clock import ManualClock, to_milliseconds
from monitor.config import Config
from monitor.metrics import Metrics
from monitor.store import Store
from monitor.upkeep import RETRY_SECONDS, Upkeep, latest_time_of_day, seal_elsewhere
from tests.monitor.build import config_of, probe_config
from tests.store.histories import all_results, history, import_rows, terms

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = 3600.0
DAY = 24 * HOUR
WARSAW = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True)
class Seal:
    number: int
    sealed_ms: int
    digest: str = "0123456789abcdef" * 4
    runs_before_ms: int | None = None


@dataclass
class Sealer:
    """Notes what it is asked, and answers with the next seal or fails."""

    clock: ManualClock
    asked: list[tuple[str, Path, int]] = field(default_factory=list)
    failures: int = 0

    async def __call__(self, store_url: str, key_file: Path, now_ms: int, _runs_before_ms: int | None) -> Seal:
        self.asked.append((store_url, key_file, now_ms))
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the disk is full")
        return Seal(len(self.asked), now_ms)


@dataclass
class Kept:
    config: Config
    store: Store
    clock: ManualClock
    metrics: Metrics
    sealer: Sealer
    upkeep: Upkeep

    async def look(self, after_seconds: float = 0.0) -> int:
        """How many seals were asked for altogether, after so much time."""
        self.clock.advance(after_seconds)
        await self.upkeep.look()
        return len(self.sealer.asked)

    def sample(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name)


@asynccontextmanager
async def kept(folder: Path, **changed: object) -> AsyncIterator[Kept]:
    clock = ManualClock(NOON)
    config = replace(config_of([probe_config(name="web", component="api")], store=folder / "uptime.db"), **changed)  # type: ignore[arg-type]
    metrics = Metrics(config, Board(config, clock), "1.2.3", lambda: 0)
    async with await Store.open(config.store_url) as store:
        sealer = Sealer(clock)
        upkeep = Upkeep(config, store, clock, metrics, sealer=sealer)
        await upkeep.begin()
        yield Kept(config, store, clock, metrics, sealer, upkeep)


async def test_a_seal_is_made_once_a_day_at_its_time(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        assert await it.look() == 0
        assert await it.look(11 * HOUR) == 0  # midnight in Warsaw
        assert await it.look(9 * 60) == 0
        assert await it.look(60) == 1  # ten past
        assert it.sealer.asked == [
            (
                it.config.store_url,
                tmp_path / "seal-key.pem",
                to_milliseconds(datetime(2026, 11, 23, 23, 10, tzinfo=UTC)),
            )
        ]
        assert await it.look(HOUR) == 1
        assert await it.look(DAY - HOUR) == 2


async def test_what_was_sealed_is_logged_and_exported(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        assert it.sample("uptime_seal_number") == 0
        with capture_logs() as logged:
            await it.look(DAY)
        digest = Seal(0, 0).digest
        assert logged == [{"event": "seal.made", "log_level": "info", "number": 1, "digest": digest}]
        assert it.sample("uptime_seal_number") == 1
        assert it.sample("uptime_seal_timestamp_seconds") == NOON.timestamp() + DAY
        assert it.sample("uptime_seal_digest_prefix") == 0x0123456789ABC
        # Also as text, every digit of it.
        [shown] = re.findall(r"^uptime_seal_digest_prefix (.*)$", (await it.metrics.render()).decode(), re.MULTILINE)
        assert f"{int(float(shown)):013x}" == digest[:13]


async def test_a_seal_that_failed_is_counted_and_tried_again(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        it.sealer.failures = 2
        with capture_logs() as logged:
            assert await it.look(DAY) == 1
            assert await it.look(RETRY_SECONDS - 1) == 1
            assert await it.look(1) == 2
            assert await it.look(RETRY_SECONDS) == 3
        assert [event["event"] for event in logged] == ["seal.failed", "seal.failed", "seal.made"]
        assert logged[0]["error"] == "the disk is full"
        assert it.sample("uptime_seal_failures_total") == 2
        assert await it.look(RETRY_SECONDS) == 3


async def test_a_daemon_that_was_away_at_the_time_seals_when_it_is_back(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        await it.store.record_agreement(it.config.agreement(0), to_milliseconds(NOON))
        await it.upkeep.begin()  # a store that came into use before the last ten past midnight, and has no seal
        assert await it.look() == 1


async def test_without_a_time_nothing_is_sealed(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        config = replace(it.config, sealing=replace(it.config.sealing, at=None))
        upkeep = Upkeep(config, it.store, it.clock, it.metrics, sealer=it.sealer)
        await upkeep.begin()
        it.clock.advance(10 * DAY)
        await upkeep.look()
        assert it.sealer.asked == []


async def _record(store: Store, starts: Sequence[datetime]) -> None:
    for number, start in enumerate(starts):
        start_ms = to_milliseconds(start)
        if not number:
            await store.record_terms("frankfurt", start_ms, [terms("web", from_ms=start_ms)])
        rows = import_rows(history("uuuu", start_ms=start_ms))
        await store.import_results(rows, file_name="test", sha256=str(number), imported_ms=to_milliseconds(NOON))


async def test_old_results_are_deleted_once_they_are_sealed(tmp_path: Path) -> None:
    """With the real sealing process, because nothing that is not sealed may go."""
    async with kept(tmp_path, keep_results_seconds=30 * DAY) as it:
        await _record(it.store, [datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)])
        upkeep = Upkeep(it.config, it.store, it.clock, it.metrics)
        await upkeep.begin()
        with capture_logs() as logged:
            await upkeep.look()
            assert (logged, len(await all_results(it.store))) == ([], 8)
            it.clock.advance(DAY)
            await upkeep.look()
        assert [event["event"] for event in logged] == ["seal.made", "results.pruned"]
        left = [each.started_ms for each in await all_results(it.store)]
        assert min(left) == to_milliseconds(datetime(2026, 11, 22, tzinfo=UTC)) and len(left) == 4
        assert it.sample("uptime_results_pruned_total") == 4
        [seal] = await it.store.seals()
        assert (it.sample("uptime_seal_number"), logged[0]["digest"]) == (1, seal.digest)


async def test_results_that_are_kept_for_ever_are_not_looked_for(tmp_path: Path) -> None:
    async with kept(tmp_path, keep_results_seconds=None) as it:
        await _record(it.store, [datetime(2020, 9, 1, tzinfo=UTC)])
        await it.look(DAY)
        assert len(await all_results(it.store)) == 4


async def test_the_newest_seal_is_exported_from_the_start(tmp_path: Path) -> None:
    async with kept(tmp_path) as it:
        made = await seal_elsewhere(it.config.store_url, it.config.seal_key_path, to_milliseconds(NOON), None)
        await it.upkeep.begin()
        assert it.sample("uptime_seal_number") == made.number == 1
        assert await it.look() == 0  # sealed since ten past midnight


@pytest.mark.parametrize(
    ("now", "at", "latest"),
    [
        ("2026-11-23T12:00", "00:10", "2026-11-22T23:10"),
        ("2026-11-22T23:10", "00:10", "2026-11-22T23:10"),
        ("2026-11-22T23:09", "00:10", "2026-11-21T23:10"),
        ("2026-03-29T21:59", "00:00", "2026-03-28T23:00"),  # of the day with 23 hours
        ("2026-03-29T22:00", "00:00", "2026-03-29T22:00"),
        ("2026-10-25T22:59", "00:00", "2026-10-24T22:00"),  # of the day with 25 hours
        ("2026-10-25T23:00", "00:00", "2026-10-25T23:00"),
        ("2026-10-25T01:30", "02:30", "2026-10-25T00:30"),  # comes twice: the first
    ],
)
def test_the_last_time_of_day(now: str, at: str, latest: str) -> None:
    instant = latest_time_of_day(datetime.fromisoformat(f"{now}+00:00"), time.fromisoformat(at), WARSAW)
    assert instant == datetime.fromisoformat(f"{latest}+00:00")
