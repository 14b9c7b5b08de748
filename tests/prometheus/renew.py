"""What is committed in `config/prometheus/` but prometheus.yml: made here, and held current by a test.

python -m tests.prometheus.renew
"""

from pathlib import Path
from typing import Any

import yaml

from monitor.alert_rules import rule_files
from monitor.config import Config, load, shipped_config
from tests.monitor.test_config_schema import _CLOUD
from tests.prometheus import agreement_cases, burn_cases, host_cases, monitor_cases
from tests.prometheus.cases import Case, promtool_file

FOLDER = Path(__file__).resolve().parents[2] / "config" / "prometheus"
# File of cases → file of rules, and the cases.
CASES: dict[str, tuple[str, tuple[Case, ...]]] = {
    "agreement.yml": ("agreement.yml", agreement_cases.CASES),
    "burn.yml": ("agreement.yml", burn_cases.CASES),
    "burn_slowly.yml": ("agreement.yml", burn_cases.SLOW_CASES),
    "monitor.yml": ("monitor.yml", monitor_cases.CASES),
    "monitor_slowly.yml": ("monitor.yml", monitor_cases.SLOW_CASES),
    "hosts.yml": ("hosts.yml", host_cases.CASES),
}


def shipped() -> Config:
    """The configuration for the cloud, with no more set than it needs."""
    return load(shipped_config("efento-cloud.yaml"), _CLOUD)


def alerts_in(text: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load(text)["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def committed() -> dict[str, str]:
    """Paths below `config/prometheus/`, and what belongs there."""
    rules = rule_files(shipped())
    tests = {name: promtool_file(of, cases, alerts_in(rules[of])) for name, (of, cases) in CASES.items()}
    return {
        **{f"rules/{name}": text for name, text in rules.items()},
        **{f"tests/{name}": text for name, text in tests.items()},
    }


if __name__ == "__main__":
    for path, text in committed().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text, encoding="utf-8")
