"""How accurate the yearly figure is: 200 simulated years, of which the truth is known to the millisecond.

One component with one probe. A year has outages of minutes and hours, short ones of seconds, single lost packets, stops
and crashes of the monitor, outages of its own network, and steps of its clock. It is observed by the rules of our
schedule, and put into a figure by the code that reports use. Beside it what others make of the same years, all asked at
a fixed pace: successes divided by executions, as Gatus and Uptime Kuma count, and Prometheus' `avg_over_time` of
`probe_success`, a gauge that is scraped every 15 s while the monitor runs. Neither tells an outage of the monitor's own
network from one of the platform, so each is shown with and without those checks. Errors are observed minus true uptime,
in millionths (ppm); 1 ppm of a year is 31.5 s.

The truth lies within our bounds in every `plain` year: one in which no outage, and no time between two, fell between
two checks, no lost packet stood beside an outage, and no step of the clock inside one. So that there are enough of
them, all years are drawn a second time without outages that are too short to be seen.
"""

import argparse
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from statistics import fmean, pstdev

from monitor.simulation.course import Course, draw
from monitor.simulation.ledger import ledger_of
from monitor.simulation.observing import Looks, looks_only, observe
from monitor.simulation.parameters import Parameters, Settings, Watcher
from monitor.simulation.truth import down_intervals, truth
from monitor.sla.accounts import account
from monitor.sla.agreement import Agreement
from monitor.sla.intervals import Interval, total
from monitor.sla.model import ComponentTerms, Verdict
from monitor.sla.periods import Period
from monitor.sla.record import Record

COMPONENT = "api"
ZONE = "Europe/Warsaw"
YEAR = (1_767_222_000_000, 1_798_758_000_000)  # 2026 in Warsaw
INTERVALS_SECONDS = (30, 60, 300)
YEARS = 200
SCRAPE_MS = 15_000
MILLION = 1_000_000
# Windows are another chapter: here the whole year is reckoned.
EVENTS = Parameters(maintenance_windows=0, excluded_windows=0, restore_windows=0, blocked_by={})
AGREEMENT = Agreement(YEAR[0], ZONE, (ComponentTerms(COMPONENT, COMPONENT, None, None, "blocker"),))
METHODS = (
    "ours",
    "successes / executions",
    "– own network's outages left out",
    "avg_over_time",
    "– own network's outages left out",
)


@dataclass(frozen=True, slots=True)
class YearSeen:
    """One simulated year at one interval. `errors` by method, in millionths of the year."""

    errors: tuple[float, ...]
    within_bounds: bool
    width: float  # between the bounds, in millionths
    plain: bool
    down_ms: int
    hidden_ms: int  # true downtime between two successes that followed each other


def see_year(seed: int, every_seconds: int, *, shortest_seconds: int = 0) -> YearSeen:
    course = without_short(draw(seed, YEAR, [watcher(every_seconds)], EVENTS), shortest_seconds * 1000)
    probe = course.probes[0]
    paced = replace(course, probes=(fixed_pace(probe),))
    looks, plain_looks = list(looks_only(observe(course, probe))), list(looks_only(observe(paced, paced.probes[0])))
    true = truth(course, COMPONENT)
    assert true.uptime is not None
    ours = account(Record(YEAR[1], ledger_of(course), (AGREEMENT,)), COMPONENT, Period(*YEAR, "2026", ZONE))
    assert ours.observed is not None and ours.optimistic is not None and ours.pessimistic is not None
    figures = (
        float(ours.observed),
        counted(plain_looks),
        counted(known(plain_looks)),
        averaged(course, plain_looks),
        averaged(course, known(plain_looks)),
    )
    hidden = list(hidden_outages(course, looks))
    return YearSeen(
        errors=tuple((figure - float(true.uptime)) * MILLION for figure in figures),
        within_bounds=ours.certainly_down_ms <= true.down_ms <= ours.possibly_down_ms,
        width=float(ours.optimistic - ours.pessimistic) * MILLION,
        plain=not hidden and is_plain(course, looks),
        down_ms=true.down_ms,
        hidden_ms=total(hidden),
    )


def without_short(course: Course, shortest_ms: int) -> Course:
    """The same course without outages that are shorter."""
    return replace(
        course,
        faults={
            probe: tuple(fault for fault in faults if fault.end_ms - fault.start_ms >= shortest_ms)
            for probe, faults in course.faults.items()
        },
    )


