"""From a file to the daemon's settings: every problem in one pass, or a `Config` that holds together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretBytes, SecretStr

import probes
from monitor.config.agreement import (
    HISTORY_KIND,
    Rules,
    deadlines_of,
    milliseconds,
    recurring_of,
    since_ms,
    support_of,
    time_of_day,
)
from monitor.config.alerting import AlertingSection
from monitor.config.checks import Checked, check_ports, checked_probes, checked_references, too_short
from monitor.config.heartbeats import PeerEntry, PingSection
from monitor.config.inbound import Inbound
from monitor.config.model import DEFAULT_TIMEOUT_SECONDS, Component, ConfigFile, ProbeEntry, ReferenceEntry
from monitor.config.promises import check_promises
from monitor.config.references import resolve
from monitor.config.report import Report
from monitor.sla.agreement import Agreement
from monitor.sla.model import ComponentTerms
from monitor.yaml_source import Document, Loc, Problem, printed, read
from probes.contract import ProbeKind, ProbeOptions

REFERENCE = "reference"  # the component that reference targets are said to be of; no line of the agreement


class ConfigError(Exception):
    """The configuration cannot be used; every problem of it, in the order of lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """A probe with nothing left to default. `options` is an instance of `kind.options` and may hold passwords; `place`
    is its place among the file's entries, those that are not enabled included."""

    id: str
    component: str
    kind: ProbeKind
    options: ProbeOptions = field(repr=False)
    title: str
    every_seconds: float
    timeout_seconds: float
    confirm_after: int
    recheck_seconds: float
    stale_seconds: float
    place: int = 0


@dataclass(frozen=True, slots=True)
class Sealing:
    """When the daemon seals, in wall time of the agreement's zone (None: never by itself), and with which key."""

    at: time | None = time(0, 10)
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator decides. `store_url` may hold a password; `quorums` has the components with one.

    `warnings` are about what can be used, but should not be so. `tokens` are by the names of who uses them.
    Results older than `keep_results_seconds` may be deleted; None: never.
    """

    path: Path
    zone: ZoneInfo
    location: str
    store_url: str = field(repr=False)
    web_host: str
    web_port: int
    log_level: str
    log_format: str
    heartbeat_seconds: float
    drain_seconds: float
    confirm_after: int
    recheck_seconds: float
    stale_factor: float
    components: tuple[ComponentTerms, ...]
    quorums: Mapping[str, int]
    probes: tuple[ProbeConfig, ...]
    references: Mapping[Loc, str]
    inbound: Inbound = field(default_factory=Inbound)
    reference_targets: tuple[ProbeConfig, ...] = ()
    warnings: tuple[Problem, ...] = ()
    rules: Rules = field(default_factory=Rules)
    tokens: Mapping[str, SecretStr] = field(default_factory=dict)
    sealing: Sealing = Sealing()
    keep_results_seconds: float | None = 400 * 86_400.0
    web_url: str | None = None
    alerting: AlertingSection = field(default_factory=AlertingSection)
    ping: PingSection = field(default_factory=PingSection)
    peers: Mapping[str, PeerEntry] = field(default_factory=dict)

    def agreement(self, from_ms: int) -> Agreement:
        """What is promised, and by which rules it is computed, as the value that is put on record."""
        rules = {each.name: getattr(self.rules, each.name) for each in fields(Rules)}
        return Agreement(from_ms, self.zone.key, self.components, self.quorums, **rules)

    @property
    def seal_key_path(self) -> Path:
        """The private key's file; beside the database unless the file says otherwise."""
        if self.sealing.key_file is not None:
            return Path(self.sealing.key_file)
        return Path(urlsplit(self.store_url).path.removeprefix("/")).with_name("seal-key.pem")

    def secrets(self) -> set[str]:
        """Every secret of the file, e.g. to remove them from what is logged and stored."""
        options = [probe.options for probe in (*self.probes, *self.reference_targets)]
        found = {*_secrets(options), *_secrets(self.inbound.webhooks), *_secrets(self.tokens)}
        found |= {*_secrets(self.alerting), *_secrets(self.ping), *_secrets(self.peers)}
        password = urlsplit(self.store_url).password
        return found | ({password, unquote(password)} if password else set())


def load(path: Path, environ: Mapping[str, str], kinds: Mapping[str, ProbeKind] | None = None) -> Config:
    """The configuration in a file; `kinds` are those that there are, by default all that can be discovered.

    Raises `ConfigError`.
    """
    document = read(path)
    if not document.complete:
        raise ConfigError(list(document.problems))
    resolved = resolve(document, environ, path.parent)
    report = Report(document, resolved)
    file = report.validated(ConfigFile, resolved.value, ())
    kinds = probes.discover() if kinds is None else kinds
    options = checked_probes(resolved.value, kinds, report)
    targets = checked_references(resolved.value, kinds, report)
    check_ports(resolved.value, report)
    check_promises(resolved.value, report)
    if problems := report.problems():
        raise ConfigError(problems)
    assert file is not None
    config = _config(path, file, options, targets, resolved.references)
    return replace(config, warnings=tuple(_warnings(config.probes, document)))


