"""What truly was: the figure that observations are held against, to the millisecond."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction

from monitor.simulation.course import Course
from monitor.sla.agreement import Agreement
from monitor.sla.intervals import Interval, clip, subtract, total, union
from monitor.sla.model import DownWhen
from monitor.sla.windows import Window, WindowKind


@dataclass(frozen=True, slots=True)
class Truth:
    """`down_ms` is true downtime within the time that is reckoned, that is, without what windows take out."""

    reckoned_ms: int
    down_ms: int

    @property
    def uptime(self) -> Fraction | None:
        return 1 - Fraction(self.down_ms, self.reckoned_ms) if self.reckoned_ms else None


def down_intervals(
    course: Course, component: str, down_when: DownWhen = DownWhen.ANY, *, without: Collection[str] = ()
) -> list[Interval]:
    """When the component was down, by its probes in service but `without` some."""
    end = course.interval[1]
    probes = [probe for probe in course.probes if probe.component == component and probe.id not in without]
    served = {probe.id: (probe.since_ms, end) for probe in probes}
    down = {probe.id: clip((fault.interval for fault in course.faults[probe.id]), served[probe.id]) for probe in probes}
    if down_when is DownWhen.ANY:
        return union(interval for intervals in down.values() for interval in intervals)
    return union(_where(down_when, served.values(), [each for intervals in down.values() for each in intervals]))


def _where(down_when: DownWhen, served: Iterable[Interval], down: Iterable[Interval]) -> Iterable[Interval]:
    """A sweep over all ends: how many probes are in service, and how many of them are down."""
    changes = sorted(
        [(at_ms, sign, 0) for start, end in served for at_ms, sign in ((start, 1), (end, -1))]
        + [(at_ms, 0, sign) for start, end in down for at_ms, sign in ((start, 1), (end, -1))]
    )
    serving = failing = before_ms = 0
    for at_ms, served_more, failing_more in changes:
        if serving and (2 * failing > serving if down_when is DownWhen.MAJORITY else failing == serving):
            yield before_ms, at_ms
        serving, failing, before_ms = serving + served_more, failing + failing_more, at_ms


def truth(course: Course, component: str, agreement: Agreement | None = None) -> Truth:
    """Of the time in which the component was in service; with an agreement, as far as that reckons it.

    A cap of maintenance is not known here, and no agreement that changes in mid-year.
    """
    since_ms = min(probe.since_ms for probe in course.probes if probe.component == component)
    end_ms = course.interval[1]
    terms = agreement.component(component) if agreement is not None else None
    down = down_intervals(course, component, terms.down_when if terms else DownWhen.ANY)
    reckoned = [(since_ms, end_ms)] if agreement is None else _reckoned(course, component, agreement, since_ms, down)
    return Truth(total(reckoned), total(reckoned) - total(subtract(reckoned, down)))


def _reckoned(
    course: Course, component: str, agreement: Agreement, since_ms: int, down: list[Interval]
) -> list[Interval]:
    """The time in service without what windows take out."""
    out: list[Interval] = []
    for window in course.windows:
        if window.end_ms is None or not window.concerns(component):
            continue
        if window.kind is WindowKind.EXCLUDED or (window.kind is WindowKind.MAINTENANCE and _out(window, agreement)):
            out.append((window.start_ms, window.end_ms))
        elif window.kind is WindowKind.RESTORE and component in agreement.spared:
            out += _spared(course, component, agreement, window, down)
    return subtract([(since_ms, course.interval[1])], out)


def _out(window: Window, agreement: Agreement) -> bool:
    told_ms = window.announced_ms
    noticed = told_ms is not None and window.start_ms - told_ms >= agreement.minimum_notice_ms
    return noticed and not agreement.maintenance_counts


def _spared(
    course: Course, component: str, agreement: Agreement, window: Window, down: list[Interval]
) -> list[Interval]:
    terms = agreement.component(component)
    without_history = down_intervals(
        course, component, terms.down_when if terms else DownWhen.ANY, without=agreement.history_probes
    )
    assert window.end_ms is not None
    limit_ms = min(window.end_ms, window.start_ms + agreement.restore_limit_ms)
    return subtract(clip(down, (window.start_ms, limit_ms)), without_history)
