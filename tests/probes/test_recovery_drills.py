"""Restore drills from check to check: when they are due, how long they may take, what becomes of failed ones."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from probes.contract import Reason
from probes.recovery import Options, recovery
from tests.probes.platform import Record
from tests.probes.recovery_stage import DAY, Stage, bearer, staged
from tests.probes.servers import answering, http_answer, tcp_server


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as standing:
        yield standing


async def test_a_drill_that_outlasts_a_check_goes_on_and_is_found_again(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore")
    slow = {"wait": 0.05}
    await stage.check(drill=slow)
    first = stage.record.memory["drill"]
    stage.clock.advance(5)
    await stage.back_up()  # the drill under way is of the older one
    stage.clock.advance(5)
    await stage.check(drill=slow)
    assert stage.record.memory["drill"][:30] == first[:30], "the same restore"
    stage.platform.faults.clear()
    journey = await stage.check()
    assert journey.figures["samples_verified"] == 31
    assert (stage.record.memory["drill"], await stage.restores()) == ("", [])


async def test_a_restore_under_way_beyond_the_limit_fails(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore")
    slow = {"wait": 0.05}
    await stage.check(drill=slow)
    stage.clock.advance(DAY - 60)
    await stage.back_up()
    await stage.check(drill={"grace": "30d", **slow})
    stage.clock.advance(61)
    failure = await stage.failing(drill={"grace": "30d", **slow})
    assert (failure.reason, stage.step) == (Reason.TIMEOUT, "restore")


async def test_a_restore_that_ended_while_nobody_looked_is_not_called_late(stage: Stage) -> None:
    """Where the platform does not say how long it took, only what was seen is certain."""
    silent = {**stage.options({}, {})["drill"]["endpoint"], "fields": {"seconds": "nothing"}}
    stage.platform.faults.switch_on("backups", "slow-restore")
    await stage.check(drill={"wait": 0.05, "endpoint": silent})
    stage.platform.faults.clear()
    stage.clock.advance(2 * DAY)
    await stage.back_up()
    assert (await stage.check(drill={"endpoint": silent})).figures["restore_seconds"] == 2 * DAY


async def test_a_restore_that_the_platform_says_took_too_long_fails(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore", seconds=0.3)
    await stage.check(drill={"wait": 0.05})
    stage.clock.advance(1)
    failure = await stage.failing(drill={"max_restore": 0.2})
    assert (failure.reason, stage.step) == (Reason.TIMEOUT, "restore")


async def test_what_a_failed_drill_left_is_removed(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore")
    await stage.check(drill={"wait": 0.05})
    restore = stage.restore()
    stage.platform.faults.switch_on("backups", "failing-restore")
    stage.platform.faults.switch_off("backups", "slow-restore")
    await stage.failing()
    assert await stage.status_of(restore) == 404


async def test_a_restore_that_expired_while_nobody_looked_is_begun_again(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore")
    await stage.check(drill={"wait": 0.05})
    stage.platform.faults.clear()
    stage.platform.live.change({"backups": {"restores_expire_seconds": 1e-9}})
    async with stage.http.get(stage.url("backups") + "/manifest.json", headers=bearer()):
        stage.platform.live.change({"backups": {"restores_expire_seconds": 600}})
    await stage.check()


async def test_while_a_failed_drill_is_repeated_nothing_is_known_and_the_second_failure_stands(stage: Stage) -> None:
    """A success of the list alone must not clear a failed drill, nor may a single failed drill count twice."""

    async def failed_drill() -> None:
        stage.platform.faults.switch_on("backups", "failing-restore")
        assert (await stage.failing()).reason is Reason.STATUS
        stage.platform.faults.switch_off("backups", "failing-restore")

    async def drill_under_way() -> None:
        stage.platform.faults.switch_on("backups", "slow-restore")

    await failed_drill()
    await drill_under_way()
    assert (await stage.blocked(drill={"wait": 0.05})).reason is Reason.BLOCKED
    stage.platform.faults.switch_on("backups", "failing-restore")
    stage.platform.faults.switch_off("backups", "slow-restore")
    assert (await stage.failing()).reason is Reason.STATUS
    stage.platform.faults.switch_off("backups", "failing-restore")
    await drill_under_way()
    failure = await stage.failing(drill={"wait": 0.05})
    assert (failure.reason, stage.step) == (Reason.STATUS, "restore")
    assert "2 drills in a row failed" in failure.detail
    stage.platform.faults.clear()
    await stage.check()
    await stage.check(drill={"every": "7d"})


async def test_a_drill_is_taken_when_it_is_due_and_not_before(stage: Stage) -> None:
    weekly = {"every": "7d"}
    assert "samples_verified" in (await stage.check(drill=weekly)).figures
    stage.clock.advance(DAY)
    await stage.back_up()
    journey = await stage.check(drill=weekly)
    assert journey.figures["last_drill_age_seconds"] == DAY
    assert "samples_verified" not in journey.figures
    stage.clock.advance(6 * DAY)
    await stage.back_up()
    assert "samples_verified" in (await stage.check(drill=weekly)).figures


async def test_a_drill_that_does_not_succeed_within_its_grace_is_overdue(stage: Stage) -> None:
    """The grace counts from the first check that found it due: a monitor that slept for a month blames nobody."""
    await stage.check(drill={"every": "7d"})
    stage.clock.advance(31 * DAY)
    await stage.back_up()
    stage.platform.faults.switch_on("backups", "slow-restore")
    slow = {"every": "7d", "wait": 0.05, "max_restore": "100d"}
    await stage.check(drill=slow)
    stage.clock.advance(DAY)
    await stage.back_up()
    await stage.check(drill=slow)
    stage.clock.advance(1)
    failure = await stage.failing(drill=slow)
    assert (failure.reason, stage.step) == (Reason.STALE, "drill_due")
    stage.platform.faults.clear()
    await stage.check(drill=slow)
    stage.clock.advance(7 * DAY)
    await stage.back_up()
    await stage.check(drill=slow)


async def test_without_any_knowledge_there_is_nothing_to_verify(stage: Stage) -> None:
    stage.record = Record()
    assert (await stage.blocked()).reason is Reason.NOTHING_TO_VERIFY
    await stage.check(drill={"every": "7d"})
    stage.clock.advance(DAY + 1)
    await stage.back_up()
    assert (await stage.blocked(drill={"every": "7d"})).reason is Reason.NOTHING_TO_VERIFY


async def test_without_a_drill_the_list_alone_is_looked_at(stage: Stage) -> None:
    options = stage.options({}, {}) | {"drill": None}
    journey = Record().journey(stage.now, component="recovery")
    await recovery(Options.model_validate(options), journey)
    assert [timing.name for timing in journey.timings()] == ["manifest", "newest_backup"]


async def test_a_person_beside_a_daemon_changes_nothing_of_its(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "slow-restore")
    await stage.check(drill={"wait": 0.05})
    before = dict(stage.record.memory)
    assert "has not ended" in (await stage.blocked(one_shot=True, drill={"wait": 0.05})).detail
    assert stage.record.memory == before
    stage.platform.faults.clear()
    await stage.check(one_shot=True)
    assert stage.record.memory == before
    assert await stage.status_of(stage.restore()) == 200
    await stage.check()
    assert await stage.restores() == []


async def test_a_cancel_while_a_restore_is_begun_leaves_no_restore(stage: Stage) -> None:
    """The answer with its number came, and it was not put on record yet."""

    class Killed(Record):
        async def commit(self, probe: str, key: str, value: str) -> None:
            raise asyncio.CancelledError

    stage.record = Killed(stage.record.runs, stage.record.memory)
    with pytest.raises(asyncio.CancelledError):
        await stage.check()
    assert await stage.restores() == []


async def test_what_is_restored_on_another_host_gets_no_token(stage: Stage) -> None:
    body = b'{"id": 7, "state": "done", "url": "http://other.invalid/api/v2"}'
    async with tcp_server(answering(http_answer(body, "Content-Type: application/json"))) as port:
        failure = await stage.failing(drill={"endpoint": {"url": f"http://127.0.0.1:{port}/restores", "token": "t"}})
    assert (failure.reason, stage.step) == (Reason.REDIRECT, "restore")


async def test_where_the_restored_history_is_can_be_configured(stage: Stage) -> None:
    options = stage.options({}, {})["drill"]["endpoint"]
    restored = stage.url("backups") + "/restored/{id}/api/v2"
    await stage.check(drill={"endpoint": {**options, "fields": {"url": "nothing"}, "restored_url": restored}})


async def test_a_drill_on_record_in_the_future_does_not_put_off_the_next(stage: Stage) -> None:
    """A clock that was ahead for a minute must not end all drills."""
    stage.record.memory |= {"drilled_at": "4000000000", "due_since": "4000000000"}
    journey = await stage.check(drill={"every": "7d"})
    assert journey.figures["samples_verified"] == 31
    assert int(stage.record.memory["drilled_at"]) < 4_000_000_000
