"""Client of the account and device operations: create, read, list, delete. An adapter to assumptions, kept apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, Reason
from probes.efento.cloud_api import ApiOptions, CloudApi
from probes.efento.operations_options import InterfaceOptions, Operation

GONE = (404, 410)
REFUSED = (401, 403)
ID_CHARACTERS = 100

Id = int | str


@dataclass
class OperationsApi:
    """One check's view of the interface."""

    options: InterfaceOptions
    journey: Journey
    api: ApiOptions | None = None
    _access_token: str | None = field(default=None, init=False)

    async def login(self) -> None:
        """Does nothing with an API token. Raises `ProbeFailed`."""
        if self.options.login is None or self.options.password is None:
            return
        headers = {
            "X-USER-LOGIN": self.options.login,
            "X-USER-PASSWORD": self.options.password.get_secret_value(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = await self._exchange("POST", "/login", headers)
        await self._ask_api_if_refused(answer)
        require_status(answer, 200)
        token = answer.json_object().get("accessToken")
        if not isinstance(token, str) or not token or not token.isprintable():
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no accessToken")
        self._access_token = token
        self.journey.secret(token)

    async def create(self, operation: Operation, fields: Mapping[str, Any]) -> Id:
        """The id of what was made. Raises `ProbeFailed`."""
        answer = await self._ask("POST", operation.path, json.dumps(fields).encode())
        require_status(answer, 200, 201)
        return _id(answer.json_object(), answer.name)

    async def read(self, operation: Operation, number: Id) -> dict[str, Any] | None:
        """None where it is not there. Raises `ProbeFailed`."""
        answer = await self._ask("GET", _one(operation, number))
        if answer.status in GONE:
            return None
        require_status(answer, 200)
        return answer.json_object()

    async def named(self, operation: Operation, text: str) -> list[dict[str, Any]]:
        """Those whose name field holds the text, each with its id. Raises `ProbeFailed`."""
        query = f"?{urlencode({self.options.name_filter: text}, quote_via=quote)}" if self.options.name_filter else ""
        answer = await self._ask("GET", operation.path + query)
        require_status(answer, 200)
        listed = answer.json_object().get(operation.listed_as)
        if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: {operation.listed_as}: not a list of objects")
        found = [entry for entry in listed if text in text_at(entry, operation.name_field)]
        for entry in found:
            _id(entry, answer.name)
        return found

    async def delete(self, operation: Operation, number: Id) -> None:
        """What is not there is deleted. Raises `ProbeFailed`."""
        answer = await self._ask("DELETE", _one(operation, number))
        require_status(answer, 200, 202, 204, *GONE)

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        if self.options.login is not None and self._access_token is None:
            await self.login()
        answer = await self._exchange(method, path, self._headers(body), body)
        if answer.status == 401 and self.options.login is not None:
            await self.login()
            answer = await self._exchange(method, path, self._headers(body), body)
        if answer.status >= 400:
            self.journey.evidence("operations_error", answer.body[:2048])
        await self._ask_api_if_refused(answer)
        return answer

    async def _ask_api_if_refused(self, answer: Answer) -> None:
        """Who is refused here asks the API whether it still knows him: if not, it is the API's failure, not ours."""
        if self.api is None or answer.status not in REFUSED:
            return
        identity = {name: getattr(self.options, name) for name in ("token", "login", "password")}
        async with self.journey.step("ask_api", self.api.component):
            await CloudApi(self.api.model_copy(update=identity), self.journey).organisations()

    def _headers(self, body: bytes | None) -> dict[str, str]:
        """An API token stands bare, a person's access token behind `Bearer`, as at the API."""
        token = self.options.token
        headers = {"Authorization": token.get_secret_value() if token else f"Bearer {self._access_token}"}
        return headers if body is None else {**headers, "Content-Type": "application/json"}

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        ca_file = str(self.options.ca_file) if self.options.ca_file else None
        request = Request(method, self.options.url + path, {"Accept": "application/json", **headers}, body, ca_file)
        return await exchange(request, Bounds(self.options.timeout, self.options.answer_limit))


def text_at(entry: Mapping[str, Any], name: str) -> str:
    """The field's text; empty where it is something else."""
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def _one(operation: Operation, number: Id) -> str:
    return f"{operation.path}/{quote(str(number), safe='')}"


def _id(entry: Mapping[str, Any], name: str) -> Id:
    found = entry.get("id")
    if isinstance(found, bool) or not isinstance(found, int | str) or not 0 < len(str(found)) <= ID_CHARACTERS:
        raise ProbeFailed(Reason.SCHEMA, f"{name}: no usable id")
    if not str(found).isprintable() or str(found).strip(".") == "":  # `.` and `..` are paths of their own
        raise ProbeFailed(Reason.SCHEMA, f"{name}: no usable id")
    return found
