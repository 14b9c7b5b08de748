"""What is exported of the alerts that the daemon pushes itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from monitor.config import Config

OUTCOMES = ("ok", "refused", "failed")


class AlertSeries:
    """Told of every push. Without an Alertmanager there are no series of any."""

    def __init__(self, config: Config, registry: CollectorRegistry) -> None:
        there_are_some = registry if config.alerting.alertmanagers else None
        self._holding = Gauge("uptime_alerts_pushed", "Alerts that hold now and are pushed.", registry=registry)
        self._up = Gauge(
            "uptime_alertmanager_up",
            "Whether the newest push to this Alertmanager got through.",
            ("alertmanager",),
            registry=there_are_some,
        )
        self._pushes = Counter(
            "uptime_alertmanager_pushes",
            "Pushes to this Alertmanager: taken, refused, or not got through.",
            ("alertmanager", "outcome"),
            registry=there_are_some,
        )
        self._untold = Counter(
            "uptime_alerts_untold",
            "Alerts that came and went before this Alertmanager could be told.",
            ("alertmanager",),
            registry=there_are_some,
        )
        for entry in config.alerting.alertmanagers:  # so that what never happened is 0
            self._up.labels(entry.name)
            self._untold.labels(entry.name)
            for outcome in OUTCOMES:
                self._pushes.labels(entry.name, outcome)

    def holding(self, alerts: int) -> None:
        self._holding.set(alerts)

    def pushed(self, alertmanager: str, outcome: str) -> None:
        """`outcome` is one of `OUTCOMES`."""
        self._pushes.labels(alertmanager, outcome).inc()
        self._up.labels(alertmanager).set(outcome == "ok")

    def untold(self, alertmanager: str) -> None:
        self._untold.labels(alertmanager).inc()
