"""Which burn rates can be alerted of: pure arithmetic of a floor and a pace. Seconds and exact fractions.

A burn rate of 1 spends just what the floor allows. Two windows must both see a rate: the long one tells that it
matters, the short one that it goes on. Shares of a budget of 30 days, because on a year's the usual thresholds would
lie above anything that can happen. "The Site Reliability Workbook", chapter 5, has the method and the usual shares.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
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


class Fate(Enum):
    """Whether a window means something, and why not."""

    KEPT = "kept"
    ENDLESS = "endless"  # a rate below 1, which a component may keep for ever
    UNREACHABLE = "unreachable"  # a rate that is not exceeded even if all is down
    REPEATS = "repeats"  # a quicker window has already told of it


@dataclass(frozen=True, slots=True)
class Tier:
    """One of the usual windows, and what a component's pace made of it."""

    usual_seconds: int
    window: BurnWindow
    fate: Fate

    @property
    def stretched(self) -> bool:
        return self.window.long_seconds > self.usual_seconds


Shares = tuple[Fraction, Fraction, Fraction]


def burn_windows(floor: Fraction, slowest_seconds: float, shares: Shares, checks: int) -> tuple[BurnWindow, ...]:
    """The windows that mean something for a component, the quickest first; none where its probes are too slow."""
    tiers = burn_tiers(floor, slowest_seconds, shares, checks)
    return tuple(tier.window for tier in tiers if tier.fate is Fate.KEPT)


def burn_tiers(floor: Fraction, slowest_seconds: float, shares: Shares, checks: int) -> tuple[Tier, ...]:
    """What becomes of each of the usual windows.

    `slowest_seconds` is the interval of the component's slowest probe, of which every window holds at least `checks`; a
    window that is stretched for that keeps its share, so its rate falls.
    """
    return tuple(_judged(floor, slowest_seconds, shares, checks))


def _judged(floor: Fraction, slowest_seconds: float, shares: Shares, checks: int) -> Iterator[Tier]:
    kept: BurnWindow | None = None
    for usual_seconds, share in zip(LONG_SECONDS, shares, strict=True):
        window = _window(usual_seconds, slowest_seconds, share, checks)
        if window.rate < 1:
            fate = Fate.ENDLESS
        elif window.rate >= greatest_rate(floor):
            fate = Fate.UNREACHABLE
        elif kept is not None and (window.rate >= kept.rate or window.long_seconds <= kept.long_seconds):
            fate = Fate.REPEATS
        else:
            fate, kept = Fate.KEPT, window
        yield Tier(usual_seconds, window, fate)


def greatest_rate(floor: Fraction) -> Fraction:
    """The burn rate of a component that is down all the time."""
    return 1 / (1 - floor)


def _window(usual_seconds: int, slowest_seconds: float, share: Fraction, checks: int) -> BurnWindow:
    least = math.ceil(slowest_seconds * checks / WHOLE_SECONDS) * WHOLE_SECONDS
    short_seconds = max(usual_seconds // SHORT_PARTS, least)
    long_seconds = short_seconds * SHORT_PARTS
    return BurnWindow(long_seconds, short_seconds, share * BUDGET_SECONDS / long_seconds)
