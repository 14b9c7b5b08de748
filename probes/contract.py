"""What a probe and the daemon agree on: options, steps, evidence, reasons for failure.

A journey sees nothing of the daemon but its `Journey`. Who holds the deadline and what becomes of an exception is the
runner's business (`monitor/runner.py`).
"""

import math
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from probes.efento.samples import SampleRun, SampleState

# In the place of a component where a step is this program's own, e.g. its store: a slow disk is nobody's downtime.
MONITOR = "monitor"
EVIDENCE_ITEM_CHARACTERS = 65_536  # before secrets are removed; the runner cuts further after that
EVIDENCE_ITEMS = 16
FIGURES = 32
PICTURES = 2
PICTURE_BYTES = 524_288


class Reason(StrEnum):
    """Why a check was not up. The list is closed, because a reason labels a metric; free text goes into `detail`."""

    REFUSED = "refused"  # nobody listens there
    RESET = "reset"  # the connection was cut, or the peer rejected the message
    TIMEOUT = "timeout"  # no answer within a step's own time limit
    DEADLINE = "deadline"  # the whole check's time limit
    DNS = "dns"  # the name has no address
    TLS = "tls"  # no trustworthy encrypted connection
    NETWORK = "network"  # any other failure of the operating system's network
    STATUS = "status"  # an answer with a status that is not success
    AUTH = "auth"  # the credentials or the token were not accepted
    PROTOCOL = "protocol"  # an answer that is not of its protocol: cut off, garbled, wrongly encoded
    TOO_LARGE = "too_large"  # an answer beyond the size limit
    REDIRECT = "redirect"  # too many redirects, or one that leads where it must not
    SCHEMA = "schema"  # well-formed, but not what the interface promises
    CONTENT = "content"  # the right shape, but not the expected content
    MISSING = "missing"  # an acknowledged sample is not in the history
    DOUBLED = "doubled"  # a sample is in the history more than once
    ALTERED = "altered"  # a sample has another value than the one sent
    SHIFTED = "shifted"  # a sample has another time than the one sent
    STALE = "stale"  # too old: a backup, a drill
    MISPLACED = "misplaced"  # not at the place where it must be: a backup
    LEFTOVER = "leftover"  # what was made could not be undone
    # With the following the verdict is "unknown": we cannot tell.
    BLOCKED = "blocked"  # a step of another component failed
    OFFLINE = "offline"  # our own network is out: no reference target can be reached either
    NO_CREDIT = "no_credit"  # the prepaid pool is empty: no SMS is owed
    CAPPED = "capped"  # our own limit on what may be spent is reached
    WRONG_ZONE = "wrong_zone"  # the configured time zone of the platform's answers is not the one it uses
    NOTHING_TO_VERIFY = "nothing_to_verify"  # no sample is known to be there yet
    PROBE_BUG = "probe_bug"  # our own mistake


UNKNOWN_REASONS = frozenset(
    {
        Reason.BLOCKED,
        Reason.OFFLINE,
        Reason.NO_CREDIT,
        Reason.CAPPED,
        Reason.WRONG_ZONE,
        Reason.NOTHING_TO_VERIFY,
        Reason.PROBE_BUG,
    }
)


class ProbeFailed(Exception):
    """The journey failed: down, or unknown where it failed at a step that another component owns."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Blocked(Exception):
    """The journey cannot tell whether the component works, for a reason that is not the component's: unknown."""

    def __init__(self, detail: str = "", reason: Reason = Reason.BLOCKED) -> None:
        if reason not in UNKNOWN_REASONS:
            raise ValueError(f"{reason} is a failure, not a reason for not knowing")
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class ProbeOptions(BaseModel):
    """Base of every kind's options: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


@dataclass(frozen=True, slots=True)
class StepTiming:
    """How long a step took in all, and how often it was taken; `ok` is false where the journey failed in it."""

    name: str
    component: str
    seconds: float
    count: int
    ok: bool


@dataclass(frozen=True, slots=True)
class SampleMark:
    """A new fact about samples: from now on those of `times` (Unix seconds) are in `state`."""

    serial: str
    period: int
    state: SampleState
    times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that came to the daemon from outside. `number` grows with every message of the installation.

    `content` is what was received: a mail as it travelled (RFC 5322), or an SMS as `probes.sms.Sms.encoded()`.
    """

    number: int
    channel: str
    received_at: datetime
    content: bytes


