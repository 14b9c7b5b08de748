"""Finds out which alerts hold, within milliseconds of the result that decides, and tells every pusher."""

import asyncio
from collections.abc import Callable, Iterable

from monitor.alerting.alerts import COMPONENT_DOWN, Alert, alerts_of, possible_labels
from monitor.alerting.prompt import prompt_components
from monitor.alerting.push import TICK_SECONDS, Pusher
from monitor.clock import Clock
from monitor.config import Config
from monitor.metrics import AlertSeries
from monitor.picture import Standing
from monitor.results import Result


class Alerting:
    """`stored` is told of every result that is on the board, `run` pushes until it is cancelled.

    `standing` tells how a component stands now. It is asked only where the answer may have changed: after a result
    that says something else than the component's known state, when `changed`, and every `resend` for what changes by
    mere time.
    """

    def __init__(self, config: Config, clock: Clock, standing: Callable[[str], Standing], series: AlertSeries) -> None:
        section = config.alerting
        self._config = config
        self._clock = clock
        self._standing = standing
        self._series = series
        possible = possible_labels(config)
        self.pushers = [Pusher(each, section, clock, series, possible) for each in section.alertmanagers]
        self._standings: dict[str, Standing | None] = {terms.key: None for terms in config.components}
        self._due: set[str] = set()
        self._touched = asyncio.Event()
        self._look_again_at = clock.monotonic()
        # What was not asked since the start says nothing about the platform: the silence was ours.
        self._unasked = set(prompt_components(config))

    def stored(self, result: Result) -> None:
        known = self._standings.get(result.component)
        self._unasked.discard(result.component)
        if self.pushers and known is not None and result.verdict.value != known.state.value:
            self._due.add(result.component)
            self._touched.set()

    def changed(self) -> None:
        """More is on the board than this daemon's own results: everything is looked at."""
        self._look_again_at = self._clock.monotonic()
        self._touched.set()

    async def run(self) -> None:
        if not self.pushers:
            return
        async with asyncio.TaskGroup() as group:
            for pusher in self.pushers:
                group.create_task(pusher.run(), name=f"alertmanager[{pusher.name}]")
            while True:
                self.look()
                await self._wait()

    def look(self) -> None:
        """Brings up to date what holds, and hands it on."""
        now = self._clock.monotonic()
        if now >= self._look_again_at:
            self._look_again_at = now + self._config.alerting.resend
            self._due = set(self._standings)
        for key in self._due:
            self._standings[key] = self._standing(key)
        self._due.clear()
        self._touched.clear()
        known = [each for each in self._standings.values() if each is not None]
        held = list(self._credible(alerts_of(known, self._config)))
        self._series.holding(sum(not alert.silent for alert in held))
        for pusher in self.pushers:
            pusher.holds(held)

    def _credible(self, alerts: Iterable[Alert]) -> Iterable[Alert]:
        return (alert for alert in alerts if not self._unasked or alert.labels["alertname"] == COMPONENT_DOWN)

    async def _wait(self) -> None:
        seconds = min(TICK_SECONDS, max(0.0, self._look_again_at - self._clock.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                await self._touched.wait()
        except TimeoutError:
            pass
