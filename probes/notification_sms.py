"""SMS: does an alarm reach a person by SMS, with the right rule, sensor, value and time, and its all-clear too?

Every SMS costs. What a round may cause is counted before it begins, and a limit a day is never exceeded.
"""

from dataclasses import dataclass

from pydantic import Field, model_validator

from probes.contract import Blocked, Journey, Message, ProbeOptions, Reason, probe
from probes.efento.alarm_channel import Arrival, Channel, InboxChannel
from probes.efento.alarm_options import RoundOptions
from probes.efento.alarm_round import Round
from probes.efento.notification_text import NUMBER, TIME, TextPatterns, Wording
from probes.sms import Sms
from probes.sms.polling import CreditOptions, PolledSms, PollOptions

ALARM = rf"^{TIME} Alarm! Regula (?P<rule>.{{1,160}}?), czujnik:? (?P<sensor>.{{1,160}}?) w "
ALL_CLEAR = rf"^{TIME} Powrot do normalnego stanu\. Regula (?P<rule>.{{1,160}}?), czujnik:? (?P<sensor>.{{1,160}}?) w "
VALUE = rf"[Ww]artosc {NUMBER} ?(?:C|%)"


class SmsOptions(ProbeOptions):
    """Where the SMS arrive: `webhook` or `poll`."""

    webhook: str | None = Field(None, description="Name of the daemon's webhook that the provider calls", min_length=1)
    poll: PollOptions | None = Field(None, description="A provider that is asked for what came")

    @model_validator(mode="after")
    def _one_way(self) -> "SmsOptions":
        if (self.webhook is None) == (self.poll is None):
            raise ValueError("either webhook or poll")
        return self

    def channel(self, journey: Journey) -> Channel:
        if self.poll is not None:
            return PolledSms(self.poll, journey)
        return ReceivedSms(journey, self.webhook or "")


class ReceivedSms(InboxChannel):
    def arrival(self, message: Message) -> Arrival:
        """A provider that hands an SMS over twice names it alike."""
        try:
            sms = Sms.decoded(message.content)
        except ValueError:
            return Arrival(str(message.number), "", message.received_at.timestamp())
        return Arrival(f"id {sms.id}" if sms.id else str(message.number), sms.text, message.received_at.timestamp())


class Options(RoundOptions):
    sms: SmsOptions = Field(description="Where the SMS arrive")
    messages_a_round: int = Field(2, description="SMS that a round costs: alarm and all-clear", ge=1, le=10)
    daily_cap: int = Field(description="Most SMS that may be caused a day, in the zone of messages", ge=0, le=100_000)
    credit: CreditOptions | None = Field(None, description="Where the balance of the prepaid pool is asked; none: not")
    cut_at: int = Field(160, description="Texts of so many characters may lack their end", ge=40, le=1600)
    alarm_text: TextPatterns = Field(
        (ALARM, VALUE),
        description="Regular expressions with groups rule, sensor, value and time that an alarm has, all of them. "
        "A pattern of the value alone is left out where the text is cut",
    )
    all_clear_text: TextPatterns = Field((ALL_CLEAR, VALUE), description="The same of an all-clear")

    def channels_needed(self) -> set[str]:
        """Inbox channels that must be configured."""
        return set() if self.sms.webhook is None else {self.sms.webhook}


@dataclass(frozen=True)
class Purse:
    """What a round may cost: our own limit a day, and what the prepaid pool still holds."""

    options: Options
    journey: Journey

    async def afford(self, extra_messages: int) -> None:
        """Raises `Blocked` where the pool is too empty or the day's limit is reached; nothing is counted then."""
        needed = self.options.messages_a_round + extra_messages
        credit = self.options.credit
        if credit is not None:
            await self._require_credit(credit, max(needed, credit.minimum))
        day = self.journey.now().astimezone(self.options.message_zone).date().isoformat()
        if not await self.journey.spend(f"sms:{day}", needed, self.options.daily_cap):
            limit = self.options.daily_cap
            raise Blocked(f"{needed} more SMS on {day} would exceed the limit of {limit}", Reason.CAPPED)

    async def missing(self) -> None:
        """Raises `Blocked` where the pool has run empty meanwhile: no SMS is owed then."""
        if self.options.credit is not None:
            await self._require_credit(self.options.credit, 1)

    async def _require_credit(self, credit: CreditOptions, least: int) -> None:
        async with self.journey.step("credit", credit.component):
            left = await credit.left()
        self.journey.figure("sms_credit", left)
        if left < least:
            raise Blocked(f"the prepaid pool holds {left:g} SMS, {least} are needed", Reason.NO_CREDIT)


@probe("notification_sms", Options)
async def notification_sms(options: Options, journey: Journey) -> None:
    purse = Purse(options, journey)
    wording = Wording(options.alarm_text, options.all_clear_text, options.cut_at)
    channel = options.sms.channel(journey)
    await Round(options, journey, channel, wording, afford=purse.afford, missing=purse.missing).take()
