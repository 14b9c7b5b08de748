"""What a recovery probe remembers of its drills from check to check."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from probes.contract import Journey, ProbeFailed, Reason

DRILLED_AT, DUE_SINCE, RUNNING, FAILURE = "drilled_at", "due_since", "drill", "drill_failed"


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Running(_Remembered):
    """A restore under way. Times are Unix seconds; `running_at` is when it was last seen running. `seen` says which
    samples are in its backup: for each serial number, stretches of (first, last, period)."""

    restore: str
    backup: str
    started_at: float
    running_at: float
    seen: dict[str, list[tuple[int, int, int]]]


class Failure(_Remembered):
    """The last drill failed, and so many in a row."""

    count: int
    reason: Reason
    detail: str


class DrillFailed(ProbeFailed):
    """The drill has ended, and data would not have come back as promised. Other failures leave a drill as it is."""


RememberedT = TypeVar("RememberedT", bound=_Remembered)


class DrillRecord:
    """Of a check that a person asked for, nothing is put on record: the daemon's drill is not its business."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self.drilled_at = self._time(DRILLED_AT)
        self.due_since = self._time(DUE_SINCE)
        self.running = None if journey.one_shot else self._recalled(RUNNING, Running)
        self.failure = self._recalled(FAILURE, Failure)

    def due_from_now(self, now: float) -> None:
        """The grace of a drill counts from the first check that finds it due, not from a time when nobody looked."""
        if self.due_since is None or self.due_since > now:
            self.due_since = now
            self._journey.remember(DUE_SINCE, str(int(now)))

    async def started(self, running: Running) -> None:
        await self._journey.commit(RUNNING, running.model_dump_json())
        self.running = running

    def still_running(self, now: float) -> None:
        if self.running is not None:
            self.running = self.running.model_copy(update={"running_at": now})
            self._journey.remember(RUNNING, self.running.model_dump_json())

    async def succeeded(self, now: float) -> None:
        if self._journey.one_shot:
            return
        await self._journey.commit(DRILLED_AT, str(int(now)))
        for key in (DUE_SINCE, FAILURE):
            self._journey.remember(key, "")

    def failed(self, failure: ProbeFailed) -> None:
        if self._journey.one_shot:
            return
        count = self.failure.count + 1 if self.failure else 1
        entry = Failure(count=count, reason=failure.reason, detail=failure.detail[:300])
        self._journey.remember(FAILURE, entry.model_dump_json())
        self.forget()

    def forget(self) -> None:
        """There is no restore under way any more."""
        if self.running is not None:
            self.running = None
            self._journey.remember(RUNNING, "")

    def _time(self, key: str) -> float | None:
        known = self._journey.recall(key) or ""
        return float(known) if known.isdecimal() else None

    def _recalled(self, key: str, model: type[RememberedT]) -> RememberedT | None:
        known = self._journey.recall(key)
        try:
            return model.model_validate_json(known) if known else None
        except ValidationError:
            return None  # of another version of this program
