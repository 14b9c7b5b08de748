"""How a report says things to people: times, lengths, percentages, causes and classes, always the same way."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.clock import from_milliseconds
from monitor.sla.accounts import Judgement
from monitor.sla.agreement import HOUR_MS, WEEK_MS
from monitor.sla.availability import decimal_floor, percent
from monitor.sla.windows import ReasonClass, WindowKind
from monitor.words import NOTHING

MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

KINDS: Mapping[WindowKind, str] = {
    WindowKind.MAINTENANCE: "Maintenance",
    WindowKind.RESTORE: "Restore",
    WindowKind.EXCLUDED: "Excluded",
}
REASON_CLASSES: Mapping[ReasonClass, str] = {
    ReasonClass.CUSTOMER: "customer",
    ReasonClass.THIRD_PARTY: "third party",
    ReasonClass.FORCE_MAJEURE: "force majeure",
    ReasonClass.MONITOR_FAULT: "fault of the monitor",
    ReasonClass.AGREED: "agreed",
}
VERDICTS: Mapping[Judgement | None, str] = {
    Judgement.MET: "Kept",
    Judgement.MISSED: "Not kept",
    Judgement.INCONCLUSIVE: "Undecided",
    None: NOTHING,
}


def local_minute(milliseconds: int, zone: ZoneInfo) -> str:
    return from_milliseconds(milliseconds).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def length(milliseconds: int) -> str:
    """A length of time in its two largest units, rounded down; below a minute to the tenth of a second."""
    sign, rest = ("−", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    if rest < 60_000:
        return f"{sign}{decimal_floor(Fraction(rest, 1000), 1).removesuffix('.0')} s"
    seconds = rest // 1000
    parts = [
        (amount, unit)
        for amount, unit in (
            (seconds // 86_400, "d"),
            (seconds // 3600 % 24, "h"),
            (seconds // 60 % 60, "min"),
            (seconds % 60, "s"),
        )
    ]
    first = next(index for index, (amount, _unit) in enumerate(parts) if amount)
    return sign + " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)


def length_or_nothing(milliseconds: int | None) -> str:
    return NOTHING if milliseconds is None else length(milliseconds)


def allowance(milliseconds: int | None) -> str:
    """A length that was agreed, in weeks or hours, as agreements say it: a day of support is not 24 hours of it."""
    if milliseconds is None:
        return NOTHING
    if milliseconds and milliseconds % WEEK_MS == 0:
        return counted(milliseconds // WEEK_MS, "week")
    return length(milliseconds) if milliseconds % HOUR_MS else f"{milliseconds // HOUR_MS} h"


def ratio(value: Fraction | None, places: int = 4) -> str:
    return NOTHING if value is None else percent(value, places)


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = list(words) or [NOTHING]
    return f"{', '.join(most)} and {last}" if most else last


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 outage`, `2 outages`, `no outages`."""
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"
