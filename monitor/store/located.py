"""Between which ids the results of a time are. There is no index by time: it would double the size of a row.

A daemon numbers its results in the order in which they were committed, so that they are nearly sorted by their end,
and a few looks find a time. Nearly: results wait for a commit, and clocks are corrected, by less than `SLACK_MS`.
Where heartbeats tell that a clock was set back by more, all of that daemon's results are looked through.
"""

from collections.abc import Callable
from itertools import pairwise

from sqlalchemy import Connection, bindparam, func, select

from monitor.store import schema
from monitor.store.ids import own_range
from monitor.store.schema import results, runs

IdRange = tuple[int, int]
"""The smallest and the greatest id."""

SLACK_MS = 3_600_000
LONGEST_CHECK_MS = 25 * 3_600_000  # a time limit is a day at most


def id_ranges(connection: Connection, since_ms: int, until_ms: int | None = None) -> list[IdRange]:
    """All results that ended after `since_ms` are in these ranges, unless they began after `until_ms`.

    There are others in them, too.
    """
    found = [_own(connection, *written, since_ms, until_ms) for written in _writers(connection)]
    return [each for each in (_imported(connection, since_ms, until_ms), *found) if each is not None]


def _imported(connection: Connection, since_ms: int, until_ms: int | None) -> IdRange | None:
    # Ids of imported results are digests, and in no order.
    query = select(func.min(runs.c.first_id), func.max(runs.c.last_id)).where(
        runs.c.first_id < 0, runs.c.last_ms > since_ms - LONGEST_CHECK_MS
    )
    if until_ms is not None:
        query = query.where(runs.c.first_ms <= until_ms)
    least, greatest = connection.execute(query).one()
    return None if least is None else (least, min(greatest, -1))


def _writers(connection: Connection) -> list[tuple[int, bool]]:
    """All writers, and whether each one's clock was set back by more than the slack."""
    table = schema.lives
    beats: dict[int, list[IdRange]] = {}
    for writer, first_ms, last_ms in connection.execute(
        select(table.c.writer, table.c.first_ms, table.c.last_ms).order_by(table.c.id)
    ):
        beats.setdefault(writer, []).append((first_ms, last_ms))
    return [
        (writer, any(first_ms < last_ms - SLACK_MS for (_, last_ms), (first_ms, _) in pairwise(beats.get(writer, ()))))
        for (writer,) in connection.execute(select(schema.writers.c.id).order_by(schema.writers.c.id))
    ]


_GREATEST = select(func.max(results.c.id)).where(results.c.id.between(bindparam("first"), bindparam("last")))
_NEXT = (
    select(results.c.id, results.c.started_ms + results.c.duration_us // 1000)
    .where(results.c.id.between(bindparam("first"), bindparam("last")))
    .order_by(results.c.id)
    .limit(1)
)


def _own(connection: Connection, writer: int, disordered: bool, since_ms: int, until_ms: int | None) -> IdRange | None:
    first, last = own_range(writer)
    greatest = connection.execute(_GREATEST, {"first": first, "last": last}).scalar()
    if greatest is None:
        return None
    if disordered:
        return first, greatest

    def ended_after(moment_ms: int) -> Callable[[int], bool]:
        # Of an id that is missing, the next one decides.
        return lambda number: connection.execute(_NEXT, {"first": number, "last": greatest}).one()[1] > moment_ms

    low = _first_where(ended_after(since_ms - SLACK_MS), first, greatest)
    if until_ms is None:
        return (low, greatest) if low <= greatest else None
    high = _first_where(ended_after(until_ms + LONGEST_CHECK_MS), low, greatest)
    return (low, min(high, greatest)) if low <= greatest else None


def _first_where(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from `low` to `high` from which on it holds, `high + 1` for none, in few looks."""
    beyond = high + 1
    while low < beyond:
        middle = (low + beyond) // 2
        if holds(middle):
            beyond = middle
        else:
            low = middle + 1
    return low