class Inbox(Protocol):
    """The messages that came to the daemon through its receivers, by channel."""

    async def newest(self, channel: str) -> int:
        """The number of the channel's newest message; 0 before the first."""

    async def after(self, channel: str, number: int) -> Sequence[Message]:
        """The channel's messages behind that number, in order. Waits until there is one; never returns empty."""


class Facts(Protocol):
    """What is on record from earlier checks; the daemon keeps it in its store, a one-shot check in memory."""

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        """All that is known of this sensor's samples, in order of time."""

    def recall(self, probe: str, key: str) -> str | None:
        """What the probe remembered under this key at an earlier check."""

    async def commit(self, probe: str, key: str, value: str) -> None:
        """Puts on record now, not with the check's result: on disk when this returns. `recall` knows it from then on.

        Raises `Blocked` if it cannot.
        """

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        """Adds to what was spent under the key, unless that would exceed the limit: then nothing is added and the
        answer is False. On disk when this returns, and one count for all processes. Raises `Blocked` if it cannot."""


class NoFacts:
    """Facts of a monitor that has not looked yet."""

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        return ()

    def recall(self, probe: str, key: str) -> str | None:
        return None

    async def commit(self, probe: str, key: str, value: str) -> None:
        raise Blocked("there is no store to put on record what must survive a crash")

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        raise Blocked("there is no store to count what is spent")


class NoInbox:
    """Nothing ever arrives, because nothing receives."""

    async def newest(self, channel: str) -> int:
        raise Blocked(f"no receiver {channel} is running")

    async def after(self, channel: str, number: int) -> Sequence[Message]:
        raise Blocked(f"no receiver {channel} is running")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image kept as evidence, e.g. a screenshot."""

    name: str
    media_type: str
    content: bytes


UndoAction = Callable[[], Awaitable[None]]


class Undo:
    """Something that must not stay behind. `done` once the journey has undone it by itself."""

    def __init__(self, name: str, action: UndoAction) -> None:
        self.name = name
        self.action = action
        self.pending = True

    def done(self) -> None:
        self.pending = False


class Journey:
    """One execution of a probe as the journey sees it: steps to take, facts to use, evidence to leave.

    `monotonic` and `now` are the daemon's clocks. `one_shot` tells that this check was asked for by a person beside a
    daemon that may be probing with the same options, so that it must not send what the daemon sends.
    """

    def __init__(
        self,
        *,
        probe: str,
        component: str,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        facts: Facts | None = None,
        inbox: Inbox | None = None,
        one_shot: bool = False,
    ) -> None:
        self.probe = probe
        self.component = component
        self.now = now
        self.monotonic = monotonic
        self.one_shot = one_shot
        self.failed_step: Step | None = None
        self._failure: BaseException | None = None
        self.figures: dict[str, float] = {}
        self.marks: list[SampleMark] = []
        self.memory: dict[str, str] = {}
        self.secrets: set[str] = set()
        self.pictures: list[Picture] = []
        self.undos: list[Undo] = []
        self.inbox: Inbox = inbox if inbox is not None else NoInbox()
        self._facts: Facts = facts if facts is not None else NoFacts()
        self._evidence: dict[str, str] = {}
        self._timings: dict[tuple[str, str], _Timing] = {}

    def step(self, name: str, component: str | None = None) -> "Step":
        """A named, timed stage; `component` where the stage is another component's to answer for.

        Steps may be nested: a failure belongs to the innermost. A name taken twice is one step, its times added.
        """
        return Step(self, name, component or self.component)

    def evidence(self, name: str, content: str | bytes) -> None:
        """Keeps what an engineer will want to see of a failure; the runner removes secrets and cuts it to size."""
        if name not in self._evidence and len(self._evidence) >= EVIDENCE_ITEMS:
            return
        if isinstance(content, bytes):
            content = content[:EVIDENCE_ITEM_CHARACTERS].decode("utf-8", "backslashreplace")
        text = content[:EVIDENCE_ITEM_CHARACTERS]
        self._evidence[name] = text

    def picture(self, name: str, content: bytes, media_type: str = "image/png") -> None:
        """Keeps an image as evidence; one that is too large, or beyond the first few, is left out."""
        if len(content) <= PICTURE_BYTES and len(self.pictures) < PICTURES:
            self.pictures.append(Picture(name, media_type, content))

    def undo(self, name: str, action: UndoAction) -> Undo:
        """What the runner is to do when the journey has ended, however it ended: in time, late, or cancelled.

        To be called before what is to be undone is begun. The actions of a journey are done in reverse order, all
        within the runner's limit of a few seconds; an error of one does not keep the others from being done. The
        journey calls `done` on what it has undone by itself, as a step of its own.
        """
        entry = Undo(name, action)
        self.undos.append(entry)
        return entry

    def figure(self, name: str, value: float) -> None:
        """A number worth keeping beside the verdict, e.g. `attempts` or `read_back_seconds`; the name has its unit."""
        if not math.isfinite(value):
            raise ValueError(f"figure {name} is not finite")
        if name in self.figures or len(self.figures) < FIGURES:
            self.figures[name] = value

    def secret(self, value: str) -> None:
        """Tells of a secret learnt on the way, e.g. an access token, so that it is removed from all that is kept."""
        if value:
            self.secrets.add(value)

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        """What earlier checks know of this sensor's samples."""
        return self._facts.sample_runs(serial)

    def mark(self, serial: str, period: int, state: SampleState, times: Iterable[int]) -> None:
        """Puts on record what became of samples; stored together with this check's result, whatever its verdict."""
        marked = tuple(times)
        if marked:
            self.marks.append(SampleMark(serial, period, state, marked))

    def recall(self, key: str) -> str | None:
        """What this probe remembered under the key, at this or an earlier check."""
        return self.memory[key] if key in self.memory else self._facts.recall(self.probe, key)

    def remember(self, key: str, value: str) -> None:
        """Keeps a short text for this probe's later checks; stored together with this check's result."""
        self.memory[key] = value

    async def commit(self, key: str, value: str) -> None:
        """Remembers at once: on disk when this returns, whatever becomes of this check or this process."""
        # What was to be stored with the result is older than this and must not replace it, even if this is cut off.
        self.memory.pop(key, None)
        async with self.step("store", MONITOR):
            await self._facts.commit(self.probe, key, value)

    async def spend(self, key: str, amount: int, limit: int) -> bool:
        """Counts what costs money before it is spent; False where the limit would be exceeded: nothing is spent then.

        The count is on disk when this returns, is shared by all processes on the store, and outlives restarts.
        """
        async with self.step("store", MONITOR):
            return await self._facts.spend(self.probe, key, amount, limit)

    def timings(self) -> tuple[StepTiming, ...]:
        return tuple(
            StepTiming(name, component, timing.seconds, timing.count, timing.ok)
            for (name, component), timing in self._timings.items()
        )

    def evidence_items(self) -> Mapping[str, str]:
        return dict(self._evidence)

    def _finished(self, step: "Step", seconds: float, ok: bool) -> None:
        timing = self._timings.setdefault((step.name, step.component), _Timing())
        timing.seconds += seconds
        timing.count += 1
        timing.ok = timing.ok and ok


