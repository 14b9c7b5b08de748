"""Calls a URL as long as this daemon does its work, so that somebody outside notices when it does not any more."""

import asyncio
import math
from collections.abc import Callable

from monitor import logs
from monitor.clock import Clock
from monitor.config import PingSection
from monitor.heartbeats.calling import call, with_suffix

OUTCOMES = ("ok", "failed")


class Pings:
    """`run` is to be a task of the daemon; it ends at once where there is nothing to call.

    `unwell` says why the daemon is not well; empty when it is. A stop calls nothing: what is not watched is not well,
    and whoever stops the daemon for long says so where the calls arrive.
    """

    def __init__(self, section: PingSection, clock: Clock, unwell: Callable[[], list[str]]) -> None:
        self._section = section
        self._clock = clock
        self._unwell = unwell
        self._due = clock.monotonic()
        self._settled_by = self._due + section.settle
        self._told: bool | None = None  # whether it is known there that the daemon is well; None: it may not be
        self._was_well = True
        self.up: bool | None = None  # whether the newest call got through
        self.counts = dict.fromkeys(OUTCOMES, 0)

    async def run(self) -> None:
        if self._section.url is None:
            return
        self._due = self._clock.monotonic()
        self._settled_by = self._due + self._section.settle
        await self._call(self._section.start_suffix)
        while True:
            await self.look()
            await asyncio.sleep(max(0.0, self.next_look() - self._clock.monotonic()))

    async def look(self) -> None:
        """Calls if it is time, if the last call failed, or if the daemon's condition is another than was told."""
        problems = self._unwell()
        is_well, now = not problems, self._clock.monotonic()
        if is_well:
            self._settled_by = now
        elif now < self._settled_by:
            return
        if now < self._due and self._told is is_well:
            return
        self._note(problems)
        if now >= self._due:
            self._due += self._section.every * (math.floor((now - self._due) / self._section.every) + 1)
        got_through = await self._tell(problems)
        self._told = is_well if got_through else None

    def next_look(self) -> float:
        """On the monotonic clock. Due calls stay on their grid, however long the calls before them took."""
        now = self._clock.monotonic()
        soon = now + self._section.retry
        return min(self._due, soon) if self._due > now else soon  # what is due and was not called is not told yet

    async def _tell(self, problems: list[str]) -> bool:
        if not problems:
            return await self._call(self._section.well_suffix or "")
        return await self._call(self._section.fail_suffix, "\n".join(problems))

    async def _call(self, suffix: str | None, text: str = "") -> bool:
        """Whether it got through. Without a suffix nobody wants to know."""
        section = self._section
        if suffix is None or section.url is None:
            return True
        why = await call(section.method, with_suffix(section.url.get_secret_value(), suffix), text, section.timeout)
        self.counts["failed" if why else "ok"] += 1
        if why and self.up is not False:
            logs.get().warning("ping.failed", why=why)
        elif not why and self.up is False:
            logs.get().info("ping.back")
        self.up = not why
        return self.up

    def _note(self, problems: list[str]) -> None:
        if problems and self._was_well:
            logs.get().warning("daemon.unwell", problems=problems)
        elif not problems and not self._was_well:
            logs.get().info("daemon.well")
        self._was_well = not problems
