"""From observations to recorded facts as values: the same runs, terms and lives that a store would hold."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from monitor.simulation.course import Course, Session
from monitor.simulation.observing import Looks, looks_only, observe
from monitor.sla.model import Ledger, Life, Observation, ProbeTerms, Run, Verdict
from monitor.sla.runs import extend

LOCATION = "simulated"
MISSED_BEATS = 3  # as the store has it: after more, a life has ended
_RANK = {Verdict.UP: 0, Verdict.UNKNOWN: 1, Verdict.DOWN: 2}


def ledger_of(course: Course, location: str = LOCATION) -> Ledger:
    """All that the daemon would have put on record in that time."""
    terms = terms_of(course, location)
    runs = {
        (probe.id, location): runs_of_looks(
            list(looks_only(observe(course, probe))), [each for each in terms if each.probe == probe.id]
        )
        for probe in course.probes
    }
    return Ledger(runs, terms, [life for lives in boots(course, location) for life in lives])


def terms_of(course: Course, location: str = LOCATION) -> list[ProbeTerms]:
    """The terms, with the times at which the monitor's clock showed that they came into force."""
    return [
        ProbeTerms(
            probe.id,
            location,
            recorded_ms(course, each.from_ms),
            probe.component,
            each.every_ms,
            each.stale_ms,
            each.confirm_after,
        )
        for probe in course.probes
        for each in probe.settings
    ]


def recorded_ms(course: Course, true_ms: int) -> int:
    """Settings come into force with the next start of the daemon."""
    starts = [session.start_ms for session in course.sessions]
    place = min(bisect_right(starts, true_ms - 1), len(starts) - 1)
    return _shown(course, starts[place])


def runs_of_looks(looks: Iterable[Looks], terms: Sequence[ProbeTerms]) -> list[Run]:
    """The runs of one probe's observations, put in order by the times that the monitor's clock showed."""
    starts = [each.from_ms for each in terms]
    runs: list[Run] = []
    current: Run | None = None
    for each in sorted(looks, key=_order):
        in_force = terms[max(bisect_right(starts, each.shown_ms) - 1, 0)]
        seen = Observation(
            each.shown_ms, each.verdict, in_force.stale_ms, in_force.confirm_after, each.reason, each.step
        )
        closed, current = extend(current, seen)
        if closed is not None:
            runs.append(closed)
        if each.count > 1:
            current = replace(current, last_ms=each.last_shown_ms, count=current.count + each.count - 1)
    return runs if current is None else [*runs, current]


def _order(looks: Looks) -> tuple[int, int, str, str]:
    return looks.shown_ms, _RANK[looks.verdict], looks.reason, looks.step


def boots(course: Course, location: str = LOCATION) -> list[list[Life]]:
    """For each start of the daemon its lives, by the monitor's clock: one, and one more for each step of the clock that
    looks like a gap."""
    return [_lives(course, session, location) for session in course.sessions]


def _lives(course: Course, session: Session, location: str) -> list[Life]:
    beat = course.parameters.heartbeat_ms
    first = last = _shown(course, session.start_ms)
    lives: list[Life] = []
    for step in course.clock_steps:
        before = _last_beat(session, step.at_ms - 1, beat)
        if not session.start_ms < step.at_ms < session.end_ms or before + beat > session.end_ms:
            continue
        last, after = max(last, _shown(course, before)), _shown(course, before + beat)
        if abs(after - last) > MISSED_BEATS * beat:
            lives.append(Life(location, first, last, clean=False))
            first = last = after
        last = max(last, after)
    end = session.end_ms if session.clean else _last_beat(session, session.end_ms, beat)
    return [*lives, Life(location, first, max(last, _shown(course, end)), session.clean)]


def _last_beat(session: Session, until_ms: int, beat_ms: int) -> int:
    return session.start_ms + max(0, until_ms - session.start_ms) // beat_ms * beat_ms


def _shown(course: Course, true_ms: int) -> int:
    return true_ms + course.offset_at(true_ms)
