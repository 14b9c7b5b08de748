"""An account the slow way: a look at every second, at raw results instead of runs, at masks instead of intervals.

Written to be compared with: it shares no function with the engine. All times are full seconds after T0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


# Letters as small numbers: a month has nearly three million seconds.
UP, DOWN, UNKNOWN, NONE, MAINTENANCE, RESTORE, EXCLUDED = (np.int8(ord(letter)) for letter in "uD? mrx")


@dataclass(frozen=True)
class Check:
    """A result: `verdict` is u, D or ?."""

    at: int
    verdict: str
    stale: int
    confirm_after: int


@dataclass(frozen=True)
class Place:
    """A probe at a location; a member of the component in `[joined, left)`."""

    probe: str
    location: str
    checks: Sequence[Check]
    joined: int
    left: int


@dataclass(frozen=True)
class Rules:
    """What holds from a second on."""

    start: int
    down_when: str
    needed: int | None
    floor: Fraction
    counts: bool
    notice: int
    cap: int | None
    restore_limit: int
    is_recovery: bool
    is_spared: bool
    history: tuple[str, ...]


@dataclass(frozen=True)
class Stretch:
    """A window that concerns the component."""

    kind: str
    start: int
    end: int
    announced: int


@dataclass
class Figures:
    """Seconds."""

    classes: dict[str, int]
    possibly: int
    certainly: int
    required: Fraction
    down_in: dict[str, int] = field(default_factory=dict)


def figures(
    places: Sequence[Place],
    rules: Sequence[Rules],
    windows: Sequence[Stretch],
    seconds: int,
    counted: tuple[int, int],
) -> Figures:
    """The account of the seconds from `counted[0]` to `counted[1]`; nothing later than `seconds` is known."""
    states = {id(place): _states(place, seconds) for place in places}
    held = _held(rules, seconds)
    seen, sure = _component(places, states, rules, held, seconds, history=True)
    seen_without, sure_without = _component(places, states, rules, held, seconds, history=False)
    excluded = _inside(windows, "excluded", seconds)
    restore = _inside(windows, "restore", seconds)
    since_restore = _since(restore)
    limit = np.array([each.restore_limit for each in rules])[held]
    overtime = restore & (since_restore >= limit) & np.array([each.is_recovery for each in rules])[held]
    sparing = restore & (since_restore < limit) & np.array([each.is_spared for each in rules])[held]
    down = (seen == DOWN) | overtime
    spared = sparing & down & (seen_without != DOWN) & ~overtime
    maintenance = _maintenance(windows, rules, held, excluded, seconds)
    classes = np.where(overtime, DOWN, seen)
    classes = np.where(maintenance & ~overtime & ~spared, MAINTENANCE, classes)
    classes = np.where(spared, RESTORE, classes)
    classes = np.where(excluded, EXCLUDED, classes)
    certain = np.where(overtime, DOWN, np.where(sparing, sure_without, sure))
    part = np.zeros(seconds, dtype=bool)
    part[counted[0] : counted[1]] = True
    reckoned = part & ((classes == UP) | (classes == DOWN) | (classes == UNKNOWN))
    required = sum(
        (each.floor * int((reckoned & (held == number)).sum()) for number, each in enumerate(rules)), Fraction(0)
    )
    return Figures(
        classes={letter: int((part & (classes == ord(letter))).sum()) for letter in "uD?mrx"},
        possibly=int((reckoned & ((classes != UP) | (certain != UP))).sum()),
        certainly=int((reckoned & (classes == DOWN) & (certain == DOWN)).sum()),
        required=required,
        down_in={
            kind: int((part & down & _inside(windows, kind, seconds)).sum())
            for kind in ("maintenance", "restore", "excluded")
        },
    )


def _held(rules: Sequence[Rules], seconds: int) -> Numbers:
    held = np.zeros(seconds, dtype=np.int64)
    for number, each in enumerate(rules):
        held[each.start :] = number
    return held


def _inside(windows: Sequence[Stretch], kind: str, seconds: int) -> Mask:
    inside = np.zeros(seconds, dtype=bool)
    for window in windows:
        if window.kind == kind:
            inside[max(0, window.start) : max(0, window.end)] = True
    return inside


def _since(inside: Mask) -> Numbers:
    """For how many seconds in a row it has been true."""
    places = np.arange(len(inside))
    last_outside = np.maximum.accumulate(np.where(inside, -1, places))
    return places - last_outside - 1


def _maintenance(
    windows: Sequence[Stretch],
    rules: Sequence[Rules],
    held: Numbers,
    excluded: Mask,
    seconds: int,
) -> Mask:
    out = np.zeros(seconds, dtype=bool)
    wanted = np.zeros(seconds, dtype=bool)
    for number, each in enumerate(rules):
        if not each.counts:
            announced = [window for window in windows if window.start - window.announced >= each.notice]
            wanted |= _inside(announced, "maintenance", seconds) & ~excluded & (held == number)
    caps = [each.cap for each in rules]
    used = 0  # all of it lies in one calendar year
    for second in np.flatnonzero(wanted):
        cap = caps[held[second]]
        if cap is None or used < cap:
            out[second] = True
            used += 1
    return out


def _states(place: Place, seconds: int) -> tuple[Any, Any]:
    """What was observed and what is certain, a letter a second: `u`, `D`, `?`; a blank where it is no member."""
    seen = np.full(seconds, UNKNOWN)
    sure = np.full(seconds, UNKNOWN)
    fates = _fates(place.checks)
    for number, check in enumerate(place.checks):
        following = place.checks[number + 1] if number + 1 < len(place.checks) else None
        until = seconds if following is None else following.at
        letter = {"blip": "u", "open": "?"}.get(fates[number], fates[number])
        seen[check.at : min(until, check.at + check.stale)] = ord(letter)
        agree = following is not None and fates[number] == fates[number + 1] and fates[number] in "uD"
        if agree and until - check.at <= check.stale:
            sure[check.at : until] = ord(fates[number])
    for states in (seen, sure):
        states[: place.joined] = NONE
        states[place.left :] = NONE
    return seen, sure


def _fates(checks: Sequence[Check]) -> list[str]:
    """Each result's worth: u, D, ?, blip or open, found by going on from each failure to the next success."""
    fates = [check.verdict for check in checks]
    number = 0
    while number < len(checks):
        if checks[number].verdict == "u":
            number += 1
            continue
        end = number
        while end < len(checks) and checks[end].verdict != "u":
            end += 1
        _judge(checks, fates, number, end)
        number = end
    return fates


