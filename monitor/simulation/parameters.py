"""How a simulated year goes: how often something happens, how long it lasts, and what is watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SECOND_MS, HOUR_MS, DAY_MS = 1000, 3_600_000, 86_400_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in 365 days, each at an instant of its own (Poisson); lengths are log-normal."""

    a_year: float
    median_seconds: float = 0.0
    sigma: float = 1.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What happens in a year. Rates of outages are per component or per probe, all others of the whole place.

    `lost_share` is the share of checks whose packets are lost while all is well, `hanging_share` that of outages in
    which a check gets no answer instead of a refusal. Windows are counted a year. `blocked_by` names for a component
    the one whose outage keeps its checks from telling anything.
    """

    outages: Rate = Rate(8, 900, 1.2)  # of all probes of a component
    partial_outages: Rate = Rate(2, 600, 1.0)  # of one probe alone
    short_outages: Rate = Rate(20, 8, 0.6)  # of all probes of a component
    lost_share: float = 2e-5
    hanging_share: float = 0.4
    clean_stops: Rate = Rate(12, 90, 0.8)
    kills: Rate = Rate(4, 240, 1.0)
    offline: Rate = Rate(6, 300, 1.0)
    clock_faults: Rate = Rate(3, 7200, 1.0)  # from the step to the one that takes it back
    clock_step_seconds: float = 40.0  # at most, forward or back
    maintenance_windows: int = 4
    excluded_windows: int = 1
    restore_windows: int = 1
    blocked_by: Mapping[str, str] = field(default_factory=lambda: {"ingest": "api"})
    heartbeat_ms: int = 5000


NOTHING = Rate(0)
UNEVENTFUL = Parameters(
    outages=NOTHING,
    partial_outages=NOTHING,
    short_outages=NOTHING,
    lost_share=0.0,
    clean_stops=NOTHING,
    kills=NOTHING,
    offline=NOTHING,
    clock_faults=NOTHING,
    maintenance_windows=0,
    excluded_windows=0,
    restore_windows=0,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A probe's settings, in force from an instant on."""

    from_ms: int
    every_ms: int
    recheck_ms: int
    timeout_ms: int
    confirm_after: int
    stale_ms: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class Watcher:
    """A probe of the simulated place, in service from the first of its settings on, which are in order of time.

    `phase` is the fraction of its interval at which it starts.
    """

    id: str
    component: str
    phase: float
    settings: tuple[Settings, ...]

    @property
    def since_ms(self) -> int:
        return self.settings[0].from_ms

    def settings_at(self, at_ms: int) -> Settings | None:
        """Those in force; None before it is in service."""
        return next((each for each in reversed(self.settings) if each.from_ms <= at_ms), None)
