"""All windows of a record, declared and recurring, and the maintenance that the agreements take out of a period."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from monitor.sla.agreement import Agreement, agreements_between
from monitor.sla.intervals import Interval, clip, subtract, union
from monitor.sla.periods import DAY_MS, local_date, year
from monitor.sla.promises import Piece, latest, pieces
from monitor.sla.record import Record
from monitor.sla.recurring import windows_of
from monitor.sla.windows import Window, WindowKind, in_force


def windows_between(record: Record, interval: Interval) -> list[Window]:
    """The windows that share time with the interval, by their start, as of the record's instant.

    Each is whole; one that goes on has no end. A recurring one is by the agreement that held at its start.
    """
    start, end = interval
    declared = [
        window
        for window in in_force(record.windows, record.as_of_ms)
        if window.start_ms < end and (window.end_ms is None or window.end_ms > start)
    ]
    return sorted([*declared, *_recurring(record.agreements, interval)], key=lambda window: window.start_ms)


def times_of(windows: Iterable[Window], kind: WindowKind, as_of_ms: int) -> list[Interval]:
    """The time in windows of a kind; those that overlap or touch are one. One that goes on lasts until `as_of_ms`."""
    return union(_interval(window, as_of_ms) for window in windows if window.kind is kind)


def maintenance_out(record: Record, component: str, windows: Sequence[Window], interval: Interval) -> list[Interval]:
    """The maintenance inside the interval that is taken out of the component's period.

    That is what was announced long enough before, as far as the calendar year's cap reaches. Time that is excluded
    anyway does not use the cap up. `windows` are to reach back to `cap_start_ms`.
    """
    used: dict[int, int] = {}  # milliseconds by calendar year
    excluded = times_of(_concerning(windows, component), WindowKind.EXCLUDED, record.as_of_ms)
    out: list[Interval] = []
    start_ms = cap_start_ms(record.agreements, component, interval)
    for piece in pieces(record.agreements, component, (start_ms, interval[1])):
        if not piece.agreement.maintenance_counts:
            announced = _announced(_concerning(windows, component), piece.agreement, record.as_of_ms)
            out += _within_cap(subtract(clip(announced, piece.interval), excluded), piece, used)
    return clip(out, interval)


def cap_start_ms(agreements: Sequence[Agreement], component: str, interval: Interval) -> int:
    """From when on maintenance may have used up the cap of the interval's first calendar year, or a little before."""
    zone = ZoneInfo(latest(agreements, component, interval[0]).agreement.zone)
    # Two days more: an earlier agreement may have had another zone, in which the year began earlier.
    return year(local_date(interval[0], zone).year, zone).start_ms - 2 * DAY_MS


def _recurring(agreements: Sequence[Agreement], interval: Interval) -> list[Window]:
    longest_ms = max((rule.length_ms for agreement in agreements for rule in agreement.recurring), default=0)
    return [
        window
        for (first, end), agreement in agreements_between(agreements, (interval[0] - longest_ms, interval[1]))
        for rule in agreement.recurring
        for window in windows_of(rule, agreement.zone, (first, end), recorded_ms=agreement.from_ms)
        if first <= window.start_ms and _interval(window, end)[1] > interval[0]
    ]


def _within_cap(announced: Sequence[Interval], piece: Piece, used: dict[int, int]) -> list[Interval]:
    """The first of the announced time, in each calendar year as much as the cap leaves; adds to what is `used`."""
    zone = ZoneInfo(piece.agreement.zone)
    cap_ms = piece.agreement.maintenance_cap_ms
    out: list[Interval] = []
    for start, end in _by_year(announced, zone):
        number = local_date(start, zone).year
        if cap_ms is not None:
            end = min(end, start + max(0, cap_ms - used.get(number, 0)))
        out.append((start, end))
        used[number] = used.get(number, 0) + end - start
    return out


def _by_year(intervals: Iterable[Interval], zone: ZoneInfo) -> Iterable[Interval]:
    """The intervals, cut at each New Year."""
    for start, end in intervals:
        while start < end:
            until = min(end, year(local_date(start, zone).year, zone).end_ms)
            yield start, until
            start = until


def _announced(windows: Iterable[Window], agreement: Agreement, as_of_ms: int) -> list[Interval]:
    return times_of(
        (window for window in windows if _in_time(window, agreement.minimum_notice_ms)),
        WindowKind.MAINTENANCE,
        as_of_ms,
    )


def _in_time(window: Window, minimum_notice_ms: int) -> bool:
    if window.announced_ms is None:
        return minimum_notice_ms == 0
    return window.start_ms - window.announced_ms >= minimum_notice_ms


def _concerning(windows: Iterable[Window], component: str) -> list[Window]:
    return [window for window in windows if window.concerns(component)]


def _interval(window: Window, as_of_ms: int) -> Interval:
    return window.start_ms, as_of_ms if window.end_ms is None else window.end_ms
