"""Turns each start and end of an alert into the messages that its rule asks for, as the faults would have them."""

import asyncio
import base64
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

from standin.clock import EPOCH
from standin.fault_model import Interface
from standin.intake import AlertChange
from standin.notifications.pool import Pool
from standin.notifications.sms_provider import KEPT_SMS, Sms, SmsProvider, SmsState
from standin.notifications.texts import Notice
from standin.parts import Context
from standin.settings import UTC_ZONE, WARSAW

# Not looked up when a message is made, because that would read a file.
_ZONES = {"Europe/Warsaw": WARSAW, "UTC": UTC_ZONE}
_GARBAGE_BYTES = 120


class Notifier:
    """`sms` are the newest SMS, oldest first, also those for which there was no credit."""

    def __init__(self, context: Context, pool: Pool, provider: SmsProvider) -> None:
        self._context = context
        self._pool = pool
        self._provider = provider
        self.sms: deque[Sms] = deque(maxlen=KEPT_SMS)

    def notify(self, change: AlertChange) -> None:
        """Returns at once; everything is sent in the background."""
        for recipient in change.rule.emails:
            for notice in self._notices(Interface.MAIL, change):
                self._mail(notice, recipient)
        for recipient in change.rule.phones:
            for notice in self._notices(Interface.SMS, change):
                self._text(notice, recipient)

    def _notices(self, interface: Interface, change: AlertChange) -> Iterator[Notice]:
        """What is to be sent: nothing, one, or the same twice."""
        faults = self._context.faults
        if faults.active(interface, "no-message"):
            return
        if not change.started and faults.active(interface, "no-all-clear"):
            return
        notice = self._spoiled(interface, self._true_notice(change))
        yield notice
        if faults.active(interface, "doubled-message"):
            yield notice

    def _true_notice(self, change: AlertChange) -> Notice:
        settings = self._context.live.current.notifications
        return Notice(
            alarm=change.started,
            rule=change.rule.name,
            sensor=change.serial,
            organisation=settings.organisation,
            location=settings.location,
            parameter=change.rule.parameter,
            value=change.value,
            moment=EPOCH + timedelta(milliseconds=change.at_ms),
        )

    def _spoiled(self, interface: Interface, notice: Notice) -> Notice:
        faults = self._context.faults
        if rule := faults.active(interface, "wrong-rule"):
            notice = replace(notice, rule=rule.text("rule"))
        if sensor := faults.active(interface, "wrong-sensor"):
            notice = replace(notice, sensor=sensor.text("sensor"))
        if value := faults.active(interface, "wrong-value"):
            notice = replace(notice, value=notice.value + value.number("amount"))
        if time := faults.active(interface, "wrong-time"):
            notice = replace(notice, moment=notice.moment + timedelta(seconds=time.number("seconds")))
        return notice

    def _delay_seconds(self, interface: Interface) -> float:
        late = self._context.faults.active(interface, "late-message")
        usual = self._context.live.current.notifications.delay_seconds
        return usual + (late.number("seconds") if late else 0.0)

    def _mail(self, notice: Notice, recipient: str) -> None:
        settings = self._context.live.current.notifications
        zone = _ZONES[settings.zone]
        subject = settings.alarm_subject if notice.alarm else settings.all_clear_subject
        body = settings.alarm_body if notice.alarm else settings.all_clear_body
        message = EmailMessage()
        message["From"] = settings.mail_from
        message["To"] = recipient
        message["Subject"] = notice.filled(subject, zone)
        if self._context.faults.active(Interface.MAIL, "garbled-message"):
            _garble(message)
        else:
            message.set_content(notice.filled(body, zone), cte="quoted-printable")
        self._context.mailer.send(message, delay_seconds=self._delay_seconds(Interface.MAIL))

    def _text(self, notice: Notice, recipient: str) -> None:
        settings = self._context.live.current
        text = notice.sms(_ZONES[settings.notifications.zone])
        if self._context.faults.active(Interface.SMS, "garbled-message"):
            text = "?" * len(text)
        if cut := self._context.faults.active(Interface.SMS, "cut-text"):
            text = text[: int(cut.number("characters"))]
        sms = Sms(settings.notifications.sms_from, recipient, text, settings.now())
        self.sms.append(sms)
        if self._pool.take():
            self._context.background.start(self._hand_over(sms, self._delay_seconds(Interface.SMS)), "sms.hand_over")
        else:
            sms.state = SmsState.NO_CREDIT

    async def _hand_over(self, sms: Sms, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        self._provider.take(sms)

    def warn_of_credit(self, left: int) -> None:
        """The mail to the owner when the pool runs low; no fault touches it."""
        settings = self._context.live.current.notifications
        message = EmailMessage()
        message["From"] = settings.mail_from
        message["To"] = settings.owner_email
        message["Subject"] = f"SMS balance of {settings.organisation}: {left}"
        message.set_content(f"The prepaid pool of {settings.organisation} holds {left} SMS.\n")
        self._context.mailer.send(message)


def _garble(message: EmailMessage) -> None:
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = 'text/plain; charset="utf-8"'
    message["Content-Transfer-Encoding"] = "base64"
    # No UTF-8 text has the byte 0xFF.
    message.set_payload(base64.b64encode(b"\xff" + secrets.token_bytes(_GARBAGE_BYTES)).decode() + "\n")