def _warnings(probes: Sequence[ProbeConfig], document: Document) -> Iterator[Problem]:
    for probe in probes:
        text = too_short(probe.options, probe.timeout_seconds)
        if text is not None:
            loc: Loc = ("probes", probe.place, "timeout")
            yield Problem(document.file, document.line(loc), printed(loc), text)


def _config(
    path: Path, file: ConfigFile, checked: list[Checked], targets: list[Checked], references: Mapping[Loc, str]
) -> Config:
    return Config(
        path=path,
        zone=ZoneInfo(file.zone),
        location=file.location,
        store_url=file.store.url,
        web_host=file.web.host,
        web_port=file.web.port,
        log_level=file.log.level,
        log_format=file.log.format,
        heartbeat_seconds=file.heartbeat,
        drain_seconds=file.stop.drain,
        confirm_after=file.sla.confirm_after,
        recheck_seconds=file.sla.recheck,
        stale_factor=file.sla.stale_factor,
        components=tuple(_terms(key, component) for key, component in file.components.items()),
        quorums={key: component.quorum for key, component in file.components.items() if component.quorum is not None},
        probes=tuple(
            _probe(place, entry, found, file)
            for (place, entry), found in zip(_enabled(file.probes), checked, strict=True)
        ),
        references=references,
        inbound=Inbound(file.inbound.smtp, file.inbound.webhooks, file.inbound.keep),
        reference_targets=tuple(
            _target(number, entry, found, file)
            for number, (entry, found) in enumerate(zip(file.references, targets, strict=True), start=1)
        ),
        rules=_rules(file),
        tokens={name: token for name, token in file.web.tokens.items() if token is not None},
        sealing=Sealing(time_of_day(file.seal.at) if file.seal.enabled else None, file.seal.key),
        keep_results_seconds=file.retention.results,
        web_url=file.web.url,
        alerting=file.alerting,
        ping=file.ping,
        peers={name: peer for name, peer in file.peers.items() if peer.token is not None},
    )


def _rules(file: ConfigFile) -> Rules:
    zone, maintenance, restore = ZoneInfo(file.zone), file.sla.maintenance, file.sla.restore
    since = {key: since_ms(component.since, zone) for key, component in file.components.items() if component.since}
    # Those that nobody wrote down are only meant where they are there.
    spared = [key for key in restore.spares if key in file.components]
    return Rules(
        since=since,
        maintenance_counts=file.sla.maintenance_counts,
        minimum_notice_ms=milliseconds(maintenance.minimum_notice),
        maintenance_cap_ms=None if maintenance.yearly_cap is None else milliseconds(maintenance.yearly_cap),
        recurring=recurring_of(file.maintenance),
        restore_limit_ms=milliseconds(restore.limit),
        restore_component=restore.component,
        spared=tuple(spared),
        history_probes=_history_probes(file) if restore.history_probes is None else restore.history_probes,
        support=support_of(file.support),
        deadlines=deadlines_of(file.deadlines),
    )


def _history_probes(file: ConfigFile) -> tuple[str, ...]:
    return tuple(entry.id for entry in file.probes if entry.enabled and entry.kind == HISTORY_KIND)


def _terms(key: str, component: Component) -> ComponentTerms:
    title = component.title or key
    return ComponentTerms(key, title, component.floor, component.upper, component.severity, component.down_when)


def _enabled(entries: Sequence[ProbeEntry]) -> list[tuple[int, ProbeEntry]]:
    return [(place, entry) for place, entry in enumerate(entries) if entry.enabled]


def _probe(place: int, entry: ProbeEntry, checked: Checked, file: ConfigFile) -> ProbeConfig:
    stale = entry.every * file.sla.stale_factor
    return ProbeConfig(
        id=entry.id,
        component=entry.component,
        kind=checked.kind,
        options=checked.options,
        title=entry.title or entry.id,
        every_seconds=entry.every,
        timeout_seconds=entry.timeout or min(DEFAULT_TIMEOUT_SECONDS, entry.every),
        confirm_after=entry.confirm_after or file.sla.confirm_after,
        recheck_seconds=entry.recheck or min(file.sla.recheck, entry.every),
        stale_seconds=entry.stale_after or stale,
        place=place,
    )


def _target(number: int, entry: ReferenceEntry, checked: Checked, file: ConfigFile) -> ProbeConfig:
    """A reference target as a probe; it is asked when there is need, so its pace means nothing."""
    every = ProbeEntry.model_fields["every"].default
    return ProbeConfig(
        id=f"{REFERENCE}-{number}",
        component=REFERENCE,
        kind=checked.kind,
        options=checked.options,
        title=f"{REFERENCE}-{number}",
        every_seconds=every,
        timeout_seconds=entry.timeout,
        confirm_after=1,
        recheck_seconds=every,
        stale_seconds=every * file.sla.stale_factor,
    )


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield from filter(None, [value.get_secret_value()])
    elif isinstance(value, SecretBytes):
        yield from filter(None, [value.get_secret_value().decode("utf-8", "backslashreplace")])
    elif isinstance(value, BaseModel):
        yield from _secrets([item for _name, item in value])
    elif isinstance(value, Mapping):
        yield from _secrets(tuple(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _secrets(item)