def _judge(checks: Sequence[Check], fates: list[str], start: int, end: int) -> None:
    """Results from `start` to `end` are no success; the one at `end`, if there is one, is."""
    confirmed = False
    waiting: list[int] = []
    for number in range(start, end + 1):
        silent = number > start and number < len(checks) and (
            checks[number].at - checks[number - 1].at > checks[number - 1].stale
        )  # fmt: skip
        if number == len(checks) or silent:
            for each in waiting:
                fates[each] = "open"
            waiting = []
        if number == end:
            for each in waiting:
                fates[each] = "blip"
        elif checks[number].verdict == "D":
            waiting.append(number)
            if confirmed or len(waiting) >= checks[number].confirm_after:
                confirmed = True
                for each in waiting:
                    fates[each] = "D"
                waiting = []


def _component(
    places: Sequence[Place], states: Any, rules: Sequence[Rules], held: Numbers, seconds: int, *, history: bool
) -> tuple[Any, Any]:
    seen = np.full(seconds, UNKNOWN)
    sure = np.full(seconds, UNKNOWN)
    for number, each in enumerate(rules):
        kept = [place for place in places if history or place.probe not in each.history]
        probes = sorted({place.probe for place in kept})
        observed = [_probe([states[id(p)][0] for p in kept if p.probe == probe], each.needed) for probe in probes]
        certain = [_certain([states[id(p)][1] for p in kept if p.probe == probe], each.needed) for probe in probes]
        mine = held == number
        seen[mine] = _together(observed, each.down_when, seconds)[mine]
        sure[mine] = _together(certain, each.down_when, seconds)[mine]
    return seen, sure


def _count(states: Sequence[Any], letter: np.int8) -> Any:
    found: Any = sum(((each == letter).astype(np.int8) for each in states), start=np.zeros(1, dtype=np.int8))
    return found


def _probe(states: Sequence[Any], needed: int | None) -> Any:
    ups, downs, unknown = (_count(states, letter) for letter in (UP, DOWN, UNKNOWN))
    knowing = ups + downs
    enough = 2 * downs > knowing if needed is None else downs >= needed
    letter = np.where((knowing > 0) & enough, DOWN, np.where(ups > 0, UP, UNKNOWN))
    return np.where(knowing + unknown == 0, NONE, letter)


def _certain(states: Sequence[Any], needed: int | None) -> Any:
    """Of all that the uncertain ones may be, what all agree on."""
    ups, downs, unknown = (_count(states, letter) for letter in (UP, DOWN, UNKNOWN))
    everybody = ups + downs + unknown
    least, most = ((2 * count > everybody if needed is None else count >= needed) for count in (downs, downs + unknown))
    letter = np.where(least, DOWN, np.where(most | (ups == 0), UNKNOWN, UP))
    return np.where(everybody == 0, NONE, letter)


def _together(probes: Sequence[Any], down_when: str, seconds: int) -> Any:
    if not probes:
        return np.full(seconds, UNKNOWN)
    ups, downs, unknown = (_count(probes, letter) for letter in (UP, DOWN, UNKNOWN))
    everybody = ups + downs + unknown
    if down_when == "any":
        letter = np.where(downs > 0, DOWN, np.where(unknown > 0, UNKNOWN, UP))
    elif down_when == "all":
        letter = np.where(ups > 0, UP, np.where(unknown > 0, UNKNOWN, DOWN))
    else:
        could = 2 * (downs + unknown) > everybody
        letter = np.where(2 * downs > everybody, DOWN, np.where(could, UNKNOWN, UP))
    return np.where(everybody == 0, UNKNOWN, letter)
