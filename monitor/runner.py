"""Runs one check: the only holder of a deadline, and the only place that turns an exception into a verdict.

What a verdict means for uptime is not known here; see `monitor/sla`.
"""

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass

from monitor import logs
from monitor.clock import Clock, to_milliseconds
from monitor.config import ProbeConfig
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.sla.model import Verdict
from probes.contract import UNKNOWN_REASONS, Blocked, Facts, Journey, ProbeFailed, Reason

DETAIL_CHARACTERS = 500
EVIDENCE_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class _Outcome:
    reason: Reason | None = None
    detail: str = ""


async def run_check(
    probe: ProbeConfig,
    *,
    location: str,
    clock: Clock,
    facts: Facts,
    redactor: Redactor,
    one_shot: bool = False,
) -> Result:
    """Lets the probe take its journey and judges how it went. Only `CancelledError` leaves this function."""
    journey = Journey(
        probe=probe.id,
        component=probe.component,
        now=clock.now,
        monotonic=clock.monotonic,
        facts=facts,
        one_shot=one_shot,
    )
    started_at, started = clock.now(), clock.monotonic()
    outcome = _blame(await _outcome(probe, journey, redactor), journey)
    seconds = clock.monotonic() - started
    redactor = redactor.with_more(journey.secrets)
    return Result(
        probe=probe.id,
        component=probe.component,
        location=location,
        started_ms=to_milliseconds(started_at),
        duration_us=round(seconds * 1_000_000),
        verdict=_verdict(outcome),
        reason=outcome.reason or "",
        step=journey.failed_step.name if outcome.reason and journey.failed_step else "",
        detail=_cut(redactor.clean(outcome.detail), DETAIL_CHARACTERS),
        steps=journey.timings(),
        evidence={
            name: _cut(redactor.clean(text), EVIDENCE_CHARACTERS) for name, text in journey.evidence_items().items()
        },
        figures=dict(journey.figures),
        marks=tuple(journey.marks),
        memory=redactor.clean_all(journey.memory),
    )


async def _outcome(probe: ProbeConfig, journey: Journey, redactor: Redactor) -> _Outcome:
    deadline = asyncio.timeout(probe.timeout_seconds)
    try:
        async with deadline:
            await probe.kind.run(probe.options, journey)
    except (ProbeFailed, Blocked) as failure:
        return _Outcome(failure.reason, failure.detail)
    except TimeoutError:
        # It also comes from sockets, so ask the deadline whether it was the one.
        if deadline.expired():
            return _Outcome(Reason.DEADLINE, f"not finished within {probe.timeout_seconds:g} s")
        return _Outcome(Reason.TIMEOUT, "no answer in time")
    except OSError as error:
        return _Outcome(_network_reason(error), str(error))
    except Exception as error:  # a bug in the probe; CancelledError is not an Exception and passes through
        logs.get().exception("check.crashed", probe=probe.id)
        return _Outcome(Reason.PROBE_BUG, f"{type(error).__name__}: {error}")
    return _Outcome()


def _blame(outcome: _Outcome, journey: Journey) -> _Outcome:
    """A failure at a step that another component owns says nothing of this one: the check is unknown, `blocked`."""
    step = journey.failed_step
    if outcome.reason is None or outcome.reason in UNKNOWN_REASONS or step is None:
        return outcome
    if step.component == journey.component:
        return outcome
    return _Outcome(Reason.BLOCKED, f"{step.component} failed: {outcome.reason}: {outcome.detail}".removesuffix(": "))


def _verdict(outcome: _Outcome) -> Verdict:
    if outcome.reason is None:
        return Verdict.UP
    return Verdict.UNKNOWN if outcome.reason in UNKNOWN_REASONS else Verdict.DOWN


def _network_reason(error: OSError) -> Reason:
    if isinstance(error, ConnectionRefusedError):
        return Reason.REFUSED
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        return Reason.RESET
    if isinstance(error, socket.gaierror):
        return Reason.DNS
    if isinstance(error, ssl.SSLError):
        return Reason.TLS
    if error.errno == errno.ETIMEDOUT:
        return Reason.TIMEOUT
    return Reason.NETWORK


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"
