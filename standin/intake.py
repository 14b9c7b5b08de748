"""What happens to measurements between a device's message and the store, whichever way they came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from standin.channels import Sample
from standin.clock import unix_milliseconds
from standin.fault_model import Interface
from standin.faults import ActiveFault, Faults
from standin.network.partition import is_lost
from standin.settings import AlertRule, LiveSettings
from standin.storage import Point, Storage, Upload

CLOCKS_APART_SECONDS = 60  # a sensor whose clock is ahead by so much is no visitor from the future


class Outcome(Enum):
    STORED = "stored"  # or acknowledged as if it were, when a fault or a setting says so
    IGNORED = "ignored"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One sensor's part of a message."""

    serial: str
    samples: Sequence[Sample]
    battery_ok: bool = True
    transfer_reason: int = 0

    @property
    def identity(self) -> frozenset[tuple[str, int, int]]:
        return frozenset((self.serial, sample.channel, sample.time) for sample in self.samples)


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert of the sensor began (`started`) or ended, at `at_ms` and with that value."""

    rule: AlertRule
    serial: str
    started: bool
    value: float
    at_ms: int


AlertWatcher = Callable[[AlertChange], None]


class Intake:
    def __init__(self, storage: Storage, faults: Faults, live: LiveSettings) -> None:
        self._alert_watchers: list[AlertWatcher] = []
        self._storage = storage
        self._faults = faults
        self._live = live
        self._attempted: dict[ActiveFault, set[object]] = {}

    def now_ms(self) -> int:
        return unix_milliseconds(self._live.current.now())

    def watch_alerts(self, watcher: AlertWatcher) -> None:
        """Calls the watcher once with each start and each end of an alert, in their order."""
        self._alert_watchers.append(watcher)

    async def admit(self, serial: str) -> Point | Outcome:
        """The sensor's measurement point, or what becomes of the messages of a sensor that has none."""
        point = await self._storage.point(serial)
        if point:
            return point
        match self._live.current.unknown_serial:
            case "create":
                return await self._storage.add_point(serial, self.now_ms())
            case "ignore":
                return Outcome.IGNORED
            case _:
                return Outcome.REFUSED

    def is_first_attempt(self, interface: Interface, parts: frozenset[object]) -> bool:
        """Whether `fail-first` is on and nothing of this message was tried before while it was on.

        A repetition may hold newer samples besides the failed ones, so one known part makes it a repetition.
        """
        fault = self._faults.active(interface, "fail-first")
        self._attempted = {known: tried for known, tried in self._attempted.items() if not known.ended.is_set()}
        if fault is None:
            return False
        tried = self._attempted.setdefault(fault, set())
        first = tried.isdisjoint(parts)
        tried.update(parts)
        return first

    async def accept(self, interface: Interface, delivery: Delivery) -> Outcome:
        """Stores the samples, as the interface's faults would have them."""
        partition = self._faults.active(interface, "lost-partition")
        if self._faults.active(interface, "accept-and-drop") or is_lost(partition, delivery.serial):
            return Outcome.STORED
        point = await self.admit(delivery.serial)
        if isinstance(point, Outcome):
            return point
        delay = self._faults.active(interface, "delay")
        delay_seconds = self._live.current.visibility_delay_seconds + (delay.number("seconds") if delay else 0)
        accepted_ms = self.now_ms()
        upload = Upload(
            delivery.serial,
            self._spoiled(interface, delivery.samples),
            accepted_ms,
            accepted_ms + round(delay_seconds * 1000),
            delivery.battery_ok,
            delivery.transfer_reason,
        )
        changes: list[AlertChange] = []
        try:
            async with self._storage.transaction():
                newest = await self._storage.newest_times(point, accepted_ms // 1000 + CLOCKS_APART_SECONDS)
                await self._storage.store_upload(point, upload)
                changes = await self._evaluate_rules(point, upload, newest)
        finally:
            # A client that goes away now does not stop the commit, so nor may it stop the messages.
            for change in changes:
                for watcher in self._alert_watchers:
                    watcher(change)
        return Outcome.STORED

    def _spoiled(self, interface: Interface, samples: Sequence[Sample]) -> list[Sample]:
        spoiled = list(samples)
        if alter := self._faults.active(interface, "alter"):
            amount = alter.number("amount")
            spoiled = [altered(sample, amount) for sample in spoiled]
        if shift := self._faults.active(interface, "shift"):
            seconds = round(shift.number("seconds"))
            spoiled = [replace(sample, time=sample.time + seconds) for sample in spoiled]
        if self._faults.active(interface, "double"):
            spoiled += [replace(sample, copy=1) for sample in spoiled]
        return spoiled

    async def _evaluate_rules(self, point: Point, upload: Upload, newest: dict[int, int]) -> list[AlertChange]:
        """Opens and ends alerts. A sample older than what was known already says nothing about the present state."""
        changes = []
        for sample in sorted(upload.samples, key=lambda each: each.time):
            if sample.value is None or sample.time < newest.get(sample.channel, sample.time):
                continue
            for rule in self._live.current.rules:
                if not rule.watches(point.serial, sample.type):
                    continue
                if await self._changes_alert(point, rule, sample.channel, sample.value, upload.accepted_ms):
                    started = rule.fires(sample.value)
                    changes.append(AlertChange(rule, point.serial, started, sample.value, upload.accepted_ms))
        return changes

    async def _changes_alert(self, point: Point, rule: AlertRule, channel: int, value: float, at_ms: int) -> bool:
        if rule.fires(value):
            return await self._storage.open_alert(point, channel, rule, value, at_ms)
        return rule.is_over(value) and await self._storage.end_alert(point, channel, rule.name, at_ms)


def altered(sample: Sample, amount: float) -> Sample:
    if sample.value is None:
        return sample
    # Three decimals are the finest resolution of any type; more would be noise of the addition.
    return replace(sample, value=round(sample.value + amount, 3))
