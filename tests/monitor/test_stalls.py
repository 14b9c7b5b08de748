"""A process that stood still has not seen the platform being slow."""

import asyncio
import time
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.facts import RecordedFacts
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.stalls import Stalls
from probes.contract import Journey, ProbeFailed, Reason
from tests.monitor.build import JourneyFunction, probe_config


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.stalls.TICK_SECONDS", 0.01)
    monkeypatch.setattr("monitor.stalls.STALL_SECONDS", 0.1)


def stand_still() -> None:
    """What a machine without CPU does to the loop, without a call that the tests forbid in it."""
    until = time.perf_counter() + 0.25
    while time.perf_counter() < until:
        pass


async def run(journey: JourneyFunction, stalls: Stalls) -> Result:
    return await run_check(
        probe_config(journey, timeout=0.2),
        location="frankfurt",
        clock=SystemClock(),
        facts=RecordedFacts(),
        redactor=Redactor(),
        stalled=stalls.longest,
    )


async def slowly(_options: Any, journey: Journey) -> None:
    async with journey.step("page"):
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(stand_still)
        await asyncio.sleep(1)


async def test_a_deadline_that_passed_while_we_stood_still_says_nothing(short: None) -> None:
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0)
    result = await run(slowly, stalls)
    assert (result.verdict, result.reason, result.step) == ("unknown", "blocked", "page")
    assert result.detail.startswith("this process stood still for 0.")
    watching.cancel()
    await asyncio.wait([watching])
    assert stalls.longest(0.0) == 0.0, "nobody watches any more"


async def test_a_deadline_that_passed_while_we_looked_is_the_platforms(short: None) -> None:
    async def silent(_options: Any, _journey: Journey) -> None:
        await asyncio.sleep(1)

    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0)
    result = await run(silent, stalls)
    watching.cancel()
    assert (result.verdict, result.reason) == ("down", "deadline")


async def test_a_wrong_answer_is_wrong_however_slow_we_were(short: None) -> None:
    async def wrong(_options: Any, _journey: Journey) -> None:
        stand_still()
        raise ProbeFailed(Reason.STATUS, "500")

    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0)
    result = await run(wrong, stalls)
    watching.cancel()
    assert (result.verdict, result.reason) == ("down", "status")
