"""What `/metrics` answers: counted as it happens, or taken from the board when Prometheus asks.

Labels come from the configuration or from fixed lists only. A handful of metrics of the daemon itself are kept and
written by prometheus-client. It would need half a second of the loop's time for those of a thousand probes, so they
are written here, out of prepared text and in pieces.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from monitor.board import Board
from monitor.config import Config
from monitor.metrics.alert_series import AlertSeries
from monitor.metrics.component_series import Failures, component_text
from monitor.metrics.probe_series import PROBE_FAMILIES, ProbeSeries
from monitor.metrics.promise_series import support_text
from monitor.results import Result

LATENESS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
DIGEST_DIGITS = 13  # 52 bits; a sample's number, a float, holds 53
# So many probes' text is written between two moments at which the loop may do something else.
PROBES_A_PIECE = 50


class Metrics:
    """All that `/metrics` shows. Every label set exists from the start, so that "never failed" is 0 and not absent.

    The daemon tells what it counts. `in_flight`, `waiting` and `heartbeat_age` are asked at every scrape: checks that
    are running, records that wait for the store, and seconds since it took the last heartbeat.
    """

    def __init__(
        self,
        config: Config,
        board: Board,
        version: str,
        in_flight: Callable[[], int],
        *,
        waiting: Callable[[], int] = lambda: 0,
        heartbeat_age: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.registry = CollectorRegistry()
        self._board = board
        self._scraping = asyncio.Lock()
        self._components = {probe.id: probe.component for probe in config.probes}
        self._probes = {probe.id: ProbeSeries(probe, config.location) for probe in config.probes}
        self.alerts = AlertSeries(config, self.registry)
        self._failures = Failures(config.components, config.location)
        self._unwritten: dict[str, ProbeSeries] = {}
        self._probe_text = ""
        self.stored = self._counter("uptime_results_stored", "Results that are on disk.")
        self.store_errors = self._counter("uptime_store_errors", "Failed attempts to use the store.")
        self.lost = self._counter("uptime_results_lost", "Results that could not be stored; stays 0.")
        self.pruned = self._counter("uptime_results_pruned", "Results that were deleted for their age.")
        self.seal_failures = self._counter("uptime_seal_failures", "Failed attempts to seal; each is tried again.")
        self._seal_number = self._gauge("uptime_seal_number", "Number of the newest seal; 0: none.")
        self._seal_time = self._gauge("uptime_seal_timestamp_seconds", "When the newest seal was made, Unix time.")
        self._seal_digest = self._gauge(
            "uptime_seal_digest_prefix", "The first 13 hexadecimal digits of the newest seal's digest, as a number."
        )
        self._lateness = Histogram(
            "uptime_check_lateness_seconds",
            "How long after its time on the grid a check began.",
            buckets=LATENESS_BUCKETS,
            registry=self.registry,
        )
        info = Gauge(
            "uptime_build_info", "The running version; the value is always 1.", ("version",), registry=self.registry
        )
        info.labels(version).set(1)
        self.config_loaded = self._gauge(
            "uptime_config_loaded_timestamp_seconds", "When the configuration in force was loaded, Unix time."
        )
        self._gauge("uptime_checks_in_flight", "Checks that are running now.").set_function(in_flight)
        self._gauge("uptime_store_queue_records", "Records that wait to be written to the store.").set_function(waiting)
        self._gauge("uptime_heartbeat_age_seconds", "Time since the store took the last heartbeat.").set_function(
            heartbeat_age
        )

    def checked(self, result: Result) -> None:
        """Counts a result; to be called once it is stored."""
        self._probes[result.probe].checked(result)
        if result.reason:
            self._failures.count(self._components[result.probe], result.reason)
        self.stored.inc()

    def lateness(self, seconds: float) -> None:
        self._lateness.observe(max(0.0, seconds))

    def schedule_event(self, probe: str, event: str) -> None:
        self._probes[probe].schedule_event(event)

    def sealed(self, number: int, sealed_ms: int, digest: str) -> None:
        """The newest seal. So much of its digest as a number of a sample holds exactly lives on in Prometheus."""
        self._seal_number.set(number)
        self._seal_time.set(sealed_ms / 1000)
        self._seal_digest.set(int(digest[:DIGEST_DIGITS], 16))

    async def render(self) -> bytes:
        """The exposition, as of one moment. Gives way to others every few milliseconds; one scrape at a time."""
        async with self._scraping:
            # Until the board stands still nothing is awaited, so that all numbers are of the same moment.
            of_daemon = generate_latest(self.registry).decode() + self._failures.text()
            self._unwritten |= {
                probe: series for probe, series in self._probes.items() if series.look(self._board.latest(probe))
            }
            picture = await self._board.picture_in_pieces()
            await self._write_probes()
            of_components = component_text(picture) + support_text(picture)
            await asyncio.sleep(0)
            text = of_daemon + of_components + self._probe_text
            await asyncio.sleep(0)
            exposition = text.encode()
            await asyncio.sleep(0)  # sending megabytes takes a while, too
            return exposition

    async def _write_probes(self) -> None:
        """Should the scrape be cancelled in between, the next one writes what this one did not come to."""
        if not self._unwritten:
            return
        for number, series in enumerate(self._unwritten.values(), start=1):
            series.write()
            if number % PROBES_A_PIECE == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._probe_text = "".join(self._by_family())
        self._unwritten.clear()

    def _by_family(self) -> list[str]:
        parts: list[str] = []
        for place, family in enumerate(PROBE_FAMILIES):
            texts = [text for series in self._probes.values() if (text := series.texts[place])]
            parts += [family.header, *texts] if texts else []
        return parts

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)
