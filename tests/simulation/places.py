"""Small simulated places: a few probes for a few days, with as much trouble as a test wants."""

from dataclasses import replace

from monitor.simulation.course import ClockStep, Course, Fault, Session, draw
from monitor.simulation.parameters import DAY_MS, UNEVENTFUL, Parameters, Rate, Settings, Watcher
from monitor.sla.agreement import Agreement
from monitor.sla.intervals import Interval
from monitor.sla.model import ComponentTerms
from monitor.sla.periods import Period

START_MS = 1_772_150_400_000  # 2026-02-27T00:00Z: with the 1st of March in it
EVERY_MS = 30_000
ZONE = "Europe/Warsaw"

# As much in a few days as in a bad year.
BUSY = Parameters(
    outages=Rate(600, 300, 1.2),
    partial_outages=Rate(300, 200, 1.0),
    short_outages=Rate(1000, 8, 0.6),
    lost_share=1e-3,
    clean_stops=Rate(400, 90, 0.8),
    kills=Rate(400, 240, 1.0),
    offline=Rate(400, 300, 1.0),
    clock_faults=Rate(800, 1800, 1.0),
)


def span(days: int) -> Interval:
    return START_MS, START_MS + days * DAY_MS


def watcher(probe: str = "api", component: str = "api", *, every_ms: int = EVERY_MS, phase: float = 0.0) -> Watcher:
    settings = Settings(START_MS, every_ms, 5_000, 20_000, 2, every_ms * 5 // 2, probe)
    return Watcher(probe, component, phase, (settings,))


def three_watchers() -> list[Watcher]:
    """Of two components, one of which blocks the other; the last one comes later, the second changes its pace."""
    first, second, third = watcher("api"), watcher("coap", "ingest", phase=0.3), watcher("gateway", "ingest", phase=0.7)
    (settings,) = second.settings
    slower = replace(settings, from_ms=START_MS + DAY_MS, every_ms=60_000, stale_ms=150_000)
    renamed = replace(slower, from_ms=START_MS + 2 * DAY_MS, title="another name")
    late = replace(third.settings[0], from_ms=START_MS + DAY_MS)
    return [first, replace(second, settings=(settings, slower, renamed)), replace(third, settings=(late,))]


def calm(days: int = 1) -> Course:
    """One probe, and nothing happens."""
    return draw(1, span(days), [watcher()], UNEVENTFUL)


def busy(seed: int, days: int = 4) -> Course:
    return draw(seed, span(days), three_watchers(), BUSY)


def with_faults(course: Course, *faults: Fault) -> Course:
    return replace(course, faults={**course.faults, "api": faults})


def with_sessions(course: Course, *sessions: Session) -> Course:
    return replace(course, sessions=sessions)


def with_steps(course: Course, *steps: ClockStep) -> Course:
    return replace(course, clock_steps=steps)


def agreement() -> Agreement:
    terms = tuple(ComponentTerms(key, key, None, None, "blocker") for key in ("api", "ingest"))
    return Agreement(START_MS, ZONE, terms)


def period(interval: Interval) -> Period:
    return Period(*interval, "simulated", ZONE)
