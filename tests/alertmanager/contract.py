"""The alerts that there are, with the labels that they have beside the component's, and the receiver that is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config" / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"

RANK = {"none": 0, "minor": 1, "major": 2, "blocker": 3}
RECEIVERS = {"blocker": "pager", "major": "team", "minor": "team", "none": "nobody"}

_OF_COMPONENT = {"component": "api"}
_OF_PROBE = {"component": "api", "probe": "api"}
_OF_HOST = {"instance": "db1:9100"}

LABELS: Mapping[str, Mapping[str, str]] = {
    "AlertsUntold": {"alertmanager": "127.0.0.1:9093"},
    "CertificateExpiring": _OF_PROBE,
    "ComponentDown": _OF_COMPONENT,
    "CoverageAtRisk": _OF_COMPONENT,
    "DeadMansSwitch": {},
    "DeadlineNear": {**_OF_COMPONENT, "clock": "workaround"},
    "DeadlinePassed": {**_OF_COMPONENT, "clock": "workaround"},
    "ErrorBudgetBurn": {**_OF_COMPONENT, "window": "1h"},
    "HostCpuBusy": _OF_HOST,
    "HostDiskFilling": _OF_HOST,
    "HostGone": _OF_HOST,
    "HostMemoryLow": _OF_HOST,
    "MonitorBlind": _OF_COMPONENT,
    "MonitorGone": {},
    "NotificationsFailing": {"integration": "webhook"},
    "OutsideSupportHours": {},
    "PeerSilent": {"peer": "dublin"},
    "PingFailing": {},
    "PlatformDown": {},
    "PlatformDownNow": _OF_COMPONENT,
    "ProbeLate": _OF_PROBE,
    "PushFailing": {"alertmanager": "127.0.0.1:9093"},
    "ResultsLost": {},
    "ScrapeFailing": {"instance": "127.0.0.1:9090", "job": "prometheus"},
    "SealBroken": {},
    "SealOverdue": {},
    "SmsCreditLow": _OF_PROBE,
    "StoreNotWritable": {},
    "YearlyBudgetNearlySpent": _OF_COMPONENT,
    "YearlyBudgetSpent": _OF_COMPONENT,
}
_BY_COMPONENT = ("blocker", "major", "minor")
OTHER_SEVERITIES: Mapping[str, tuple[str, ...]] = {
    "ComponentDown": _BY_COMPONENT,
    "DeadMansSwitch": ("none",),
    "DeadlineNear": _BY_COMPONENT,
    "DeadlinePassed": _BY_COMPONENT,
    "ErrorBudgetBurn": _BY_COMPONENT,
    "HostCpuBusy": ("minor",),
    "MonitorGone": ("blocker",),
    "NotificationsFailing": ("blocker",),
    "OutsideSupportHours": ("none",),
    "PeerSilent": ("blocker",),
    "PlatformDown": ("blocker",),
    "PlatformDownNow": ("none",),
    "StoreNotWritable": ("blocker",),
    "YearlyBudgetNearlySpent": ("minor",),
}


def severities_of(alert: str) -> tuple[str, ...]:
    """Those that the alert can have."""
    return OTHER_SEVERITIES.get(alert, ("major",))


def shipped() -> dict[str, Any]:
    """The shipped configuration, to be varied."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return config
