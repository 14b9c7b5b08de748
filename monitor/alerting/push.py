"""Keeps one Alertmanager in line with which alerts hold.

By state, not by event: whatever was missed while either of the two was away is made good by the next turn. What holds
is told again and again, and each time to end by itself `outlive` later. What holds no more is told no more; it is
ended only once nobody else (a Prometheus, another daemon) has told of it for `settle`, so that none ends the alert of
another. A daemon that stops ends nothing: the outage goes on.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor import logs
from monitor.alerting.alerts import NAMES, Alert, LabelSet
from monitor.alerting.api import AlertmanagerApi, Held, PushError, Refused
from monitor.clock import Clock, iso, to_milliseconds
from monitor.config.alerting import AlertingSection, AlertmanagerEntry
from monitor.metrics import AlertSeries

FIRST_RETRY_SECONDS = 0.5
# At least so often the clock is looked at: a longer sleep ends late, and a clock may have been moved on.
TICK_SECONDS = 1.0
# So many distinct refusals are logged; a server that makes up a new one each time fills no disk.
REFUSALS_LOGGED = 20


@dataclass(slots=True)
class _Over:
    """An alert that holds no more. `seen` is when Alertmanager was told of it last, by its own word, at `look_ms`."""

    alert: Alert
    over_ms: int
    look_at: float
    seen: str | None = None
    untold: bool = False


class Pusher:
    """One Alertmanager's. `holds` is called with what holds whenever that changes; `run` does the rest."""

    def __init__(
        self,
        entry: AlertmanagerEntry,
        section: AlertingSection,
        clock: Clock,
        series: AlertSeries,
        possible: Iterable[LabelSet] = (),
    ) -> None:
        """`possible` are the labels of all alerts that this daemon may ever tell of."""
        self.name = entry.name
        self._entry = entry
        self._section = section
        self._clock = clock
        self._series = series
        self._possible = frozenset(possible)
        self._wanted: dict[LabelSet, Alert] = {}
        self._told: dict[LabelSet, Alert] = {}
        self._over: dict[LabelSet, _Over] = {}
        self._changed = asyncio.Event()
        self._push_at = clock.monotonic()
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._unreachable = False
        self._unreadable = False
        self._refusals: set[str] = set()
        self._took_over = False

    def holds(self, alerts: Sequence[Alert]) -> None:
        """Takes note of what holds now, all of it. Waits for nothing."""
        wanted = {alert.key: alert for alert in alerts}
        if _outages(wanted) != _outages(self._wanted):
            self._changed.set()
        for key in self._wanted.keys() - wanted.keys():
            self._over[key] = _Over(self._wanted[key], self._now_ms(), self._clock.monotonic())
        for key in self._over.keys() & wanted.keys():  # it holds again
            self._note_untold(self._over.pop(key))
        self._wanted = wanted

    @property
    def wanted(self) -> Collection[Alert]:
        """What holds."""
        return self._wanted.values()

    @property
    def quiet(self) -> bool:
        """Whether everything was told: nothing that is over is waited for, and nothing new holds."""
        return not self._over and not self._changed.is_set()

    async def run(self) -> None:
        async with AlertmanagerApi(self._entry, self._section.timeout) as api:
            while True:
                await self._wait(await self.turn(api))

    async def turn(self, api: AlertmanagerApi) -> float:
        """Does what is due; returns after how many seconds something will be."""
        if self._changed.is_set() or self._clock.monotonic() >= self._push_at:
            await self._push(api)
        if not self._unreachable:
            await self._look(api)
        looks = [] if self._unreachable else [each.look_at for each in self._over.values()]
        return max(0.0, min([self._push_at, *looks]) - self._clock.monotonic())

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(min(seconds, TICK_SECONDS)):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _push(self, api: AlertmanagerApi) -> None:
        """Tells what holds. Where nothing does, it is still asked whether it would listen: better known beforehand."""
        self._changed.clear()
        alerts, now_ms = list(self._wanted.values()), self._now_ms()
        until_ms = now_ms + round(self._section.outlive * 1000)
        try:
            await api.post([_posted(alert, min(alert.starts_ms, now_ms), until_ms) for alert in alerts])
        except PushError as error:
            self._did_not_get_through(error)
            return
        self._got_through()
        for alert in alerts:
            before = self._told.get(alert.key)
            self._told[alert.key] = alert
            if before is None or before.outage != alert.outage:
                self._log().warning("alert.pushed", **_named(alert))

    def _got_through(self) -> None:
        self._series.pushed(self.name, "ok")
        if self._unreachable:
            self._log().info("alertmanager.back")
        self._unreachable = False
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._push_at = self._clock.monotonic() + self._section.resend

    def _did_not_get_through(self, error: PushError) -> None:
        refused = isinstance(error, Refused)
        self._series.pushed(self.name, "refused" if refused else "failed")
        if refused:
            self._note_refusal(str(error))
        elif not self._unreachable:
            self._log().warning("alertmanager.unreachable", why=str(error))
        self._unreachable = True
        wait = self._section.resend if refused else min(self._retry_seconds, self._section.resend)
        self._retry_seconds = min(2 * self._retry_seconds, self._section.resend)
        self._push_at = self._clock.monotonic() + wait
        for each in self._over.values():
            self._note_untold(each)

    def _note_refusal(self, text: str) -> None:
        if text not in self._refusals and len(self._refusals) < REFUSALS_LOGGED:
            self._refusals.add(text)
            self._log().error("alertmanager.refused", why=text)

    async def _look(self, api: AlertmanagerApi) -> None:
        """Looks after what is over, and, the first time, after what the daemon before this one left behind."""
        now = self._clock.monotonic()
        due = [each for each in self._over.values() if each.look_at <= now]
        if not due and self._took_over:
            return
        try:
            held = await api.held(NAMES, self._section.labels)
            self._take_over(held)
            await self._end(api, [each for each in due if self._upheld_by_nobody(each, held)])
        except PushError as error:
            if not self._unreadable:
                self._log().warning("alertmanager.unreadable", why=str(error))
            self._unreadable = True
            for each in due:
                each.look_at = self._clock.monotonic() + self._section.resend
        else:
            self._unreadable = False

    def _take_over(self, held: Mapping[LabelSet, Held]) -> None:
        """What it holds of ours that does not hold is over: so it was told by a daemon that had no time to end it."""
        if self._took_over:
            return
        self._took_over = True
        for key in (held.keys() & self._possible) - self._wanted.keys() - self._over.keys():
            alert = Alert(dict(key), {}, _milliseconds(held[key].starts_at, self._now_ms()))
            look_at = self._clock.monotonic() + self._section.settle
            self._told[key] = alert
            self._over[key] = _Over(alert, self._now_ms(), look_at, seen=held[key].updated_at)

    def _upheld_by_nobody(self, each: _Over, held: Mapping[LabelSet, Held]) -> bool:
        """Whether it is to be ended: it is still there, and nobody told of it since we looked before.

        Alertmanager's own times are compared with each other, never with our clock.
        """
        key = each.alert.key
        if self._over.get(key) is not each:  # it holds again
            return False
        if key not in held:  # somebody ended it, or it was never there
            self._done(each)
            return False
        if held[key].updated_at == each.seen:
            return True
        each.seen = held[key].updated_at
        each.look_at = self._clock.monotonic() + self._section.settle
        return False

    async def _end(self, api: AlertmanagerApi, over: Sequence[_Over]) -> None:
        """The end is that instant `settle` ago, which is over by Alertmanager's clock, too: what ends in its future
        would go on to hold as long as it was told before."""
        if not over:
            return
        await api.post([_posted(each.alert, min(each.alert.starts_ms, each.over_ms), each.over_ms) for each in over])
        for each in over:
            if self._over.get(each.alert.key) is each:
                self._done(each)
            else:  # it holds again, and has just been told otherwise
                self._changed.set()

    def _done(self, each: _Over) -> None:
        self._note_untold(each)
        del self._over[each.alert.key]
        if self._told.pop(each.alert.key, None) is not None:
            self._log().info("alert.ended", **_named(each.alert))

    def _note_untold(self, each: _Over) -> None:
        """An outage that came and went without this Alertmanager's knowing paged nobody: people should know."""
        if each.untold or each.alert.key in self._told:
            return
        each.untold = True
        self._series.untold(self.name)
        since, until = iso(each.alert.starts_ms), iso(each.over_ms)
        self._log().error("alert.untold", **_named(each.alert), since=since, until=until)

    def _log(self) -> logs.Logger:
        return logs.get(alertmanager=self.name)

    def _now_ms(self) -> int:
        return to_milliseconds(self._clock.now())


def _outages(alerts: Mapping[LabelSet, Alert]) -> dict[LabelSet, str]:
    return {key: alert.outage for key, alert in alerts.items()}


def _named(alert: Alert) -> dict[str, str]:
    named = {
        "alert": alert.labels["alertname"],
        "component": alert.labels.get("component", ""),
        "outage": alert.outage,
    }
    return {name: value for name, value in named.items() if value}


def _posted(alert: Alert, starts_ms: int, ends_ms: int) -> dict[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": iso(starts_ms),
        "endsAt": iso(ends_ms),
        "generatorURL": alert.generator_url,
    }


def _milliseconds(moment: str, otherwise_ms: int) -> int:
    try:
        return to_milliseconds(datetime.fromisoformat(moment))
    except ValueError:
        return otherwise_ms
