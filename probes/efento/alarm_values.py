"""The values that a virtual sensor sends to raise and to clear an alarm: each round has its own. Pure."""

import math
from dataclasses import dataclass

from probes.efento.signal import ChannelType

FEWEST_LEVELS = 200
ONE_SHOT_SHARE = 8  # one level in so many is kept for one-shot checks
_GOLDEN = 0.381966  # neighbours of a walk by this share of the range lie far apart


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through a range of raw values. A value comes again only after all the others."""

    first: int
    step: int
    levels: int

    @classmethod
    def through(cls, kind: ChannelType, low: float, high: float, resolution: float) -> "Walk":
        """Raises `ValueError` for a range that cannot be walked in steps of the resolution."""
        step, first, last = kind.raw(resolution), kind.raw(low), kind.raw(high)
        if not step or step < 0:
            raise ValueError(f"resolution: a multiple of the channel's own, {1 / kind.per_unit:g}")
        if first is None or last is None:
            raise ValueError(f"{low:g} … {high:g}: both ends must be multiples of {1 / kind.per_unit:g}")
        levels = (last - first) // step + 1
        if levels < FEWEST_LEVELS:
            raise ValueError(f"{low:g} … {high:g}: only {max(levels, 0)} different values, at least {FEWEST_LEVELS}")
        return cls(first, step, levels)

    def raw(self, number: int, *, one_shot: bool = False) -> int:
        """The raw value of a round. One-shot checks have values of their own, which no other round uses."""
        regular = self.levels - self.levels // ONE_SHOT_SHARE
        if one_shot:
            return self._at(regular + number % (self.levels - regular))
        return self._at(number * _stride(regular) % regular)

    def _at(self, level: int) -> int:
        return self.first + level * self.step


def _stride(levels: int) -> int:
    stride = int(levels * _GOLDEN)
    while math.gcd(stride, levels) > 1:
        stride += 1
    return stride
