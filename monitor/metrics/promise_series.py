"""What is exported of the promises: bounds, verdict, budget, deadlines, windows. Out of a picture, like all figures."""

from collections.abc import Callable, Iterator

from monitor.metrics.exposition import Family, escaped
from monitor.picture import ComponentPicture, Picture
from monitor.sla.accounts import Judgement
from monitor.sla.deadlines import Clock, ClockName
from monitor.sla.model import Cause
from monitor.sla.windows import WindowKind

Samples = Iterator[tuple[str, float]]
"""Labels in the text format, and the value."""

PESSIMISTIC = Family(
    "uptime_component_uptime_pessimistic_ratio",
    "gauge",
    "Lower bound of the uptime in the window that ends now: all that is not certainly up is taken for down.",
)
OPTIMISTIC = Family(
    "uptime_component_uptime_optimistic_ratio",
    "gauge",
    "Upper bound of the uptime in the window that ends now: only what is certainly down is taken for down.",
)
VERDICT = Family(
    "uptime_component_verdict", "gauge", "1 for the verdict of the year to date against the floor, 0 for the others."
)
POSSIBLY_DOWN = Family(
    "uptime_component_possibly_down_seconds", "gauge", "Time of this year to date that is not certainly up."
)
CERTAINLY_DOWN = Family(
    "uptime_component_certainly_down_seconds", "gauge", "Time of this year to date that is certainly down."
)
UNKNOWN = Family(
    "uptime_component_unknown_seconds_total",
    "counter",
    "Unknown time by cause since the component came into service, as far as the past is settled.",
)
BUDGET = Family(
    "uptime_component_budget_seconds",
    "gauge",
    "Downtime that this calendar year allows; absent where no uptime is promised.",
)
SPENT = Family(
    "uptime_component_budget_spent_seconds",
    "gauge",
    "What is spent of it to date; absent where no uptime is promised.",
)
REMAINING = Family(
    "uptime_component_budget_remaining_seconds",
    "gauge",
    "What is left of it; negative once it is overspent; absent where no uptime is promised.",
)
WINDOWS = Family("uptime_component_windows_open", "gauge", "Declared windows that concern the component and are open.")
DUE = Family(
    "uptime_deadline_timestamp_seconds",
    "gauge",
    "When a deadline of the open outage is used up, Unix time; absent without one and while it waits.",
)
DEADLINE = Family(
    "uptime_deadline_state", "gauge", "1 for the state that a deadline of the open outage is in, 0 for the others."
)
SUPPORT_OPEN = Family("uptime_support_open", "gauge", "Whether it is support time (1) or not (0).")

CLOCK_STATES = ("running", "waiting", "met", "missed")


def labels_of(component: ComponentPicture) -> str:
    return f'component="{escaped(component.terms.key)}"'


def clock_state(clock: Clock) -> str:
    """`met` is also what was met too late: nothing of it is left to do."""
    if clock.met_ms is not None:
        return "met"
    if clock.breached:
        return "missed"
    return "waiting" if clock.suspended else "running"


def support_text(picture: Picture) -> str:
    return f"{SUPPORT_OPEN.header}{SUPPORT_OPEN.name} {int(picture.support_open)}\n"


def _pessimistic(component: ComponentPicture, _now_ms: int) -> Samples:
    for window, figures in component.figures.items():
        if figures.pessimistic is not None:
            yield f'{labels_of(component)},window="{window}"', float(figures.pessimistic)


def _optimistic(component: ComponentPicture, _now_ms: int) -> Samples:
    for window, figures in component.figures.items():
        if figures.optimistic is not None:
            yield f'{labels_of(component)},window="{window}"', float(figures.optimistic)


def _verdict(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.terms.floor is not None:
        for verdict in Judgement:
            yield f'{labels_of(component)},verdict="{verdict}"', int(component.verdict is verdict)


def _possibly_down(component: ComponentPicture, _now_ms: int) -> Samples:
    yield labels_of(component), component.figures["year"].possibly_down_ms / 1000


def _certainly_down(component: ComponentPicture, _now_ms: int) -> Samples:
    yield labels_of(component), component.figures["year"].certainly_down_ms / 1000


def _unknown(component: ComponentPicture, _now_ms: int) -> Samples:
    for cause in Cause:
        yield f'{labels_of(component)},cause="{cause}"', component.settled.unknown.get(cause, 0) / 1000


def _budget(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.year_budget is not None:
        yield labels_of(component), component.year_budget.allowed_ms / 1000


def _spent(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.year_budget is not None:
        yield labels_of(component), component.year_budget.spent_ms / 1000


def _remaining(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.year_budget is not None:
        yield labels_of(component), component.year_budget.remaining_ms / 1000


def _windows(component: ComponentPicture, _now_ms: int) -> Samples:
    for kind in WindowKind:
        yield f'{labels_of(component)},kind="{kind}"', sum(window.kind is kind for window in component.windows)


def _due(component: ComponentPicture, _now_ms: int) -> Samples:
    for clock in component.clocks:
        if clock.due_ms is not None:
            yield f'{labels_of(component)},clock="{clock.name}"', clock.due_ms / 1000


def _deadlines(component: ComponentPicture, _now_ms: int) -> Samples:
    found = {clock.name: clock_state(clock) for clock in component.clocks}
    for name in ClockName:
        for state in CLOCK_STATES:
            yield f'{labels_of(component)},clock="{name}",state="{state}"', int(found.get(name) == state)


PROMISES: dict[Family, Callable[[ComponentPicture, int], Samples]] = {
    PESSIMISTIC: _pessimistic,
    OPTIMISTIC: _optimistic,
    VERDICT: _verdict,
    POSSIBLY_DOWN: _possibly_down,
    CERTAINLY_DOWN: _certainly_down,
    UNKNOWN: _unknown,
    BUDGET: _budget,
    SPENT: _spent,
    REMAINING: _remaining,
    WINDOWS: _windows,
    DUE: _due,
    DEADLINE: _deadlines,
}
