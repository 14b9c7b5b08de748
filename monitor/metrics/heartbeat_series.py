"""The calls that this daemon makes to say that it lives, and those of its peers."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class Pings(Protocol):
    """Whether the newest call got through (None: there was none yet), and how many did and did not."""

    @property
    def up(self) -> bool | None: ...
    @property
    def counts(self) -> Mapping[str, int]: ...


class Peers(Protocol):
    """By the names of peers; those of which nothing is known are left out."""

    def silent(self) -> Mapping[str, bool]: ...
    def last_calls(self) -> Mapping[str, float]: ...


class HeartbeatSeries(Collector):
    """To be registered; asked at every scrape."""

    def __init__(self, pings: Pings, peers: Peers) -> None:
        self._pings = pings
        self._peers = peers

    def collect(self) -> Iterator[Metric]:
        counts = CounterMetricFamily("uptime_pings", "Calls of the configured URL.", labels=("outcome",))
        for outcome, count in self._pings.counts.items():
            counts.add_metric((outcome,), count)
        yield counts
        if self._pings.up is not None:
            yield GaugeMetricFamily("uptime_ping_up", "Whether the newest call got through.", float(self._pings.up))
        silent = {name: float(is_silent) for name, is_silent in self._peers.silent().items()}
        yield from _by_peer("uptime_peer_silent", "Whether a peer is silent or says that it is not well.", silent)
        calls = self._peers.last_calls()
        yield from _by_peer("uptime_peer_last_ping_timestamp_seconds", "Newest call of a peer, Unix time.", calls)


def _by_peer(name: str, text: str, values: Mapping[str, float]) -> Iterator[Metric]:
    family = GaugeMetricFamily(name, text, labels=("peer",))
    for peer, value in values.items():
        family.add_metric((peer,), value)
    if values:
        yield family
