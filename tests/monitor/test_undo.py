"""What a journey began is undone, however it ended; what cannot be is told, without secrets."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.facts import RecordedFacts
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.sla.model import Verdict
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from tests.monitor.build import JourneyFunction, probe_config

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def check(journey: JourneyFunction, timeout: float = 5.0, **more: Any) -> Result:
    return await run_check(
        probe_config(journey, timeout=timeout),
        location="frankfurt",
        clock=ManualClock(NOON),
        facts=RecordedFacts(),
        redactor=Redactor(["configured-token"]),
        **more,
    )


class Traces:
    """What was done and undone, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.begun = asyncio.Event()
        self.undoing = asyncio.Event()
        self.may_end = asyncio.Event()

    def undo(self, name: str, error: Exception | None = None) -> Callable[[], Awaitable[None]]:
        async def action() -> None:
            self.done.append(name)
            if error is not None:
                raise error

        return action

    async def slowly(self) -> None:
        self.undoing.set()
        await self.may_end.wait()
        self.done.append("slow")

    async def held(self, _options: Any, journey: Journey) -> None:
        """Has begun two things when it is cut off."""
        journey.undo("account", self.undo("account"))
        journey.undo("slow", self.slowly)
        self.begun.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("error", [None, ProbeFailed(Reason.STATUS), Blocked(), OSError(), KeyError("bug")])
async def test_what_was_begun_is_undone_newest_first_however_the_journey_ended(error: Exception | None) -> None:
    traces = Traces()

    async def journey(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account"))
        journey.undo("rule", traces.undo("rule"))
        by_itself = journey.undo("device", traces.undo("device"))
        by_itself.done()
        if error is not None:
            raise error

    with capture_logs():
        result = await check(journey)
    assert traces.done == ["rule", "account"]
    assert (result.verdict is Verdict.UP) == (error is None)


async def test_what_was_begun_is_undone_after_the_deadline() -> None:
    traces = Traces()
    traces.may_end.set()
    result = await check(traces.held, timeout=0.02)
    assert traces.done == ["slow", "account"]
    assert (result.reason, result.evidence) == ("deadline", {})


async def test_a_check_that_is_cancelled_undoes_and_then_ends() -> None:
    traces = Traces()
    checking = asyncio.create_task(check(traces.held))
    await traces.begun.wait()
    checking.cancel()
    await traces.undoing.wait()
    assert not checking.done()
    traces.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert traces.done == ["slow", "account"]


async def test_a_cancel_while_it_is_being_undone_does_not_end_that() -> None:
    traces = Traces()

    async def journey(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account"))
        journey.undo("slow", traces.slowly)

    checking = asyncio.create_task(check(journey))
    await traces.undoing.wait()
    checking.cancel()
    await asyncio.sleep(0)
    traces.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert traces.done == ["slow", "account"]


async def test_a_second_cancel_ends_also_the_undoing_and_says_what_is_left() -> None:
    traces = Traces()
    before = asyncio.all_tasks()
    with capture_logs() as logged:
        checking = asyncio.create_task(check(traces.held))
        await traces.begun.wait()
        checking.cancel()
        await traces.undoing.wait()
        checking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checking
    assert traces.done == []
    problem = "cut off while it was being undone"
    assert [(each["event"], each["what"], each["error"]) for each in logged] == [
        ("check.left_behind", "slow", problem),
        ("check.left_behind", "account", problem),
    ]
    assert asyncio.all_tasks() == before


async def test_an_error_does_not_keep_the_others_from_being_undone_and_is_told_without_secrets() -> None:
    traces = Traces()

    async def journey(_options: Any, journey: Journey) -> None:
        journey.secret("learnt-token")
        journey.undo("account", traces.undo("account"))
        journey.undo("rule of learnt-token", traces.undo("rule", ProbeFailed(Reason.STATUS, "500 configured-token")))
        journey.undo("device", traces.undo("device", RuntimeError("learnt-token")))

    with capture_logs() as logged:
        result = await check(journey)
    assert traces.done == ["device", "rule", "account"]
    assert result.verdict is Verdict.UP, "undoing is not what the check asks about"
    assert logged == [
        {
            "event": "check.left_behind",
            "log_level": "error",
            "probe": "ingest-coap",
            "what": "device",
            "error": "RuntimeError: [redacted]",
        },
        {
            "event": "check.left_behind",
            "log_level": "error",
            "probe": "ingest-coap",
            "what": "rule of [redacted]",
            "error": "status: 500 [redacted]",
        },
    ]
    assert result.evidence == {
        "left_behind: device": "RuntimeError: [redacted]",
        "left_behind: rule of [redacted]": "status: 500 [redacted]",
    }


async def test_undoing_has_a_time_limit_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.undo.UNDO_SECONDS", 0.05)
    traces = Traces()

    async def journey(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account"))
        journey.undo("slow", traces.slowly)
        journey.undo("rule", traces.undo("rule"))

    with capture_logs() as logged:
        result = await check(journey)
    assert traces.done == ["rule"]
    assert [each["what"] for each in logged] == ["slow", "account"]
    assert result.evidence == dict.fromkeys(["left_behind: slow", "left_behind: account"], "not undone within 0.05 s")
    assert result.verdict is Verdict.UP


async def test_after_a_cancel_the_time_limit_holds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.undo.UNDO_SECONDS", 0.05)
    traces = Traces()
    checking = asyncio.create_task(check(traces.held))
    await traces.begun.wait()
    checking.cancel()
    with capture_logs() as logged, pytest.raises(asyncio.CancelledError):
        await checking
    assert [each["what"] for each in logged] == ["slow", "account"]


async def test_steps_of_the_undoing_are_neither_the_failed_step_nor_part_of_the_duration() -> None:
    clock = ManualClock(NOON)

    async def journey(_options: Any, journey: Journey) -> None:
        async def remove() -> None:
            async with journey.step("remove", "api"):
                clock.advance(3)
                raise ProbeFailed(Reason.STATUS, "500")

        journey.undo("account", remove)
        async with journey.step("create"):
            clock.advance(1)
            raise ProbeFailed(Reason.SCHEMA)

    with capture_logs():
        result = await run_check(
            probe_config(journey), location="x", clock=clock, facts=RecordedFacts(), redactor=Redactor()
        )
    assert (result.verdict, result.reason, result.step) == (Verdict.DOWN, "schema", "create")
    assert result.duration_us == 1_000_000


async def test_the_network_is_asked_about_before_anything_is_undone_and_a_cancel_meanwhile_undoes() -> None:
    traces = Traces()
    asked = asyncio.Event()

    async def offline() -> bool:
        assert traces.done == []
        asked.set()
        await asyncio.Event().wait()
        return False

    async def journey(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account"))
        raise ConnectionRefusedError

    checking = asyncio.create_task(check(journey, offline=offline))
    await asked.wait()
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert traces.done == ["account"]


async def test_the_schedule_hears_of_the_undoing_only_where_there_is_any() -> None:
    heard: list[str] = []
    traces = Traces()

    async def journey(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account"))

    async def nothing(_options: Any, journey: Journey) -> None:
        journey.undo("account", traces.undo("account")).done()

    await check(nothing, on_undo=lambda: heard.append("nothing"))
    await check(journey, on_undo=lambda: heard.append("account"))
    assert heard == ["account"]


async def test_what_the_undoing_remembers_is_stored_with_the_result() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        async def remove() -> None:
            journey.remember("left", "")

        journey.remember("left", "account 7")
        journey.undo("account", remove)

    assert (await check(journey)).memory == {"left": ""}
