"""One round of a notification probe: raise an alarm, wait for its message, clear it, wait for the all-clear.

However a round ends, the all-clear value is sent: by the round, by the runner after it, or, where the process died, by
the next check, which finds the round open on record. Otherwise the next alarm would change nothing and be missed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from probes.contract import Blocked, Journey, ProbeFailed, Reason, Undo
from probes.efento.alarm_channel import Arrival, Channel, news, opened
from probes.efento.alarm_matching import Expected, Matching
from probes.efento.alarm_options import RoundOptions
from probes.efento.alarm_record import (
    RoundNote,
    SentValue,
    commit_note,
    daemon_note,
    recalled_note,
    recalled_sent,
    remember_sent,
)
from probes.efento.alarm_sensor import AlarmSensor
from probes.efento.notification_text import Kind, Wording

CLOCK_BACK_SECONDS = 5
SHOWN_MESSAGES = 6
LATE_LOOKS = 20  # after the deadline at what is still waiting to be seen
TIDY_SECONDS = 5.0
SHOWN_CHARACTERS = 600

Afford = Callable[[int], Awaitable[None]]
Missing = Callable[[], Awaitable[None]]


async def free(extra_messages: int) -> None:
    """Messages that cost nothing."""


async def nothing_to_add() -> None:
    """A missing message needs no more explanation."""


class Round:
    """`afford` is asked before a round causes messages, with how many it causes beyond the usual; `missing` before a
    message is called missing. Both may raise `Blocked`."""

    def __init__(
        self,
        options: RoundOptions,
        journey: Journey,
        channel: Channel,
        wording: Wording,
        *,
        afford: Afford = free,
        missing: Missing = nothing_to_add,
    ) -> None:
        self._options, self._journey, self._channel, self._wording = options, journey, channel, wording
        self._afford, self._missing = afford, missing
        self._sensor = AlarmSensor(options, journey)
        self._alarms, self._normals = options.walk(options.alarm), options.walk(options.normal)
        expected = Expected(
            options.rule, options.shown_sensor, options.message_zone, options.time_tolerance, self._sensor.raw
        )
        self._matching = Matching(expected, recalled_sent(journey))
        self._note = recalled_note(journey)
        self._accepted = 0.0
        self._shown = 0

    async def take(self) -> None:
        try:
            await self._take()
        finally:
            remember_sent(self._journey, self._matching.sent)
            if self._matching.late_seconds:
                self._journey.figure("late_messages", len(self._matching.late_seconds))
                self._journey.figure("late_seconds", max(self._matching.late_seconds))

    async def _take(self) -> None:
        daemons = daemon_note(self._journey)
        if self._journey.one_shot and daemons is not None and daemons.open:
            raise Blocked("a round of the daemon is open; its alarm must not be disturbed")
        first = self._note is None
        if first:  # nobody knows how the rule stands, so even the value that settles it may cause a message
            await self._afford(1)
        async with self._journey.step("settle", self._options.ingest_component):
            rest = await self._settled()
        async with opened(self._channel, self._journey) as waiting:
            if self._channel.resolution_seconds:
                self._journey.figure("delivery_resolution_seconds", self._channel.resolution_seconds)
            self._hear(waiting)
            if not first:
                await self._afford(0)
            undo = await self._raise_alarm(rest)
            alarm = await self._arrival("alarm", Kind.ALARM, rest)
            async with self._journey.step("clear_alarm", self._options.ingest_component):
                await self._clear()
                undo.done()
            await self._arrival("all_clear", Kind.ALL_CLEAR, alarm)
            await self._settle_messages()

    # --- what is sent

    async def _settled(self) -> SentValue:
        """The normal value that the sensor rests at. Sent now where an alarm may be left over from whatever was."""
        note = self._note
        if note is None:
            self._note = RoundNote(number=0, open=True, raw=0, time=0)
            return await self._clear()
        self._add_lost(note)
        if not note.open and not self._journey.one_shot:  # beside a daemon, nobody knows what was sent last
            self._refuse_future(note)
            return SentValue(number=note.number, kind=Kind.ALL_CLEAR, raw=note.raw, time=note.time)
        return await self._clear()

    def _add_lost(self, note: RoundNote) -> None:
        """What a check sent that was killed before its result was stored; its messages, if they come, are known."""
        for kind, walk in ((Kind.ALARM, self._alarms), (Kind.ALL_CLEAR, self._normals)):
            sent = any((each.number, each.kind) == (note.number, kind) for each in self._matching.sent)
            if not sent and not (note.open and kind is Kind.ALL_CLEAR):
                raw = walk.raw(note.number, one_shot=self._journey.one_shot)
                self._matching.sent.append(SentValue(number=note.number, kind=kind, raw=raw, time=note.time))

    def _refuse_future(self, note: RoundNote) -> None:
        now = int(self._journey.now().timestamp())
        if note.time > now + CLOCK_BACK_SECONDS:
            raise Blocked(f"the clock went back by {note.time - now} s since the last value was sent")

    async def _clear(self) -> SentValue:
        """Sends the normal value of the newest round, and puts on record that its alarm is over."""
        assert self._note is not None
        raw = self._normals.raw(self._note.number, one_shot=self._journey.one_shot)
        sent = await self._send(Kind.ALL_CLEAR, raw, await self._time_after(self._note.time))
        await self._write(self._note.model_copy(update={"open": False, "raw": raw, "time": sent.time}))
        return sent

    async def _raise_alarm(self, rest: SentValue) -> Undo:
        assert self._note is not None
        number = self._note.number + 1
        raw = self._alarms.raw(number, one_shot=self._journey.one_shot)
        async with self._journey.step("raise_alarm", self._options.ingest_component):
            time = await self._time_after(rest.time)
            await self._write(RoundNote(number=number, open=True, raw=raw, time=time))
            undo = self._journey.undo("all_clear", self._undo)
            self._matching.number = number
            self._journey.figure("rounds", number)
            await self._send(Kind.ALARM, raw, time)
        return undo

    async def _undo(self) -> None:
        """What the runner does where the round did not get as far."""
        await self._clear()
        remember_sent(self._journey, self._matching.sent)

    async def _send(self, kind: Kind, raw: int, time: int) -> SentValue:
        """On the list before it is sent: its message may be here before the acknowledgement."""
        assert self._note is not None
        sent = SentValue(number=self._note.number, kind=kind, raw=raw, time=time)
        self._matching.sent.append(sent)
        self._journey.evidence(f"sent_{kind}", f"round {sent.number}: {self._sensor.shown(raw)}")
        await self._sensor.send(raw, time)
        self._accepted = self._journey.monotonic()
        return sent

    async def _write(self, note: RoundNote) -> None:
        await commit_note(self._journey, note)
        self._note = note

    async def _time_after(self, earlier: int) -> int:
        """The present second; samples have one each, so a little waiting may be needed. After a clock that went back
        it is the second after the earlier sample, because an alarm has to be ended at any time."""
        now = self._journey.now().timestamp()
        if earlier > now + CLOCK_BACK_SECONDS:
            return earlier + 1
        while int(now) <= earlier:
            await asyncio.sleep(earlier + 1 - now)
            now = self._journey.now().timestamp()
        return int(now)

    # --- what comes

    async def _arrival(self, name: str, kind: Kind, before: SentValue) -> SentValue:
        """Waits for the message of the value that was sent last; `before` is the value sent before that."""
        sent = self._matching.sent[-1]
        self._matching.wrong.clear()
        async with self._journey.step(f"{name}_arrival"):
            await self._wait_for(sent)
            if sent.arrived_at is None:
                await self._not_arrived(sent, before)
        self._journey.figure(f"{name}_delivery_seconds", self._journey.monotonic() - self._accepted)
        return sent

    async def _wait_for(self, sent: SentValue) -> None:
        """Until its message came, in whatever shape, or the deadline is over and all that came was seen."""
        late_looks = 0
        while sent.arrived_at is None and not self._is_settled_wrong():
            left = self._options.arrival_deadline - (self._journey.monotonic() - self._accepted)
            late_looks += left <= 0
            if late_looks > LATE_LOOKS:
                raise Blocked("so many messages keep coming in that ours cannot be looked for")
            arrivals = await news(self._channel, self._journey, left)
            self._hear(arrivals)
            if not arrivals:
                return

    def _is_settled_wrong(self) -> bool:
        """A message with the right value and names is the one, whatever is wrong with its time."""
        return any(reason is Reason.SHIFTED for reason, _ in self._matching.wrong)

    async def _not_arrived(self, sent: SentValue, before: SentValue) -> None:
        """Raises what is the matter, once the platform is known to hold what was sent."""
        now = int(self._journey.now().timestamp())
        await self._sensor.require_as_sent([before, sent], max(now, sent.time))
        gravest = self._matching.gravest()
        if gravest is None or gravest[0] is Reason.CONTENT:  # which may be somebody's advertisement
            async with self._journey.step(self._channel.name, self._channel.component):
                await self._channel.require_room()
            await self._missing()
        limit = self._options.arrival_deadline
        raise ProbeFailed(*(gravest or (Reason.MISSING, f"{sent} did not come within {limit:g} s of its value")))

    async def _settle_messages(self) -> None:
        async with self._journey.step("settle_messages"):
            await self._linger()
            if self._matching.doubled:
                doubled = self._matching.doubled[0]
                await self._sensor.require_as_sent([doubled], doubled.time)
                raise ProbeFailed(Reason.DOUBLED, f"{doubled} came more than once")

    async def _linger(self) -> None:
        """Both messages are here: what our side fails at from now on, changes nothing."""
        until = self._journey.monotonic() + self._options.linger
        try:
            while not self._matching.doubled and (left := until - self._journey.monotonic()) > 0:
                self._hear(await self._channel.wait(left))
            async with asyncio.timeout(TIDY_SECONDS), self._journey.step(self._channel.name, self._channel.component):
                await self._channel.tidy(self._matching.own)
        except ProbeFailed as failure:
            self._journey.evidence("not_tidied", f"{failure.reason}: {failure.detail}")
        except TimeoutError:
            self._journey.evidence("not_tidied", f"not within {TIDY_SECONDS:g} s")

    def _is_about_something_else(self, text: str) -> bool:
        """A mailbox gets other mails, too, e.g. reports; what comes to a number of ours by SMS is about our alarm."""
        return self._channel.shared and not any(
            name in text for name in (self._options.rule, self._options.shown_sensor)
        )

    def _hear(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            notice = self._wording.read(arrival.text)
            if notice.kind is None and self._is_about_something_else(arrival.text):
                judged = "about something else"
            else:
                judged = self._matching.take(notice, arrival.key, arrival.received_at)
            if self._shown < SHOWN_MESSAGES:
                self._shown += 1
                self._journey.evidence(f"message_{self._shown}", f"{judged}\n{arrival.text[:SHOWN_CHARACTERS]}")
