"""Keeps one Alertmanager in line with which alerts hold.

By state, not by event: whatever was missed while either of the two was away is made good by the next turn. What holds
is told again and again, and each time to end by itself `outlive` later. What holds no more is told no more; it is
ended only once nobody else (a Prometheus, another daemon) has told of it for `settle`, so that none ends the alert of
another. A daemon that stops ends nothing: the outage goes on.

All times are told by Alertmanager's clock.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from monitor import logs
from monitor.alerting.alerts import COMPONENT_DOWN, NAMES, SILENT, Alert, LabelSet, hider_of
from monitor.alerting.api import AlertmanagerApi, Held, PushError, Refused
from monitor.alerting.ending import NOT_HELD, Over, to_end
from monitor.alerting.their_clock import TheirClock
from monitor.clock import Clock, iso, to_milliseconds
from monitor.config.alerting import AlertingSection, AlertmanagerEntry
from monitor.metrics import AlertSeries

FIRST_RETRY_SECONDS = 0.5
# At least so often the clock is looked at: a longer sleep ends late, and a clock may have been moved on.
TICK_SECONDS = 1.0
# So many distinct refusals are logged; a server that makes up a new one each time fills no disk.
REFUSALS_LOGGED = 20


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
        self._theirs = TheirClock(clock)
        self._series = series
        self._possible = frozenset(possible)
        self._silent = {key for key in self._possible if ("severity", SILENT) in key}
        self._wanted: dict[LabelSet, Alert] = {}
        self._told: dict[LabelSet, Alert] = {}
        self._over: dict[LabelSet, Over] = {}
        self._changed = asyncio.Event()
        self._push_at = clock.monotonic()
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._unreachable = False
        self._unreadable = False
        self._refusals: set[str] = set()
        self._took_over = False
        self._doubt_at = clock.monotonic()

    def holds(self, alerts: Sequence[Alert]) -> None:
        """Takes note of what holds now, all of it. Waits for nothing."""
        wanted = {alert.key: alert for alert in alerts}
        if _outages(wanted) != _outages(self._wanted):
            self._changed.set()
        for key in self._wanted.keys() - wanted.keys():
            now = self._clock.monotonic()
            self._over[key] = Over(self._wanted[key], self._now_ms(), over_at=now, look_at=now)
        for key in self._over.keys() & wanted.keys():  # it holds again
            self._note_untold(self._over.pop(key))
            if (hider := self._over.get(hider_of(key))) is not None:  # and for a reason of its own
                hider.look_at, hider.at_once = self._clock.monotonic(), True
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
        try:
            if self._wanted and not self._theirs.is_known():  # told by a wrong clock it might be over at once
                await api.post([])
                self._look_at_the_clock(api)
            alerts, now_ms = list(self._wanted.values()), self._theirs.now_ms()
            until_ms = now_ms + round(self._section.outlive * 1000)
            await _tell(api, [(alert, min(alert.starts_ms, now_ms), until_ms) for alert in alerts])
        except PushError as error:
            self._did_not_get_through(error)
            return
        self._look_at_the_clock(api)
        self._got_through()
        for alert in alerts:
            before = self._told.get(alert.key)
            self._told[alert.key] = alert
            if (before is None or before.outage != alert.outage) and not alert.silent:
                self._log().warning("alert.pushed", **_named(alert))

    def _look_at_the_clock(self, api: AlertmanagerApi) -> None:
        if self._theirs.heard(api.date):
            self._log().warning("alertmanager.clock_differs", ahead_seconds=round(self._theirs.ahead_ms / 1000))

    def _got_through(self) -> None:
        self._series.pushed(self.name, "ok")
        if self._unreachable:
            self._log().info("alertmanager.back")
            self._doubt_at = self._clock.monotonic()  # what it was told last may have been lost with it
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
        """Looks after what is over, and now and then after what might be and was not told."""
        now = self._clock.monotonic()
        due = [each for each in self._over.values() if each.look_at <= now]
        if not due and now < self._doubt_at:
            return
        try:
            held = await api.held(NAMES, self._section.labels)
            self._look_at_the_clock(api)
            self._doubt(held)
            self._leave_to_others(held)
            await self._end(api, to_end(self._over, held, self._clock.monotonic(), self._section.settle))
        except PushError as error:
            if not self._unreadable:
                self._log().warning("alertmanager.unreadable", why=str(error))
            self._unreadable = True
            for each in due:
                each.look_at = self._clock.monotonic() + self._section.resend
        else:
            self._unreadable = False

    def _doubt(self, held: Mapping[LabelSet, Held]) -> None:
        """Takes for just over what does not hold and may have been told.

        At first that is what Alertmanager holds of ours: it was told by a daemon that had no time to end it. And at
        first, every `outlive` and after each of its absences, what it does not hold: its log of notifications may still
        say that it does, because both were away when it ended, or because a crash took the log's newest part.
        """
        if self._clock.monotonic() < self._doubt_at:
            return
        self._doubt_at = self._clock.monotonic() + self._section.outlive
        doubtful = self._possible - self._wanted.keys() - self._over.keys()
        for key in doubtful - held.keys() - self._silent:
            self._over[key] = self._just_over(key, self._now_ms(), NOT_HELD)
        for key in () if self._took_over else doubtful & held.keys():
            starts_ms = _milliseconds(held[key].starts_at, self._now_ms())
            self._over[key] = over = self._just_over(key, starts_ms, held[key].updated_at)
            self._told[key] = over.alert
        self._took_over = True

    def _just_over(self, key: LabelSet, starts_ms: int, seen: str) -> Over:
        """As if it had been looked at already. Of its texts only what its labels say is known."""
        labels, now = dict(key), self._clock.monotonic()
        summary = f"{labels['alertname']} {labels.get('component', '')}".strip()
        alert = Alert(labels, {"summary": summary}, starts_ms)
        look_at = now + self._section.settle
        return Over(alert, self._now_ms(), over_at=now, look_at=look_at, seen=seen, doubted=seen == NOT_HELD)

    def _leave_to_others(self, held: Mapping[LabelSet, Held]) -> None:
        """What was only doubted, and is told of now, is going to be ended by whoever tells of it."""
        for key in [key for key, each in self._over.items() if each.doubted and key in held]:
            del self._over[key]

    async def _end(self, api: AlertmanagerApi, over: Sequence[Over]) -> None:
        """The end is that instant `settle` ago, which is over by Alertmanager's clock, too: what ends in its future
        would go on to hold as long as it was told before."""
        if not over:
            return
        now, now_ms = self._clock.monotonic(), self._theirs.now_ms()
        ends = [now_ms - round((now - each.over_at) * 1000) for each in over]
        times = [
            (each.alert, min(each.alert.starts_ms, end_ms), end_ms) for each, end_ms in zip(over, ends, strict=True)
        ]
        await _tell(api, times)
        for each in over:
            if self._over.get(each.alert.key) is each:
                self._done(each)
            else:  # it holds again, and has just been told otherwise
                self._changed.set()

    def _done(self, each: Over) -> None:
        self._note_untold(each)
        del self._over[each.alert.key]
        if self._told.pop(each.alert.key, None) is not None and not each.alert.silent:
            self._log().info("alert.ended", **_named(each.alert))

    def _note_untold(self, each: Over) -> None:
        """An outage that came and went without this Alertmanager's knowing paged nobody: people should know."""
        if each.untold or each.doubted or each.alert.silent or each.alert.key in self._told:
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


async def _tell(api: AlertmanagerApi, alerts: Sequence[tuple[Alert, int, int]]) -> None:
    """Of each alert when it starts and ends. What hides others has a request of its own, before theirs: Alertmanager
    takes note of it at its leisure, and of what is to be hidden it might have told somebody by then."""
    hiding = [_posted(*each) for each in alerts if each[0].labels["alertname"] != COMPONENT_DOWN]
    others = [_posted(*each) for each in alerts if each[0].labels["alertname"] == COMPONENT_DOWN]
    if hiding:
        await api.post(hiding)
    if others or not hiding:
        await api.post(others)


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
