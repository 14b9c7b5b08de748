"""Undoes what a journey left behind, however it ended: in time, late, or cut off."""

import asyncio
from collections.abc import Callable

from monitor import logs
from monitor.redaction import Redactor
from probes.contract import Blocked, Journey, ProbeFailed, Undo

# How long a journey's undoing may take after its end. A stop of the daemon waits for it, too.
UNDO_SECONDS = 8.0


async def undo(journey: Journey, redactor: Redactor, on_undo: Callable[[], None] = lambda: None) -> None:
    """Carries out the journey's undo actions that are pending, the newest first, within `UNDO_SECONDS` in all.

    An error of one is logged and does not keep the others from being done. A cancel, whether it ended the journey or
    came later, lets them go on and is raised at the end; a second one ends them.
    """
    pending = [entry for entry in reversed(journey.undos) if entry.pending]
    if not pending:
        return
    on_undo()
    # A task of its own, because a cancel strikes the one that waits. It never outlives this function.
    undoing = asyncio.create_task(_Undoing(journey, redactor, pending).run(), name=f"undo[{journey.probe}]")
    await _until_done(undoing)


async def _until_done(undoing: "asyncio.Task[None]") -> None:
    waiting = asyncio.current_task()
    cancels = waiting.cancelling() if waiting is not None else 0
    interrupted: asyncio.CancelledError | None = None
    while not undoing.done():
        try:
            await asyncio.wait([undoing])
        except asyncio.CancelledError as cancel:
            interrupted = cancel
            cancels += 1
            if cancels > 1:
                undoing.cancel()
    if interrupted is not None:
        raise interrupted
    undoing.result()


class _Undoing:
    def __init__(self, journey: Journey, redactor: Redactor, entries: list[Undo]) -> None:
        self._journey = journey
        self._redactor = redactor
        self._waiting = entries

    async def run(self) -> None:
        try:
            async with asyncio.timeout(UNDO_SECONDS):
                while self._waiting:
                    await self._undo(self._waiting[0])
                    self._waiting.pop(0)
        except TimeoutError:
            self._report_waiting(f"not undone within {UNDO_SECONDS:g} s")
        except asyncio.CancelledError:
            self._report_waiting("cut off while it was being undone")
            raise

    async def _undo(self, entry: Undo) -> None:
        try:
            await entry.action()
        except (ProbeFailed, Blocked) as failure:
            self._report(entry, f"{failure.reason}: {failure.detail}".removesuffix(": "))
        except Exception as error:  # whatever it is, the others are to be undone all the same
            self._report(entry, f"{type(error).__name__}: {error}".removesuffix(": "))
        else:
            entry.done()

    def _report_waiting(self, problem: str) -> None:
        for entry in self._waiting:
            self._report(entry, problem)

    def _report(self, entry: Undo, problem: str) -> None:
        """The journey's secrets are known by now, also those that it learnt on the way."""
        redactor = self._redactor.with_more(self._journey.secrets)
        what, problem = redactor.clean(entry.name), redactor.clean(problem)
        logs.get().error("check.left_behind", probe=self._journey.probe, what=what, error=problem)
        self._journey.evidence(f"left_behind: {what}", problem)
