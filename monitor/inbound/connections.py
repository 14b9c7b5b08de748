"""What all connections to the mail server share: their limits, who may connect, and for whom mail is taken."""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Any, Protocol

from monitor.clock import Clock
from monitor.config import SmtpSection
from monitor.inbound.repeats import Repeats
from monitor.inbound.take import Take


class Connection(Protocol):
    def cut(self) -> asyncio.Task[Any] | None: ...


class Connections:
    """What all connections share."""

    def __init__(self, settings: SmtpSection, take: Take, clock: Clock) -> None:
        self.settings = settings
        self.take = take
        self.clock = clock
        self.repeats = Repeats()
        self._open: set[Connection] = set()
        self._networks = [ipaddress.ip_network(network) for network in settings.networks]
        self._recipients = {recipient.casefold() for recipient in settings.recipients}
        self._all_closed = asyncio.Event()
        self._is_closing = False

    def refusal(self, peer: object) -> str | None:
        """Why a new connection is not served."""
        if not self._is_allowed(peer):
            return "554 5.7.1 no mail is taken from your address"
        if self._is_closing:  # accepted by the operating system just before the end
            return "421 4.3.2 shutting down; try again later"
        if len(self._open) >= self.settings.connections:
            return "421 4.7.0 too many connections; try again later"
        return None

    def accepts(self, recipient: str) -> bool:
        folded = recipient.casefold()
        return folded in self._recipients or "@" + folded.rpartition("@")[2] in self._recipients

    def add(self, session: Connection) -> None:
        self._open.add(session)
        self._all_closed.clear()

    def discard(self, session: Connection) -> None:
        self._open.discard(session)
        if not self._open:
            self._all_closed.set()

    async def close(self) -> None:
        """Cuts every connection; a mail that is not answered yet comes again."""
        self._is_closing = True
        tasks = [task for session in self._open if (task := session.cut()) is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._open:
            await self._all_closed.wait()

    def _is_allowed(self, peer: object) -> bool:
        if not self._networks:
            return True
        try:
            address = ipaddress.ip_address(host_of(peer))
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 sender at a socket that serves both
        return any((mapped or address) in network for network in self._networks)


def host_of(peer: object) -> str:
    return str(peer[0]) if isinstance(peer, Sequence) and peer else ""
