"""What earlier checks found out, in memory: handed to journeys, kept up with every stored result.

What must survive a crash goes to the store at once; what is spent is counted there alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from monitor.store import StoreError
from probes.contract import Blocked, SampleMark
from probes.efento.samples import SampleRun, marked


class AtOnce(Protocol):
    """The part of a store that what cannot wait for a result needs. Each raises `StoreError`."""

    async def commit_memory(self, probe: str, key: str, value: str) -> None: ...

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool: ...


class RecordedFacts:
    """The `probes.contract.Facts` of a daemon or a one-shot check. Loaded from the store; holds only what is stored.

    Without `at_once` nothing can be committed or spent.
    """

    def __init__(
        self,
        sample_runs: Mapping[str, Sequence[SampleRun]] | None = None,
        memory: Mapping[tuple[str, str], str] | None = None,
        at_once: AtOnce | None = None,
    ) -> None:
        self._sample_runs: dict[str, Sequence[SampleRun]] = dict(sample_runs or {})
        self._memory = dict(memory or {})
        self._at_once = at_once

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        return self._sample_runs.get(serial, ())

    def recall(self, probe: str, key: str) -> str | None:
        return self._memory.get((probe, key))

    async def commit(self, probe: str, key: str, value: str) -> None:
        try:
            await self._writing().commit_memory(probe, key, value)
        except StoreError as error:
            raise Blocked(f"cannot put {key} on record: {error}") from error
        except asyncio.CancelledError:
            self._memory[probe, key] = value  # it may be stored all the same, and then it is the newest
            raise
        self._memory[probe, key] = value

    async def spend(self, probe: str, key: str, amount: int, limit: int) -> bool:
        try:
            return await self._writing().spend(probe, key, amount, limit)
        except StoreError as error:
            raise Blocked(f"cannot count {key}: {error}") from error

    def add(self, probe: str, marks: Iterable[SampleMark], memory: Mapping[str, str]) -> None:
        """Takes over what a check found out; to be called once its result is stored."""
        for mark in marks:
            runs = self._sample_runs.get(mark.serial, ())
            self._sample_runs[mark.serial] = marked(runs, mark.period, mark.state, mark.times)
        for key, value in memory.items():
            self._memory[probe, key] = value

    def _writing(self) -> AtOnce:
        if self._at_once is None:
            raise Blocked("there is no store to put on record what must survive a crash")
        return self._at_once
