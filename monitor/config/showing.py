"""Writes a configuration out as it is in force: every default filled in, every secret masked."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import yaml
from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from monitor.config.agreement import WEEKDAYS
from monitor.config.inbound import Inbound
from monitor.config.loading import Config, ProbeConfig
from monitor.config.report import MASK, without_passwords
from monitor.config.values import DurationBetween, duration_text, percentage_text
from monitor.sla.agreement import Deadlines, RecurringMaintenance, SupportHours
from monitor.sla.model import ComponentTerms
from monitor.sla.periods import local_date
from monitor.yaml_source import Loc, resolve_scalar


def as_yaml(config: Config) -> str:
    return yaml.dump(_effective(config), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


class _Dumper(yaml.SafeDumper):
    """Quotes also what only YAML 1.2 takes for a number, e.g. `0o17`."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted_where_needed(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if isinstance(resolve_scalar(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _quoted_where_needed)


def _effective(config: Config) -> dict[str, Any]:
    masker = _Masker(config)
    return {
        "zone": config.zone.key,
        "location": config.location,
        "store": {"url": without_passwords(config.store_url)},
        "web": {
            "host": config.web_host,
            "port": config.web_port,
            "url": config.web_url,
            "tokens": {name: masker.masked(token, ("web", "tokens", name)) for name, token in config.tokens.items()},
        },
        "sla": {
            "confirm_after": config.confirm_after,
            "recheck": duration_text(config.recheck_seconds),
            "stale_factor": config.stale_factor,
            **_windows(config),
        },
        "stop": {"drain": duration_text(config.drain_seconds)},
        "heartbeat": duration_text(config.heartbeat_seconds),
        "log": {"level": config.log_level, "format": config.log_format},
        "components": {terms.key: _component(terms, config) for terms in config.components},
        "probes": [_probe(probe, masker) for probe in config.probes],
        "maintenance": [_maintenance(rule) for rule in config.rules.recurring],
        "support": _support(config.rules.support),
        "deadlines": {severity: _deadlines(each) for severity, each in config.rules.deadlines.items()},
        "seal": _seal(config),
        "retention": {"results": _duration(config.keep_results_seconds)},
        "inbound": _inbound(config.inbound, masker),
        "alerting": masker.masked(config.alerting, ("alerting",)),
        "ping": masker.masked(config.ping, ("ping",)),
        "peers": masker.masked(config.peers, ("peers",)),
        "references": [_reference(index, target, masker) for index, target in enumerate(config.reference_targets)],
    }


def _component(terms: ComponentTerms, config: Config) -> dict[str, Any]:
    since = config.rules.since.get(terms.key)
    return {
        "title": terms.title,
        "floor": None if terms.floor is None else percentage_text(terms.floor),
        "upper": None if terms.upper is None else percentage_text(terms.upper),
        "since": None if since is None else local_date(since, config.zone).isoformat(),
        "severity": terms.severity,
        "down_when": terms.down_when.value,
        "quorum": config.quorums.get(terms.key),
    }


def _windows(config: Config) -> dict[str, Any]:
    rules = config.rules
    is_there = any(terms.key == rules.restore_component for terms in config.components)
    return {
        "maintenance_counts": rules.maintenance_counts,
        "maintenance": {
            "minimum_notice": _length(rules.minimum_notice_ms),
            "yearly_cap": _length(rules.maintenance_cap_ms),
        },
        "restore": {
            "limit": _length(rules.restore_limit_ms),
            **({"component": rules.restore_component} if is_there else {}),
            "spares": list(rules.spared),
            "history_probes": list(rules.history_probes),
        },
    }


def _maintenance(rule: RecurringMaintenance) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rule": rule.rule,
        "starts": rule.starts,
        "length": _length(rule.length_ms),
        "text": rule.text,
        "components": list(rule.components),
        "notice": _length(rule.notice_ms),
    }


def _support(support: SupportHours) -> dict[str, Any]:
    return {
        "zone": support.zone,
        "weekdays": [WEEKDAYS[weekday] for weekday in support.weekdays],
        "from": f"{support.start // 60:02d}:{support.start % 60:02d}",
        "to": f"{support.end // 60:02d}:{support.end % 60:02d}",
        "country": support.country,
    }


def _deadlines(each: Deadlines) -> dict[str, Any]:
    return {
        "response": _length(each.response_ms),
        "workaround": _length(each.workaround_ms),
        "correction": _length(each.correction_ms),
        "support_hours_only": each.support_hours_only,
    }


def _seal(config: Config) -> dict[str, Any]:
    at = config.sealing.at
    moment = {"at": f"{at:%H:%M}"} if at is not None else {}
    return {"enabled": at is not None, "key": str(config.seal_key_path), **moment}


def _length(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else duration_text(milliseconds / 1000)


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else duration_text(seconds)


def _probe(probe: ProbeConfig, masker: "_Masker") -> dict[str, Any]:
    return {
        "id": probe.id,
        "component": probe.component,
        "kind": probe.kind.name,
        "title": probe.title,
        "every": duration_text(probe.every_seconds),
        "timeout": duration_text(probe.timeout_seconds),
        "confirm_after": probe.confirm_after,
        "recheck": duration_text(probe.recheck_seconds),
        "stale_after": duration_text(probe.stale_seconds),
        "options": masker.masked(probe.options, ("probes", probe.place, "options")),
    }


def _inbound(inbound: Inbound, masker: "_Masker") -> dict[str, Any]:
    return {
        "smtp": masker.masked(inbound.smtp, ("inbound", "smtp")),
        "webhooks": {
            name: {
                **masker.masked(webhook, ("inbound", "webhooks", name)),
                "authentication": webhook.authenticates_by,
            }
            for name, webhook in inbound.webhooks.items()
        },
        "keep": duration_text(inbound.keep_seconds),
    }


def _reference(index: int, target: ProbeConfig, masker: "_Masker") -> dict[str, Any]:
    return {
        "kind": target.kind.name,
        "timeout": duration_text(target.timeout_seconds),
        "options": masker.masked(target.options, ("references", index, "options")),
    }


class _Masker:
    """Makes options plain values without secrets; also where a secret stands in an open field, e.g. in a URL."""

    def __init__(self, config: Config) -> None:
        self._references = config.references
        self._secrets = sorted(config.secrets(), key=len, reverse=True)

    def masked(self, value: Any, loc: Loc) -> Any:
        if isinstance(value, (SecretStr, SecretBytes)):
            reference = self._references.get(loc)
            return f"{reference} (masked)" if reference else MASK
        if isinstance(value, BaseModel):
            fields = type(value).model_fields
            return {name: self._field(fields[name], item, (*loc, fields[name].alias or name)) for name, item in value}
        if isinstance(value, Mapping):
            return {str(key): self.masked(item, (*loc, str(key))) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.masked(item, (*loc, index)) for index, item in enumerate(value)]
        return self._plain(value)

    def _field(self, field: FieldInfo, value: Any, loc: Loc) -> Any:
        if isinstance(value, Fraction):
            return percentage_text(value)
        is_duration = any(isinstance(mark, DurationBetween) for mark in field.metadata)
        return duration_text(value) if is_duration else self.masked(value, loc)

    def _plain(self, value: Any) -> Any:
        plain = to_jsonable_python(value, fallback=str)
        if not isinstance(plain, str):
            return plain
        for secret in self._secrets:
            plain = plain.replace(secret, MASK)
        return without_passwords(plain)
