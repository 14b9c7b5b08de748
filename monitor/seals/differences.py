"""Which rows differ from what was sealed: told by the leaves, once the digest of a whole table did not come out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.seals.canonical import LEAF, Ids
from monitor.seals.headers import Gap

# The places that a row is tried at. Where more rows differ, it is no mere exchange of a few.
MOST_TRIED = 500


@dataclass(slots=True)
class Differences:
    """Numbers of rows, in order. `moved` maps where a row stands now to where it was sealed."""

    changed: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)


def sealed_numbers(ranges: Sequence[tuple[int, int]], missing: Sequence[Gap]) -> Ids:
    """The numbers that rows were there of, in order of the ranges."""
    numbers = [np.arange(first, last + 1, dtype=np.int64) for first, last in ranges]
    found = np.concatenate(numbers) if numbers else np.zeros(0, dtype=np.int64)
    for first, last in missing:
        found = found[(found < first) | (found > last)]
    return found


def differences(sealed: Ids, leaves: bytes, present: Ids, found: bytes) -> Differences:
    """Holds the leaves of rows that are there (`found`) against those of the rows that were sealed.

    Both are in the order of their numbers, which are ascending.
    """
    was, now = np.frombuffer(leaves, LEAF), np.frombuffer(found, LEAF)
    both, of_sealed, of_present = np.intersect1d(sealed, present, assume_unique=True, return_indices=True)
    changed = both[was[of_sealed] != now[of_present]]
    return Differences(changed.tolist(), np.setdiff1d(sealed, present).tolist(), np.setdiff1d(present, sealed).tolist())


def find_moved(found: Differences, sealed: Ids, leaves: bytes, leaf_at: Callable[[int, int], Sequence[bytes]]) -> None:
    """Takes those rows out of the changed ones that merely stand in each other's place.

    `leaf_at(row, number)` gives the leaves that the row could have if it had that number.
    """
    if not 1 < len(found.changed) <= MOST_TRIED:
        return
    places = np.searchsorted(sealed, np.array(found.changed, dtype=np.int64)).tolist()
    was = {number: leaves[4 * place : 4 * place + 4] for number, place in zip(found.changed, places, strict=True)}
    for number in found.changed:
        for other in found.changed:
            if other != number and was[other] in leaf_at(number, other):
                found.moved[number] = other
                break
    found.changed = [number for number in found.changed if number not in found.moved]
