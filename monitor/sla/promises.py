"""What is promised of a component and when: the agreements in force, piece by piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from monitor.sla.agreement import Agreement, agreements_between
from monitor.sla.intervals import Interval
from monitor.sla.model import ComponentTerms


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a component's period in which one agreement holds."""

    interval: Interval
    agreement: Agreement
    terms: ComponentTerms
    floor: Fraction | None

    @property
    def length_ms(self) -> int:
        return self.interval[1] - self.interval[0]

    @property
    def locations_needed(self) -> int | None:
        return self.agreement.quorums.get(self.terms.key)


def pieces(agreements: Sequence[Agreement], component: str, interval: Interval) -> list[Piece]:
    """The component's period within the interval, by what holds in it, in order of time.

    Only `since` leaves time out: an agreement that does not name the component, or no floor for it, takes no promise
    back, so that nobody can take a bad week out of a figure by leaving a line out for so long. Raises `ValueError`
    where no agreement names the component.
    """
    naming = _naming(agreements, component)
    found = [
        _piece((max(start, agreement.since.get(component, start)), end), agreement, component, naming)
        for (start, end), agreement in agreements_between(naming, interval)
    ]
    return [piece for piece in found if piece.length_ms > 0]


def latest(agreements: Sequence[Agreement], component: str, at_ms: int) -> Piece:
    """What holds at an instant, as a piece of no length. Raises `ValueError` where no agreement names the component."""
    naming = _naming(agreements, component)
    ((_, agreement),) = agreements_between(naming, (at_ms, at_ms + 1))
    return _piece((at_ms, at_ms), agreement, component, naming)


def _naming(agreements: Sequence[Agreement], component: str) -> list[Agreement]:
    if not agreements:
        raise ValueError("no agreement is on record, so that nobody can tell what is promised")
    naming = [agreement for agreement in agreements if agreement.component(component) is not None]
    if not naming:
        raise ValueError(f"no agreement on record names the component {component!r}")
    return sorted(naming, key=lambda agreement: agreement.from_ms)


def _piece(interval: Interval, agreement: Agreement, component: str, naming: Sequence[Agreement]) -> Piece:
    terms = agreement.component(component)
    assert terms is not None  # it is one of `naming`
    return Piece(interval, agreement, terms, _floor(naming, component, agreement.from_ms))


def _floor(naming: Sequence[Agreement], component: str, from_ms: int) -> Fraction | None:
    """The floor promised last by then, else the first one ever."""
    promised = [
        (agreement.from_ms, terms.floor)
        for agreement in naming
        if (terms := agreement.component(component)) is not None and terms.floor is not None
    ]
    before = [floor for since_ms, floor in promised if since_ms <= from_ms]
    return before[-1] if before else next((floor for _, floor in promised), None)
