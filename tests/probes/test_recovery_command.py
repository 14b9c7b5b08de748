"""A drill by a command: what it prints is verified, and nothing of it outlives the check."""

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.recovery_command import _filled
from probes.efento.samples import SampleRun, SampleState
from probes.efento.signal import DEFAULT_KEY, sensor_signal
from probes.recovery import Options, recovery
from tests.probes.platform import SERIAL, START, Platform, Record, running_platform
from tests.probes.servers import client_tasks, eventually, failed_step

SIGNAL = sensor_signal(SERIAL, DEFAULT_KEY, ["TEMPERATURE"]).channels[0]
ROOT = Path(__file__).resolve().parents[2]
TIMES = range(START - 100, START + 1, 10)


def printed(times: Any = TIMES, **changes: Any) -> str:
    rows = [{"serial": SERIAL, "time": time, "channel": 1, "value": SIGNAL.value(time), **changes} for time in times]
    return "".join(json.dumps(row) + "\n" for row in rows)


@dataclass
class Stage:
    """A backup's file that holds what the command is to print, and a platform with the same history."""

    directory: Path
    platform: Platform
    record: Record = field(default_factory=Record)
    last: Journey | None = None

    @property
    def backup(self) -> Path:
        return self.directory / "backup.jsonl"

    async def write(self, content: str) -> None:
        await asyncio.to_thread(self.backup.write_text, content)

    def options(self, *argv: str, wait: float = 5, max_restore: float = 86_400, **command: Any) -> dict[str, Any]:
        scratch = {"scratch_parent": str(self.directory / "scratch")}
        drill: dict[str, Any] = {"every": 0, "wait": wait, "max_restore": max_restore, "clock_tolerance": 0}
        drill["command"] = {"argv": argv or ("cat", "{backup}"), **scratch, **command}
        return {
            "sensors": [SERIAL],
            "api": {"url": self.platform.api_url, "token": "token"},
            "manifest": {"file": str(self.directory / "manifest.json")},
            "drill": drill,
        }

    async def check(self, *argv: str, **changes: Any) -> Journey:
        self.last = journey = self.record.journey(START + 20, component="recovery")
        try:
            await recovery(Options.model_validate(self.options(*argv, **changes)), journey)
        finally:
            for entry in reversed(journey.undos):
                await entry.action()
        return journey

    async def failing(self, *argv: str, **changes: Any) -> ProbeFailed:
        with pytest.raises(ProbeFailed) as caught:
            await self.check(*argv, **changes)
        return caught.value

    async def left(self) -> list[str]:
        return await asyncio.to_thread(lambda: [each.name for each in (self.directory / "scratch").iterdir()])


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Eleven samples, seen before the backup was made."""
    async with running_platform() as platform:
        stage = Stage(tmp_path, platform)
        await asyncio.to_thread((tmp_path / "scratch").mkdir)
        await stage.write(printed())
        digest = hashlib.sha256(printed().encode()).hexdigest()
        listed = {"id": "b", "taken_at": START + 10, "file": str(stage.backup), "sha256": digest}
        manifest = {"backups": [{**listed, "location": "elsewhere"}]}
        await asyncio.to_thread((tmp_path / "manifest.json").write_text, json.dumps(manifest))
        stage.record.runs[SERIAL] = [SampleRun(TIMES[0], TIMES[-1], 10, SampleState.SEEN)]
        seen = {SERIAL: [(TIMES[0], TIMES[-1], 10)]}
        stage.record.memory["seen"] = json.dumps([[START, seen]])
        platform.samples += [(SERIAL, time, [SIGNAL.value(time)]) for time in TIMES]
        yield stage
        assert await stage.left() == []
        assert client_tasks() == set()


async def test_what_the_command_prints_is_verified(stage: Stage) -> None:
    journey = await stage.check()
    assert journey.figures["samples_verified"] == 11
    assert journey.figures["restore_seconds"] > 0


async def test_csv_with_a_heading_and_other_names(stage: Stage) -> None:
    rows = "".join(f"{SERIAL.lower()},{time},1,{SIGNAL.value(time)}\n" for time in TIMES)
    await stage.write("device,at,channel,reading\n" + rows)
    fields = {"serial": "device", "time": "at", "value": "reading"}
    assert (await stage.check(output="csv", fields=fields)).figures["samples_verified"] == 11


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (printed(TIMES[:-1]), Reason.MISSING),
        ("", Reason.MISSING),
        (printed() + printed(TIMES[3:4]), Reason.DOUBLED),
        (printed(TIMES[:-1]) + printed(TIMES[-1:], value=99.9), Reason.ALTERED),
        (printed(TIMES[:-1]) + printed(TIMES[-1:], value=None), Reason.ALTERED),
        ("nonsense\n", Reason.PROTOCOL),
        ("[1]\n", Reason.SCHEMA),
        (printed(time="noon"), Reason.SCHEMA),
        (printed(channel="one"), Reason.SCHEMA),
    ],
)
async def test_what_is_not_as_it_was_has_its_reason(stage: Stage, content: str, reason: Reason) -> None:
    await stage.write(content)
    assert (await stage.failing()).reason is reason


async def test_what_the_live_history_lacks_too_is_not_recoverys_fault(stage: Stage) -> None:
    stage.platform.samples.clear()
    await stage.write("")
    with pytest.raises(Blocked, match="own history, too"):
        await stage.check()


async def test_a_command_that_fails_fails_the_restore(stage: Stage) -> None:
    failure = await stage.failing("sh", "-c", "echo no space left >&2; exit 3")
    assert (failure.reason, failure.detail) == (Reason.STATUS, "the restore failed: exit code 3")
    assert stage.last and failed_step(stage.last) == "restore"
    assert stage.last.evidence_items()["command_errors"] == "no space left\n"


async def test_a_command_that_cannot_be_started_is_our_mistake(stage: Stage) -> None:
    with pytest.raises(Blocked, match="cannot be started"):
        await stage.check("no-such-program-anywhere")


async def test_the_command_sees_nothing_of_our_environment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    script = 'test -z "$API_TOKEN" && test "$OWN" = given && test "$HOME" = "$PWD" && cat "$1"'
    await stage.check("sh", "-c", script, "sh", "{backup}", environment={"OWN": "given"})


async def test_the_command_gets_what_it_asks_for(stage: Stage) -> None:
    script = 'test "$1" = b && test "$2" = "$PWD" && test "$3" -lt "$4" && test "$5" = "{other}" && cat "$6"'
    await stage.check("sh", "-c", script, "sh", "{id}", "{scratch}", "{first}", "{last}", "{other}", "{backup}")


def test_what_is_filled_in_is_not_filled_again() -> None:
    places = {"id": "{scratch}", "scratch": "/s"}
    assert [_filled(text, places) for text in ("{id}", "a{scratch}b{", "{}{x", "{scratch}{id}")] == [
        "{scratch}",
        "a/sb{",
        "{}{x",
        "/s{scratch}",
    ]


def running(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Writes the number of a process that would run on for a minute, then waits for it.
LONG = ("sh", "-c", 'sleep 60 & echo $! > "$1/pid"; wait', "sh")


async def child_of(stage: Stage) -> int:
    file = stage.directory / "pid"
    await eventually(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(await asyncio.to_thread(file.read_text))


async def test_a_command_beyond_its_time_is_ended_with_its_children(stage: Stage) -> None:
    """The check's own patience is no proof: the promise is a day."""
    with pytest.raises(Blocked, match=r"drill\.wait"):
        await stage.check(*LONG, str(stage.directory), wait=0.2)
    child = await child_of(stage)
    await eventually(lambda: not running(child))


