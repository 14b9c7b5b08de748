"""Is it our own network? Places that have nothing to do with the platform are asked when a check has failed."""

import asyncio
from collections.abc import Sequence

from monitor import logs
from monitor.clock import Clock
from monitor.config import ProbeConfig
from monitor.redaction import Redactor
from monitor.runner import run_check
from probes.contract import NoFacts, Reason

# So long an answer holds: when the network is out, many checks fail at once, and one question is enough.
ANSWER_HOLDS_SECONDS = 2.0
# A target that failed like this gave no sign of life. Any other answer, also an error, came through the network.
NO_SIGN_OF_LIFE = frozenset(
    {Reason.REFUSED, Reason.RESET, Reason.TIMEOUT, Reason.DEADLINE, Reason.DNS, Reason.TLS, Reason.NETWORK}
)


class References:
    """Asks the configured reference targets, all at the same time, each within its own time limit."""

    def __init__(self, targets: Sequence[ProbeConfig], clock: Clock) -> None:
        self._targets = tuple(targets)
        self._clock = clock
        self._asking = asyncio.Lock()
        self._offline = False
        self._answered: float | None = None

    async def offline(self) -> bool:
        """Whether none of the targets gives a sign of life; False where none is configured. Never raises."""
        if not self._targets:
            return False
        async with self._asking:  # whoever comes meanwhile takes the same answer
            if self._answered is None or self._clock.monotonic() - self._answered > ANSWER_HOLDS_SECONDS:
                self._note(not await self._any_lives())
                self._answered = self._clock.monotonic()
        return self._offline

    def _note(self, offline: bool) -> None:
        if offline and not self._offline:
            logs.get().warning("network.lost", targets=len(self._targets))
        elif self._offline and not offline:
            logs.get().info("network.found")
        self._offline = offline

    async def _any_lives(self) -> bool:
        """The first sign of life is enough: the other questions are given up then.

        No task group that the first sign breaks up: with Python 3.11 that leaves one cancel too many counted at the
        task that asks, and the next deadline in it would pass for a cancel from outside.
        """
        asking = [asyncio.create_task(self._lives(each), name=f"check[{each.id}]") for each in self._targets]
        try:
            for answer in asyncio.as_completed(asking):
                if await answer:
                    return True
            return False
        finally:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)

    async def _lives(self, target: ProbeConfig) -> bool:
        result = await run_check(target, location="", clock=self._clock, facts=NoFacts(), redactor=Redactor())
        return result.reason not in NO_SIGN_OF_LIFE
