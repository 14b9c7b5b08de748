"""Plays a scenario: switches its faults at their times, in rounds, and tells how far it is."""

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from aiohttp import web

from standin.faults import Faults
from standin.parts import Addresses, Context
from standin.scenario import Scenario, Switch

log = structlog.get_logger()


class ScenarioPlayer:
    """A part of the platform that begins when the parts before it are open. Without a scenario it does nothing.

    It goes by the event loop's clock. What somebody else switches meanwhile it leaves alone.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._scenario = context.live.current.scenario
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._round = 0
        self._round_began = 0.0
        self._on: set[tuple[str, str]] = set()

    @property
    def addresses(self) -> Addresses:
        return {}

    def control_routes(self) -> Iterable[web.RouteDef]:
        return (web.get("/scenario", self._show),)

    async def open(self) -> None:
        if self._scenario:
            self._task = self._context.background.start(self._play(self._scenario), "scenario")

    async def close(self) -> None:
        if self._task:
            self._task.cancel()

    async def _play(self, scenario: Scenario) -> None:
        log.info("scenario.started", scenario=scenario.name, title=scenario.title)
        self._round_began = self._loop.time()
        while True:
            self._round += 1
            for switch in scenario.switches:
                await self._sleep_until(switch.at)
                self._apply(switch, self._context.faults)
            if scenario.repeat is None:
                break
            await self._sleep_until(scenario.repeat)
            for interface, fault in sorted(self._on):
                self._context.faults.switch_off(interface, fault)
            self._on.clear()
            self._round_began += scenario.repeat  # not the time at which we woke, or the rounds would drift
        log.info("scenario.finished", scenario=scenario.name)

    def _apply(self, switch: Switch, faults: Faults) -> None:
        key = (switch.interface, switch.fault)
        if switch.on:
            parameters: dict[str, Any] = dict(switch.params)
            faults.switch_on(*key, **parameters)
            self._on.add(key)
        else:
            faults.switch_off(*key)
            self._on.discard(key)
        log.info("scenario.fault_switched", at_seconds=switch.at, round=self._round, **_shown(switch))

    async def _sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self._round_began + at - self._loop.time()))

    async def _show(self, _request: web.Request) -> web.Response:
        scenario = self._scenario
        if scenario is None:
            return web.json_response({"scenario": None})
        position = self._loop.time() - self._round_began
        left = [switch for switch in scenario.switches if switch.at > position]
        finished = self._task is not None and self._task.done()
        return web.json_response(
            {
                "scenario": {
                    "name": scenario.name,
                    "title": scenario.title,
                    "description": scenario.description,
                    "repeat_seconds": scenario.repeat,
                    "round": self._round,
                    "position_seconds": position,
                    "finished": finished,
                    "next": [{"in_seconds": switch.at - position, **_shown(switch)} for switch in left],
                }
            }
        )


def _shown(switch: Switch) -> dict[str, Any]:
    parameters = {"parameters": dict(switch.params)} if switch.params else {}
    return {
        "switch": "on" if switch.on else "off",
        "interface": str(switch.interface),
        "fault": switch.fault,
    } | parameters
