"""A check's result as the runner makes it and the store keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.sla.model import Verdict
from probes.contract import Picture, SampleMark, StepTiming


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found. `started_ms` is Unix time in UTC, `duration_us` was measured on the monotonic clock.

    `reason` is a word of `probes.contract.Reason` or empty, `step` the step that failed or empty. Free of secrets.
    """

    probe: str
    component: str
    location: str
    started_ms: int
    duration_us: int
    verdict: Verdict
    reason: str = ""
    step: str = ""
    detail: str = ""
    steps: tuple[StepTiming, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    marks: tuple[SampleMark, ...] = ()
    memory: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()

    @property
    def finished_ms(self) -> int:
        return self.started_ms + self.duration_us // 1000