async def test_a_command_beyond_the_promised_time_fails(stage: Stage) -> None:
    failure = await stage.failing(*LONG, str(stage.directory), wait=0.2, max_restore=0.2)
    assert failure.reason is Reason.TIMEOUT


async def test_what_a_command_left_running_is_ended(stage: Stage) -> None:
    script = 'sleep 60 & echo $! > "$1/pid"; cat "$2"'
    await stage.check("sh", "-c", script, "sh", str(stage.directory), "{backup}")
    child = await child_of(stage)
    await eventually(lambda: not running(child))


async def test_a_cancel_ends_the_command_and_removes_the_scratch(stage: Stage) -> None:
    check = asyncio.create_task(stage.check(*LONG, str(stage.directory), wait=60))
    child = await child_of(stage)
    assert len(await stage.left()) == 3
    check.cancel()
    assert isinstance((await asyncio.gather(check, return_exceptions=True))[0], asyncio.CancelledError)
    await eventually(lambda: not running(child))


async def test_endless_output_is_cut_off(stage: Stage) -> None:
    assert (await stage.failing("yes", limit=4096)).reason is Reason.TOO_LARGE
    await stage.write(printed() + printed())
    assert (await stage.failing(limit=1024)).reason is Reason.TOO_LARGE


async def test_a_backup_that_is_not_the_one_listed_is_altered(stage: Stage) -> None:
    await stage.check(checksum=True)
    await stage.write(printed() + "\n")
    failure = await stage.failing(checksum=True)
    assert (failure.reason, stage.last and failed_step(stage.last)) == (Reason.ALTERED, "checksum")
    await asyncio.to_thread(stage.backup.unlink)
    assert (await stage.failing(checksum=True)).reason is Reason.MISSING


async def test_the_stand_ins_own_command(stage: Stage, tmp_path: Path) -> None:
    from standin.channels import Sample
    from standin.storage import Storage, Upload

    async with Storage.open(None) as storage:
        point = await storage.add_point(SERIAL, 0)
        samples = [Sample(1, "TEMPERATURE", time, SIGNAL.value(time), 10) for time in TIMES]
        async with storage.transaction():
            await storage.store_upload(point, Upload(SERIAL, samples, 0, 0, True))
        await asyncio.to_thread(stage.backup.unlink)
        await storage.back_up(stage.backup)
    argv = (sys.executable, "-m", "standin.backups.restore", "{backup}", "{scratch}", "--first", "{first}")
    journey = await stage.check(*argv, environment={"PYTHONPATH": str(ROOT)}, wait=15)
    assert journey.figures["samples_verified"] == 11
