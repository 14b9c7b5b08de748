"""Why nothing was observed: silence is told apart by what the daemons of a location were doing at the time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import attrgetter

from monitor.sla.intervals import Interval
from monitor.sla.model import Cause, Life

HEARTBEAT_MS = 5000
_BEFORE_ALL_TIME = float("-inf")


class Silence:
    """The cause of silence at one location, at any instant.

    Inside a life the daemon ran, so that the result is late. Between lives it was stopped or killed, as the life
    before ended. Before the first life, and where none is recorded (imported results), the record holds no cause:
    `other`. A life that was not stopped properly is taken to have gone on for one `heartbeat_ms` after its last
    heartbeat: nothing tells when within that time it ended, and a running daemon must not look killed between two.
    """

    def __init__(self, lives: Iterable[Life], location: str, *, heartbeat_ms: int = HEARTBEAT_MS) -> None:
        changes = [(_BEFORE_ALL_TIME, Cause.OTHER), *_changes(lives, location, heartbeat_ms)]
        self._times = [at_ms for at_ms, _ in changes]
        self._causes = [cause for _, cause in changes]

    def between(self, interval: Interval) -> Iterator[tuple[int, int, Cause]]:
        """Tiles the interval with stretches of one cause each."""
        start, end = interval
        index = bisect_right(self._times, start) - 1
        while start < end:
            beyond = self._times[index + 1] if index + 1 < len(self._times) else end
            until = end if beyond >= end else int(beyond)
            if start < until:  # not so for a life of a single instant
                yield start, until, self._causes[index]
            start, index = until, index + 1


def _changes(lives: Iterable[Life], location: str, heartbeat_ms: int) -> Iterator[tuple[int, Cause]]:
    """When the cause of silence changes, and to what. Lives that overlap (two daemons, one location) are one."""
    ends: tuple[int, bool] | None = None  # when the daemon's running ends, and whether it was killed then
    for life in sorted((life for life in lives if life.location == location), key=attrgetter("first_ms")):
        if ends is None or life.first_ms > ends[0]:
            if ends is not None:
                yield _ended(*ends)
            yield life.first_ms, Cause.DAEMON_LATE
        end = (life.last_ms if life.clean else life.last_ms + heartbeat_ms, not life.clean)
        ends = end if ends is None else max(ends, end)
    if ends is not None:
        yield _ended(*ends)


def _ended(at_ms: int, killed: bool) -> tuple[int, Cause]:
    return at_ms, Cause.DAEMON_KILLED if killed else Cause.DAEMON_STOPPED
