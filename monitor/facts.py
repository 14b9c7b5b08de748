"""What earlier checks found out, in memory: handed to journeys, kept up with every stored result."""

from collections.abc import Iterable, Mapping, Sequence

from probes.contract import SampleMark
from probes.efento.samples import SampleRun, marked


class RecordedFacts:
    """The `probes.contract.Facts` of a running daemon. Loaded from the store; holds only what is stored."""

    def __init__(
        self,
        sample_runs: Mapping[str, Sequence[SampleRun]] | None = None,
        memory: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._sample_runs: dict[str, Sequence[SampleRun]] = dict(sample_runs or {})
        self._memory = dict(memory or {})

    def sample_runs(self, serial: str) -> Sequence[SampleRun]:
        return self._sample_runs.get(serial, ())

    def recall(self, probe: str, key: str) -> str | None:
        return self._memory.get((probe, key))

    def add(self, probe: str, marks: Iterable[SampleMark], memory: Mapping[str, str]) -> None:
        """Takes over what a check found out; to be called once its result is stored."""
        for mark in marks:
            runs = self._sample_runs.get(mark.serial, ())
            self._sample_runs[mark.serial] = marked(runs, mark.period, mark.state, mark.times)
        for key, value in memory.items():
            self._memory[probe, key] = value
