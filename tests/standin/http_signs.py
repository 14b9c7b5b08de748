"""How the faults that every HTTP interface has show to a plain client, given one request to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.standin.world import DEADLINE_SECONDS, SILENCE_SECONDS, HttpExchange

Ask = Callable[[float], Awaitable[HttpExchange]]
PARAMETERS: dict[str, dict[str, Any]] = {"slow": {"seconds": 0.3}}


def _half(exchange: HttpExchange, ending: str) -> bool:
    return exchange.ending == ending and 0 < len(exchange.body) < int(exchange.headers["content-length"])


SIGNS: dict[str, Callable[[HttpExchange], bool]] = {
    "refuse": lambda exchange: exchange.ending == "refused",
    "timeout": lambda exchange: (exchange.received, exchange.ending) == (b"", "silent"),
    "reset": lambda exchange: exchange.ending == "reset",
    "wrong-status": lambda exchange: exchange.status == 500 and bool(exchange.json()["message"]),
    "redirect-loop": lambda exchange: exchange.status == 307 and exchange.headers["location"].startswith("/"),
    "garbage": lambda exchange: exchange.received != b"" and not exchange.received.startswith(b"HTTP/"),
    "wrong-schema": lambda exchange: exchange.status < 300 and set(exchange.json()) == {"result"},
    "wrong-content-type": lambda exchange: exchange.headers["content-type"].startswith("text/html"),
    "truncated": lambda exchange: _half(exchange, "closed"),
    "half-open": lambda exchange: _half(exchange, "silent"),
    "endless": lambda exchange: exchange.ending == "unending",
}


async def shows(fault: str, ask: Ask) -> bool:
    """Whether the fault can be seen at the interface."""
    if fault == "slow":
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert (await ask(DEADLINE_SECONDS)).status < 300
        return loop.time() - started >= 0.3
    exchange = await ask(DEADLINE_SECONDS if fault == "endless" else SILENCE_SECONDS)
    return SIGNS[fault](exchange)
