"""The recovery journey against the stand-in: what each fault leads to, and whom it blames."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from probes.contract import Reason
from standin.catalogue import CATALOGUE
from standin.fault_model import Interface
from tests.probes.platform import START
from tests.probes.recovery_stage import Stage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as standing:
        yield standing


async def test_a_backup_that_brings_everything_back_is_up(stage: Stage) -> None:
    journey = await stage.check()
    assert journey.figures["samples_verified"] == 31
    assert journey.figures["backup_age_seconds"] == 5
    assert journey.figures["backup_bytes"] > 0
    assert 0 < journey.figures["restore_seconds"] < 5
    steps = [timing.name for timing in journey.timings()]
    assert steps == ["manifest", "newest_backup", "restore", "store", "verify", "undo_restore"]
    assert await stage.restores() == []


async def test_what_was_not_seen_before_the_backup_is_not_asked_for(stage: Stage) -> None:
    """Sent in time by their own time, but stored after the backup was made."""
    stage.saw(START - 600, START - 310)
    await stage.store(START - 600, START - 310)
    assert (await stage.check()).figures["samples_verified"] == 31
    stage.clock.advance(10)
    await stage.back_up()
    stage.clock.advance(5)
    assert (await stage.check(drill={"window": 3600})).figures["samples_verified"] == 31, "as the snapshot knew them"
    stage.clock.advance(10)
    await stage.back_up()
    stage.clock.advance(5)
    assert (await stage.check(drill={"window": 3600})).figures["samples_verified"] == 61


FAULTS: dict[str, tuple[dict[str, Any], Reason, str]] = {
    "refuse": ({}, Reason.REFUSED, "manifest"),
    "timeout": ({}, Reason.TIMEOUT, "manifest"),
    "reset": ({}, Reason.RESET, "manifest"),
    "slow": ({"seconds": 5}, Reason.TIMEOUT, "manifest"),
    "wrong-status": ({}, Reason.STATUS, "manifest"),
    "redirect-loop": ({}, Reason.REDIRECT, "manifest"),
    "garbage": ({}, Reason.PROTOCOL, "manifest"),
    "wrong-schema": ({}, Reason.SCHEMA, "manifest"),
    "wrong-content-type": ({}, Reason.CONTENT, "manifest"),
    "truncated": ({}, Reason.PROTOCOL, "manifest"),
    "half-open": ({}, Reason.TIMEOUT, "manifest"),
    "endless": ({}, Reason.TIMEOUT, "manifest"),
    "stale-backup": ({}, Reason.STALE, "newest_backup"),
    "no-backups": ({}, Reason.MISSING, "newest_backup"),
    "same-place": ({}, Reason.MISPLACED, "newest_backup"),
    "failing-restore": ({}, Reason.STATUS, "restore"),
    "slow-restore": ({}, Reason.TIMEOUT, "restore"),  # with a limit of a fraction of a second
    "lost-restore": ({}, Reason.MISSING, "restore"),
    "incomplete-restore": ({}, Reason.MISSING, "verify"),
    "altered-restore": ({}, Reason.ALTERED, "verify"),
    "doubled-restore": ({}, Reason.DOUBLED, "verify"),
    "shifted-restore": ({}, Reason.SHIFTED, "verify"),
    "undeletable-restore": ({}, Reason.LEFTOVER, "undo_restore"),
}


@pytest.mark.parametrize("fault", [spec.name for spec in CATALOGUE.values() if Interface.BACKUPS in spec.interfaces])
async def test_each_fault_has_its_reason_and_ends_with_the_fault(stage: Stage, fault: str) -> None:
    parameters, reason, step = FAULTS[fault]
    changes: dict[str, Any] = {"patience": 0.3} if reason is Reason.TIMEOUT else {}
    if fault == "slow-restore":
        changes["drill"] = {"max_restore": 0.2}
    stage.platform.faults.switch_on("backups", fault, **parameters)
    for _ in range(2):  # the repetition that confirms a failure finds the same
        failure = await stage.failing(**changes)
        assert (failure.reason, stage.step) == (reason, step), failure.detail
        assert await stage.restores() == [] or reason is Reason.LEFTOVER
    stage.platform.faults.clear()
    await stage.check()


async def test_a_backup_is_young_enough_within_the_grace_and_not_beyond(stage: Stage) -> None:
    stage.clock.advance(26 * 3600 - 5)
    await stage.check()
    stage.clock.advance(1)
    failure = await stage.failing()
    assert (failure.reason, "26.0 h old; allowed: 26.0 h" in failure.detail) == (Reason.STALE, True)
    await stage.check(grace="3h")


async def test_the_configured_home_outranks_that_of_the_list(stage: Stage) -> None:
    assert (await stage.failing(home_location="Standin-Other-Site ")).reason is Reason.MISPLACED


@pytest.mark.parametrize("fault", ["incomplete-restore", "altered-restore", "doubled-restore"])
async def test_what_the_live_history_lacks_too_is_not_recoverys_fault(stage: Stage, fault: str) -> None:
    """The history lost everything after the backup was made: the restore is not to blame for what it lacks, too."""
    stage.platform.faults.switch_on("backups", fault)
    stage.platform.faults.switch_on("api", {"altered-restore": "alter"}.get(fault, "lost-history"))
    blocked = await stage.blocked()
    assert (blocked.reason, "in the platform's own history, too" in blocked.detail) == (Reason.BLOCKED, True)


async def test_an_api_that_cannot_be_asked_makes_a_wrong_restore_unknown(stage: Stage) -> None:
    stage.platform.faults.switch_on("backups", "incomplete-restore")
    stage.platform.faults.switch_on("api", "refuse")
    await stage.failing()
    assert stage.last and stage.last.failed_step and stage.last.failed_step.component == "api"
    stage.platform.faults.switch_off("api", "refuse")
    assert ((await stage.failing()).reason, stage.step) == (Reason.MISSING, "verify")


async def test_an_api_that_is_away_does_not_matter_while_all_is_right(stage: Stage) -> None:
    stage.platform.faults.switch_on("api", "refuse")
    await stage.check()
