"""One start of a daemon as a writer: who it is, and what a group of its records does in a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from sqlalchemy import Connection, func, insert, select

from monitor.sla.model import ProbeTerms
from monitor.store import at_once, lives, schema, terms
from monitor.store.append import Appender
from monitor.store.at_once import AtOnce
from monitor.store.evidence import storable
from monitor.store.names import Names
from monitor.store.records import Committed, ScheduleEvent

if TYPE_CHECKING:
    from monitor.results import Result


@dataclass(frozen=True, slots=True)
class Beat:
    now_ms: int


@dataclass(frozen=True, slots=True)
class Stop:
    now_ms: int


Work = Union["Result", ScheduleEvent, Beat, Stop, AtOnce]


@dataclass(frozen=True, slots=True)
class Written:
    """A number for each piece of work: a result's id, the answer of what is done at once, 0 for all else."""

    numbers: list[int]
    committed: list[Committed]


class Writer:
    """Made by `enter`, inside a transaction."""

    def __init__(self, number: int, location: str, interval_ms: int, known: set[tuple[str, str]]) -> None:
        self.location = location
        self._number = number
        self._interval_ms = interval_ms
        self._known = known
        self._appender = Appender(number)

    @classmethod
    def enter(
        cls, connection: Connection, location: str, boot_id: str, version: str, now_ms: int, interval_ms: int
    ) -> "Writer":
        table = schema.writers
        number: int = connection.execute(select(func.coalesce(func.max(table.c.id), 0) + 1)).scalar_one()
        values: dict[str, Any] = {
            "id": number,
            "boot_id": boot_id,
            "location": Names().location(connection, location),
            "version": version,
            "started_ms": now_ms,
        }
        connection.execute(insert(table), values)
        lives.beat(connection, number, now_ms, interval_ms)
        known = {(each.probe, each.location) for each in terms.all_terms(connection)}
        return cls(number, location, interval_ms, known)

    def knows(self, probe: str, location: str) -> bool:
        """Whether there are terms on record for the probe there."""
        return (probe, location) in self._known

    def learn(self, recorded: Iterable[ProbeTerms]) -> None:
        self._known.update((each.probe, each.location) for each in recorded)

    def forget(self) -> None:
        """To be called after a transaction that failed: what was learnt in it is not so."""
        self._appender.forget()

    def write(self, connection: Connection, group: Sequence[Work]) -> Written:
        results: dict[int, Result] = {}
        events: list[dict[str, Any]] = []
        numbers = [0] * len(group)
        for place, work in enumerate(group):
            if isinstance(work, ScheduleEvent):
                events.append(self._event(connection, work))
            elif isinstance(work, Beat):
                lives.beat(connection, self._number, work.now_ms, self._interval_ms)
            elif isinstance(work, Stop):
                lives.stop(connection, self._number, work.now_ms, self._interval_ms)
            elif isinstance(work, AtOnce):
                numbers[place] = at_once.write(connection, self._appender.names, work)
            else:
                results[place] = work
        if events:
            connection.execute(insert(schema.schedule_events), events)
        committed = self._appender.append(connection, list(results.values()))
        for place, each in zip(results, committed, strict=True):
            numbers[place] = each.id
        return Written(numbers, committed)

    def _event(self, connection: Connection, event: ScheduleEvent) -> dict[str, Any]:
        names = self._appender.names
        return {
            "probe": names.probe(connection, event.probe),
            "location": names.location(connection, event.location),
            "scheduled_ms": event.scheduled_ms,
            "event": event.event,
            "cause": storable(event.cause),
            "late_ms": event.late_ms,
        }
