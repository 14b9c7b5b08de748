"""The command line with a few more kinds of probes: journeys that hold, wait, spend and show, for tests of processes.

`python -m tests.monitor.open_journeys run -c FILE`, and so on. Each journey writes what it does into its `trace` file.
"""

import asyncio
from pathlib import Path

from monitor.cli import main
from probes.contract import Blocked, Journey, ProbeFailed, ProbeOptions, Reason, probe


class Traced(ProbeOptions):
    trace: str

    def note(self, what: str) -> None:
        with Path(self.trace).open("a") as file:
            file.write(what + "\n")


@probe("held", Traced)
async def held(options: Traced, journey: Journey) -> None:
    """Begins something and is still at it when the process is to end."""

    async def undo() -> None:
        await asyncio.sleep(0.1)
        options.note("undone")

    journey.undo("account", undo)
    options.note("begun")
    await asyncio.Event().wait()


class Waiting(Traced):
    channel: str

    def channels_needed(self) -> set[str]:
        return {self.channel}


@probe("waiting", Waiting)
async def waiting(options: Waiting, journey: Journey) -> None:
    """Waits for one message."""
    newest = await journey.inbox.newest(options.channel)
    options.note("waiting")
    for message in await journey.inbox.after(options.channel, newest):
        options.note(f"got {message.content!r}")


class Costly(Traced):
    limit: int


@probe("costly", Costly)
async def costly(options: Costly, journey: Journey) -> None:
    """Spends 2 and remembers at once that it did."""
    if not await journey.spend("today", 2, options.limit):
        raise Blocked("", Reason.CAPPED)
    before = journey.recall("rounds") or ""
    await journey.commit("rounds", before + "x")
    options.note(before + "x")


@probe("pictured", Traced)
async def pictured(_options: Traced, journey: Journey) -> None:
    """Leaves a picture of its failure."""
    journey.picture("page", b"\x89PNG of a page")
    raise ProbeFailed(Reason.CONTENT)


if __name__ == "__main__":
    main()
