"""`/metrics` for Prometheus. `docs/metrics.md` is the contract and a test holds it."""

from monitor.metrics.alert_series import AlertSeries
from monitor.metrics.exposition import CONTENT_TYPE
from monitor.metrics.metrics import Metrics

__all__ = ["CONTENT_TYPE", "AlertSeries", "Metrics"]
