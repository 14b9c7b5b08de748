"""What an operator writes about the agreement beside its components: maintenance, restores, support, deadlines.

`rules_of` makes of it the values that figures are computed with.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, field_validator, model_validator

from monitor.config.fields import ComponentKey, Name, Section, Title, Zone, spelt
from monitor.config.values import DurationBetween, expected
from monitor.sla.agreement import (
    DEADLINES,
    RESTORE_LIMIT_MS,
    Deadlines,
    RecurringMaintenance,
    SupportHours,
)
from monitor.sla.periods import day

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RESTORE_COMPONENT, SPARED = "recovery", ("api", "frontend")
HISTORY_KIND = "history"
_SUPPORT = SupportHours()

_TIME_OF_DAY = "([01][0-9]|2[0-3]):[0-5][0-9]"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_WALL_TIME = rf"{_DATE}[T ]{_TIME_OF_DAY}(:[0-5][0-9])?"


def _a_date(text: str) -> str:
    if not re.fullmatch(_DATE, text) or not _is_iso(text) or not "1971" <= text < "2200":
        raise expected("a date, e.g. 2026-01-01")
    return text


def _a_wall_time(text: str) -> str:
    if not re.fullmatch(_WALL_TIME, text) or not _is_iso(text) or not "1971" <= text < "2200":
        raise expected("a date and a time without a zone, e.g. 2026-01-07 02:00")
    return datetime.fromisoformat(text).isoformat()


def _is_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _a_rule(text: str) -> str:
    from monitor.sla.recurring import check_rule  # it needs python-dateutil, which most configurations do not

    try:
        check_rule(text)
    except ValueError as error:
        why = str(error).replace(f"{text!r}: ", "").replace(repr(text), "it")  # what came by reference is in no message
        raise expected(f"a recurrence rule of RFC 5545, e.g. FREQ=WEEKLY;BYDAY=WE ({why})") from None
    return text


def _a_country(code: str) -> str:
    # The library knows hundreds of countries and takes a tenth of a second to say which.
    if code != _SUPPORT.country and code not in _countries():
        raise expected("a country of two capital letters whose public holidays are known, e.g. PL")
    return code


def _countries() -> Mapping[str, Any]:
    from holidays.utils import list_supported_countries

    return list_supported_countries()


def _a_weekday(text: str) -> str:
    if text not in WEEKDAYS:
        raise expected(f"a weekday: {', '.join(WEEKDAYS)}")
    return text


Date = Annotated[str, AfterValidator(_a_date), Field(json_schema_extra={"pattern": f"^{_DATE}$", "x-type": "date"})]
WallTime = Annotated[
    str,
    AfterValidator(_a_wall_time),
    Field(json_schema_extra={"pattern": f"^{_WALL_TIME}$", "x-type": "date and local time"}),
]
TimeOfDay = Annotated[
    str,
    spelt(_TIME_OF_DAY, "a time of day from 00:00 to 23:59"),
    Field(json_schema_extra={"pattern": f"^{_TIME_OF_DAY}$", "x-type": "time of day"}),
]
EndOfDay = Annotated[
    str,
    spelt(rf"{_TIME_OF_DAY}|24:00", "a time of day from 00:00 to 24:00"),
    Field(json_schema_extra={"pattern": f"^({_TIME_OF_DAY}|24:00)$", "x-type": "time of day"}),
]
Rule = Annotated[str, Field(max_length=500), AfterValidator(_a_rule)]
Country = Annotated[str, AfterValidator(_a_country)]
Weekday = Annotated[str, AfterValidator(_a_weekday), Field(json_schema_extra={"enum": list(WEEKDAYS)})]
Notice = Annotated[float, DurationBetween("0s", "365d")]
Within = Annotated[float, DurationBetween("1m", "3650d")]


class MaintenanceTerms(Section):
    minimum_notice: Notice = Field(
        0.0, description="Maintenance that was announced later than so long before it counts as downtime all the same."
    )
    yearly_cap: Annotated[float, DurationBetween("0s", "366d")] | None = Field(
        None, description="At most so much maintenance a calendar year is taken out. None: any amount."
    )


class RestoreTerms(Section):
    limit: Annotated[float, DurationBetween("1m", "30d")] = Field(
        RESTORE_LIMIT_MS / 1000, description="A restore that lasts longer is downtime of `component` from then on."
    )
    component: str = Field(RESTORE_COMPONENT, description="Key of the component that promises restores.")
    spares: tuple[str, ...] = Field(
        SPARED, description="Components that are not down for their history being away during a restore."
    )
    history_probes: tuple[str, ...] | None = Field(
        None, description="Ids of the probes that read history. Default: those of kind `history`."
    )


class MaintenanceEntry(Section):
    """Maintenance that comes again and again; single windows are declared while the daemon runs."""

    name: Name = Field(description="Its name in reports. Unique.")
    rule: Rule = Field(description="When it comes again: a recurrence rule of RFC 5545, e.g. FREQ=WEEKLY;BYDAY=WE.")
    starts: WallTime = Field(description="Wall time, in the agreement's zone, at which the first one begins.")
    length: Annotated[float, DurationBetween("1m", "7d")] = Field(description="How long each one lasts.")
    text: Title = Field(description="What is done, for the report.")
    components: tuple[ComponentKey, ...] = Field((), description="Components that it concerns. Default: all.")
    notice: Notice = Field(0.0, description="How long before each one the customers are told.")


class SupportSection(Section):
    zone: Zone = Field(_SUPPORT.zone, description="Time zone of the support.")
    weekdays: tuple[Weekday, ...] = Field(WEEKDAYS[:5], min_length=1, max_length=7, description="Its days.")
    start: TimeOfDay = Field("08:00", alias="from", description="Wall time at which it begins.")
    end: EndOfDay = Field("16:00", alias="to", description="Wall time at which it ends.")
    country: Country = Field(_SUPPORT.country, description="There is none on this country's public holidays.")

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "SupportSection":
        if self.end <= self.start:
            raise expected("`to` after `from`")
        return self

    @field_validator("weekdays")
    @classmethod
    def _each_once(cls, weekdays: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(weekdays), key=WEEKDAYS.index))


_RESPONSE = "From the start of an outage to the first answer; nothing: no deadline."
_WORKAROUND = "… to a workaround."
_CORRECTION = "… to the final correction; always in calendar time."
_SUPPORT_ONLY = "Whether the first two are counted in support hours."


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _defaults(severity: str) -> tuple[float | None, float | None, float | None, bool]:
    each = DEADLINES[severity]
    times = (_seconds(each.response_ms), _seconds(each.workaround_ms), _seconds(each.correction_ms))
    return *times, each.support_hours_only


_BLOCKER, _MAJOR, _MINOR = map(_defaults, ("blocker", "major", "minor"))


class BlockerDeadlines(Section):
    response: Within | None = Field(_BLOCKER[0], description=_RESPONSE)
    workaround: Within | None = Field(_BLOCKER[1], description=_WORKAROUND)
    correction: Within | None = Field(_BLOCKER[2], description=_CORRECTION)
    support_hours_only: bool = Field(_BLOCKER[3], description=_SUPPORT_ONLY)


class MajorDeadlines(Section):
    response: Within | None = Field(_MAJOR[0], description=_RESPONSE)
    workaround: Within | None = Field(_MAJOR[1], description=_WORKAROUND)
    correction: Within | None = Field(_MAJOR[2], description=_CORRECTION)
    support_hours_only: bool = Field(_MAJOR[3], description=_SUPPORT_ONLY)


class MinorDeadlines(Section):
    response: Within | None = Field(_MINOR[0], description=_RESPONSE)
    workaround: Within | None = Field(_MINOR[1], description=_WORKAROUND)
    correction: Within | None = Field(_MINOR[2], description=_CORRECTION)
    support_hours_only: bool = Field(_MINOR[3], description=_SUPPORT_ONLY)


class DeadlinesSection(Section):
    blocker: BlockerDeadlines = BlockerDeadlines()
    major: MajorDeadlines = MajorDeadlines()
    minor: MinorDeadlines = MinorDeadlines()


@dataclass(frozen=True, slots=True)
class Rules:
    """What an `Agreement` has beside its components and zone; the names and meanings are the same."""

    since: Mapping[str, int] = field(default_factory=dict)
    maintenance_counts: bool = True
    minimum_notice_ms: int = 0
    maintenance_cap_ms: int | None = None
    recurring: tuple[RecurringMaintenance, ...] = ()
    restore_limit_ms: int = RESTORE_LIMIT_MS
    restore_component: str = RESTORE_COMPONENT
    spared: tuple[str, ...] = SPARED
    history_probes: tuple[str, ...] = ()
    support: SupportHours = _SUPPORT
    deadlines: Mapping[str, Deadlines] = field(default_factory=lambda: dict(DEADLINES))


def since_ms(on: str, zone: ZoneInfo) -> int:
    """The instant at which a date begins in the zone."""
    return day(date.fromisoformat(on), zone).start_ms


def recurring_of(entries: Sequence[MaintenanceEntry]) -> tuple[RecurringMaintenance, ...]:
    return tuple(
        RecurringMaintenance(
            name=entry.name,
            rule=entry.rule,
            starts=entry.starts,
            length_ms=milliseconds(entry.length),
            text=entry.text,
            components=entry.components,
            notice_ms=milliseconds(entry.notice),
        )
        for entry in entries
    )


def support_of(section: SupportSection) -> SupportHours:
    days = tuple(WEEKDAYS.index(weekday) for weekday in section.weekdays)
    return SupportHours(section.zone, days, _minutes(section.start), _minutes(section.end), section.country)


def deadlines_of(section: DeadlinesSection) -> dict[str, Deadlines]:
    """By severity, in the order of gravity."""
    each: dict[str, BlockerDeadlines | MajorDeadlines | MinorDeadlines] = {
        "blocker": section.blocker,
        "major": section.major,
        "minor": section.minor,
    }
    return {
        severity: Deadlines(
            response_ms=None if given.response is None else milliseconds(given.response),
            workaround_ms=None if given.workaround is None else milliseconds(given.workaround),
            correction_ms=None if given.correction is None else milliseconds(given.correction),
            support_hours_only=given.support_hours_only,
        )
        for severity, given in each.items()
    }


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def time_of_day(text: str) -> time:
    return time.fromisoformat(text)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
