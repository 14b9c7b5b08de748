"""What the parts of the platform are made from, and what each must offer. `platform` opens and closes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from standin.background import Background
from standin.faults import Faults
from standin.intake import Intake
from standin.mailer import Mailer
from standin.settings import LiveSettings
from standin.storage import Storage
from standin.tokens import Tokens

Addresses = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """What all parts share. A part that needs tables of its own makes them when it is opened."""

    live: LiveSettings
    storage: Storage
    faults: Faults
    background: Background
    intake: Intake
    tokens: Tokens
    mailer: Mailer


class Part(Protocol):
    """Made from a `Context`. `close` is called even where `open` failed."""

    @property
    def addresses(self) -> Addresses:
        """Where its interfaces listen, by name; complete once it is open."""

    def control_routes(self) -> Iterable[web.RouteDef]:
        """What of it the control interface shows or does."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def address(scheme: str, host: str, port: int, path: str = "") -> dict[str, Any]:
    shown = f"[{host}]" if ":" in host else host
    return {"host": host, "port": port, "url": f"{scheme}://{shown}:{port}{path}"}
