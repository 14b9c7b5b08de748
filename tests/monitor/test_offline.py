"""Our own network's outage is told from the platform's by asking places that have nothing to do with it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.config import ProbeConfig
from monitor.facts import RecordedFacts
from monitor.offline import ANSWER_HOLDS_SECONDS, NO_SIGN_OF_LIFE, References
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import MAY_BE_OUR_NETWORK, run_check
from monitor.sla.model import Verdict
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from tests.monitor.build import JourneyFunction, probe_config, works

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NETWORK = [Reason.REFUSED, Reason.RESET, Reason.TIMEOUT, Reason.DNS, Reason.TLS, Reason.NETWORK]


def failing(error: Exception) -> JourneyFunction:
    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step("send"):
            raise error

    return journey


async def silent(_options: Any, _journey: Journey) -> None:
    await asyncio.Event().wait()


class Counted:
    """A target that counts how often it is asked, and does what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0

    async def __call__(self, _options: Any, _journey: Journey) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


def targets(*journeys: JourneyFunction, timeout: float = 0.05) -> list[ProbeConfig]:
    return [
        probe_config(journey, name=f"reference-{number}", component="reference", timeout=timeout)
        for number, journey in enumerate(journeys, start=1)
    ]


def references(*journeys: JourneyFunction, timeout: float = 0.05, clock: ManualClock | None = None) -> References:
    return References(targets(*journeys, timeout=timeout), clock or ManualClock(NOON))


@pytest.mark.parametrize("reason", NETWORK)
async def test_without_a_sign_of_life_anywhere_we_are_offline(reason: Reason) -> None:
    assert await references(failing(ProbeFailed(reason)), silent, failing(OSError(101, "unreachable"))).offline()


@pytest.mark.parametrize("error", [ProbeFailed(Reason.STATUS), ProbeFailed(Reason.SCHEMA), KeyError("our own bug")])
async def test_an_answer_also_a_wrong_one_is_a_sign_of_life_and_our_own_bug_proves_nothing(error: Exception) -> None:
    with capture_logs():
        assert not await references(silent, failing(error)).offline()


async def test_without_targets_we_are_never_offline() -> None:
    assert not await references().offline()


async def test_the_first_sign_of_life_ends_the_question_and_nothing_is_left_running() -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(5):
        assert not await references(silent, works, silent, timeout=60).offline()
    assert asyncio.all_tasks() == before


async def test_who_asked_can_still_wait_with_a_deadline() -> None:
    """Before Python 3.11.3 a deadline takes its own cancel for another's if one is still counted."""
    assert not await references(silent, works, silent, timeout=60).offline()
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0


async def test_many_who_ask_at_once_and_soon_after_get_one_answer() -> None:
    clock, target = ManualClock(NOON), Counted(ConnectionRefusedError())
    asked = references(target, clock=clock)
    assert await asyncio.gather(*(asked.offline() for _ in range(50))) == [True] * 50
    clock.advance(ANSWER_HOLDS_SECONDS)
    assert await asked.offline()
    assert target.asked == 1
    target.error = None
    clock.advance(0.1)
    assert not await asked.offline()
    assert target.asked == 2


async def test_one_who_gives_up_asking_does_not_keep_the_others_from_an_answer() -> None:
    begun = asyncio.Event()
    first = True

    async def journey(_options: Any, _journey: Journey) -> None:
        nonlocal first
        if first:
            first = False
            begun.set()
            await asyncio.Event().wait()

    asked = references(journey, timeout=60)
    impatient, patient = (asyncio.create_task(asked.offline()) for _ in range(2))
    await begun.wait()
    impatient.cancel()
    async with asyncio.timeout(5):
        assert not await patient
    assert impatient.cancelled()


async def test_the_loss_and_the_return_of_the_network_are_logged_once() -> None:
    clock, target = ManualClock(NOON), Counted(ConnectionRefusedError())
    asked = references(target, clock=clock)
    with capture_logs() as logged:
        for error in (target.error, target.error, None, None):
            target.error = error
            await asked.offline()
            clock.advance(ANSWER_HOLDS_SECONDS + 1)
    assert logged == [
        {"event": "network.lost", "log_level": "warning", "targets": 1},
        {"event": "network.found", "log_level": "info"},
    ]


async def check(journey: JourneyFunction, asked: References) -> Result:
    return await run_check(
        probe_config(journey),
        location="frankfurt",
        clock=ManualClock(NOON),
        facts=RecordedFacts(),
        redactor=Redactor(["hunter2"]),
        offline=asked.offline,
    )


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("hunter2"), ProbeFailed(Reason.MISSING, "hunter2"), Blocked("hunter2")]
)
async def test_a_failure_that_our_network_can_cause_is_held_against_nobody_when_it_is_out(error: Exception) -> None:
    result = await check(failing(error), references(silent))
    assert (result.verdict, result.reason, result.step) == (Verdict.UNKNOWN, "offline", "send")
    assert result.detail.startswith("no reference target can be reached either; ")
    assert "hunter2" not in result.detail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ProbeFailed(Reason.STATUS), "status"),
        (ProbeFailed(Reason.ALTERED), "altered"),
        (Blocked("", Reason.CAPPED), "capped"),
        (Blocked("", Reason.NO_CREDIT), "no_credit"),
        (KeyError("bug"), "probe_bug"),
    ],
)
async def test_what_our_network_cannot_cause_keeps_its_reason_and_nobody_is_asked(
    error: Exception, reason: str
) -> None:
    target = Counted(ConnectionRefusedError())
    with capture_logs():
        assert (await check(failing(error), references(target))).reason == reason
    assert target.asked == 0


async def test_a_success_asks_nobody_and_a_failure_stays_one_while_the_network_works() -> None:
    target = Counted()
    assert (await check(works, references(target))).verdict is Verdict.UP
    assert target.asked == 0
    result = await check(failing(ConnectionRefusedError()), references(target))
    assert (result.verdict, result.reason) == (Verdict.DOWN, "refused")


def test_the_reasons_that_are_no_sign_of_life_are_those_of_the_network() -> None:
    reasons: Sequence[Reason] = [*NETWORK, Reason.DEADLINE]
    assert set(reasons) == NO_SIGN_OF_LIFE <= MAY_BE_OUR_NETWORK
