"""The two requests of Alertmanager's v2 API that a push needs. What is answered is bounded and checked."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from monitor.alerting.alerts import LabelSet
from monitor.config.alerting import AlertmanagerEntry
from monitor.redaction import Redactor

LONGEST_ANSWER = 1_000_000
READ_OF_A_REFUSAL = 10_000
LONGEST_TEXT = 200
# Of a server that is busy: it may take the same another time.
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


class PushError(Exception):
    """The Alertmanager did not take it; the text is a short line without secrets."""


class Refused(PushError):
    """It answered that it does not want this, and will not soon."""


class Failed(PushError):
    """It could not be reached, or did not answer as an Alertmanager does."""


@dataclass(frozen=True, slots=True)
class Held:
    """An alert that Alertmanager holds, with its own times, as it writes them."""

    labels: LabelSet
    starts_at: str
    updated_at: str


class AlertmanagerApi:
    """`async with` opens and closes its session. No request takes longer than `timeout_seconds`."""

    def __init__(self, entry: AlertmanagerEntry, timeout_seconds: float) -> None:
        self._url = f"{entry.url}/api/v2/alerts"
        self._timeout_seconds = timeout_seconds
        self._authorization = _authorization(entry)
        self._redactor = Redactor(_secrets(entry, self._authorization))
        self._session: aiohttp.ClientSession
        self.date: str | None = None  # of its newest answer, as it wrote it

    async def __aenter__(self) -> Self:
        # A connection for each request: of one that was kept nobody knows whether it still leads anywhere.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True), headers=self._authorization, auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Tells of alerts. Raises `Refused` and `Failed`."""
        await self._ask("POST", json=list(alerts))

    async def held(self, names: Iterable[str], labels: Mapping[str, str]) -> dict[LabelSet, Held]:
        """The alerts of these names that are not over and have these labels, also silenced ones.

        Raises `Refused` and `Failed`.
        """
        filters = [f'alertname=~"{"|".join(sorted(names))}"', *(matcher(*label) for label in labels.items())]
        answer = await self._ask("GET", params=[("filter", each) for each in filters])
        try:
            found = [
                Held(frozenset(each["labels"].items()), str(each["startsAt"]), str(each["updatedAt"]))
                for each in json.loads(answer)
            ]
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise Failed("its list of alerts cannot be read") from None
        return {each.labels: each for each in found}

    async def _ask(self, method: str, **request: Any) -> bytes:
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                self._session.request(method, self._url, allow_redirects=False, **request) as answer,
            ):
                self.date = answer.headers.get("Date")
                body = await _bounded(answer.content)
        except TimeoutError:
            raise Failed(f"no answer within {self._timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failed(self._told(str(error) or type(error).__name__)) from None
        if answer.ok and answer.status < 300:
            return body
        text = self._told(f"{answer.status} {body[:READ_OF_A_REFUSAL].decode(errors='replace')}")
        is_refusal = 400 <= answer.status < 500 and answer.status not in WORTH_ANOTHER_TRY
        raise Refused(text) if is_refusal else Failed(text)

    def _told(self, text: str) -> str:
        """Without our credentials, which a proxy may show to whom it refuses; before it is cut, for half of one is
        recognised by nobody."""
        return a_line(self._redactor.clean(text))


def matcher(name: str, value: str) -> str:
    """Alertmanager's way to say that a label has this value."""
    escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{name}="{escaped}"'


def a_line(text: str) -> str:
    """The beginning of a text in one line that can be shown anywhere."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * LONGEST_TEXT]).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


def _authorization(entry: AlertmanagerEntry) -> dict[str, str]:
    if entry.token is not None:
        return {"Authorization": f"Bearer {entry.token.get_secret_value()}"}
    if entry.user is not None and entry.password is not None:
        return {"Authorization": aiohttp.encode_basic_auth(entry.user, entry.password.get_secret_value(), "utf-8")}
    return {}


def _secrets(entry: AlertmanagerEntry, authorization: Mapping[str, str]) -> Iterator[str]:
    """Also user and password in one, as a header has them."""
    yield from (each.get_secret_value() for each in (entry.token, entry.password) if each is not None)
    yield from (header.partition(" ")[2] for header in authorization.values())


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = b""
    async for piece in content.iter_any():
        body += piece
        if len(body) > LONGEST_ANSWER:
            raise ValueError("its answer is too long")
    return body
