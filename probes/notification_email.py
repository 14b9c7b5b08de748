"""Email: does an alarm reach a person by mail, with the right rule, sensor, value and time, and its all-clear too?"""

from pydantic import Field

from probes.contract import Journey, probe
from probes.efento.alarm_options import RoundOptions
from probes.efento.alarm_round import Round
from probes.efento.notification_text import NUMBER, TIME, TextPatterns, Wording
from probes.mailbox.channels import MailboxOptions

NAMES = r"Rule (?P<rule>[^\n]{1,200}), sensor (?P<sensor>[^\n]{1,200})$"
VALUE = rf"^Value: {NUMBER}"
WHEN = rf"^Time: {TIME}"


class Options(RoundOptions):
    mailbox: MailboxOptions = Field(description="Where the mails arrive")
    alarm_text: TextPatterns = Field(
        (rf"^Alarm! {NAMES}", VALUE, WHEN),
        description="Regular expressions with groups rule, sensor, value and time that an alarm has, all of them, "
        "in its subject or below it (assumption)",
    )
    all_clear_text: TextPatterns = Field(
        (rf"^Back to normal\. {NAMES}", VALUE, WHEN), description="The same of an all-clear (assumption)"
    )

    def channels_needed(self) -> set[str]:
        """Inbox channels that must be configured."""
        return set() if self.mailbox.receiver is None else {self.mailbox.receiver}


@probe("notification_email", Options)
async def notification_email(options: Options, journey: Journey) -> None:
    wording = Wording(options.alarm_text, options.all_clear_text)
    await Round(options, journey, options.mailbox.channel(journey), wording).take()
