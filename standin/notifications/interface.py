"""What is asked over HTTP with the SMS provider's bearer token: SMS that came, and the balance of the prepaid pool.

`GET /messages?after=<id>` gives `{"messages": [{"id", "from", "to", "text", "sent_at"}, …]}`, the oldest first, and
`GET /balance` gives `{"sms": n}`. The balance stands for what the platform shows in its web application; that there is
an interface for it is invented.
"""

import hmac
from collections.abc import Callable

from aiohttp import web

from standin.fault_model import Interface
from standin.http_interface import HttpInterface
from standin.http_server import Handler, error
from standin.notifications.pool import Pool
from standin.notifications.sms_provider import SmsProvider
from standin.parts import Context

_BEARER = "Bearer "


def sms_interface(context: Context, provider: SmsProvider, pool: Pool) -> HttpInterface:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        token = context.live.current.notifications.sms_token.get_secret_value()
        if not hmac.compare_digest(given.encode(), (_BEARER + token).encode()):
            return error(401, "The token is missing or wrong.")
        if context.faults.active(Interface.SMS, "provider-down"):
            return error(503, "The service is not available.")
        return await handler(request)

    routes = _routes(provider, lambda: pool.credit)
    return HttpInterface(context, Interface.SMS, context.live.current.sms_port, routes, middlewares=(guard,))


def _routes(provider: SmsProvider, credit: Callable[[], int]) -> list[web.RouteDef]:
    async def messages(request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) <= 20):
            return error(400, "after must be the id of a message")
        return web.json_response({"messages": [sms.as_json() for sms in provider.after(int(after))]})

    async def balance(_request: web.Request) -> web.Response:
        return web.json_response({"sms": credit()})

    return [web.get("/messages", messages), web.get("/balance", balance)]
