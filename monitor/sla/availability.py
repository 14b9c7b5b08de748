"""From spans to figures: whole milliseconds and exact fractions all the way, rounded once, at the end, and down."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from monitor.sla.intervals import Interval
from monitor.sla.model import Cause, Span, State


@dataclass(frozen=True, slots=True)
class Tally:
    """How much of a period was up, down and unknown; the three sum to the period, or `ArithmeticError` is raised.

    `blip_ms` is the part of `up_ms` for which failures spoke that were not confirmed. Tallies of periods that do not
    overlap can be added: a year is the sum of its months, never the mean of their percentages.
    """

    period_ms: int
    up_ms: int
    down_ms: int
    unknown: Mapping[Cause, int] = field(default_factory=dict)
    blip_ms: int = 0

    def __post_init__(self) -> None:
        parts = (self.up_ms, self.down_ms, *self.unknown.values())
        if sum(parts) != self.period_ms or min(parts) < 0 or not 0 <= self.blip_ms <= self.up_ms:
            raise ArithmeticError(f"the classes of time do not sum to the period: {self}")

    @property
    def unknown_ms(self) -> int:
        return sum(self.unknown.values())

    @property
    def observed_ms(self) -> int:
        return self.up_ms + self.down_ms

    @property
    def observed(self) -> Fraction | None:
        """Uptime as a ratio of the observed time; None where nothing was observed, because that is no 100 %."""
        return Fraction(self.up_ms, self.observed_ms) if self.observed_ms else None

    @property
    def coverage(self) -> Fraction:
        """The share of the period in which the state was observed; 0 for an empty period."""
        return Fraction(self.observed_ms, self.period_ms) if self.period_ms else Fraction(0)

    def __add__(self, other: "Tally") -> "Tally":
        causes = [cause for cause in Cause if cause in self.unknown or cause in other.unknown]
        return Tally(
            period_ms=self.period_ms + other.period_ms,
            up_ms=self.up_ms + other.up_ms,
            down_ms=self.down_ms + other.down_ms,
            unknown={cause: self.unknown.get(cause, 0) + other.unknown.get(cause, 0) for cause in causes},
            blip_ms=self.blip_ms + other.blip_ms,
        )


def tally(spans: Sequence[Span], period: Interval) -> Tally:
    """Adds up the spans inside the period. They must tile it, or `ArithmeticError` is raised; they may exceed it."""
    start, end = period
    cursor = start
    sums: dict[tuple[State, Cause | None, bool], int] = {}
    for index in range(max(bisect_right(spans, start, key=_start_ms) - 1, 0), len(spans)):
        span = spans[index]
        if cursor >= end:
            break
        if max(span.start_ms, start) != cursor:
            raise ArithmeticError(f"the spans leave a hole or overlap at {cursor}: {span}")
        until = min(span.end_ms, end)
        status = (span.state, span.cause, span.blip)
        sums[status] = sums.get(status, 0) + until - cursor
        cursor = until
    return tally_of(sums, max(end - start, 0))


def tally_of(sums: Mapping[tuple[State, Cause | None, bool], int], period_ms: int) -> Tally:
    """The tally of a period of that length, from its milliseconds by state, cause and blip."""
    unknown = {cause: sums[State.UNKNOWN, cause, False] for cause in Cause if (State.UNKNOWN, cause, False) in sums}
    blip_ms = sums.get((State.UP, None, True), 0)
    return Tally(
        period_ms=period_ms,
        up_ms=sums.get((State.UP, None, False), 0) + blip_ms,
        down_ms=sums.get((State.DOWN, None, False), 0),
        unknown=unknown,
        blip_ms=blip_ms,
    )


@dataclass(frozen=True, slots=True)
class Budget:
    """The downtime that a year's promise allows, in milliseconds. `remaining_ms` is negative once it is overspent.

    `projected_ms` is what the whole year will have spent if the rest of it is as the observed time so far; None where
    nothing was observed.
    """

    allowed_ms: int
    spent_ms: int
    projected_ms: int | None

    @property
    def remaining_ms(self) -> int:
        return self.allowed_ms - self.spent_ms

    @property
    def spent(self) -> Fraction | None:
        """The share of the allowance that is spent, above 1 once overspent; None where nothing is allowed at all."""
        return Fraction(self.spent_ms, self.allowed_ms) if self.allowed_ms else None


def budget(floor: Fraction, so_far: Tally, year: Interval) -> Budget:
    """The budget of a calendar year: (1 − `floor`) of its whole length, of which `so_far` counts the time to date.

    The allowance is rounded down and the projection up, so that neither flatters by its rounding.
    """
    year_ms = year[1] - year[0]
    projected_ms: int | None = None
    if so_far.observed is not None:
        left_ms = year_ms - so_far.period_ms
        projected_ms = so_far.down_ms + math.ceil((1 - so_far.observed) * left_ms)
    return Budget(math.floor((1 - floor) * year_ms), so_far.down_ms, projected_ms)


def decimal_floor(number: Fraction, places: int) -> str:
    """The number with so many decimal places, rounded down: 99.4999 is never written as 99.5."""
    scaled = math.floor(number * 10**places)
    digits = f"{abs(scaled):0{places + 1}d}"
    sign = "-" if scaled < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def percent(ratio: Fraction, places: int = 4) -> str:
    """A ratio as a percentage for people, rounded down, e.g. `99.4996 %`."""
    return f"{decimal_floor(ratio * 100, places)} %"


def _start_ms(span: Span) -> int:
    return span.start_ms
