"""Does this daemon do its work: are checks made, and do their results reach the disk?"""

from collections.abc import Callable, Iterator

from monitor.clock import Clock, iso, to_milliseconds
from monitor.config import Config, ProbeConfig
from monitor.results import Result

# The store counts as writable while its last heartbeat is not older than this many heartbeats.
HEARTBEATS_MISSED = 3
# A round of the store that neither works nor fails for so long hangs; reading a large history takes seconds.
STUCK_SECONDS = 60.0


class Condition:
    """What is wrong with the daemon itself. `latest` is the newest result of a probe that is on disk."""

    def __init__(self, config: Config, clock: Clock, latest: Callable[[str], Result | None]) -> None:
        self._config = config
        self._clock = clock
        self._latest = latest
        self._started = self._took_heartbeat = self._answered = clock.monotonic()

    def took_heartbeat(self) -> None:
        """The store has written a heartbeat. It goes the way of results and waits its turn among them."""
        self._took_heartbeat = self._clock.monotonic()

    def answered(self) -> None:
        """The store has done what it was asked, or said that it cannot."""
        self._answered = self._clock.monotonic()

    def heartbeat_age(self) -> float:
        """Seconds since the store took a heartbeat."""
        return self._clock.monotonic() - self._took_heartbeat

    def problems(self) -> list[str]:
        """Why the daemon is not ready; empty when it is."""
        problems = []
        if not self._is_writable():
            problems.append(f"the store has not been writable for {self.heartbeat_age():.0f} s")
        for probe, latest, silent in self._silences():
            if silent > probe.stale_seconds:
                since = "never" if latest is None else f"last at {iso(latest.started_ms)}"
                problems.append(f"probe {probe.id} has no fresh result: {since}")
        return problems

    def unwell(self) -> list[str]:
        """Why nobody may be told that all is well. A daemon that has not stored a single check proves nothing yet."""
        problems = self.problems()
        if not problems and all(self._latest(probe.id) is None for probe in self._config.probes):
            problems.append("no check has been stored yet")
        return problems

    def is_stuck(self) -> bool:
        """Whether only a new start can help: the store neither works nor fails, or no check at all comes to an end.

        A store that fails is no reason: its results wait in memory, and a new start would lose them.
        """
        longest = STUCK_SECONDS + self._config.heartbeat_seconds
        if self._clock.monotonic() - self._answered > longest:
            return True
        # Silence from before this start is not this process's fault; it may ask for its results first.
        up = self._clock.monotonic() - self._started
        return self._is_writable() and all(
            min(up, silent) > probe.stale_seconds + probe.timeout_seconds for probe, _, silent in self._silences()
        )

    def _is_writable(self) -> bool:
        return self.heartbeat_age() <= HEARTBEATS_MISSED * self._config.heartbeat_seconds

    def _silences(self) -> Iterator[tuple[ProbeConfig, Result | None, float]]:
        """Each probe, its newest result, and for how many seconds there has been no newer one."""
        up, now_ms = self._clock.monotonic() - self._started, to_milliseconds(self._clock.now())
        for probe in self._config.probes:
            latest = self._latest(probe.id)
            yield probe, latest, up if latest is None else (now_ms - latest.started_ms) / 1000
