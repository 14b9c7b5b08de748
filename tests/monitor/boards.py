"""A board that is fed with results as the store would tell of them, and the same recorded beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from monitor.board import Board
from monitor.clock import ManualClock, to_milliseconds
from monitor.config import Config, ProbeConfig
from monitor.daemon import probe_terms
from monitor.results import Result
from monitor.sla.model import ComponentTerms, Ledger, Life, Observation, Run, Verdict
from monitor.sla.runs import extend, runs_of
from tests.monitor.build import config_of, probe_config

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
START_MS = to_milliseconds(START)
REASONS = {Verdict.UP: "", Verdict.DOWN: "refused", Verdict.UNKNOWN: "blocked"}
Addition = tuple[Result, Run | None, Run]


def result_of(
    probe: ProbeConfig,
    started_ms: int,
    verdict: Verdict,
    *,
    reason: str | None = None,
    detail: str = "",
    duration_us: int = 20_000,
    figures: Mapping[str, float] | None = None,
) -> Result:
    return Result(
        probe.id,
        probe.component,
        "frankfurt",
        started_ms,
        duration_us,
        verdict,
        reason=REASONS[verdict] if reason is None else reason,
        step="request" if verdict is Verdict.DOWN else "",
        detail=detail,
        figures=figures or {},
    )


def watching(*components: str, heartbeat: float = 1.0, also: Sequence[ComponentTerms] = ()) -> Config:
    """A configuration with a probe for each name, in order: `p0`, `p1`, …; `also` are not watched."""
    probes = [probe_config(name=f"p{number}", component=key) for number, key in enumerate(components)]
    config = config_of(probes)
    return replace(config, heartbeat_seconds=heartbeat, components=(*config.components, *also))


@dataclass
class Recorded:
    """What was stored, in order; `board` was told of it bit by bit."""

    config: Config
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    added: list[Addition] = field(default_factory=list)
    seen: dict[str, list[Observation]] = field(default_factory=dict)
    newest: dict[str, Run] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = Board(self.config, self.clock)
        self.beat()
        self.board.load(self.ledger())

    @property
    def now_ms(self) -> int:
        return to_milliseconds(self.clock.now())

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.beat()

    def beat(self) -> None:
        self.lives = [Life("frankfurt", START_MS, self.now_ms, False)]
        self.board.alive(self.lives)

    def add(self, number: int, verdict: Verdict, *, detail: str = "") -> Result:
        """A check of the probe of that number that began now and took no time worth mentioning."""
        probe = self.config.probes[number]
        result = result_of(probe, self.now_ms, verdict, detail=detail)
        stale_ms = round(probe.stale_seconds * 1000)
        seen = Observation(result.started_ms, verdict, stale_ms, probe.confirm_after, result.reason, result.step)
        closed, run = extend(self.newest.get(probe.id), seen)
        self.seen.setdefault(probe.id, []).append(seen)
        self.newest[probe.id] = run
        self.added.append((result, closed, run))
        self.board.add(result, closed, run)
        return result

    def ledger(self) -> Ledger:
        runs = {(probe, "frankfurt"): runs_of(seen) for probe, seen in self.seen.items()}
        return Ledger(runs, probe_terms(self.config, START_MS), self.lives)
