"""Which burn rates can be alerted of: pure arithmetic of a floor and a pace. Seconds and exact fractions.

A burn rate of 1 spends just what the floor allows. Two windows must both see a rate: the long one tells that it
matters, the short one that it goes on. Shares of a budget of 30 days, because on a year's the usual thresholds would
lie above anything that can happen. "The Site Reliability Workbook", chapter 5, has the method and the usual shares.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

BUDGET_SECONDS = 30 * 86_400
LONG_SECONDS = (3_600, 21_600, 259_200)  # for the fast, the medium and the slow share
SHORT_PARTS = 12  # a long window holds so many short ones
WHOLE_SECONDS = 60  # short windows are stretched to whole minutes
A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """Alert where both windows burn faster than `rate`. `urgent`: it is over before anybody would have a look."""

    long_seconds: int
    short_seconds: int
    rate: Fraction

    @property
    def urgent(self) -> bool:
        return self.long_seconds <= A_DAY


def burn_windows(
    floor: Fraction, slowest_seconds: float, shares: tuple[Fraction, Fraction, Fraction], checks: int
) -> tuple[BurnWindow, ...]:
    """The windows that mean something for a component, the quickest first; none where its probes are too slow.

    `slowest_seconds` is the interval of its slowest probe, of which every window holds at least `checks`; a window that
    is stretched for that keeps its share, so its rate falls. Left out is a rate below 1, which a component may keep for
    ever; one that cannot be exceeded even if all is down; and one that a quicker window has already told of.
    """
    wanted = [_window(long, slowest_seconds, share, checks) for long, share in zip(LONG_SECONDS, shares, strict=True)]
    possible = [each for each in wanted if 1 <= each.rate < greatest_rate(floor)]
    kept: list[BurnWindow] = []
    for each in possible:
        if not kept or (each.rate < kept[-1].rate and each.long_seconds > kept[-1].long_seconds):
            kept.append(each)
    return tuple(kept)


def greatest_rate(floor: Fraction) -> Fraction:
    """The burn rate of a component that is down all the time."""
    return 1 / (1 - floor)


def _window(usual_seconds: int, slowest_seconds: float, share: Fraction, checks: int) -> BurnWindow:
    least = math.ceil(slowest_seconds * checks / WHOLE_SECONDS) * WHOLE_SECONDS
    short_seconds = max(usual_seconds // SHORT_PARTS, least)
    long_seconds = short_seconds * SHORT_PARTS
    return BurnWindow(long_seconds, short_seconds, share * BUDGET_SECONDS / long_seconds)
