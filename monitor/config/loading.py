"""From a file to the daemon's settings: every problem in one pass, or a `Config` that holds together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretBytes, SecretStr

import probes
from monitor.config.model import DEFAULT_TIMEOUT_SECONDS, Component, ConfigFile, ProbeEntry
from monitor.config.references import resolve
from monitor.config.report import Report
from monitor.sla.model import ComponentTerms
from monitor.yaml_source import Loc, Problem, read
from probes.contract import ProbeKind, ProbeOptions


class ConfigError(Exception):
    """The configuration cannot be used; every problem of it, in the order of lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """A probe with nothing left to default. `options` is an instance of `kind.options` and may hold passwords."""

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


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator decides. `store_url` may hold a password; `quorums` has the components with one."""

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

    def secrets(self) -> set[str]:
        """Every secret of the file, e.g. to remove them from what is logged and stored."""
        found = {secret for probe in self.probes for secret in _secrets(probe.options)}
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
    options = _checked_probes(resolved.value, probes.discover() if kinds is None else kinds, report)
    if problems := report.problems():
        raise ConfigError(problems)
    assert file is not None
    return _config(path, file, options, resolved.references)


@dataclass(frozen=True, slots=True)
class _Checked:
    kind: ProbeKind
    options: ProbeOptions


def _checked_probes(value: Any, kinds: Mapping[str, ProbeKind], report: Report) -> list[_Checked]:
    """What the model of the file alone cannot check, because it needs the kinds, or more than one entry.

    Works on the plain values, so that one mistake in an entry does not hide the others.
    """
    components = value.get("components") if isinstance(value, dict) else None
    checked: list[_Checked] = []
    ids: dict[str, int] = {}
    owners: dict[str, int] = {}
    for index, entry in _entries(value):
        loc: Loc = ("probes", index)
        _check_id(entry.get("id"), index, ids, report)
        if isinstance(components, dict):
            _check_component(entry.get("component"), list(components), loc, report)
        found = _check_options(entry, kinds, loc, report)
        if found is not None:
            checked.append(found)
            _check_claims(found.options, index, owners, report)
    return checked


def _entries(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    listed = value.get("probes") if isinstance(value, dict) else None
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(entry, dict):
            yield index, entry


def _check_id(name: Any, index: int, ids: dict[str, int], report: Report) -> None:
    if not isinstance(name, str):
        return
    first = ids.setdefault(name, index)
    if first != index:
        line = report.document.line(("probes", first, "id"))
        report.add(
            ("probes", index, "id"), f"repeated id; expected one of its own, probes[{first}] has it (line {line})"
        )


def _check_component(key: Any, components: list[str], loc: Loc, report: Report) -> None:
    if isinstance(key, str) and key not in components:
        report.no_such((*loc, "component"), key, "one of the components", components)


def _check_options(entry: dict[str, Any], kinds: Mapping[str, ProbeKind], loc: Loc, report: Report) -> _Checked | None:
    name = entry.get("kind")
    if not isinstance(name, str):
        return None
    kind = kinds.get(name)
    if kind is None:
        report.no_such((*loc, "kind"), name, "a kind of probe", sorted(kinds))
        return None
    value = entry.get("options")
    options = report.validated(kind.options, {} if value is None else value, (*loc, "options"))
    return None if options is None else _Checked(kind, options)


def _check_claims(options: ProbeOptions, index: int, owners: dict[str, int], report: Report) -> None:
    """Two probes that own the same thing, e.g. a virtual sensor, would disturb each other."""
    claims = getattr(options, "claims", None)
    for claim in sorted(claims()) if callable(claims) else ():
        first = owners.setdefault(claim, index)
        if first != index:
            report.add(
                ("probes", index, "options"),
                f"{report.open(claim)} belongs to probes[{first}] already; expected it in one probe only",
            )


def _config(path: Path, file: ConfigFile, checked: list[_Checked], references: Mapping[Loc, str]) -> Config:
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
        probes=tuple(_probe(entry, found, file) for entry, found in zip(file.probes, checked, strict=True)),
        references=references,
    )


def _terms(key: str, component: Component) -> ComponentTerms:
    title = component.title or key
    return ComponentTerms(key, title, component.floor, component.upper, component.severity, component.down_when)


def _probe(entry: ProbeEntry, checked: _Checked, file: ConfigFile) -> ProbeConfig:
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
