"""Other daemons that call this one: which of them has fallen silent?

Kept in memory alone. After a start it is unknown for `every` and `grace` how a peer does, unless it calls; so a peer's
silence stays hidden only while this daemon is started anew more often than that, which shows by itself.
"""

import asyncio
import hmac
from collections.abc import Mapping
from enum import Enum

from monitor import logs
from monitor.clock import Clock
from monitor.config import PeerEntry

LOOK_EVERY_SECONDS = 1.0


class Word(Enum):
    """What a call says of its peer."""

    WELL = "well"
    START = "start"
    FAIL = "fail"


class Peers:
    """`run` is to be a task of the daemon: it logs what changes. All else is answered from the last call."""

    def __init__(self, entries: Mapping[str, PeerEntry], clock: Clock) -> None:
        self._clock = clock
        self._peers = {name: _Peer(entry, clock.monotonic()) for name, entry in entries.items()}
        self._logged = dict.fromkeys(entries, False)

    def named(self, token: str) -> str | None:
        """Who has this token."""
        given, found = token.encode("utf-8", "surrogateescape"), None
        for name, peer in self._peers.items():  # always all of them, so that the time tells nothing
            if hmac.compare_digest(given, peer.token):
                found = name
        return found

    def called(self, name: str, word: Word) -> None:
        """A start is a sign of life and no more: a peer that does nothing but start does not work."""
        peer = self._peers[name]
        peer.last_call = self._clock.now().timestamp()
        if word is not Word.START:
            peer.failing = word is Word.FAIL
            peer.heard = self._clock.monotonic()
            peer.known = True

    def silent(self) -> dict[str, bool]:
        """Which peers are silent, or say that they are not well. Without those that nothing is known of yet."""
        now = self._clock.monotonic()
        return {name: silent for name, peer in self._peers.items() if (silent := peer.is_silent(now)) is not None}

    def last_calls(self) -> dict[str, float]:
        """Unix time of each peer's newest call; without those that have not called."""
        return {name: peer.last_call for name, peer in self._peers.items() if peer.last_call is not None}

    async def run(self) -> None:
        while self._peers:
            self.look()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def look(self) -> None:
        """Logs who has fallen silent since the last look, and who is back."""
        for name, silent in self.silent().items():
            if silent != self._logged[name]:
                self._log(name, silent)
            self._logged[name] = silent

    def _log(self, name: str, silent: bool) -> None:
        peer = self._peers[name]
        seconds = round(self._clock.monotonic() - peer.heard, 3)
        if not silent:
            logs.get().info("peer.back", peer=name)
        elif peer.failing:
            logs.get().warning("peer.silent", peer=name, why="says that it is not well", seconds=seconds)
        else:
            logs.get().warning("peer.silent", peer=name, why="does not call", seconds=seconds)


class _Peer:
    def __init__(self, entry: PeerEntry, now: float) -> None:
        assert entry.token is not None, "a configured peer has one"
        self.token = entry.token.get_secret_value().encode()
        self.patience = entry.every + entry.grace
        self.heard = now
        self.last_call: float | None = None
        self.failing = False
        self.known = False

    def is_silent(self, now: float) -> bool | None:
        if self.failing or now - self.heard > self.patience:
            return True
        return False if self.known else None
