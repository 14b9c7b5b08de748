"""The agreement in force from an instant on: what is promised, and by which rules it is computed.

It is a recorded fact, so that a change in mid-year is computed piecewise, by what held at each instant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from monitor.sla.intervals import Interval
from monitor.sla.model import ComponentTerms, DownWhen

HOUR_MS = 3_600_000
RESTORE_LIMIT_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class RecurringMaintenance:
    """Maintenance that comes by a rule of RFC 5545 (section 3.3.10), in wall time of the agreement's zone.

    `starts` is the wall time of the first one, e.g. `2026-01-07T02:00:00`; a time that a clock change leaves out is
    taken as the instant of the change.
    """

    name: str
    rule: str
    starts: str
    length_ms: int
    text: str
    components: tuple[str, ...] = ()
    notice_ms: int = 0  # how long before each one the customers are told


@dataclass(frozen=True, slots=True)
class SupportHours:
    """When a major or minor error is worked on: from `start` to `end` (minutes of the day, wall time of `zone`) on
    `weekdays` (Monday is 0) that are no public holidays of `country` (ISO 3166, as the holidays library has it)."""

    zone: str = "Europe/Warsaw"
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    start: int = 8 * 60
    end: int = 16 * 60
    country: str = "PL"


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Within which time an outage of a severity is to be answered, worked around and finally corrected; None: no
    deadline. Hours around the clock, or of support where `support_hours_only`; the final correction is a length of
    calendar time in both cases."""

    response_ms: int | None
    workaround_ms: int | None
    correction_ms: int | None
    support_hours_only: bool


WEEK_MS = 7 * 24 * HOUR_MS
DEADLINES: Mapping[str, Deadlines] = {
    "blocker": Deadlines(None, 8 * HOUR_MS, WEEK_MS, support_hours_only=False),
    "major": Deadlines(8 * HOUR_MS, 24 * HOUR_MS, 8 * WEEK_MS, support_hours_only=True),
    "minor": Deadlines(8 * HOUR_MS, None, 48 * WEEK_MS, support_hours_only=True),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """What holds from `from_ms` until the next one. Times of the maintenance rules are milliseconds.

    `maintenance_counts`: downtime inside maintenance is downtime. Where it is not, maintenance is taken out of the
    period as far as it was announced `minimum_notice_ms` before, and up to `maintenance_cap_ms` a calendar year
    (None: no cap). `spared` are the components whose probes `history_probes` may fail during a restore; one that lasts
    longer than `restore_limit_ms` is downtime of `restore_component` from then on. `since` has the components that are
    promised only from an instant on.
    """

    from_ms: int
    zone: str
    components: tuple[ComponentTerms, ...]
    quorums: Mapping[str, int] = field(default_factory=dict)
    since: Mapping[str, int] = field(default_factory=dict)
    maintenance_counts: bool = True
    minimum_notice_ms: int = 0
    maintenance_cap_ms: int | None = None
    recurring: tuple[RecurringMaintenance, ...] = ()
    restore_limit_ms: int = RESTORE_LIMIT_MS
    restore_component: str = "recovery"
    spared: tuple[str, ...] = ("api", "frontend")
    history_probes: tuple[str, ...] = ()
    support: SupportHours = SupportHours()
    deadlines: Mapping[str, Deadlines] = field(default_factory=lambda: dict(DEADLINES))

    def component(self, key: str) -> ComponentTerms | None:
        return next((terms for terms in self.components if terms.key == key), None)


def agreements_between(agreements: Sequence[Agreement], interval: Interval) -> list[tuple[Interval, Agreement]]:
    """The parts of the interval by what held in them, in order of time.

    Before the first agreement on record the first one is taken to have held: nothing older is known.
    """
    start, end = interval
    ordered = sorted(agreements, key=lambda agreement: agreement.from_ms)
    parts: list[tuple[Interval, Agreement]] = []
    for number, agreement in enumerate(ordered):
        first = start if number == 0 else max(start, agreement.from_ms)
        last = min(end, ordered[number + 1].from_ms) if number + 1 < len(ordered) else end
        if first < last:
            parts.append(((first, last), agreement))
    return parts


def to_json(agreement: Agreement) -> str:
    """The canonical text of everything but `from_ms`: equal agreements have equal texts, byte for byte."""
    content = {
        "zone": agreement.zone,
        "components": [_component_json(terms) for terms in agreement.components],
        "quorums": dict(agreement.quorums),
        "since": dict(agreement.since),
        "maintenance": {
            "counts": agreement.maintenance_counts,
            "minimum_notice_ms": agreement.minimum_notice_ms,
            "cap_ms": agreement.maintenance_cap_ms,
            "recurring": [_recurring_json(rule) for rule in agreement.recurring],
        },
        "restore": {
            "limit_ms": agreement.restore_limit_ms,
            "component": agreement.restore_component,
            "spared": list(agreement.spared),
            "history_probes": list(agreement.history_probes),
        },
        "support": {
            "zone": agreement.support.zone,
            "weekdays": list(agreement.support.weekdays),
            "start": agreement.support.start,
            "end": agreement.support.end,
            "country": agreement.support.country,
        },
        "deadlines": {
            severity: {
                "response_ms": each.response_ms,
                "workaround_ms": each.workaround_ms,
                "correction_ms": each.correction_ms,
                "support_hours_only": each.support_hours_only,
            }
            for severity, each in agreement.deadlines.items()
        },
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(from_ms: int, text: str) -> Agreement:
    """The agreement of a canonical text. Raises `ValueError` or `KeyError` where it is none."""
    content = json.loads(text)
    maintenance, restore, support = content["maintenance"], content["restore"], content["support"]
    return Agreement(
        from_ms=from_ms,
        zone=content["zone"],
        components=tuple(_component(each) for each in content["components"]),
        quorums=content["quorums"],
        since=content["since"],
        maintenance_counts=maintenance["counts"],
        minimum_notice_ms=maintenance["minimum_notice_ms"],
        maintenance_cap_ms=maintenance["cap_ms"],
        recurring=tuple(
            RecurringMaintenance(**{**each, "components": tuple(each["components"])})
            for each in maintenance["recurring"]
        ),
        restore_limit_ms=restore["limit_ms"],
        restore_component=restore["component"],
        spared=tuple(restore["spared"]),
        history_probes=tuple(restore["history_probes"]),
        support=SupportHours(**{**support, "weekdays": tuple(support["weekdays"])}),
        deadlines={severity: Deadlines(**each) for severity, each in content["deadlines"].items()},
    )


def _component_json(terms: ComponentTerms) -> dict[str, Any]:
    return {
        "key": terms.key,
        "title": terms.title,
        "floor": None if terms.floor is None else str(terms.floor),
        "upper": None if terms.upper is None else str(terms.upper),
        "severity": terms.severity,
        "down_when": terms.down_when.value,
    }


def _component(content: Mapping[str, Any]) -> ComponentTerms:
    floor, upper = (None if content[name] is None else Fraction(content[name]) for name in ("floor", "upper"))
    return ComponentTerms(
        content["key"], content["title"], floor, upper, content["severity"], DownWhen(content["down_when"])
    )


def _recurring_json(rule: RecurringMaintenance) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rule": rule.rule,
        "starts": rule.starts,
        "length_ms": rule.length_ms,
        "text": rule.text,
        "components": list(rule.components),
        "notice_ms": rule.notice_ms,
    }
