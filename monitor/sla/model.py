"""The values that uptime arithmetic works on. Times are integer UTC milliseconds, intervals half-open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class Verdict(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observation:
    """What arithmetic needs of one result. `reason` is empty for `up`."""

    started_ms: int
    verdict: Verdict
    stale_ms: int
    confirm_after: int
    reason: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A maximal stretch of equal verdicts of one probe at one location without a gap.

    No two consecutive results of it are further apart than `stale_ms`. Results of one run share verdict, `stale_ms`
    and `confirm_after` and, where the verdict is unknown, the reason; else reason and step are the first result's.
    """

    verdict: Verdict
    first_ms: int
    last_ms: int
    count: int
    stale_ms: int
    confirm_after: int
    reason: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class ProbeTerms:
    """A probe's settings at one location, in force from `from_ms` until the next entry of the same probe and location.

    `component` is None from the moment the probe was taken out of the configuration.
    """

    probe: str
    location: str
    from_ms: int
    component: str | None
    every_ms: int
    stale_ms: int
    confirm_after: int


@dataclass(frozen=True, slots=True)
class Life:
    """A stretch of time in which a daemon at a location was running, from its heartbeats. `clean`: it was stopped
    properly at the end; otherwise it was killed, crashed, or its machine stood still."""

    location: str
    first_ms: int
    last_ms: int
    clean: bool


class DownWhen(StrEnum):
    ANY = "any"
    ALL = "all"
    MAJORITY = "majority"


class State(StrEnum):
    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a stretch of time is unknown."""

    NOT_IN_SERVICE = "not_in_service"  # before the component was monitored at all
    DAEMON_STOPPED = "daemon_stopped"  # stopped properly
    DAEMON_KILLED = "daemon_killed"  # ended without a clean stop
    DAEMON_LATE = "daemon_late"  # running, but no result came
    UNCONFIRMED = "unconfirmed"  # a failure that nothing confirmed or cleared
    BLOCKED = "blocked"
    OFFLINE = "offline"  # our own network was out
    NO_CREDIT = "no_credit"
    CAPPED = "capped"
    PROBE_BUG = "probe_bug"
    WRONG_ZONE = "wrong_zone"
    NOTHING_TO_VERIFY = "nothing_to_verify"
    OTHER = "other"  # a reason that this version does not know, e.g. of imported results


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state; `cause` only for unknown; `blip` marks up time of a failure not confirmed."""

    start_ms: int
    end_ms: int
    state: State
    cause: Cause | None = None
    blip: bool = False


@dataclass(frozen=True, slots=True)
class ComponentTerms:
    """A line of the agreement. `floor` and `upper` are ratios, e.g. 199/200; None where no figure is promised."""

    key: str
    title: str
    floor: Fraction | None
    upper: Fraction | None
    severity: str
    down_when: DownWhen = DownWhen.ANY


@dataclass(frozen=True, slots=True)
class Ledger:
    """All recorded facts that figures are computed from. Runs are sorted by time, by (probe, location)."""

    runs: Mapping[tuple[str, str], Sequence[Run]]
    terms: Sequence[ProbeTerms] = field(default_factory=tuple)
    lives: Sequence[Life] = field(default_factory=tuple)
