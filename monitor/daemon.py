"""Builds the daemon's parts, wires them, and stops them in order. The only module that builds anything."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import quote
from uuid import uuid4

from aiohttp import web
from prometheus_client import disable_created_metrics

from monitor import logs
from monitor.alerting.watch import Alerting
from monitor.board import Board, Declared
from monitor.calendars import public_holidays
from monitor.clock import Clock, iso, to_milliseconds
from monitor.config import Config, ProbeConfig
from monitor.facts import RecordedFacts
from monitor.heartbeats import Condition, Peers, Pings, ServiceManager
from monitor.inbox import StoredInbox
from monitor.metrics import Metrics
from monitor.metrics.heartbeat_series import HeartbeatSeries
from monitor.offline import References
from monitor.receivers import channels_of, mail_receiver, webhook_routes
from monitor.record_keeping import RecordKeeping
from monitor.redaction import Redactor
from monitor.results import Result
from monitor.runner import run_check
from monitor.schedule import Checks, Schedule, ScheduleEvent
from monitor.sla.model import ProbeTerms, Verdict
from monitor.stalls import Stalls
from monitor.store import Committed, Store, StoreError
from monitor.undo import UNDO_SECONDS
from monitor.upkeep import Upkeep
from monitor.version import VERSION
from monitor.web import listen, serve
from monitor.web.app import Sources


class Daemon:
    """One daemon at one location: probes, store, schedule, metrics and pages."""

    def __init__(self, config: Config, clock: Clock) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nothing of ours reads
        self._config = config
        self._clock = clock
        self._probes = {probe.id: probe for probe in config.probes}
        self._redactor = Redactor(config.secrets())
        self._board = Board(config, clock, self._unstored_since_ms, public_holidays)
        self._facts = RecordedFacts()
        self._stalls = Stalls()
        self._references = References(config.reference_targets, clock)
        self._group: asyncio.TaskGroup | None = None
        self._checks: Checks | None = None
        self._schedule: Schedule | None = None
        self._metrics = Metrics(
            config,
            self._board,
            VERSION,
            lambda: len(self._checks or ()),
            waiting=lambda: self._store.waiting,
            heartbeat_age=lambda: self._condition.heartbeat_age(),
        )
        self._condition = Condition(config, clock, self._board.latest)
        self._pings = Pings(config.ping, clock, self._condition.unwell)
        self._peers = Peers(config.peers, clock)
        self._metrics.registry.register(HeartbeatSeries(self._pings, self._peers))
        self._manager = ServiceManager.of_process()
        self._alerting = Alerting(config, clock, self._board.standing, self._metrics.alerts)
        self._boot_id = str(uuid4())
        self._store: Store
        self._records: RecordKeeping
        self._inbox: StoredInbox
        self._generation = 0
        self._stored_meanwhile: list[Committed] | None = None

    async def run(self, stop: asyncio.Event, on_ready: Callable[[int], None]) -> None:
        """Runs until `stop` is set, then stops in order: no new checks, drain, flush, record the stop, close.

        `on_ready` is told the port of the web pages once they answer. Raises `StoreError` and `OSError` where the
        store or the port cannot be had, and whatever a background task died of.
        """
        for warning in self._config.warnings:
            logs.get().warning("config.questionable", problem=str(warning))
        async with AsyncExitStack() as stack:
            # Before anything is put on record: who cannot have the port must not retire the probes of who has it.
            listening = stack.enter_context(listen(self._config.web_host, self._config.web_port))
            self._store = await stack.enter_async_context(await Store.open(self._config.store_url))
            self._records = RecordKeeping(self._store, self._config, self._clock, self._metrics)
            self._inbox = StoredInbox(self._store, self._clock, channels_of(self._config.inbound))
            receivers = await stack.enter_async_context(AsyncExitStack())
            ports = await self._receive_mail(receivers)
            await self._take_over_history()
            upkeep = Upkeep(self._config, self._store, self._clock, self._metrics)
            await upkeep.begin()
            ports["web_port"] = await stack.enter_async_context(serve(self._sources(), listening))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._store.run(), name="store.writer")
                companions = [group.create_task(upkeep.run(), name="upkeep")]
                await self._probe(group, stop, on_ready, ports, companions)
                await receivers.aclose()
                await self._store.clean_stop(self._now_ms())
                self._store.stop()
            logs.get().info("daemon.stopped")

    def _sources(self) -> Sources:
        webhooks = webhook_routes(self._config.inbound, self._inbox.take, self._clock)
        routes = [*webhooks, *self._declared_routes(), *self._peer_routes()]
        kept = self._records
        return Sources(self._config, self._board, self._metrics, self._problems, kept.picture, routes, kept.told)

    def _declared_routes(self) -> Sequence[web.RouteDef]:
        """What people may declare; nothing where no token is configured."""
        if not self._config.tokens:
            return ()
        from monitor.declaring import Declaring
        from monitor.web.declared import routes

        return routes(Declaring(self._store, self._config, self._clock))

    def _peer_routes(self) -> Sequence[web.RouteDef]:
        if not self._config.peers:
            return ()
        from monitor.web.peers import routes

        return routes(self._peers)

    async def _receive_mail(self, stack: AsyncExitStack) -> dict[str, int]:
        """Opens the mail receiver, if there is one, until the stack is closed; returns its port by a name."""
        if self._config.inbound.smtp is None:
            return {}
        receiver = mail_receiver(self._config.inbound.smtp, self._inbox.take, self._clock)
        return {"smtp_port": await stack.enter_async_context(receiver)}

    async def _take_over_history(self) -> None:
        """Makes this daemon's rows and loads what earlier ones found out."""
        config, now_ms = self._config, self._now_ms()
        await self._store.begin(
            config.location,
            self._boot_id,
            VERSION,
            now_ms,
            on_committed=self._committed,
            heartbeat_interval_ms=round(config.heartbeat_seconds * 1000),
        )
        titles = {probe.id: probe.title for probe in config.probes}
        await self._store.record_terms(config.location, now_ms, probe_terms(config, now_ms), titles)
        if await self._store.record_agreement(config.agreement(now_ms), now_ms):
            logs.get().info("agreement.recorded", since=iso(now_ms))
        self._facts = RecordedFacts(await self._store.sample_runs(), await self._store.memory(), self._store)
        await self._load_ledger(await self._store.latest())
        await self._board.picture_in_pieces()  # the whole history once; from here on only what is new
        self._metrics.config_loaded.set(now_ms / 1000)

    async def _load_ledger(self, latest: Sequence[Result] = ()) -> None:
        """Reads the recorded history. What is stored while it is being read is added once more: it may be missing."""
        meanwhile = self._stored_meanwhile = []
        self._generation = await self._store.generation()
        store = self._store
        declared = Declared(await store.agreements(), await store.windows(), await store.clock_events())
        ledger = await store.ledger()
        self._stored_meanwhile = None
        self._board.load(ledger, latest, declared)
        for committed in meanwhile:
            self._board.add(committed.result, committed.closed, committed.current)

    async def _probe(
        self,
        group: asyncio.TaskGroup,
        stop: asyncio.Event,
        on_ready: Callable[[int], None],
        ports: Mapping[str, int],
        companions: Sequence[asyncio.Task[None]],
    ) -> None:
        self._group = group
        checks = self._checks = Checks(group, self._check, UNDO_SECONDS)
        schedule = self._schedule = Schedule(
            self._config.probes, checks, self._clock, self._schedule_event, self._metrics.lateness
        )
        companions = [
            *companions,
            group.create_task(self._alerting.run(), name="alerting"),  # outages on record are told before any check
            group.create_task(self._heartbeats(), name="heartbeats"),
            group.create_task(schedule.watch_clock(), name="schedule.watch_clock"),
            group.create_task(self._stalls.watch(), name="stalls.watch"),
            group.create_task(self._records.forget_messages(), name="inbox.forget"),
            *self._signs_of_life(group),
        ]
        schedule.start(self._board.fresh())
        logs.get().info("daemon.started", location=self._config.location, probes=len(self._probes), **ports)
        on_ready(ports["web_port"])
        self._manager.ready(f"probes: {len(self._probes)}, port of the pages: {ports['web_port']}")
        await stop.wait()
        self._manager.stopping()
        logs.get().info("daemon.stopping", checks_in_flight=len(checks))
        schedule.stop()
        cut_off = await checks.drain(self._config.drain_seconds)
        if cut_off:
            logs.get().warning("checks.cut_off", checks=cut_off, drain_seconds=self._config.drain_seconds)
        for task in companions:
            task.cancel()
        await asyncio.wait(companions)

    def _signs_of_life(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        return [
            group.create_task(self._pings.run(), name="pings"),
            group.create_task(self._peers.run(), name="peers"),
            group.create_task(self._manager.feed(self._condition.is_stuck), name="service_manager.feed"),
        ]

    async def _check(self, probe: ProbeConfig) -> None:
        checks = self._checks
        assert checks is not None, "this is one of them"
        result = await run_check(
            probe,
            location=self._config.location,
            clock=self._clock,
            facts=self._facts,
            redactor=self._redactor,
            inbox=self._inbox,
            offline=self._references.offline,
            on_undo=lambda: checks.undo_begins(probe.id),
            stalled=self._stalls.longest,
        )
        await self._records.record(result)

    def _committed(self, batch: Sequence[Committed]) -> None:
        """What the store has on disk may be shown: on the board, in metrics, in the log, to later checks."""
        if self._stored_meanwhile is not None:
            self._stored_meanwhile.extend(batch)
        for committed in batch:
            result = committed.result
            self._board.add(result, committed.closed, committed.current)
            self._board.then(partial(self._alerting.stored, result))
            self._facts.add(result.probe, result.marks, result.memory)
            self._metrics.checked(result)
            self._log(committed)
            if result.verdict is Verdict.DOWN and self._schedule is not None:
                self._schedule.recheck(result.probe)

    def _log(self, committed: Committed) -> None:
        result = committed.result
        log = logs.get().info if result.verdict is Verdict.UP else logs.get().warning
        name = committed.text_id(self._boot_id)
        pictures = [f"/api/v1/results/{name}/pictures/{quote(each.name, safe='')}" for each in result.pictures]
        log(
            "check.finished",
            probe=result.probe,
            component=result.component,
            verdict=result.verdict.value,
            started_at=iso(result.started_ms),
            duration_seconds=round(result.duration_us / 1_000_000, 6),
            **({"reason": result.reason, "step": result.step, "detail": result.detail} if result.reason else {}),
            **({"pictures": pictures} if pictures else {}),
        )

    def _schedule_event(self, event: ScheduleEvent) -> None:
        self._metrics.schedule_event(event.probe, event.event)
        assert self._group is not None, "the schedule runs inside the group"
        self._group.create_task(self._records.record_event(event), name=f"schedule_event[{event.probe}]")

    async def _heartbeats(self) -> None:
        """Leaves a trace of being alive, and notices what other processes did to the store."""
        while True:
            try:
                await self._store.heartbeat(self._now_ms())
                self._condition.took_heartbeat()
                await self._look_elsewhere()
                self._board.alive(await self._store.lives())
            except StoreError as error:
                self._records.failed(error)
            self._condition.answered()
            await asyncio.sleep(self._config.heartbeat_seconds)

    async def _look_elsewhere(self) -> None:
        """Reads what other processes recorded: all, where history was changed, else what is new of other locations."""
        if await self._store.generation() != self._generation:
            await self._load_ledger()
        elif (since_ms := self._board.elsewhere_since_ms()) is not None:
            self._board.elsewhere(await self._store.ledger(since_ms))
        else:
            return
        self._board.then(self._alerting.changed)

    async def _problems(self) -> list[str]:
        """Why the daemon is not ready; empty when it is."""
        return self._condition.problems()

    def _unstored_since_ms(self) -> int | None:
        """When the oldest check began that runs or waits for the store: what came after it is not settled yet."""
        oldest = None if self._checks is None else self._checks.oldest_start()
        if oldest is None:
            return None
        return self._now_ms() - math.ceil((self._clock.monotonic() - oldest) * 1000)

    def _now_ms(self) -> int:
        return to_milliseconds(self._clock.now())


def probe_terms(config: Config, now_ms: int) -> list[ProbeTerms]:
    """The settings of the configured probes that figures depend on, in force from now on."""
    return [
        ProbeTerms(
            probe=probe.id,
            location=config.location,
            from_ms=now_ms,
            component=probe.component,
            every_ms=round(probe.every_seconds * 1000),
            stale_ms=round(probe.stale_seconds * 1000),
            confirm_after=probe.confirm_after,
        )
        for probe in config.probes
    ]