def watcher(every_seconds: int) -> Watcher:
    every_ms = every_seconds * 1000
    settings = Settings(YEAR[0], every_ms, 5_000, min(20_000, every_ms), 2, every_ms * 5 // 2)
    return Watcher("probe", COMPONENT, 0.618, (settings,))


def fixed_pace(probe: Watcher) -> Watcher:
    """The same probe without rechecks: those who only count would count an outage's faster checks, too."""
    return replace(probe, settings=tuple(replace(each, recheck_ms=each.every_ms) for each in probe.settings))


def known(looks: Sequence[Looks]) -> list[Looks]:
    return [each for each in looks if each.verdict is not Verdict.UNKNOWN]


def counted(looks: Sequence[Looks]) -> float:
    """Successes divided by executions; whatever is no success is a failure."""
    successes = sum(each.count for each in looks if each.verdict is Verdict.UP)
    return successes / sum(each.count for each in looks)


def averaged(course: Course, looks: Sequence[Looks]) -> float:
    """The mean of a gauge's samples: at each scrape the last finished check's success.

    A monitor that was started anew has no sample before its first check.
    """
    samples = successes = 0
    for session in course.sessions:
        first = bisect_left(looks, session.start_ms, key=_true_ms)
        beyond = bisect_left(looks, session.end_ms, key=_true_ms)
        ends = [*(_finished_ms(each) for each in looks[first + 1 : beyond]), session.end_ms]
        for each, end_ms in zip(looks[first:beyond], ends, strict=False):
            scrapes = max(0, -(-end_ms // SCRAPE_MS) - -(-_finished_ms(each) // SCRAPE_MS))
            samples += scrapes
            successes += scrapes if each.verdict is Verdict.UP else 0
    return successes / samples


def hidden_outages(course: Course, looks: Sequence[Looks]) -> Iterator[Interval]:
    """True downtime that began and ended between two successes, of which the first spoke until the second."""
    for down in down_intervals(course, COMPONENT):
        before, after = _around(looks, down)
        if before and after and before.verdict is after.verdict is Verdict.UP and not _looked(looks, down):
            yield down


def is_plain(course: Course, looks: Sequence[Looks]) -> bool:
    """Whether nothing but outages that were seen decided this year's figure; `hidden_outages` are not looked for."""
    down = down_intervals(course, COMPONENT)
    stepped = any(start < step.at_ms <= end for step in course.clock_steps for start, end in down)
    unseen = any(not _looked(looks, (one[1], other[0])) for one, other in pairwise(down))
    mistaken = any(
        lost.verdict is Verdict.DOWN
        and not before.verdict is after.verdict is Verdict.UP
        and not _inside(down, lost.true_ms)
        for before, lost, after in zip(looks, looks[1:], looks[2:], strict=False)
    )
    return not (stepped or unseen or mistaken)


def _around(looks: Sequence[Looks], interval: Interval) -> tuple[Looks | None, Looks | None]:
    """What was last looked at before the interval began, and first from its end on."""
    place = bisect_right(looks, interval[0], key=_true_ms)
    before = looks[place - 1] if place else None
    if before is not None and before.last_true_ms >= interval[0]:
        return before, before
    return before, looks[place] if place < len(looks) else None


def _looked(looks: Sequence[Looks], interval: Interval) -> bool:
    """Whether a check began inside the interval."""
    start, end = interval
    place = bisect_left(looks, start, key=_last_true_ms)
    if place == len(looks):
        return False
    first = looks[place]
    missed = max(0, -(-(start - first.true_ms) // first.every_ms))
    return first.true_ms + missed * first.every_ms < end


def _inside(intervals: Sequence[Interval], at_ms: int) -> bool:
    return any(start <= at_ms < end for start, end in intervals)


def _finished_ms(looks: Looks) -> int:
    return looks.true_ms + looks.first_duration_us // 1000


def _true_ms(looks: Looks) -> int:
    return looks.true_ms


def _last_true_ms(looks: Looks) -> int:
    return looks.last_true_ms


def table(every_seconds: int, seen: Sequence[YearSeen], longer: Sequence[YearSeen]) -> str:
    """What was found at one interval, for people; `longer` are the years without outages too short to be seen."""
    downtime = fmean(each.down_ms for each in seen) / (YEAR[1] - YEAR[0]) * MILLION
    hidden = sum(each.hidden_ms for each in seen) / max(1, sum(each.down_ms for each in seen))
    lines = [
        f"every {every_seconds} s, {len(seen)} years, true downtime {downtime:,.0f} ppm on average",
        f"  {'error in ppm':<36}{'bias':>10}{'spread':>10}{'root mean square':>19}{'worst':>10}",
    ]
    for method, errors in zip(METHODS, zip(*(each.errors for each in seen), strict=True), strict=True):
        square = sqrt(fmean(error**2 for error in errors))
        worst = max(errors, key=abs)
        lines.append(f"  {method:<36}{fmean(errors):>10.1f}{pstdev(errors):>10.1f}{square:>19.1f}{worst:>10.1f}")
    lines += [
        f"  downtime that fell between two checks: {hidden:.2%} of all",
        f"  truth within our bounds: {_within(seen)}; bounds {fmean(each.width for each in seen):,.0f} ppm apart",
        f"  the same without outages too short to be seen: {_within(longer)}",
    ]
    return "\n".join(lines)


def _within(seen: Sequence[YearSeen]) -> str:
    plain = [each for each in seen if each.plain]
    found = (f"{sum(each.within_bounds for each in years)} of {len(years)}" for years in (seen, plain))
    return "{} years, {} plain ones".format(*found)


def measure(years: int, every_seconds: int) -> str:
    longer = [see_year(seed, every_seconds, shortest_seconds=2 * every_seconds) for seed in range(years)]
    return table(every_seconds, [see_year(seed, every_seconds) for seed in range(years)], longer)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--years", type=int, default=YEARS, help="how many are simulated (default: %(default)s)")
    years = parser.parse_args().years
    for every_seconds in INTERVALS_SECONDS:
        sys.stdout.write(measure(years, every_seconds) + "\n\n")


if __name__ == "__main__":
    main()
