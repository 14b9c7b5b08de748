"""Runs one check: the only holder of a deadline, and the only place that turns an exception into a verdict.

What a verdict means for uptime is not known here; see `monitor/sla`.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from monitor import logs
from monitor.clock import Clock, to_milliseconds
from monitor.config import ProbeConfig
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.sla.model import Verdict
from monitor.undo import undo
from probes.contract import UNKNOWN_REASONS, Blocked, Facts, Inbox, Journey, ProbeFailed, Reason

DETAIL_CHARACTERS = 500
EVIDENCE_CHARACTERS = 4096
# Failures that our own network can cause. With any other, something of the platform answered: it was not out.
MAY_BE_OUR_NETWORK = frozenset(
    {
        Reason.REFUSED,
        Reason.RESET,
        Reason.TIMEOUT,
        Reason.DEADLINE,
        Reason.DNS,
        Reason.TLS,
        Reason.NETWORK,
        Reason.PROTOCOL,
        Reason.MISSING,
        Reason.LEFTOVER,
        Reason.BLOCKED,
    }
)
OUT_OF_TIME = (Reason.TIMEOUT, Reason.DEADLINE)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """`reason` is None where the journey came to its end."""

    reason: Reason | None = None
    detail: str = ""
    step: str = ""


async def run_check(
    probe: ProbeConfig,
    *,
    location: str,
    clock: Clock,
    facts: Facts,
    redactor: Redactor,
    inbox: Inbox | None = None,
    offline: Callable[[], Awaitable[bool]] | None = None,
    on_undo: Callable[[], None] = lambda: None,
    one_shot: bool = False,
    stalled: Callable[[float], float] = lambda _seconds: 0.0,
) -> Result:
    """Lets the probe take its journey, judges how it went, and undoes what it left behind.

    `offline` is asked after a failure whether our own network is out, and `stalled` how long this process stood still
    at a stretch in the last so many seconds; `on_undo` is told that there is something to
    undo, and that the check may take `UNDO_SECONDS` longer. Only `CancelledError` leaves this function.
    """
    journey = Journey(
        probe=probe.id,
        component=probe.component,
        now=clock.now,
        monotonic=clock.monotonic,
        facts=facts,
        inbox=inbox,
        one_shot=one_shot,
    )
    started_at, started = clock.now(), clock.monotonic()
    try:
        outcome = _blame(await _outcome(probe, journey, redactor), journey)
        seconds = clock.monotonic() - started
        if outcome.reason in OUT_OF_TIME and (still := stalled(seconds)):
            detail = f"this process stood still for {still:.1f} s; {outcome.reason}: {outcome.detail}"
            outcome = replace(outcome, reason=Reason.BLOCKED, detail=detail)
        # Asked before anything is undone: by then the network may be back.
        if outcome.reason in MAY_BE_OUR_NETWORK and offline is not None and await offline():
            outcome = replace(outcome, reason=Reason.OFFLINE, detail=_why_offline(outcome))
    finally:
        await undo(journey, redactor, on_undo)
    redactor = redactor.with_more(journey.secrets)
    return Result(
        probe=probe.id,
        component=probe.component,
        location=location,
        started_ms=to_milliseconds(started_at),
        duration_us=round(seconds * 1_000_000),
        verdict=_verdict(outcome),
        reason=outcome.reason or "",
        step=outcome.step,
        detail=_kept(outcome.detail, redactor, DETAIL_CHARACTERS),
        steps=journey.timings(),
        evidence={name: _kept(text, redactor, EVIDENCE_CHARACTERS) for name, text in journey.evidence_items().items()},
        figures=dict(journey.figures),
        marks=tuple(journey.marks),
        memory=redactor.clean_all(journey.memory),
        pictures=tuple(journey.pictures) if outcome.reason else (),
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
    """Names the step. A failure at a step that another component owns says nothing of this one: unknown, `blocked`."""
    step = journey.failed_step
    if outcome.reason is None or step is None:
        return outcome
    outcome = replace(outcome, step=step.name)
    if outcome.reason in UNKNOWN_REASONS or step.component == journey.component:
        return outcome
    found = f"{step.component} failed: {outcome.reason}: {outcome.detail}".removesuffix(": ")
    return replace(outcome, reason=Reason.BLOCKED, detail=found)


def _why_offline(outcome: _Outcome) -> str:
    return f"no reference target can be reached either; {outcome.reason}: {outcome.detail}".removesuffix(": ")


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


def _kept(text: str, redactor: Redactor, characters: int) -> str:
    """Without secrets, and without what cannot be written as UTF-8: a page or a log would stumble over it."""
    text = redactor.clean(text).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= characters else text[: characters - 1] + "…"
