"""Records of facts as of an instant, with few words."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from monitor.sla.agreement import Agreement
from monitor.sla.model import ComponentTerms, DownWhen, Ledger
from monitor.sla.periods import Period
from monitor.sla.record import Record
from monitor.sla.windows import Window, WindowEntry, WindowKind

from .timelines import MINUTE, T0

FLOOR = Fraction(199, 200)


def agreement(
    from_ms: int = T0,
    *,
    floor: Fraction | None = FLOOR,
    down_when: DownWhen = DownWhen.ANY,
    zone: str = "UTC",
    components: Iterable[str] = ("api", "frontend", "recovery"),
    **rules: Any,
) -> Agreement:
    terms = tuple(ComponentTerms(key, key.title(), floor, None, "blocker", down_when) for key in components)
    return Agreement(from_ms, zone, terms, **rules)


def window(kind: WindowKind, first_minute: float, until_minute: float | None, **more: Any) -> Window:
    """A declared window, in minutes from T0 on; recorded and announced a day before, unless told otherwise."""
    start_ms = T0 + round(first_minute * MINUTE)
    end_ms = None if until_minute is None else T0 + round(until_minute * MINUTE)
    declared = {"recorded_ms": start_ms - 1440 * MINUTE, "announced_ms": start_ms - 1440 * MINUTE, **more}
    return Window(kind, start_ms, end_ms, "", "anna", **declared)


def record(
    ledger: Ledger,
    as_of_ms: int,
    windows: Iterable[Window] = (),
    agreements: Iterable[Agreement] = (),
) -> Record:
    """A record as of an instant; without `agreements`, one that has always held."""
    entries = [WindowEntry(number, each.recorded_ms, each.author, each) for number, each in enumerate(windows, start=1)]
    return Record(as_of_ms, ledger, list(agreements) or [agreement()], entries)


def period(interval: tuple[int, int], zone: str = "UTC") -> Period:
    return Period(*interval, "some", zone)


def minutes_by_class(found: Mapping[str, int]) -> dict[str, float]:
    return {name: length / MINUTE for name, length in found.items() if length}
