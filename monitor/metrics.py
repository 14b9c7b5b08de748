"""Prometheus metrics: one class on a registry of its own. `docs/metrics.md` is the contract and a test holds it.

Two sorts: what happens is counted as it happens; what is derived is computed from the board when Prometheus asks.
Labels come from the configuration or from fixed lists only.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor.board import Board, ComponentPicture, Picture, ratio
from monitor.config import Config
from monitor.results import Result
from monitor.sla.model import State, Verdict
from probes.contract import Reason

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
LATENESS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
EVENTS = ("late", "skipped", "overrun")
PROBE_LABELS = ("probe", "component", "location")


class Metrics:
    """All that `/metrics` shows. Every label set exists from the start, so that "never failed" is 0 and not absent."""

    def __init__(self, config: Config, board: Board, version: str, in_flight: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._location = config.location
        self._checks = self._counter("uptime_probe_checks", "Checks by verdict.", (*PROBE_LABELS, "verdict"))
        self._failures = self._counter(
            "uptime_component_failures", "Checks that were not up, by reason.", ("component", "location", "reason")
        )
        self._duration = Histogram(
            "uptime_probe_duration_seconds",
            "How long a check took.",
            PROBE_LABELS,
            buckets=DURATION_BUCKETS,
            registry=self.registry,
        )
        self._lateness = Histogram(
            "uptime_check_lateness_seconds",
            "How long after its time on the grid a check began.",
            buckets=LATENESS_BUCKETS,
            registry=self.registry,
        )
        self._events = self._counter(
            "uptime_schedule_events", "Starts that were late or did not take place.", ("probe", "location", "event")
        )
        self.stored = self._counter("uptime_results_stored", "Results that are on disk.", ())
        self.store_errors = self._counter("uptime_store_errors", "Failed attempts to write to the store.", ())
        self.lost = self._counter("uptime_results_lost", "Results that could not be stored; stays 0.", ())
        info = self._gauge("uptime_build_info", "The running version; the value is always 1.", ("version",))
        info.labels(version).set(1)
        self.config_loaded = self._gauge(
            "uptime_config_loaded_timestamp_seconds", "When the configuration in force was loaded, Unix time.", ()
        )
        self._gauge("uptime_checks_in_flight", "Checks that are running now.", ()).set_function(in_flight)
        self._create_label_sets(config)
        self.registry.register(_BoardCollector(config, board))

    def checked(self, result: Result) -> None:
        """Counts a result; to be called once it is stored."""
        labels = (result.probe, result.component, self._location)
        self._checks.labels(*labels, result.verdict.value).inc()
        self._duration.labels(*labels).observe(result.duration_us / 1_000_000)
        if result.reason:
            self._failures.labels(result.component, self._location, result.reason).inc()
        self.stored.inc()

    def lateness(self, seconds: float) -> None:
        self._lateness.observe(max(0.0, seconds))

    def schedule_event(self, probe: str, event: str) -> None:
        self._events.labels(probe, self._location, event).inc()

    def render(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...]) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _create_label_sets(self, config: Config) -> None:
        for probe in config.probes:
            labels = (probe.id, probe.component, self._location)
            self._duration.labels(*labels)
            for verdict in Verdict:
                self._checks.labels(*labels, verdict.value)
            for event in EVENTS:
                self._events.labels(probe.id, self._location, event)
        for component in config.components:
            for reason in Reason:
                self._failures.labels(component.key, self._location, reason.value)


class _BoardCollector(Collector):
    """What is derived from the ledger, computed when it is asked for."""

    def __init__(self, config: Config, board: Board) -> None:
        self._location = config.location
        self._board = board

    def describe(self) -> list[Metric]:
        return []  # do not collect at registration

    def collect(self) -> Iterator[Metric]:
        picture = self._board.picture()
        yield from self._probes(picture)
        yield from _components(picture)
        yield _state_seconds(self._board)

    def _probes(self, picture: Picture) -> Iterator[Metric]:
        success = GaugeMetricFamily(
            "uptime_probe_success",
            "Whether the newest check was up (1) or down (0); absent while it is unknown.",
            labels=PROBE_LABELS,
        )
        last = GaugeMetricFamily(
            "uptime_probe_last_check_timestamp_seconds", "Start of the newest check, Unix time.", labels=PROBE_LABELS
        )
        steps = GaugeMetricFamily(
            "uptime_probe_step_duration_seconds",
            "How long each step of the newest check took; `step_component` answers for the step.",
            labels=(*PROBE_LABELS, "step", "step_component"),
        )
        figures = GaugeMetricFamily(
            "uptime_probe_figure",
            "Further figures of the newest check; the unit is in the figure's name.",
            labels=(*PROBE_LABELS, "figure"),
        )
        for probe in picture.probes:
            if (result := probe.latest) is None:
                continue
            labels = [probe.config.id, probe.config.component, self._location]
            if result.verdict is not Verdict.UNKNOWN:
                success.add_metric(labels, float(result.verdict is Verdict.UP))
            last.add_metric(labels, result.started_ms / 1000)
            for step in result.steps:
                steps.add_metric([*labels, step.name, step.component], step.seconds)
            for name, value in result.figures.items():
                figures.add_metric([*labels, name], value)
        yield from (success, last, steps, figures)


def _components(picture: Picture) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "uptime_component_state", "1 for the state that the component is in.", labels=("component", "state")
    )
    floor = GaugeMetricFamily("uptime_component_floor_ratio", "Promised yearly uptime.", labels=("component",))
    uptime = GaugeMetricFamily(
        "uptime_component_uptime_ratio",
        "Observed uptime, up / (up + down), in the window that ends now; absent where nothing was observed.",
        labels=("component", "window"),
    )
    coverage = GaugeMetricFamily(
        "uptime_component_coverage_ratio",
        "Share of the window, to date, in which the component was observed.",
        labels=("component", "window"),
    )
    outage = GaugeMetricFamily(
        "uptime_component_outage_seconds", "Age of the open outage; 0 without one.", labels=("component", "severity")
    )
    budget = GaugeMetricFamily(
        "uptime_component_budget_seconds", "Downtime that this calendar year allows.", labels=("component",)
    )
    remaining = GaugeMetricFamily(
        "uptime_component_budget_remaining_seconds", "What is left of it; may be negative.", labels=("component",)
    )
    for component in picture.components:
        key = component.terms.key
        for possible in State:
            state.add_metric([key, possible.value], float(component.state is possible))
        if component.terms.floor is not None:
            floor.add_metric([key], float(component.terms.floor))
        for window, figures in component.figures.items():
            if (value := ratio(figures.observed)) is not None:
                uptime.add_metric([key, window], value)
            if (value := ratio(figures.coverage)) is not None:
                coverage.add_metric([key, window], value)
        outage.add_metric([key, component.terms.severity], _outage_seconds(component, picture.as_of_ms))
        if component.year_budget is not None:
            budget.add_metric([key], component.year_budget.allowed_ms / 1000)
            remaining.add_metric([key], component.year_budget.remaining_ms / 1000)
    yield from (state, floor, uptime, coverage, outage, budget, remaining)


def _outage_seconds(component: ComponentPicture, now_ms: int) -> float:
    return 0.0 if component.open_outage is None else (now_ms - component.open_outage.start_ms) / 1000


def _state_seconds(board: Board) -> Metric:
    seconds = CounterMetricFamily(
        "uptime_component_state_seconds",
        "Time in each state since the component came into service, as far as the past is settled.",
        labels=("component", "state"),
    )
    for key, total in board.settled().items():
        seconds.add_metric([key, State.UP], total.up_ms / 1000)
        seconds.add_metric([key, State.DOWN], total.down_ms / 1000)
        seconds.add_metric([key, State.UNKNOWN], total.unknown_ms / 1000)
    return seconds
