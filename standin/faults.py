"""Which faults are on at this moment. Switching takes effect before the call returns."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from standin.catalogue import find
from standin.fault_model import FaultError, Interface, Value

Watcher = Callable[[bool], None]


@dataclass(eq=False, slots=True)
class ActiveFault:
    """A fault that is on. `ended` is set when it is switched off, replaced, or its time is over."""

    interface: Interface
    name: str
    parameters: Mapping[str, Value]
    since: datetime
    ends_at: float | None = None  # in the event loop's time
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    timer: asyncio.TimerHandle | None = None

    def number(self, parameter: str) -> float:
        value = self.parameters[parameter]
        assert isinstance(value, int | float)
        return value

    def text(self, parameter: str) -> str:
        return str(self.parameters[parameter])

    def end(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.ended.set()


class Faults:
    """Made inside the running event loop, whose time `for_seconds` is counted in."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._active: dict[tuple[Interface, str], ActiveFault] = {}
        self._watchers: dict[tuple[Interface, str], list[Watcher]] = {}

    def switch_on(self, interface: str, fault: str, /, *, for_seconds: float | None = None, **parameters: Any) -> None:
        """Switches a fault on, or gives one that is on new parameters; raises `FaultError` for what cannot be."""
        place, spec = find(interface, fault)
        if for_seconds is not None and not (_is_number(for_seconds) and 0 < for_seconds < float("inf")):
            raise FaultError(f"for_seconds must be a number of seconds above 0, not {for_seconds!r}")
        active = ActiveFault(place, spec.name, spec.checked(place, parameters), self._now())
        before = self._active.get((place, spec.name))
        self._active[place, spec.name] = active
        if for_seconds is not None:
            active.ends_at = self._loop.time() + for_seconds
            active.timer = self._loop.call_at(active.ends_at, self._expire, active)
        if before:
            before.end()
        else:
            self._tell(place, spec.name, True)

    def switch_off(self, interface: str, fault: str, /) -> bool:
        """Returns whether the fault was on."""
        place, spec = find(interface, fault)
        active = self._active.pop((place, spec.name), None)
        if active is None:
            return False
        active.end()
        self._tell(place, spec.name, False)
        return True

    def clear(self) -> None:
        for interface, fault in list(self._active):
            self.switch_off(interface, fault)

    def close(self) -> None:
        """Ends all faults without telling those who watch them: nothing is to open its socket again."""
        self._watchers.clear()
        self.clear()

    def active(self, interface: Interface, fault: str) -> ActiveFault | None:
        return self._active.get((interface, fault))

    def watch(self, interface: Interface, fault: str, watcher: Watcher) -> None:
        """Calls the watcher with True and False whenever the fault goes on and off."""
        self._watchers.setdefault((interface, fault), []).append(watcher)

    def shown(self) -> list[dict[str, Any]]:
        return [
            {
                "interface": active.interface,
                "fault": active.name,
                "parameters": dict(active.parameters),
                "since": active.since.isoformat(),
                "seconds_left": None if active.ends_at is None else max(0.0, active.ends_at - self._loop.time()),
            }
            for active in self._active.values()
        ]

    def _expire(self, active: ActiveFault) -> None:
        if self._active.get((active.interface, active.name)) is active:
            self.switch_off(active.interface, active.name)

    def _tell(self, interface: Interface, fault: str, on: bool) -> None:
        for watcher in self._watchers.get((interface, fault), ()):
            watcher(on)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
