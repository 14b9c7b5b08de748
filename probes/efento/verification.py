"""Compares what the platform returned with the synthetic signal: missing, doubled, altered and shifted samples.

Pure. The platform writes wall time without a zone, so a returned sample has one possible time, or two in the hour
that the clocks repeat; the one whose value fits, and which nothing has taken yet, is its time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from probes.contract import Reason
from probes.efento.signal import SensorSignal

NAMED_TIMES = 5
MOST_VOTES = 100_000
WIDENED_SHIFTS = 5  # beyond so many distances it is no clock that is wrong
OFFSET_STEP = 15 * 60  # every zone in use is a multiple of a quarter of an hour away from any other
OFFSET_LIMIT = 26 * 3600  # from UTC−12 to UTC+14


@dataclass(frozen=True, slots=True)
class ReturnedSample:
    """A row of the platform's history: wall time without a zone, and a raw value per channel of the virtual sensor.

    A raw value is None where the row has no valid value of that channel.
    """

    wall: datetime
    raws: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, as Unix seconds. `shifted` maps a sample's true time to how many seconds late it stands."""

    missing: tuple[int, ...] = ()
    doubled: tuple[int, ...] = ()
    altered: tuple[int, ...] = ()
    shifted: tuple[tuple[int, int], ...] = ()

    def ok(self) -> bool:
        return not (self.missing or self.doubled or self.altered or self.shifted)

    def until(self, last: int) -> "Findings":
        """Those of samples up to this time."""
        return Findings(
            tuple(time for time in self.missing if time <= last),
            tuple(time for time in self.doubled if time <= last),
            tuple(time for time in self.altered if time <= last),
            tuple((time, late) for time, late in self.shifted if time <= last),
        )

    def wrong_times(self) -> frozenset[int]:
        return frozenset((*self.missing, *self.doubled, *self.altered, *(time for time, _ in self.shifted)))

    def reason(self) -> Reason:
        """The gravest finding's reason. Raises `ValueError` when nothing is wrong."""
        for times, reason in (
            (self.shifted, Reason.SHIFTED),
            (self.altered, Reason.ALTERED),
            (self.missing, Reason.MISSING),
            (self.doubled, Reason.DOUBLED),
        ):
            if times:
                return reason
        raise ValueError("nothing is wrong")

    def describe(self) -> str:
        """For people: each kind with its count and its first times."""
        parts = [
            f"{len(times)} {word}: {_listed(times)}"
            for word, times in (("missing", self.missing), ("doubled", self.doubled), ("altered", self.altered))
            if times
        ]
        for offset, count in Counter(offset for _, offset in self.shifted).most_common():
            times = [time for time, late in self.shifted if late == offset]
            parts.append(f"{count} shifted by {offset:+d} s: {_listed(times)}")
        return "; ".join(parts)


def verify(
    returned: Iterable[ReturnedSample],
    signal: SensorSignal,
    zone: ZoneInfo,
    due: Collection[int],
    *,
    excused: Collection[int] = (),
    judge_others: bool,
) -> Findings:
    """Judges the samples at the times `due`, each of which must be there exactly once, with the signal's value.

    Nothing is said of samples at `excused` times. A sample at any other time must have the signal's value, if
    `judge_others`; otherwise it matters only where it turns out to be a due one that was shifted.
    """
    rows = [(_possible_times(sample.wall, zone), sample.raws) for sample in returned]
    right, strange = _matched(rows, signal)
    wanted = frozenset(due)
    forgiven = frozenset(excused) - wanted
    absent = (wanted | forgiven) - right.keys()
    wrong = [(_likeliest(times, absent), raws) for times, raws in strange]
    shifts, rest = _shifts(wrong, absent, right, signal)

    def judged(time: int) -> bool:
        return time in wanted or (judge_others and time not in forgiven)

    altered = {time for time, _ in rest if judged(time)}
    return Findings(
        missing=tuple(sorted((wanted & absent) - altered - shifts.keys())),
        doubled=tuple(sorted(time for time, count in right.items() if count > 1 and judged(time))),
        altered=tuple(sorted(altered)),
        shifted=tuple(sorted((time, late) for time, late in shifts.items() if judged(time))),
    )


Raws = tuple[int | None, ...]


def _matched(
    rows: Iterable[tuple[tuple[int, ...], Raws]], signal: SensorSignal
) -> tuple[Counter[int], list[tuple[tuple[int, ...], Raws]]]:
    """How often each time is there with its right value, and the rows whose value fits none of their times."""
    right: Counter[int] = Counter()
    strange = []
    for times, raws in rows:
        fitting = [time for time in times if signal.raws(time) == raws]
        if fitting:
            right[min(fitting, key=lambda time: right[time])] += 1
        else:
            strange.append((times, raws))
    return right, strange


def _likeliest(times: tuple[int, ...], absent: Collection[int]) -> int:
    return next((time for time in times if time in absent), times[0])


