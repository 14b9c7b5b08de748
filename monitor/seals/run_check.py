"""Are the stored runs those that the raw results make? Made anew by columns: a year of results in about a second.

The rule is `monitor.sla.runs.extend`, applied to arrays instead of one result after the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.seals.canonical import Ids
from monitor.seals.findings import Finding, Verified, instant
from monitor.sla.model import Verdict
from monitor.store.schema import VERDICT_CODES
from monitor.store.sealing import BROKEN, NO_NAME, Rows
from monitor.store.terms import Pair, Terms

Codes = NDArray[np.unsignedinteger[Any]]
UNKNOWN = VERDICT_CODES[Verdict.UNKNOWN]
_VERDICTS = 4  # three, and one for whatever else stands there
_LARGEST = 2**20  # of the numbers of probes and locations; whatever is greater is none
_NO_TIMES, _NO_CODES = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16)


@dataclass(frozen=True, slots=True)
class _Words:
    """Reasons and steps in the order of their texts, in which results of one time count. None is the first."""

    numbers: Ids
    ranks: Ids
    texts: list[str]

    @classmethod
    def of(cls, names: Mapping[int, str]) -> "_Words":
        texts = sorted(set(names.values()) | {""})
        numbers = np.array(sorted(names), dtype=np.int64)
        ranks = np.array([texts.index(names[number]) for number in numbers.tolist()], dtype=np.int64)
        return cls(numbers, ranks, texts)

    def ranks_of(self, numbers: Ids) -> Ids:
        places = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[places] == numbers, self.ranks[places], len(self.texts))


@dataclass(slots=True)
class RunCheck:
    """Is given all results on record; then says which run is the first that differs.

    It remembers six bytes of each result: its time, and a number for its verdict, reason and step.
    """

    rows: Rows
    reasons: _Words
    steps: _Words
    _times: dict[Pair, list[tuple[int, Ids | NDArray[np.uint32]]]] = field(default_factory=dict)
    _codes: dict[Pair, list[Codes]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Rows) -> "RunCheck":
        return cls(rows, _Words.of(rows.names("reasons")), _Words.of(rows.names("steps")))

    def add(self, matrix: Ids) -> None:
        if not len(matrix):
            return
        verdicts = np.clip(matrix[:, 5], 0, _VERDICTS - 1)
        reasons, steps = self.reasons.ranks_of(matrix[:, 6]), self.steps.ranks_of(matrix[:, 7])
        codes = (verdicts * (len(self.reasons.texts) + 1) + reasons) * (len(self.steps.texts) + 1) + steps
        narrow: Codes = codes.astype(np.uint16) if self._code_count() <= 2**16 else codes.astype(np.uint32)
        shift = _LARGEST + 1
        pairs = np.clip(matrix[:, 1], 0, _LARGEST) * shift + np.clip(matrix[:, 2], 0, _LARGEST)
        order = np.argsort(pairs, kind="stable")
        found, starts = np.unique(pairs[order], return_index=True)
        for pair, own in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            self._take((pair // shift, pair % shift), matrix[own, 3], narrow[own])

    def _take(self, pair: Pair, times: Ids, codes: Codes) -> None:
        base = int(times.min())
        since: Ids | NDArray[np.uint32] = times - base
        if int(since.max()) < 2**32:  # nearly always: half of the bytes
            since = since.astype(np.uint32)
        self._times.setdefault(pair, []).append((base, since))
        self._codes.setdefault(pair, []).append(codes)

    def finish(self, since_ms: int, verification: Verified) -> None:
        """Holds stored runs against those made anew, as far as results since then are concerned."""
        terms = self.rows.terms()
        probes, locations = self.rows.names("probes"), self.rows.names("locations")
        for pair in sorted(set(self._times) | set(self.rows.pairs_of_runs())):
            place = f"{probes.get(pair[0], f'#{pair[0]}')} at {locations.get(pair[1], f'#{pair[1]}')}"
            if pair not in terms:
                verification.findings.append(Finding("run", f"probe {place} has results or runs, but no terms"))
                continue
            made = self._made(pair, terms, since_ms)
            stored = self._stored(pair, since_ms)
            verification.runs += len(stored["first_ms"])
            verification.findings += _first_difference(place, made, stored, since_ms)

    def _made(self, pair: Pair, terms: Terms, since_ms: int) -> dict[str, Ids]:
        times = np.concatenate([np.int64(base) + own for base, own in self._times.pop(pair, [])] or [_NO_TIMES])
        codes = np.concatenate(self._codes.pop(pair, [_NO_CODES]))
        if len(times) and not np.all(times[1:] > times[:-1]):
            order = np.lexsort((codes, times))  # of one time by verdict, reason and step, as the codes are
            times, codes = times[order], codes[order]
        if len(times) and times[0] < since_ms:
            first_kept = int(np.searchsorted(times, since_ms))
            times, codes = times[first_kept:], codes[first_kept:]
        history = terms.history(pair)
        epochs = np.maximum(np.searchsorted([each.from_ms for each in history], times, side="right") - 1, 0)
        epochs = epochs.astype(np.uint16)
        stale = np.array([each.stale_ms for each in history])
        confirm = np.array([each.confirm_after for each in history])
        kinds = self._kinds()[codes]
        begins = np.ones(len(times), dtype=np.bool_)
        begins[1:] = kinds[1:] != kinds[:-1]
        begins[1:] |= _settings(stale, confirm)[epochs[1:]] != _settings(stale, confirm)[epochs[:-1]]
        begins[1:] |= times[1:] - times[:-1] > stale[epochs[:-1]]
        first = np.flatnonzero(begins)
        last = np.append(first[1:], len(times))[: len(first)] - 1
        verdicts, reasons, steps = self._parts_of(codes[first].astype(np.int64))
        return {
            "first_ms": times[first],
            "last_ms": times[last],
            "count": last - first + 1,
            "verdict": verdicts,
            "stale_ms": stale[epochs[first]],
            "confirm_after": confirm[epochs[first]],
            "reason": reasons,
            "step": steps,
        }

    def _kinds(self) -> Codes:
        """By code, what the results of one run have in common: the verdict, and where it is unknown, the reason."""
        verdicts, reasons, _ = self._parts_of(np.arange(self._code_count(), dtype=np.int64))
        kinds: Codes = (verdicts + _VERDICTS * np.where(verdicts == UNKNOWN, reasons, 0)).astype(np.uint32)
        return kinds

    def _parts_of(self, codes: Ids) -> tuple[Ids, Ids, Ids]:
        rest, steps = np.divmod(codes, len(self.steps.texts) + 1)
        verdicts, reasons = np.divmod(rest, len(self.reasons.texts) + 1)
        return verdicts, reasons, steps

    def _code_count(self) -> int:
        return _VERDICTS * (len(self.reasons.texts) + 1) * (len(self.steps.texts) + 1)

    def _stored(self, pair: Pair, since_ms: int) -> dict[str, Ids]:
        """In the same form, and without runs that ended before."""
        runs = [run for run in self.rows.runs(pair) if _whole(run.last_ms) >= since_ms]
        columns: dict[str, Callable[[object], int]] = {
            "reason": lambda text: _rank(self.reasons, text),
            "step": lambda text: _rank(self.steps, text),
        }
        return {
            name: np.array([columns.get(name, _whole)(getattr(run, attribute)) for run in runs], dtype=np.int64)
            for name, attribute in _COLUMNS.items()
        }


def _settings(stale: Ids, confirm: Ids) -> Ids:
    """By terms, a number that is the same where those settings are that results of one run share."""
    return np.unique(np.stack((stale, confirm), axis=1), axis=0, return_inverse=True)[1].reshape(-1)


_COLUMNS = {
    "first_ms": "first_ms",
    "last_ms": "last_ms",
    "count": "checks",
    "verdict": "verdict",
    "stale_ms": "stale_ms",
    "confirm_after": "confirm_after",
    "reason": "reason",
    "step": "step",
}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else BROKEN


def _rank(words: _Words, text: object) -> int:
    return words.texts.index(str(text or "")) if str(text or "") in words.texts else NO_NAME


def _first_difference(place: str, made: Mapping[str, Ids], stored: Mapping[str, Ids], since_ms: int) -> list[Finding]:
    """The earliest run that is not the same on both sides."""
    if _straddles(made, stored, since_ms):
        # Some of its results were deleted: what is known of its beginning cannot be held against anything.
        made, stored = ({name: column.copy() for name, column in side.items()} for side in (made, stored))
        for name in ("first_ms", "count", "reason", "step"):
            made[name][0] = stored[name][0]
    both = min(len(made["first_ms"]), len(stored["first_ms"]))
    differs = np.zeros(both, dtype=np.bool_)
    for name, column in made.items():
        differs |= column[:both] != stored[name][:both]
    places = np.flatnonzero(differs)
    if not len(places) and len(made["first_ms"]) == len(stored["first_ms"]):
        return []
    first = int(places[0]) if len(places) else both
    sides = (_told(stored, first), _told(made, first))
    text = f"a run of {place} differs: on record is {sides[0]}; the results make {sides[1]}"
    begin = min(int(side["first_ms"][first]) for side in (made, stored) if first < len(side["first_ms"]))
    return [Finding("run", text, table="runs", at=instant(begin), probe=place.partition(" at ")[0])]


def _straddles(made: Mapping[str, Ids], stored: Mapping[str, Ids], since_ms: int) -> bool:
    return bool(len(made["first_ms"]) and len(stored["first_ms"]) and stored["first_ms"][0] < since_ms)


def _told(side: Mapping[str, Ids], place: int) -> str:
    if place >= len(side["first_ms"]):
        return "none"
    first, last, count, verdict = (int(side[name][place]) for name in ("first_ms", "last_ms", "count", "verdict"))
    word = {code: verdict.value for verdict, code in VERDICT_CODES.items()}.get(verdict, "?")
    return f"{count} times {word} from {instant(first)} to {instant(last)}"
