"""What a process opens to receive messages; loads a receiver only where one is configured."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from monitor.clock import Clock
from monitor.config import SMTP_CHANNEL, Inbound, SmtpSection

if TYPE_CHECKING:
    from aiohttp import web

    from monitor.inbound import Take


def channels_of(inbound: Inbound) -> frozenset[str]:
    """The channels that messages come in on."""
    mail = {SMTP_CHANNEL} if inbound.smtp is not None else set()
    return frozenset(mail | set(inbound.webhooks))


def mail_receiver(settings: SmtpSection, take: "Take", clock: Clock) -> AbstractAsyncContextManager[int]:
    """Receives mail inside the block; yields the port. Entering raises `OSError` where it cannot be had."""
    from monitor.inbound.smtp import receive_mail

    return receive_mail(settings, take, clock)


def webhook_routes(inbound: Inbound, take: "Take", clock: Clock) -> "Sequence[web.RouteDef]":
    """What SMS providers call; nothing where no webhook is configured."""
    if not inbound.webhooks:
        return ()
    from monitor.inbound.webhooks import routes

    return routes(inbound.webhooks, take, clock)
