"""The runner: deadline, exceptions to verdicts, blame, and secrets kept out of results."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.clock import ManualClock
from monitor.config import ProbeConfig
from monitor.facts import RecordedFacts
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.sla.model import Verdict
from probes.contract import Blocked, Journey, ProbeFailed, Reason
from probes.efento.samples import SampleState
from tests.monitor.build import JourneyFunction, probe_config

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def run(
    probe: ProbeConfig,
    *,
    redactor: Redactor | None = None,
    clock: ManualClock | None = None,
    facts: RecordedFacts | None = None,
) -> Result:
    return await run_check(
        probe,
        location="frankfurt",
        clock=clock or ManualClock(NOON),
        facts=facts or RecordedFacts(),
        redactor=redactor or Redactor(),
    )


def raising(error: BaseException, step: str = "send", component: str | None = None) -> JourneyFunction:
    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step(step, component):
            raise error

    return journey


async def test_a_journey_that_returns_is_up_and_has_times_by_the_injected_clocks() -> None:
    clock = ManualClock(NOON)

    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step("send"):
            clock.advance(0.25)
        async with journey.step("read_back"):
            clock.advance(0.5)

    result = await run(probe_config(journey), clock=clock)
    assert (result.verdict, result.reason, result.step) == (Verdict.UP, "", "")
    assert (result.started_ms, result.duration_us) == (1795435200000, 750_000)
    assert [(step.name, step.component, step.seconds, step.ok) for step in result.steps] == [
        ("send", "ingest", 0.25, True),
        ("read_back", "ingest", 0.5, True),
    ]


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (ProbeFailed(Reason.STATUS, "500"), Verdict.DOWN, "status"),
        (Blocked("their fault"), Verdict.UNKNOWN, "blocked"),
        (Blocked("one hour off", Reason.WRONG_ZONE), Verdict.UNKNOWN, "wrong_zone"),
        (TimeoutError(), Verdict.DOWN, "timeout"),
        (ConnectionRefusedError(), Verdict.DOWN, "refused"),
        (ConnectionResetError(), Verdict.DOWN, "reset"),
        (BrokenPipeError(), Verdict.DOWN, "reset"),
        (socket.gaierror(-2, "Name or service not known"), Verdict.DOWN, "dns"),
        (ssl.SSLCertVerificationError(1, "self-signed"), Verdict.DOWN, "tls"),
        (OSError(113, "No route to host"), Verdict.DOWN, "network"),
        (KeyError("typo"), Verdict.UNKNOWN, "probe_bug"),
    ],
)
async def test_exceptions_become_verdicts(error: Exception, verdict: Verdict, reason: str) -> None:
    with capture_logs() as logs:
        result = await run(probe_config(raising(error)))
    assert (result.verdict, result.reason, result.step) == (verdict, reason, "send")
    assert [entry["event"] for entry in logs] == (["check.crashed"] if reason == "probe_bug" else [])


async def test_the_deadline_ends_a_check_and_is_told_apart_from_a_sockets_timeout() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step("wait"):
            await asyncio.Event().wait()

    result = await run(probe_config(journey, timeout=0.02))
    assert (result.verdict, result.reason, result.step) == (Verdict.DOWN, "deadline", "wait")


async def test_a_cancelled_check_is_no_result() -> None:
    begun = asyncio.Event()

    async def journey(_options: Any, _journey: Journey) -> None:
        begun.set()
        await asyncio.Event().wait()

    check = asyncio.create_task(run(probe_config(journey)))
    await begun.wait()
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check


@pytest.mark.parametrize("error", [ProbeFailed(Reason.STATUS, "500"), ConnectionRefusedError("no"), TimeoutError()])
async def test_a_failure_at_a_step_of_another_component_is_unknown_and_names_it(error: Exception) -> None:
    result = await run(probe_config(raising(error, "query", component="api")))
    assert (result.verdict, result.reason, result.step) == (Verdict.UNKNOWN, "blocked", "query")
    assert result.detail.startswith("api failed: ")


async def test_an_inner_step_that_failed_and_was_mended_does_not_take_the_blame() -> None:
    """A poll that failed once does not make the platform's data loss the API's."""

    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step("read_back"):
            try:
                async with journey.step("query", "api"):
                    raise ProbeFailed(Reason.STATUS, "500")
            except ProbeFailed:
                pass
            raise ProbeFailed(Reason.MISSING, "one sample")

    result = await run(probe_config(journey))
    assert (result.verdict, result.reason, result.step) == (Verdict.DOWN, "missing", "read_back")


async def test_a_deadline_inside_a_step_of_another_component_blames_that_component() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        async with journey.step("read_back"), journey.step("query", "api"):
            await asyncio.Event().wait()

    result = await run(probe_config(journey, timeout=0.02))
    assert (result.verdict, result.reason, result.step) == (Verdict.UNKNOWN, "blocked", "query")
    assert "deadline" in result.detail


async def test_secrets_are_nowhere_in_a_result_whether_configured_or_learnt() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        journey.secret("learnt/token")
        journey.evidence("request", "Authorization: configured+token, path=/x?t=learnt%2Ftoken")
        journey.evidence("answer", b"\xff configured+token")
        journey.remember("last", "configured+token")
        raise ProbeFailed(Reason.AUTH, 'refused "configured+token" and learnt/token ' + "x" * 1000)

    result = await run(probe_config(journey), redactor=Redactor(["configured+token"]))
    everything = repr(result)
    assert "configured" not in everything
    assert "learnt" not in everything
    assert result.evidence["request"] == "Authorization: [redacted], path=/x?t=[redacted]"
    assert len(result.detail) == 500


async def test_a_secret_at_the_cut_of_long_evidence_leaves_no_piece() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        journey.evidence("body", "x" * 4090 + "configured-token")

    result = await run(probe_config(journey), redactor=Redactor(["configured-token"]))
    assert "config" not in result.evidence["body"]
    assert len(result.evidence["body"]) <= 4096


async def test_evidence_figures_marks_and_memory_come_with_the_result_also_of_a_failure() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        journey.figure("attempts", 2)
        journey.mark("282C02FFFF01", 10, SampleState.PENDING, [100, 110])
        journey.remember("point", "101")
        raise ProbeFailed(Reason.MISSING)

    result = await run(probe_config(journey))
    assert dict(result.figures) == {"attempts": 2}
    assert [(mark.state, mark.times) for mark in result.marks] == [(SampleState.PENDING, (100, 110))]
    assert result.memory == {"point": "101"}


async def test_what_was_committed_is_not_stored_again_with_the_result() -> None:
    """By then another process may have committed something newer; and what was remembered before is older."""
    facts = RecordedFacts(at_once=Notebook())

    async def journey(_options: Any, journey: Journey) -> None:
        journey.remember("round", "1")
        journey.remember("turn", "1")
        await journey.commit("round", "2")
        await journey.commit("turn", "2")
        assert journey.recall("round") == "2"
        journey.remember("turn", "3")

    result = await run(probe_config(journey), facts=facts)
    assert result.memory == {"turn": "3"}
    assert facts.recall("ingest-coap", "round") == "2"


async def test_the_time_that_our_own_store_takes_is_nobodys_downtime() -> None:
    async def journey(_options: Any, journey: Journey) -> None:
        await journey.spend("sms", 1, 10)

    result = await run(probe_config(journey, timeout=0.02), facts=RecordedFacts(at_once=Notebook(answers=False)))
    assert (result.verdict, result.reason, result.step) == (Verdict.UNKNOWN, "blocked", "store")


async def test_bytes_that_are_no_text_cannot_stop_the_daemon() -> None:
    """A header may bring any; aiohttp hands them over as lone surrogates."""
    strange = b"\xff\xfe secret".decode("utf-8", "surrogateescape")

    async def journey(_options: Any, journey: Journey) -> None:
        journey.secret(strange)
        journey.evidence("cookie", f"a {strange}")
        raise ProbeFailed(Reason.CONTENT, f"b {strange} \udcfd")

    result = await run(probe_config(journey))
    assert (result.detail, result.evidence) == ("b [redacted] \\udcfd", {"cookie": "a [redacted]"})


async def test_a_commit_that_the_deadline_cuts_off_is_not_overwritten_by_what_was_remembered_before() -> None:
    facts = RecordedFacts(at_once=Notebook(answers=False))

    async def journey(_options: Any, journey: Journey) -> None:
        journey.remember("round", "1")
        await journey.commit("round", "2")

    result = await run(probe_config(journey, timeout=0.02), facts=facts)
    assert (result.reason, result.step, result.memory) == ("blocked", "store", {})
    assert facts.recall("ingest-coap", "round") == "2"


async def test_pictures_come_with_a_failure_and_not_with_a_success() -> None:
    async def failing(_options: Any, journey: Journey) -> None:
        journey.picture("page", b"\x89PNG")
        raise ProbeFailed(Reason.CONTENT)

    async def working(_options: Any, journey: Journey) -> None:
        journey.picture("page", b"\x89PNG")

    assert [(each.name, each.content) for each in (await run(probe_config(failing))).pictures] == [("page", b"\x89PNG")]
    assert (await run(probe_config(working))).pictures == ()


class Notebook:
    """A place for what cannot wait; one that does not answer is a store that is slow."""

    def __init__(self, *, answers: bool = True) -> None:
        self._answers = answers

    async def commit_memory(self, probe: str, key: str, value: str) -> None:
        if not self._answers:
            await asyncio.Event().wait()

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        if not self._answers:
            await asyncio.Event().wait()
        return True
