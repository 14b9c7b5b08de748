"""What a notification probe remembers: whether its alarm is still raised, and what it sent lately."""

from contextlib import suppress

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from probes.contract import Journey
from probes.efento.notification_text import Kind

ROUNDS = 20
SENT = "sent"


class RoundNote(BaseModel):
    """The newest round. `open`: its alarm may be raised. `raw` and `time` (Unix seconds) are of the newest sample."""

    model_config = ConfigDict(frozen=True)

    number: int
    open: bool
    raw: int
    time: int


class SentValue(BaseModel):
    """A value that was accepted, and which message of it came. `arrived_at` in Unix seconds."""

    number: int
    kind: Kind
    raw: int
    time: int
    arrived_at: float | None = None

    def __str__(self) -> str:
        return f"the {self.kind} of round {self.number}"


_SENT_VALUES = TypeAdapter(list[SentValue])


def recalled_note(journey: Journey) -> RoundNote | None:
    """The note of the daemon's rounds, or in a one-shot check that of one-shot rounds."""
    return _note(journey, _key(journey.one_shot))


def daemon_note(journey: Journey) -> RoundNote | None:
    return _note(journey, _key(False))


async def commit_note(journey: Journey, note: RoundNote) -> None:
    await journey.commit(_key(journey.one_shot), note.model_dump_json())


def recalled_sent(journey: Journey) -> list[SentValue]:
    """What earlier rounds sent, the oldest first. A one-shot check knows only of itself."""
    if journey.one_shot:
        return []
    with suppress(ValidationError):
        return _SENT_VALUES.validate_json(journey.recall(SENT) or "[]")
    return []


def remember_sent(journey: Journey, sent: list[SentValue]) -> None:
    if not journey.one_shot:
        journey.remember(SENT, _SENT_VALUES.dump_json(sent[-2 * ROUNDS :], exclude_none=True).decode())


def _key(one_shot: bool) -> str:
    return "one_shot_round" if one_shot else "round"


def _note(journey: Journey, key: str) -> RoundNote | None:
    with suppress(ValidationError):
        return RoundNote.model_validate_json(journey.recall(key) or "")
    return None
