"""The part as the platform sees it: opened with the others, closed with them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from standin.mailer import Mail
from standin.notifications.interface import sms_interface
from standin.notifications.notifier import Notifier
from standin.notifications.pool import Pool
from standin.notifications.sms_provider import Sms, SmsProvider
from standin.parts import Addresses, Context


class _Credit(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sms: int = Field(ge=0, le=10**9)


class NotificationPart:
    """The control interface shows by `GET /notifications` the newest mails (of all the platform) and SMS with their
    states, and the pool's credit; `PUT /notifications/credit` with `{"sms": n}` sets the credit."""

    def __init__(self, context: Context) -> None:
        self._context = context
        credit = context.live.current.notifications.sms_credit
        self._pool = Pool(credit, context.faults, lambda left: self._notifier.warn_of_credit(left))
        provider = SmsProvider(context.live, context.faults, context.background)
        self._notifier = Notifier(context, self._pool, provider)
        self._interface = sms_interface(context, provider, self._pool)
        context.intake.watch_alerts(self._notifier.notify)

    @property
    def addresses(self) -> Addresses:
        return self._interface.addresses

    def control_routes(self) -> Iterable[web.RouteDef]:
        return (web.get("/notifications", self._show), web.put("/notifications/credit", self._put_credit))

    async def open(self) -> None:
        await self._interface.open()

    async def close(self) -> None:
        await self._interface.close()

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "mails": [_shown_mail(mail) for mail in self._context.mailer.mails],
                "sms": [_shown_sms(sms) for sms in self._notifier.sms],
                "sms_credit": self._pool.credit,
            }
        )

    async def _put_credit(self, request: web.Request) -> web.Response:
        self._pool.put(_Credit.model_validate_json(await request.read()).sms)
        return await self._show(request)


def _shown_mail(mail: Mail) -> dict[str, Any]:
    return {
        "to": mail.recipient,
        "subject": mail.subject,
        "created_at": mail.created_at.isoformat(),
        "state": mail.state,
        "settled_at": _when(mail.settled_at),
        "attempts": mail.attempts,
        "problem": mail.problem,
    }


def _shown_sms(sms: Sms) -> dict[str, Any]:
    return {
        "id": str(sms.id) if sms.id else None,
        "to": sms.recipient,
        "text": sms.text,
        "created_at": sms.created_at.isoformat(),
        "state": sms.state,
        "sent_at": _when(sms.sent_at),
        "attempts": sms.attempts,
    }


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