@dataclass(slots=True)
class _Timing:
    seconds: float = 0.0
    count: int = 0
    ok: bool = True


@dataclass(slots=True)
class Step:
    """Made by `Journey.step`; remembers itself as the failed step when an exception leaves it."""

    journey: Journey
    name: str
    component: str
    _started: float = field(default=0.0, init=False)

    async def __aenter__(self) -> "Step":
        timings = self.journey._timings
        timings.setdefault((self.name, self.component), _Timing())  # listed in the order of their beginning
        self._started = self.journey.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journey._finished(self, self.journey.monotonic() - self._started, error is None)
        if error is not None and error is not self.journey._failure:
            # The innermost step that an error leaves answers for it. An outer step that raises an error of its own,
            # e.g. after it mended an inner one, answers for that.
            self.journey.failed_step, self.journey._failure = self, error


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """A kind of probe: its name in the configuration, its options and its journey."""

    name: str
    options: type[ProbeOptions]
    run: Callable[[Any, Journey], Awaitable[None]]
    summary: str


KINDS: dict[str, ProbeKind] = {}


OptionsT = TypeVar("OptionsT", bound=ProbeOptions)
JourneyFunction = Callable[[OptionsT, Journey], Awaitable[None]]


def probe(name: str, options: type[OptionsT]) -> Callable[[JourneyFunction[OptionsT]], JourneyFunction[OptionsT]]:
    """Registers a journey as a kind; its module's first docstring line becomes the kind's summary.

    Raises `ValueError` for a name that is taken.
    """

    def register(run: JourneyFunction[OptionsT]) -> JourneyFunction[OptionsT]:
        if name in KINDS:
            raise ValueError(f"probe kind {name!r} is registered twice")
        summary = (sys.modules[run.__module__].__doc__ or "").strip().partition("\n")[0]
        KINDS[name] = ProbeKind(name, options, run, summary)
        return run

    return register
