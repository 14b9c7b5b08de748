"""What time it is at an Alertmanager, by the dates of its answers.

When an alert begins and ends is judged by its clock. Ours may be wrong, or be put right in the middle of an outage: by
our time alone an alert would be over as soon as it is told, and page nobody, or hold for hours after the recovery.
"""

from email.utils import parsedate_to_datetime

from monitor.clock import Clock, to_milliseconds

# Dates are whole seconds, and an answer takes its time: below this the clocks are taken to agree.
SAME_MS = 10_000


class TheirClock:
    """`heard` is told of the date of each answer. Until the first one, our clock stands in for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard_at: float | None = None
        self.ahead_ms = 0

    def heard(self, date: str | None) -> bool:
        """Takes over the `Date` of an answer that has just come; returns whether it brought news. Without one, or with
        one that cannot be read, what is known is all that there is."""
        self._heard_at = self._wall_less_monotonic()
        try:
            found_ms = to_milliseconds(parsedate_to_datetime(date)) - self._ours_ms() if date else 0
        except ValueError:  # no date, or one without a zone
            found_ms = 0
        before, self.ahead_ms = self.ahead_ms, found_ms if abs(found_ms) > SAME_MS else 0
        return abs(self.ahead_ms - before) > SAME_MS

    def is_known(self) -> bool:
        """Not so before the first answer, nor once our own clock was stepped since the newest."""
        return self._heard_at is not None and abs(self._wall_less_monotonic() - self._heard_at) * 1000 <= SAME_MS

    def now_ms(self) -> int:
        return self._ours_ms() + self.ahead_ms

    def _wall_less_monotonic(self) -> float:
        return self._ours_ms() / 1000 - self._clock.monotonic()

    def _ours_ms(self) -> int:
        return to_milliseconds(self._clock.now())
