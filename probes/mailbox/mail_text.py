"""What a person reads in a mail: its subject and its text. Whatever the bytes are, nothing is raised."""

import email
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from html.parser import HTMLParser

MAIL_BYTES = 128 * 1024  # more of a mail is not looked at
TEXT_CHARACTERS = 4096
BOUNDARIES = 40  # a mail that speaks of more is built to keep its reader busy, and is not taken apart


def mail_text(content: bytes) -> str:
    """The subject, an empty line, and the text: plain if there is any, else out of the HTML."""
    content = content[:MAIL_BYTES]
    if content.lower().count(b"boundary") > BOUNDARIES:
        return content[:TEXT_CHARACTERS].decode("utf-8", "replace")
    try:
        mail = email.message_from_bytes(content)
        subject, text = _subject(mail), _text(mail)
    except Exception:  # these libraries raise whatever comes up; one odd mail must not stop a probe for ever
        return content[:TEXT_CHARACTERS].decode("utf-8", "replace")
    return f"{subject}\n\n{text}"[:TEXT_CHARACTERS]


def _subject(mail: Message) -> str:
    """In one line. A header that pretends to be encoded is taken as it stands."""
    raw = str(mail.get("Subject", ""))
    try:
        parts = [
            part if isinstance(part, str) else _decoded(part, charset or "ascii")
            for part, charset in decode_header(raw)
        ]
    except (MessageError, ValueError):
        parts = [raw]
    return " ".join("".join(parts).split())


def _text(mail: Message) -> str:
    for wanted in ("text/plain", "text/html"):
        for part in mail.walk():
            if part.get_content_type() == wanted and part.get_content_disposition() != "attachment":
                text = _part_text(part)
                return _out_of_html(text) if wanted == "text/html" else text
    return ""


def _part_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return _decoded(payload, part.get_content_charset("utf-8")).replace("\r\n", "\n")


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):  # a character set that nobody knows
        return content.decode("utf-8", "replace")


class _Words(HTMLParser):
    """The text of a page; every element begins a line of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.lines.append(" ".join(data.split()))


def _out_of_html(text: str) -> str:
    words = _Words()
    words.feed(text[: 4 * TEXT_CHARACTERS])
    return "\n".join(words.lines)
