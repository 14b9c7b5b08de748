"""Reports that the platform mails by itself: the newest one that came, and how old it is."""

import asyncio
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

from pydantic import Field

from probes.contract import Journey, Message, ProbeFailed, ProbeOptions, Reason
from probes.option_types import Pattern
from probes.reports.file import Format

HEAD_BYTES = 65_536
SUBJECT_CHARACTERS = 1000
POSITION, GOOD_AT, SINCE, LOOKED_AT = "mailed:position", "mailed:good_at", "mailed:since", "mailed:looked_at"
AWAY_SHARE = 3  # who did not look for this part of the time within which a report must come, may have missed its mail


class MailOptions(ProbeOptions):
    """Which mails are scheduled reports, and how often one must come."""

    receiver: Literal["smtp"] = Field("smtp", description="The daemon's own SMTP receiver")
    subject: Pattern = Field("^Scheduled report", description="Regular expression of the subject (assumption)")
    max_age: float = Field(
        90_000.0, description="Seconds within which a new report must come; a day and an hour for a daily one", gt=0
    )


@dataclass(frozen=True, slots=True)
class Mailed:
    """The newest report. `content` is None where it was verified at an earlier check."""

    position: int
    arrived_at: float
    age_seconds: float
    content: bytes | None = None
    content_type: str = ""

    def remember_good(self, journey: Journey) -> None:
        journey.remember(POSITION, str(self.position))
        journey.remember(GOOD_AT, repr(self.arrived_at))


async def newest_mailed(options: MailOptions, form: Format, journey: Journey) -> Mailed:
    """Raises `ProbeFailed`: missing where none has come for too long, or where the mail has no report attached.

    The time begins anew after a while in which nobody looked: then nobody may have been there to receive mails.
    """
    async with journey.step("arrival"):
        now = journey.now().timestamp()
        away = now - _recalled(journey, LOOKED_AT) > options.max_age / AWAY_SHARE
        if away or not 0 < _recalled(journey, SINCE) <= now:  # or our clock was ahead then
            journey.remember(SINCE, repr(now))
        journey.remember(LOOKED_AT, repr(now))
        found, position = await _newest(options, journey)
        if found is None:
            since = min(now, max(_recalled(journey, GOOD_AT), _recalled(journey, SINCE)) or now)
            if now - since > options.max_age:
                raise ProbeFailed(Reason.MISSING, f"no scheduled report for {(now - since) / 3600:.1f} h")
            return Mailed(position, since, now - since)
        at = found.received_at.timestamp()
        content, content_type = await asyncio.to_thread(_attachment, found, form)
        return Mailed(position, at, now - at, content, content_type)


async def _newest(options: MailOptions, journey: Journey) -> tuple[Message | None, int]:
    """The newest report that is not known to be good, and the position behind all that came.

    What came before it, and is no report, is not looked at again; the report itself is, until it proves good.
    """
    known = position = int(_recalled(journey, POSITION))
    newest, found = await journey.inbox.newest(options.receiver), None
    while position < newest:
        arrived = await journey.inbox.after(options.receiver, position)
        found = next((each for each in reversed(arrived) if _is_report(each, options)), found)
        position = arrived[-1].number
    behind = position if found is None else found.number - 1
    if behind > known:
        journey.remember(POSITION, str(behind))
    return found, position


def _recalled(journey: Journey, key: str) -> float:
    """0 where nothing is remembered."""
    try:
        return float(journey.recall(key) or 0)
    except ValueError:
        return 0.0


def _is_report(message: Message, options: MailOptions) -> bool:
    """By the headers alone, because every mail that comes is looked at, whatever its size and whoever sent it."""
    head = re.split(rb"\r?\n\r?\n", message.content[:HEAD_BYTES], maxsplit=1)[0]
    try:
        subject = str(message_from_bytes(head, policy=policy.default).get("Subject", ""))
    except Exception:  # the library raises whatever comes up; one odd mail must not stop the probe for ever
        return False
    return re.search(options.subject, subject[:SUBJECT_CHARACTERS]) is not None


def _attachment(message: Message, form: Format) -> tuple[bytes, str]:
    try:
        found = _attached(message, form)
    except Exception as error:
        raise ProbeFailed(Reason.CONTENT, f"the mail cannot be taken apart ({type(error).__name__})") from error
    if found is None:
        raise ProbeFailed(Reason.MISSING, f"the mail has no {form} attached")
    return found


def _attached(message: Message, form: Format) -> tuple[bytes, str] | None:
    parsed = message_from_bytes(message.content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    for part in parsed.iter_attachments():
        if (part.get_filename() or "").lower().endswith(f".{form}"):
            content = part.get_payload(decode=True)
            return (content if isinstance(content, bytes) else b""), part.get_content_type()
    return None
