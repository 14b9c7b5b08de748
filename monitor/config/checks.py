"""Checks that the model of the file alone cannot make, because they need the kinds, or more than one entry.

They work on the plain values, so that one mistake in an entry does not hide the others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from monitor.config.inbound import SMTP_CHANNEL, SmtpSection
from monitor.config.model import Web
from monitor.config.report import Report, nearest
from monitor.config.values import duration_text
from monitor.yaml_source import Loc
from probes.contract import ProbeKind, ProbeOptions

# What options may offer beside their values: what a probe owns, the channels that it awaits messages on, and how long
# its journey may take.
_CLAIMS, _AWAITED, _LONGEST = "claims", "channels_needed", "longest_seconds"
_A_BOOLEAN = TypeAdapter(bool)


@dataclass(frozen=True, slots=True)
class Checked:
    kind: ProbeKind
    options: ProbeOptions


def checked_probes(value: Any, kinds: Mapping[str, ProbeKind], report: Report) -> list[Checked]:
    components = value.get("components") if isinstance(value, dict) else None
    checked: list[Checked] = []
    ids: dict[str, int] = {}
    owners: dict[str, int] = {}
    receivers = _receivers(value)
    for index, entry in _entries(value, "probes"):
        loc: Loc = ("probes", index)
        _check_id(entry.get("id"), index, ids, report)
        if isinstance(components, dict):
            _check_component(entry.get("component"), list(components), loc, report)
        found = _check_options(entry, kinds, loc, report) if is_enabled(entry.get("enabled")) else None
        if found is not None:
            checked.append(found)
            _check_claims(found.options, index, owners, report)
            _check_channels(found.options, index, receivers, report)
    return checked


def is_enabled(value: Any) -> bool:
    """Of the plain value; what is no boolean at all is reported elsewhere."""
    try:
        return value is None or _A_BOOLEAN.validate_python(value)
    except ValidationError:
        return True


def checked_references(value: Any, kinds: Mapping[str, ProbeKind], report: Report) -> list[Checked]:
    """Reference targets may be of any kind that asks a question of its own and disturbs no probe."""
    allowed = {name: kind for name, kind in kinds.items() if can_be_asked(kind)}
    noun = "a kind that owns no sensor and awaits no message"
    entries = _entries(value, "references")
    found = [_check_options(entry, allowed, ("references", index), report, noun) for index, entry in entries]
    return [checked for checked in found if checked is not None]


def can_be_asked(kind: ProbeKind) -> bool:
    """Whether a kind can be a reference target: it owns nothing and waits for nothing that is received."""
    return not any(callable(getattr(kind.options, name, None)) for name in (_CLAIMS, _AWAITED))


def _receivers(value: Any) -> list[str]:
    """The channels that messages come in on, as far as the plain values tell."""
    inbound = value.get("inbound") if isinstance(value, dict) else None
    if not isinstance(inbound, dict):
        return []
    webhooks = inbound.get("webhooks")
    names = [name for name in webhooks if isinstance(name, str)] if isinstance(webhooks, dict) else []
    return names if inbound.get(SMTP_CHANNEL) is None else [*names, SMTP_CHANNEL]


def _entries(value: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    listed = value.get(key) if isinstance(value, dict) else None
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


def _check_options(
    entry: dict[str, Any], kinds: Mapping[str, ProbeKind], loc: Loc, report: Report, noun: str = "a kind of probe"
) -> Checked | None:
    name = entry.get("kind")
    if not isinstance(name, str):
        return None
    kind = kinds.get(name)
    if kind is None:
        report.no_such((*loc, "kind"), name, noun, sorted(kinds))
        return None
    value = entry.get("options")
    options = report.validated(kind.options, {} if value is None else value, (*loc, "options"))
    return None if options is None else Checked(kind, options)


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


def _check_channels(options: ProbeOptions, index: int, receivers: list[str], report: Report) -> None:
    """A probe that waits for messages which nothing receives could only ever be unknown."""
    for channel in sorted(_awaited(options)):
        if channel not in receivers:
            where = "inbound.smtp" if channel == SMTP_CHANNEL else "inbound.webhooks"
            hint = nearest(channel, receivers) if report.open(channel) == channel else ""
            report.add(
                ("probes", index, "options"),
                f"waits for messages of the receiver {report.open(channel)}, which is not there; "
                f"{hint}expected it in {where}",
            )


def _awaited(options: ProbeOptions) -> set[str]:
    """The channels that a probe with these options waits for messages on."""
    needed = getattr(options, _AWAITED, None)
    return set(needed()) if callable(needed) else set()


def too_short(options: ProbeOptions, timeout_seconds: float) -> str | None:
    """Says so where a check with these options may be cut off before it can tell who is to blame."""
    longest = getattr(options, _LONGEST, None)
    seconds = longest() if callable(longest) else 0.0
    if seconds <= timeout_seconds:
        return None
    timeout = duration_text(timeout_seconds)
    return f"warning: {timeout} is less than the {seconds:g}s that a check may take by its options"


def check_ports(value: Any, report: Report) -> None:
    """The mail server and the web pages cannot share a port, whatever addresses they listen on."""
    smtp, web = _section(value, "inbound", "smtp"), _section(value, "web")
    # Where the mail server is configured, its port stands beside its recipients; else there is nothing to compare.
    port = smtp.get("port", SmtpSection.model_fields["port"].default) if smtp else None
    if port and str(port) == str(web.get("port", Web.model_fields["port"].default)):
        report.add(("inbound", "smtp", "port"), "the same port as that of `web`; expected one of its own")


def _section(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
