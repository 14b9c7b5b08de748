"""Tells for each message which value it speaks of, and what is wrong with it. Pure but for the list that it keeps.

A message belongs to the value that it names. It never counts for another round, however late it comes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from probes.contract import Reason
from probes.efento.alarm_record import SentValue
from probes.efento.notification_text import Notice, plain

WRONG_TEXTS = 5
GRAVITY = (Reason.SHIFTED, Reason.ALTERED, Reason.CONTENT)


@dataclass(frozen=True, slots=True)
class Expected:
    """What messages of this probe must say. `raw_of` gives the raw value, None for one that no sensor sends."""

    rule: str
    sensor: str
    zone: ZoneInfo
    tolerance_seconds: float
    raw_of: Callable[[float], int | None]

    def names(self, notice: Notice) -> bool:
        return (plain(notice.rule), plain(notice.sensor)) == (plain(self.rule), plain(self.sensor))

    def seconds_off(self, wall: datetime, sent: SentValue) -> float:
        """How far the message's time is from that of sending; the nearer reading of a repeated hour."""
        readings = (wall.replace(tzinfo=self.zone, fold=fold).timestamp() - sent.time for fold in (0, 1))
        return min(readings, key=abs)

    def in_time(self, wall: datetime, sent: SentValue) -> bool:
        return abs(self.seconds_off(wall, sent)) <= self.tolerance_seconds


@dataclass
class Matching:
    """`sent`: all values whose messages may come, the oldest first; those of round `number` are awaited now."""

    expected: Expected
    sent: list[SentValue]
    number: int = 0
    late_seconds: list[float] = field(default_factory=list)
    doubled: list[SentValue] = field(default_factory=list)
    wrong: list[tuple[Reason, str]] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    _delivered: set[str] = field(default_factory=set)

    def take(self, notice: Notice, key: str, received_at: float) -> str:
        """Judges one message; returns for people what it is."""
        if key in self._delivered:
            return "the same message, handed over again"
        self._delivered.add(key)
        ours = notice.kind is not None and self.expected.names(notice)
        if ours:
            self.own.append(key)
        meant = self._meant(notice)
        if meant is None:
            return self._without_value(notice, ours)
        if not ours:
            return self._suspect(meant, Reason.CONTENT, f"names rule {notice.rule!r} and sensor {notice.sensor!r}")
        if meant.arrived_at is not None:
            return self._again(meant, notice)
        if notice.wall is not None and not self.expected.in_time(notice.wall, meant):
            off = self.expected.seconds_off(notice.wall, meant)
            return self._suspect(meant, Reason.SHIFTED, f"its time is {off:+.0f} s off (is the option zone right?)")
        meant.arrived_at = received_at
        if meant.number == self.number:
            return f"{meant}"
        self.late_seconds.append(received_at - meant.time)
        return f"{meant}, {received_at - meant.time:.0f} s after its value"

    def gravest(self) -> tuple[Reason, str] | None:
        """What came in place of the message that is awaited."""
        return next((each for reason in GRAVITY for each in self.wrong if each[0] is reason), None)

    def _meant(self, notice: Notice) -> SentValue | None:
        """The value that the message names; where its text was cut before the value, the one nearest to its time."""
        of_kind = [sent for sent in self.sent if sent.kind is notice.kind]
        if notice.value is not None:
            raw = self.expected.raw_of(notice.value)
            return next((sent for sent in reversed(of_kind) if sent.raw == raw), None)
        return self._nearest(of_kind, notice.wall)

    def _nearest(self, values: Sequence[SentValue], wall: datetime | None) -> SentValue | None:
        if wall is None:
            return None
        fitting = [sent for sent in values if self.expected.in_time(wall, sent)]
        return min(fitting, key=lambda sent: abs(self.expected.seconds_off(wall, sent)), default=None)

    def _again(self, meant: SentValue, notice: Notice) -> str:
        """A second copy; or a changed value that happens to be that of an earlier round, as the time tells."""
        near = self._nearest([sent for sent in self.sent if sent.kind is meant.kind], notice.wall)
        if near is not None and near is not meant and near.arrived_at is None and notice.value is not None:
            return self._suspect(near, Reason.ALTERED, f"has value {notice.value:g}, which is that of {meant}")
        self.doubled.append(meant)
        return f"{meant} once more"

    def _without_value(self, notice: Notice, ours: bool) -> str:
        awaited = self._awaited()
        if awaited is None:
            return "no message of a known round"
        if notice.kind is None:
            return self._suspect(awaited, Reason.CONTENT, "cannot be read")
        if (
            ours
            and notice.kind is awaited.kind
            and (notice.wall is None or self.expected.in_time(notice.wall, awaited))
        ):
            shown = "no value" if notice.value is None else f"value {notice.value:g}"
            return self._suspect(awaited, Reason.ALTERED, f"has {shown}, which was never sent")
        return "no message of a known round"

    def _awaited(self) -> SentValue | None:
        """The value whose message is being waited for."""
        newest = self.sent[-1] if self.sent else None
        return newest if newest and newest.number == self.number and newest.arrived_at is None else None

    def _suspect(self, meant: SentValue, reason: Reason, what: str) -> str:
        text = f"{meant}: {what}"
        if meant is self._awaited() and len(self.wrong) < WRONG_TEXTS:
            self.wrong.append((reason, text))
        return text