def _shifts(
    wrong: list[tuple[int, Raws]], absent: Collection[int], right: Collection[int], signal: SensorSignal
) -> tuple[dict[int, int], list[tuple[int, Raws]]]:
    """Absent samples that stand elsewhere, as {true time: seconds late}, and the wrong rows not explained so.

    One altered value easily equals that of some absent sample, and of many altered by one amount half may share a
    distance. So a shift is believed when most rows that it explains stand at times of which no sample is absent, or
    when it explains two samples and three quarters of all that are wrong.
    """
    homes: dict[Raws, list[int]] = {}
    for time in absent:
        homes.setdefault(signal.raws(time), []).append(time)
    voters = _voters(wrong, homes)
    shifts: dict[int, int] = {}
    explained: set[tuple[int, Raws]] = set()
    widened = 0
    for late in sorted(voters, key=lambda each: len(voters[each]), reverse=True):
        found = [row for row in voters[late] if row not in explained and row[0] - late not in shifts]
        if not found:
            continue
        in_place = 2 * sum(time in absent for time, _ in found) >= len(found)
        if in_place and (len(found) == 1 or 4 * len(found) < 3 * (len(wrong) - len(explained))):
            continue
        if len(found) > 1 and widened < WIDENED_SHIFTS:
            widened += 1
            # The first sample of a shifted stretch may come from before the window.
            found += [
                (time, raws)
                for time, raws in wrong
                if time - late not in absent
                and time - late not in right
                and (time, raws) not in explained
                and signal.raws(time - late) == raws
            ]
        shifts.update((time - late, late) for time, _ in found)
        explained.update(found)
    return shifts, [row for row in wrong if row not in explained]


def _voters(wrong: Sequence[tuple[int, Raws]], homes: dict[Raws, list[int]]) -> dict[int, list[tuple[int, Raws]]]:
    """For each distance, the rows that it would explain. Not of all rows where there are very many: the event loop
    waits for this, and a day of altered samples must not stop every other probe."""
    voters: dict[int, list[tuple[int, Raws]]] = {}
    votes = 0
    for time, raws in wrong:
        for home in homes.get(raws, ()):
            voters.setdefault(time - home, []).append((time, raws))
            votes += 1
        if votes > MOST_VOTES:
            break
    return voters


def wrong_zone(
    returned: Sequence[ReturnedSample], signal: SensorSignal, zone: ZoneInfo, due: Collection[int]
) -> str | None:
    """Tells, for people, by how much the whole answer is off, if that can only be the zone it was written in.

    That is so when every sample fits at one constant offset that zones can have. One sample alone must moreover be a
    due one, because a single altered value fits some offset too easily. None: the zone explains nothing.
    """
    if not returned or all(_fits(sample, zone, 0, signal) is not None for sample in returned):
        return None
    offsets = range(-OFFSET_LIMIT, OFFSET_LIMIT + 1, OFFSET_STEP)
    for reading, offset in [*((zone, o) for o in offsets if o), *((UTC_ZONE, o) for o in offsets)]:
        true_times = _true_times(returned, reading, offset, signal)
        if not true_times or (due and true_times.isdisjoint(due)) or (len(true_times) == 1 and not due):
            continue
        than = f"the zone {zone.key} says" if reading is zone else "UTC"
        return f"all {len(returned)} samples of the answer stand {_hours(offset)} later than {than}"
    return None


UTC_ZONE = ZoneInfo("UTC")


def _true_times(
    returned: Sequence[ReturnedSample], zone: ZoneInfo, offset: int, signal: SensorSignal
) -> frozenset[int] | None:
    """The times of all samples if every one fits at this offset, else None."""
    times = set()
    for sample in returned:
        time = _fits(sample, zone, offset, signal)
        if time is None:
            return None
        times.add(time)
    return frozenset(times)


def _fits(sample: ReturnedSample, zone: ZoneInfo, offset: int, signal: SensorSignal) -> int | None:
    times = (time - offset for time in _possible_times(sample.wall, zone))
    return next((time for time in times if signal.raws(time) == sample.raws), None)


def _possible_times(wall: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    """The Unix seconds that a clock in the zone may mean by this wall time: two in a repeated hour."""
    first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return (first, second) if second > first else (first,)


def _hours(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours}:{minutes:02}"


def _listed(times: Sequence[int]) -> str:
    named = ", ".join(utc_text(time) for time in times[:NAMED_TIMES])
    return named + (", …" if len(times) > NAMED_TIMES else "")


def utc_text(time: int) -> str:
    """Unix seconds as people read them, e.g. `2026-11-23T04:19:00Z`."""
    return wall_text(time).replace(" ", "T") + "Z"


def wall_text(time: int) -> str:
    """Unix seconds in UTC as the platform writes times, e.g. `2026-11-23 04:19:00`."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)).strftime("%Y-%m-%d %H:%M:%S")
