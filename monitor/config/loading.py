"""From a file to the daemon's settings: every problem in one pass, or a `Config` that holds together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretBytes, SecretStr

import probes
from monitor.config.checks import Checked, check_ports, checked_probes, checked_references, too_short
from monitor.config.inbound import Inbound
from monitor.config.model import DEFAULT_TIMEOUT_SECONDS, Component, ConfigFile, ProbeEntry, ReferenceEntry
from monitor.config.references import resolve
from monitor.config.report import Report
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
class Config:
    """Everything that an operator decides. `store_url` may hold a password; `quorums` has the components with one.

    `warnings` are the lines of what can be used, but should not be so.
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
    warnings: tuple[str, ...] = ()

    def secrets(self) -> set[str]:
        """Every secret of the file, e.g. to remove them from what is logged and stored."""
        options = [probe.options for probe in (*self.probes, *self.reference_targets)]
        found = {*_secrets(options), *_secrets(self.inbound.webhooks)}
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
    if problems := report.problems():
        raise ConfigError(problems)
    assert file is not None
    config = _config(path, file, options, targets, resolved.references)
    return replace(config, warnings=tuple(_warnings(config.probes, document)))


def _warnings(probes: Sequence[ProbeConfig], document: Document) -> Iterator[str]:
    for probe in probes:
        text = too_short(probe.options, probe.timeout_seconds)
        if text is not None:
            loc: Loc = ("probes", probe.place, "timeout")
            yield str(Problem(document.file, document.line(loc), printed(loc), text))


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
    )


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
