"""What is certain of a probe and of a component: the two bounds between which the true downtime lies.

A check tells what was at its own instant. Between two checks that agree nothing changed, unless it changed and changed
back; between two that do not, and wherever nobody looked, anything may have been. So a span here is up or down where
that is certain, and else unknown, for which no cause is told: time possibly down is all that is not certainly up.
"""

from collections.abc import Iterator, Mapping, Sequence

from monitor.sla.components import Rule, Status, combine, filled, put_together
from monitor.sla.intervals import Interval
from monitor.sla.membership import Members, Membership, members_between, memberships
from monitor.sla.model import DownWhen, Ledger, Run, Span, State
from monitor.sla.probe_spans import Fate, judged
from monitor.sla.runs import runs_deciding, silent_between

_CERTAIN = {Fate.UP: State.UP, Fate.DOWN: State.DOWN}


def certain_spans(runs: Sequence[Run], interval: Interval) -> list[Span]:
    """Tiles the interval with what is certain of a probe at one location.

    Certainly up is the time between two successes without a failure, an unknown result or a silence between them;
    certainly down that between two failed checks of a confirmed outage, likewise. Nothing is certain before the first
    result and after the last one.
    """
    start, end = interval
    spans: list[Span] = []
    cursor = start
    for first_ms, last_ms, state in _certainties(judged(runs_deciding(runs, interval))):
        first_ms, last_ms = max(first_ms, cursor), min(last_ms, end)
        if first_ms < last_ms:
            _add(spans, cursor, first_ms, State.UNKNOWN)
            _add(spans, first_ms, last_ms, state)
            cursor = last_ms
    _add(spans, cursor, end, State.UNKNOWN)
    return spans


def component_bounds(
    ledger: Ledger,
    key: str,
    period: Interval,
    down_when: DownWhen = DownWhen.ANY,
    *,
    locations_needed: int | None = None,
    membership: Membership | None = None,
) -> list[Span]:
    """Tiles the period with what is certain of a component.

    A place of which nothing is certain may be up or down: the component is certainly what the rules for locations and
    probes say in all of these cases alike. The probes' rules do so as they are; the locations' rule does not, because
    it counts those that know, and here each of them may.
    """
    members = members_between(memberships(ledger.terms, key) if membership is None else membership, period)
    return list(filled(combine(_probe_bounds(ledger, members, locations_needed), down_when), period))


def certain_quorum(spans_by_location: Mapping[str, Sequence[Span]], locations_needed: int | None = None) -> list[Span]:
    """What is certain of a probe, from what is certain at its locations; by default more than half of them count."""
    if len(spans_by_location) == 1 and locations_needed in (None, 1):
        return list(*spans_by_location.values())
    return put_together(list(spans_by_location.values()), _quorum_rule(locations_needed), counting=True)


def _quorum_rule(locations_needed: int | None) -> Rule:
    def rule(statuses: Sequence[Status]) -> Status:
        states = [state for state, _, _ in statuses]
        ups, downs = states.count(State.UP), states.count(State.DOWN)
        needed = len(states) // 2 + 1 if locations_needed is None else locations_needed
        if downs >= needed:
            return State.DOWN, None, False
        possibly_down = len(states) - ups
        return (State.UP if ups and possibly_down < needed else State.UNKNOWN), None, False

    return rule


def _probe_bounds(ledger: Ledger, members: Members, locations_needed: int | None) -> dict[str, list[Span]]:
    by_probe: dict[str, dict[str, list[Span]]] = {}
    for (probe, location), intervals in members.items():
        runs = ledger.runs.get((probe, location), ())
        by_probe.setdefault(probe, {})[location] = [
            span for interval in intervals for span in certain_spans(runs, interval)
        ]
    return {probe: certain_quorum(locations, locations_needed) for probe, locations in by_probe.items()}


def _certainties(trial: Sequence[tuple[Run, Fate]]) -> Iterator[tuple[int, int, State]]:
    """Stretches of certainty in order of their start. Runs that overlap, because a clock was set back, are cut off
    where the following one begins, as they are in what was observed."""
    for (run, fate), following in zip(trial, [*trial[1:], None], strict=False):
        state = _CERTAIN.get(fate)
        if state is None:
            continue
        last_ms = run.last_ms
        if following is not None:
            goes_on = _CERTAIN.get(following[1]) is state and not silent_between(run, following[0])
            last_ms = following[0].first_ms if goes_on else min(last_ms, following[0].first_ms)
        yield run.first_ms, last_ms, state


def _add(spans: list[Span], start_ms: int, end_ms: int, state: State) -> None:
    if start_ms >= end_ms:
        return
    if spans and spans[-1].state is state:
        start_ms = spans.pop().start_ms
    spans.append(Span(start_ms, end_ms, state))
