"""`Store`: what the rest of the program sees of the database."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from monitor.sla.agreement import Agreement
from monitor.sla.clock_events import ClockEvent, ClockEventKind
from monitor.sla.model import Ledger, Life, ProbeTerms
from monitor.sla.record import Record, SealSummary
from monitor.sla.windows import Window, WindowEntry
from monitor.store import (
    as_of,
    at_once,
    columns,
    connect,
    declared,
    evidence,
    evidence_refs,
    history,
    importing,
    lives,
    migrate,
    pruning,
    reading,
    samples,
    sealing,
    transactions,
)
from monitor.store.at_once import AtOnce, Commit, Spend, Take
from monitor.store.columns import ResultColumns
from monitor.store.counters import LEDGER_GENERATION, counter
from monitor.store.group_commit import GroupCommit
from monitor.store.names import Names
from monitor.store.records import (
    LATEST_MS,
    Committed,
    Evidence,
    Imported,
    ImportRow,
    ScheduleEvent,
    StoredResult,
    StoreError,
    TermsOf,
)
from monitor.store.worker import Worker
from monitor.store.writing import Beat, Stop, Work, Writer

if TYPE_CHECKING:
    from monitor.results import Result
    from probes.contract import Message, Picture
    from probes.efento.samples import SampleRun

T = TypeVar("T")
HEARTBEAT_INTERVAL_MS = 5_000


class Store:
    """An open store. Every method that writes returns once its work is on disk, and raises `StoreError` if it is not.

    `begin` makes this process a writer; then `run` is to be a task of the daemon, because `record`, `record_event`,
    `heartbeat` and `clean_stop` are carried out by it. The other methods need neither.
    """

    def __init__(self, file: Path, engines: connect.Engines) -> None:
        self._file = file
        self._engines = engines
        self._writing = Worker("store.write")
        self._reading = Worker("store.read")
        self._writer: Writer | None = None
        self._on_committed: Callable[[list[Committed]], None] | None = None
        self._group: GroupCommit[Work] = GroupCommit(self._commit)

    @staticmethod
    def exists(url: str) -> bool:
        """Whether there is something at the address. Raises `StoreError` where it is no store's address."""
        return connect.file_of(url).is_file()

    @classmethod
    async def open(cls, url: str, *, read_only: bool = False) -> "Store":
        """Opens the store at an address such as `sqlite:///uptime.db`.

        Without `read_only` the file is made if it is not there, and its tables are brought up to date.
        """
        file = connect.file_of(url)
        _look_at(file, read_only)
        store = cls(file, connect.engines(file, read_only=read_only))
        try:
            if read_only:
                await store._read(migrate.check)
            else:
                await store._transact(migrate.bring_up_to_date)
        except StoreError as error:
            await store.close()
            raise StoreError(f"cannot open the store {file}: {error}") from error
        except BaseException:
            await store.close()
            raise
        return store

    async def __aenter__(self) -> "Store":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives up the file, once what is being done has come to its end; then nothing can be asked any more.

        What is still waiting to be stored is refused: `stop` and the end of `run` come before.
        """
        self._group.stop()
        try:
            if self._engines.write is not None:
                await self._writing.close(self._engines.write.dispose)
        finally:
            await self._reading.close(self._engines.read.dispose)

    async def begin(
        self,
        location: str,
        boot_id: str,
        version: str,
        now_ms: int,
        *,
        on_committed: Callable[[list[Committed]], None] | None = None,
        heartbeat_interval_ms: int = HEARTBEAT_INTERVAL_MS,
    ) -> None:
        """Puts this start of a daemon on record, with its first heartbeat.

        `on_committed` is told of results that are on disk, before those who recorded them go on.
        """
        if self._writer is not None:
            raise StoreError("this process is a writer of the store already")

        def work(connection: Connection) -> Writer:
            return Writer.enter(connection, location, boot_id, version, now_ms, heartbeat_interval_ms)

        self._writer = await self._transact(work)
        self._on_committed = on_committed

    async def run(self) -> None:
        """Stores what is recorded, group by group, until `stop`."""
        await self._group.run()

    def stop(self) -> None:
        """From now on nothing is taken; `run` returns when what was taken is stored."""
        self._group.stop()

    async def flush(self) -> None:
        """Returns when everything that was recorded before has been stored or refused."""
        await self._group.flush()

    @property
    def waiting(self) -> int:
        """How many records wait for a commit."""
        return len(self._group)

    async def record(self, result: "Result") -> int:
        """Stores a result with its evidence, pictures, marks and memory; returns its id once it is on disk."""
        if not self._begun().knows(result.probe, result.location):
            raise StoreError(f"no terms are on record for probe {result.probe} at {result.location}")
        if not (0 <= result.started_ms < LATEST_MS and 0 <= result.duration_us < LATEST_MS):
            raise StoreError(f"a result of probe {result.probe} has impossible times")
        return await self._group.put(result)

    async def record_event(self, probe: str, scheduled_ms: int, event: str, cause: str, late_ms: int) -> None:
        """Stores that a start at this location was `late`, `skipped` or `overrun`."""
        location = self._begun().location
        await self._group.put(ScheduleEvent(probe, location, scheduled_ms, event, cause, late_ms))

    async def heartbeat(self, now_ms: int) -> None:
        self._begun()
        await self._group.put(Beat(now_ms))

    async def clean_stop(self, now_ms: int) -> None:
        """Puts on record that the daemon is being stopped properly; after its last result, before `stop`."""
        self._begun()
        await self._group.put(Stop(now_ms))

    async def commit_memory(self, probe: str, key: str, value: str) -> None:
        """Puts on record what a probe remembers, without a result."""
        await self._at_once(Commit(probe, key, value))

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        """Adds to what the probe has spent under the key, unless that would exceed the limit; returns whether it did.

        The database counts, so that it is one count for all processes. A count is never taken back.
        """
        if not (0 <= amount < LATEST_MS and 0 <= limit < LATEST_MS):
            raise ValueError("an amount and its limit are whole numbers that are not negative, and not astronomical")
        return await self._at_once(Spend(probe, key, amount, limit)) > 0

    async def record_message(
        self, channel: str, received_ms: int, content: bytes, unique_key: str | None = None
    ) -> int | None:
        """Stores a message that came in; returns its number, or None where the channel had one of this key already.

        Numbers grow and are never given twice. Without a key, every message is a new one.
        """
        return await self._at_once(Take(channel, received_ms, content, unique_key)) or None

    async def newest_message(self, channel: str) -> int:
        """The number of the channel's newest message; 0 where there is none, or none any more."""
        return await self._read(lambda connection: at_once.newest(connection, channel))

    async def messages_after(self, channel: str, number: int, limit: int) -> "list[Message]":
        """The first of the channel's messages behind that number, in order, at most `limit`."""
        return await self._read(lambda connection: at_once.after(connection, channel, number, limit))

    async def forget_messages(self, before_ms: int) -> int:
        """Deletes messages that came before; returns how many."""
        return await self._transact(lambda connection: at_once.forget(connection, before_ms))

    async def record_terms(
        self, location: str, now_ms: int, terms_now: Iterable[ProbeTerms], titles: Mapping[str, str] | None = None
    ) -> bool:
        """Puts on record what changed in the settings of the location's probes, from now on; returns whether any did.

        A probe of this location that is no longer among them is retired. The `from_ms` of what is given is not used.
        """
        given = list(terms_now)
        if any(each.location != location for each in given):
            raise ValueError(f"terms of another location than {location}")

        def work(connection: Connection) -> bool:
            return history.record_terms(connection, location, now_ms, given, titles or {})

        changed = await self._transact(work)
        if self._writer is not None:
            self._writer.learn(given)
        return changed

    async def import_results(
        self,
        rows: Iterable[ImportRow],
        *,
        file_name: str,
        sha256: str,
        imported_ms: int,
        terms_of: TermsOf | None = None,
        at_home: Container[tuple[str, str]] | None = None,
    ) -> Imported:
        """Takes results over from elsewhere: all of them, or none and a `StoreError` that names the row.

        A row that is there already is skipped; with other content it is refused. `terms_of` gives the terms of a probe
        for time that the store has none for; probes that are not `at_home` (probe and location; None: all are) are
        retired after their last result. Other writers wait meanwhile. The rows are read, and `terms_of` is asked, in
        the writing thread: for a process that does nothing else.
        """
        source, unwanted = importing.Source(file_name, sha256, imported_ms), Event()

        def work(connection: Connection) -> Imported:
            wanted = transactions.while_wanted(rows, unwanted)
            return importing.Importer(connection, terms_of, at_home).run(wanted, source)

        return await self._transact(work, unwanted=unwanted)

    async def add_window(self, window: Window) -> WindowEntry:
        """Puts a window on record, with a number of its own; the window's is not used."""
        return await self._transact(lambda connection: declared.add_window(connection, window))

    async def replace_window(self, number: int, window: Window) -> WindowEntry:
        """Puts another window in the place of one. Raises `StoreError` where none of that number is in force."""
        return await self._transact(lambda connection: declared.add_window(connection, window, number))

    async def revoke_window(self, number: int, *, author: str, text: str, recorded_ms: int) -> WindowEntry:
        """Raises `StoreError` where no window of that number is in force."""
        return await self._transact(
            lambda connection: declared.revoke_window(connection, number, author, text, recorded_ms)
        )

    async def windows(self) -> list[WindowEntry]:
        """The whole record of windows, oldest row first; `in_force` of `monitor.sla.windows` tells which hold."""
        return await self._read(declared.windows)

    async def record_agreement(self, agreement: Agreement, recorded_ms: int) -> bool:
        """Puts the agreement on record if it differs from the newest one; returns whether it did."""
        return await self._transact(lambda connection: declared.record_agreement(connection, agreement, recorded_ms))

    async def agreements(self) -> list[Agreement]:
        """All on record, oldest first."""
        return await self._read(declared.agreements)

    async def add_clock_event(
        self,
        outage: str,
        kind: ClockEventKind,
        at_ms: int,
        *,
        author: str,
        recorded_ms: int,
        note: str = "",
        via: str = "cli",
    ) -> ClockEvent:
        """Puts on record what was done about an outage."""
        event = ClockEvent(0, outage, kind, at_ms, author, recorded_ms, note, via)
        return await self._transact(lambda connection: declared.add_clock_event(connection, event))

    async def clock_events(self) -> list[ClockEvent]:
        """All on record, oldest first."""
        return await self._read(declared.clock_events)

    async def read_rows(self, work: Callable[[sealing.Rows], T]) -> T:
        """Does the work over the rows as they are sealed, all of one moment."""
        return await self._read(lambda connection: work(sealing.Rows(connection)))

    async def add_seal(self, seal: sealing.SealRow) -> bool:
        """Puts a seal on record; False where there is one of this number already."""
        return await self._transact(lambda connection: sealing.add_seal(connection, seal))

    async def add_seal_key(self, key: sealing.KeyRow) -> bool:
        """Puts a public key on record; False where it is there already."""
        return await self._transact(lambda connection: sealing.add_key(connection, key))

    async def seals(self) -> list[SealSummary]:
        """All on record, oldest first."""
        return await self.read_rows(lambda rows: [sealing.summary(seal) for seal in rows.seals()])

    async def prune(self, before_ms: int, now_ms: int, *, sealed_only: bool = True) -> int:
        """Deletes raw results that began before, with their evidence and pictures; returns how many.

        No figure changes by it: runs stay. The newest result of each probe at each location stays, too, and, unless
        `sealed_only` is false, whatever no seal covers yet. Other writers get their turn all the while. What was
        deleted is noted before it is; if the work is broken off, the next call goes on with it.
        """
        planned: pruning.Plan | None = None
        while planned is None or not await self._transact(_noting(planned, now_ms)):
            planned = await self._read(lambda connection: pruning.plan(connection, before_ms, sealed_only=sealed_only))
            if not planned.rows:
                return 0
        deleted = 0
        for first, last in planned.ranges.values():
            while ids := await self._read(_portion(planned, (first, last))):
                await self._transact(_deleting(ids))
                deleted, first = deleted + len(ids), ids[-1] + 1
                await asyncio.sleep(pruning.PAUSE_SECONDS)
        return deleted

    async def rebuild_runs(self) -> None:
        """Makes all runs anew out of the recorded results, as far back as those are kept."""
        await self._transact(history.rebuild_all)

    async def ledger(self, since_ms: int | None = None) -> Ledger:
        """All that figures are computed from, as of one moment; of runs only those that reach beyond `since_ms`."""
        return await self._read(lambda connection: reading.ledger(connection, since_ms))

    async def facts(self, as_of_ms: int, default: Agreement | None = None) -> Record:
        """All that was on record as of an instant: results that had ended, rows that had been recorded by then.

        `default` is taken where no agreement was on record yet. The same whenever it is asked, but for results that
        were recorded or imported long after their time, and for time whose raw results were deleted: then the newest
        runs at that instant are cut by their own times.
        """
        return await self._read(lambda connection: as_of.facts(connection, as_of_ms, default))

    async def first_failures(self, as_of_ms: int) -> evidence_refs.FirstFailures:
        """The names of the results that failures began with, which had begun by then."""
        return await self._read(lambda connection: evidence_refs.first_failures(connection, as_of_ms))

    async def generation(self) -> int:
        """Changes when recorded history changed other than by new results in their order of time."""
        return await self._read(lambda connection: counter(connection, LEDGER_GENERATION))

    async def lives(self) -> list[Life]:
        """The heartbeats on record, by stretches without a gap."""
        return await self._read(lives.all_lives)

    async def sample_runs(self) -> "dict[str, list[SampleRun]]":
        """What became of virtual sensors' samples, by serial number, in order of time."""
        return await self._read(samples.all_runs)

    async def memory(self) -> dict[tuple[str, str], str]:
        """What probes remember, by probe and key."""
        return await self._read(samples.remembered)

    async def latest(self) -> "list[Result]":
        """The newest result of each probe at each location; steps and evidence only where they were kept."""
        return await self._read(reading.latest)

    async def evidence(self, result_id: int) -> Evidence | None:
        """What was kept of a check, or None: of most that were up, nothing is."""
        return await self._read(lambda connection: evidence.read(connection, result_id))

    async def result_id(self, text_id: str) -> int | None:
        """The id of the result with this name outside the store; None where no such result is on record."""
        return await self._read(lambda connection: reading.result_id(connection, text_id))

    async def pictures(self, result_id: int) -> "list[Picture]":
        """The images that were kept of a check."""
        return await self._read(lambda connection: evidence.pictures(connection, result_id))

    async def events(self, start_ms: int, end_ms: int) -> list[ScheduleEvent]:
        """Late and missed starts that were due in the half-open time."""
        return await self._read(lambda connection: reading.events(connection, start_ms, end_ms))

    async def results(self, start_ms: int, end_ms: int, probe: str | None = None) -> AsyncGenerator[StoredResult, None]:
        """Results that began in the half-open time, in order of time, a few at a time.

        A consumer that does not go to the end closes the iterator (`contextlib.aclosing`).
        """
        portions = reading.portions(self._engines.read, start_ms, end_ms, probe)

        def following() -> list[StoredResult]:
            with connect.explained("cannot read results"):
                return next(portions, [])

        try:
            while portion := await self._reading.do(following):
                for result in portion:
                    yield result
        finally:
            self._reading.post(portions.close)

    async def result_columns(
        self, start_ms: int, end_ms: int, probe: str | None = None, *, by_series: bool = False
    ) -> AsyncGenerator[ResultColumns, None]:
        """The same by columns, many at a time; with `by_series` sorted by probe and location first.

        A consumer that does not go to the end closes the iterator (`contextlib.aclosing`).
        """
        portions = columns.portions(self._engines.read, start_ms, end_ms, probe, by_series=by_series)

        def following() -> ResultColumns | None:
            with connect.explained("cannot read results"):
                return next(portions, None)

        try:
            while portion := await self._reading.do(following):
                yield portion
        finally:
            self._reading.post(portions.close)

    async def count_about(self, start_ms: int, end_ms: int, probe: str | None = None) -> int:
        """How many results began in the half-open time, and maybe some more: for telling how far an export is."""
        return await self._read(lambda connection: columns.count_about(connection, start_ms, end_ms, probe))

    async def _at_once(self, work: AtOnce) -> int:
        """In a daemon with whatever else waits to be stored; in any other process in a transaction of its own."""
        if self._writer is not None:
            return await self._group.put(work)
        return await self._transact(lambda connection: at_once.write(connection, Names(), work))

    async def _commit(self, group: Sequence[Work]) -> Sequence[int]:
        writer = self._begun()
        if not group:
            return ()
        written = await self._transact(lambda connection: writer.write(connection, group), writer.forget)
        if written.committed and self._on_committed is not None:
            self._on_committed(written.committed)
        return written.numbers

    def _begun(self) -> Writer:
        if self._writer is None:
            raise StoreError("begin() comes before anything is recorded")
        return self._writer

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def read() -> T:
            with connect.explained("cannot read"), self._engines.read.connect() as connection:
                return work(connection)

        return await self._reading.do(read)

    async def _transact(
        self,
        work: Callable[[Connection], T],
        forget: Callable[[], None] = lambda: None,
        unwanted: Event | None = None,
    ) -> T:
        """Carries the work out in a transaction, in the writing thread; waits for other processes' as long as it takes.

        If nothing came of it, `forget` is called in that thread. Where the caller is cancelled, `unwanted` is set and
        it is rolled back, unless it is being committed at that moment.
        """
        engine, unwanted = self._engines.write, unwanted or Event()
        if engine is None:
            raise StoreError("the store was opened for reading only")
        try:
            return await self._writing.do(lambda: transactions.transact(engine, work, forget, unwanted))
        finally:
            unwanted.set()


def _noting(planned: pruning.Plan, now_ms: int) -> Callable[[Connection], bool]:
    return lambda connection: pruning.note(connection, planned, now_ms)


def _portion(planned: pruning.Plan, ids: tuple[int, int]) -> Callable[[Connection], list[int]]:
    return lambda connection: pruning.portion(connection, planned, ids)


def _deleting(ids: Sequence[int]) -> Callable[[Connection], None]:
    return lambda connection: pruning.delete_all(connection, ids)


def _look_at(file: Path, read_only: bool) -> None:
    if read_only and not file.is_file():
        raise StoreError(f"there is no store at {file}")
    if not file.parent.is_dir():
        raise StoreError(f"cannot open the store {file}: there is no folder {file.parent}")
