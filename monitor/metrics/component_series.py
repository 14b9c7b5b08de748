"""Everything that is exported of the components: figures out of a picture, and failures as they are counted."""

from collections.abc import Callable, Sequence

from monitor.board import ratio
from monitor.metrics.exposition import Family, escaped, label_text
from monitor.metrics.promise_series import PROMISES, Samples, labels_of
from monitor.picture import ComponentPicture, Picture
from monitor.sla.model import ComponentTerms, State
from probes.contract import Reason

OTHER_REASON = "other"  # for a reason outside the fixed list: what a probe makes up is no label
REASONS = (*(reason.value for reason in Reason), OTHER_REASON)

FAILURES = Family("uptime_component_failures_total", "counter", "Checks that were not up, by reason.")
STATE = Family("uptime_component_state", "gauge", "1 for the state that the component is in, 0 for the others.")
STATE_SECONDS = Family(
    "uptime_component_state_seconds_total",
    "counter",
    "Time in each state since the component came into service, as far as the past is settled.",
)
SETTLED = Family(
    "uptime_component_settled_timestamp_seconds",
    "gauge",
    "As far as the past is settled, Unix time; absent for a component that was never in service.",
)
IN_SERVICE = Family(
    "uptime_component_in_service_seconds", "gauge", "Time since the component came into service; 0 if it never did."
)
FLOOR = Family("uptime_component_floor_ratio", "gauge", "Promised yearly uptime; absent where none is promised.")
UPTIME = Family(
    "uptime_component_uptime_ratio",
    "gauge",
    "Observed uptime, up / (up + down), in the window that ends now; absent where nothing was observed.",
)
COVERAGE = Family(
    "uptime_component_coverage_ratio",
    "gauge",
    "Share of the window, to date, in which the component was observed.",
)
OUTAGE_OPEN = Family("uptime_component_outage_open", "gauge", "Whether an outage goes on (1) or not (0).")
OUTAGE_SECONDS = Family("uptime_component_outage_seconds", "gauge", "Age of the open outage; 0 without one.")


class Failures:
    """Checks that were not up, by component and reason."""

    def __init__(self, components: Sequence[ComponentTerms], location: str) -> None:
        self._counts = {(terms.key, reason): 0 for terms in components for reason in REASONS}
        self._labels = {
            (key, reason): label_text(component=key, location=location, reason=reason) for key, reason in self._counts
        }

    def count(self, component: str, reason: str) -> None:
        self._counts[component, reason if reason in REASONS else OTHER_REASON] += 1

    def text(self) -> str:
        return FAILURES.header + "".join(
            [FAILURES.line(self._labels[pair], count) for pair, count in self._counts.items()]
        )


def component_text(picture: Picture) -> str:
    """All families that come out of a picture; those without a series are left out."""
    texts = []
    for family, samples in FROM_PICTURE.items():
        lines = [family.line(*sample) for each in picture.components for sample in samples(each, picture.as_of_ms)]
        texts += [family.header, *lines] if lines else []
    return "".join(texts)


def _with_severity(component: ComponentPicture) -> str:
    return f'{labels_of(component)},severity="{escaped(component.terms.severity)}"'


def _state(component: ComponentPicture, _now_ms: int) -> Samples:
    for state in State:
        yield f'{labels_of(component)},state="{state}"', int(component.state is state)


def _state_seconds(component: ComponentPicture, _now_ms: int) -> Samples:
    total = component.settled
    for state, length_ms in ((State.UP, total.up_ms), (State.DOWN, total.down_ms), (State.UNKNOWN, total.unknown_ms)):
        yield f'{labels_of(component)},state="{state}"', length_ms / 1000


def _settled(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.settled_ms is not None:
        yield labels_of(component), component.settled_ms / 1000


def _in_service(component: ComponentPicture, now_ms: int) -> Samples:
    since_ms = component.in_service_ms
    yield labels_of(component), 0 if since_ms is None else max(0, now_ms - since_ms) / 1000


def _floor(component: ComponentPicture, _now_ms: int) -> Samples:
    if component.terms.floor is not None:
        yield labels_of(component), float(component.terms.floor)


def _uptime(component: ComponentPicture, _now_ms: int) -> Samples:
    for window, figures in component.figures.items():
        if (value := ratio(figures.observed)) is not None:
            yield f'{labels_of(component)},window="{window}"', value


def _coverage(component: ComponentPicture, _now_ms: int) -> Samples:
    for window, figures in component.figures.items():
        yield f'{labels_of(component)},window="{window}"', float(figures.coverage)


def _outage_open(component: ComponentPicture, _now_ms: int) -> Samples:
    yield _with_severity(component), int(component.open_outage is not None)


def _outage_seconds(component: ComponentPicture, now_ms: int) -> Samples:
    outage = component.open_outage
    yield _with_severity(component), 0 if outage is None else (now_ms - outage.start_ms) / 1000


FROM_PICTURE: dict[Family, Callable[[ComponentPicture, int], Samples]] = {
    STATE: _state,
    STATE_SECONDS: _state_seconds,
    SETTLED: _settled,
    IN_SERVICE: _in_service,
    FLOOR: _floor,
    UPTIME: _uptime,
    COVERAGE: _coverage,
    OUTAGE_OPEN: _outage_open,
    OUTAGE_SECONDS: _outage_seconds,
    **PROMISES,
}
COMPONENT_FAMILIES = (FAILURES, *FROM_PICTURE)
