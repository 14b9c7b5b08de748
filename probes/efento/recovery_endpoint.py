"""A drill by HTTP: the platform restores, and shows what it restored in the shape of its API."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, Reason
from probes.efento.cloud_api import ApiOptions, CloudApi, UnknownSensor
from probes.efento.recovery_manifest import bearer
from probes.efento.recovery_options import EndpointOptions
from probes.efento.recovery_record import DrillFailed
from probes.efento.verification import ReturnedSample

ID_CHARACTERS = 200
LONGEST_SECONDS = 1e9


class UnknownRestore(ProbeFailed):
    """The platform knows nothing of this restore, or nothing any more."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the platform says of a restore; `seconds` as it says itself, `url` where the restored history is."""

    done: bool
    seconds: float | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class RestoreEndpoint:
    options: EndpointOptions
    journey: Journey

    async def start(self, backup: str) -> str:
        """The restore's id. Raises `ProbeFailed`."""
        body = json.dumps({self.options.fields.backup: backup}).encode()
        answer = await self._ask("POST", "", body)
        require_status(answer, 200, 201, 202)
        found = answer.json_object().get(self.options.fields.id)
        text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if not 0 < len(text) <= ID_CHARACTERS or not text.isprintable() or not text.strip("."):
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: {self.options.fields.id}: no usable id of the restore")
        return text

    async def look(self, restore: str) -> Look:
        """Raises `UnknownRestore`, `DrillFailed` where the restore failed, `ProbeFailed` for a wrong answer."""
        answer = await self._ask("GET", f"/{quote(restore, safe='')}")
        if answer.status in (404, 410):
            raise UnknownRestore(Reason.MISSING, f"{answer.name}: the restore is not known")
        require_status(answer, 200)
        told = answer.json_object()
        state = told.get(self.options.fields.state)
        if state in self.options.failed:
            self.journey.evidence("restore", answer.body[:2048])
            raise DrillFailed(Reason.STATUS, f"the restore failed: state {state}")
        if state in self.options.running:
            return Look(False)
        if state not in self.options.done:
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: {self.options.fields.state}: not a known state")
        return Look(True, _seconds(told.get(self.options.fields.seconds)), self._restored_url(restore, told))

    async def remove(self, restore: str) -> None:
        """Raises `ProbeFailed`. What is not there is removed."""
        answer = await self._ask("DELETE", f"/{quote(restore, safe='')}")
        require_status(answer, 200, 202, 204, 404, 410)

    def _restored_url(self, restore: str, told: dict[str, Any]) -> str:
        if self.options.restored_url:
            return self.options.restored_url.replace("{id}", quote(restore, safe=""))
        found = told.get(self.options.fields.url)
        if not isinstance(found, str) or not found or any(character.isspace() for character in found):
            raise ProbeFailed(Reason.SCHEMA, f"the restore's {self.options.fields.url}: not a URL")
        try:
            url = urljoin(self.options.url + "/", found).rstrip("/")
            is_ours = urlsplit(url)[:2] == urlsplit(self.options.url)[:2]
        except ValueError as error:
            raise ProbeFailed(Reason.SCHEMA, f"the restore's {self.options.fields.url}: not a URL") from error
        if not is_ours:
            raise ProbeFailed(
                Reason.REDIRECT, "what was restored is shown on another host, which gets no token of ours"
            )
        return url

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        token = self.options.token.get_secret_value() if self.options.token else None
        headers = {"Accept": "application/json", **bearer(token)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        ca_file = str(self.options.ca_file) if self.options.ca_file else None
        request = Request(method, self.options.url + path, headers, body, ca_file)
        answer = await exchange(request, Bounds(self.options.timeout))
        if answer.status >= 400:
            self.journey.evidence("restore_error", answer.body[:2048])
        return answer


@dataclass(frozen=True, slots=True)
class RestoredHistory:
    """What a restore shows, read as the live history is; with a scratch journey, because it has ids of its own."""

    api: CloudApi
    channels: tuple[str, ...]
    journey: Journey

    @classmethod
    def at(
        cls, url: str, endpoint: EndpointOptions, live: ApiOptions, channels: tuple[str, ...], journey: Journey
    ) -> "RestoredHistory":
        token = endpoint.restored_token or endpoint.token
        identity = {"token": token, "login": None, "password": None} if token else {}
        change = {"url": url, "timeout": endpoint.timeout, "ca_file": endpoint.ca_file, **identity}
        aside = Journey(probe=journey.probe, component=journey.component, now=journey.now, monotonic=journey.monotonic)
        return cls(CloudApi(live.model_copy(update=change), aside), channels, journey)

    @property
    def zone(self) -> str:
        return self.api.options.answer_zone

    async def samples(self, serial: str, first: int, last: int) -> Sequence[ReturnedSample]:
        """From `first` to `last` (Unix seconds). Raises `ProbeFailed`."""
        try:
            return await self.api.history(serial, first, last, self.channels)
        except UnknownSensor:
            return []  # none of its samples was restored
        finally:
            for secret in self.api.journey.secrets:
                self.journey.secret(secret)
            for name, text in self.api.journey.evidence_items().items():
                self.journey.evidence(f"restored_{name}", text)


def _seconds(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if 0 <= value <= LONGEST_SECONDS else None
