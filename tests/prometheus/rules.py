"""Rules made of configurations as a test needs them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import yaml

from monitor.alert_rules import rule_files
from monitor.config import Config, load, shipped_config
from tests.monitor.test_config_schema import _EVERYTHING

Rule = dict[str, Any]


@cache
def everything() -> Config:
    """The configuration for the cloud with every probe switched on."""
    return load(shipped_config("efento-cloud.yaml"), _EVERYTHING)


def rules_of(config: Config) -> dict[str, str]:
    return rule_files(config)


def rules_in(config: Config) -> Iterator[Rule]:
    for text in rule_files(config).values():
        for group in yaml.safe_load(text)["groups"]:
            yield from group["rules"]


def alerts_of(config: Config, name: str) -> list[Rule]:
    return [rule for rule in rules_in(config) if rule.get("alert") == name]


def alert_of(config: Config, name: str) -> Rule:
    (found,) = alerts_of(config, name)
    return found


def with_alerting(config: Config, **changes: Any) -> Config:
    return replace(config, alerting=config.alerting.model_copy(update=changes))


def with_thresholds(config: Config, **changes: Any) -> Config:
    return with_alerting(config, rules=config.alerting.rules.model_copy(update=changes))


def with_component(config: Config, key: str, **changes: Any) -> Config:
    components = tuple(replace(terms, **changes) if terms.key == key else terms for terms in config.components)
    return replace(config, components=components)


def with_probe(config: Config, name: str, **changes: Any) -> Config:
    probes = tuple(replace(probe, **changes) if probe.id == name else probe for probe in config.probes)
    return replace(config, probes=probes)
