"""A person's session with the web application over plain HTTP: page, scripts, login, data.

How the real application does it is not public: paths, fields and shapes are settings.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal
from urllib.parse import urlencode, urljoin, urlsplit

from pydantic import Field

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason
from probes.option_types import HeaderSecret

COOKIES = 50
SECRET_CHARACTERS = 8  # a shorter value is no secret, and removing it from all texts would make them unreadable

_SCRIPT = re.compile(r"<script\b([^<>]*)>", re.IGNORECASE)
_SOURCE = re.compile(r"""(?:^|[\s"'/])src\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


class LoginOptions(ProbeOptions):
    """How a person logs in."""

    login: str = Field(description="User name or email of a person", min_length=1)
    password: HeaderSecret = Field(description="The person's password")
    path: str = Field("/app/login", description="Where the login form is sent (assumption)", pattern="^/")
    send: Literal["json", "form", "headers"] = Field("json", description="How it is sent (assumption)")
    login_field: str = Field("login", description="Name of the field or header for the login (assumption)")
    password_field: str = Field("password", description="Name of the field or header for the password (assumption)")
    status: tuple[int, ...] = Field((200, 204), description="Statuses that mean success (assumption)", min_length=1)
    token: str | None = Field(
        None,
        description="Where in the answer's JSON the access token is, e.g. user.accessToken; it is then sent as Bearer. "
        "None: the session is a cookie (assumption)",
    )


def script_sources(page: str) -> list[str]:
    """The `src` of each script, in order and as it stands. Linear in the page's length, whatever the page holds."""
    sources = []
    for attributes in _SCRIPT.findall(_without_comments(page)):
        found = _SOURCE.search(attributes)
        if found:
            sources.append(unescape(next(group for group in found.groups() if group is not None)))
    return sources


def _without_comments(page: str) -> str:
    kept: list[str] = []
    position = 0
    while (begin := page.find("<!--", position)) >= 0:
        kept.append(page[position:begin])
        end = page.find("-->", begin)
        if end < 0:
            return "".join(kept)
        position = end + 3
    return "".join([*kept, page[position:]])


def at(value: object, path: str) -> Any:
    """What stands at a path such as `user.name` in parsed JSON, or None; the empty path is the value itself."""
    for key in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


@dataclass
class WebSession:
    """Requests of one person to one origin. Cookies and the access token go nowhere else, and into no detail."""

    origin: str
    journey: Journey
    bounds: Bounds
    ca_file: str | None = None
    _cookies: dict[str, str] = field(default_factory=dict)
    _token: str | None = None

    async def get(self, url: str, accept: str, *, bounds: Bounds | None = None, timed: bool = False) -> Answer:
        return await self._ask("GET", url, {"Accept": accept}, None, bounds or self.bounds, timed=timed)

    async def log_in(self, options: LoginOptions) -> None:
        """Raises `ProbeFailed`: auth, status, schema, or what the exchange raises."""
        headers, body = _form(options)
        url = urljoin(self.origin, options.path)
        answer = await self._ask("POST", url, headers, body, self.bounds, final=options.status)
        require_status(answer, *options.status)
        if options.token is None:
            if not self._cookies:
                raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no cookie was set")
            return
        answer.require_type("application/json")
        token = at(answer.json(), options.token)
        if not isinstance(token, str) or not token or not token.isprintable():
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no token at {options.token}")
        self.journey.secret(token)
        self._token = token

    async def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        bounds: Bounds,
        *,
        final: tuple[int, ...] = (),
        timed: bool = False,
    ) -> Answer:
        sent = {**headers, **self._identity()} if same_origin(url, self.origin) else dict(headers)
        request = Request(method, url, sent, body, self.ca_file)
        answer = await exchange(request, bounds, self.journey if timed else None, final=final)
        if same_origin(answer.name.partition(" ")[2], self.origin):
            self._keep_cookies(answer)
        if answer.status >= 400:
            self.journey.evidence("web_error", answer.body[:2048])
        return answer

    def _identity(self) -> dict[str, str]:
        identity = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if self._cookies:
            identity["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return identity

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.headers.getall("Set-Cookie", []):
            pair, *attributes = line.split(";")
            name, _, value = (part.strip() for part in pair.partition("="))
            if any(attribute.strip().lower() == "max-age=0" for attribute in attributes):
                self._cookies.pop(name, None)
            elif name and len(self._cookies) < COOKIES:
                self._cookies[name] = value
                if len(value) >= SECRET_CHARACTERS:
                    self.journey.secret(value)


def same_origin(one: str, other: str) -> bool:
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def _form(options: LoginOptions) -> tuple[dict[str, str], bytes | None]:
    """The headers and the body that carry login and password."""
    fields = {options.login_field: options.login, options.password_field: options.password.get_secret_value()}
    match options.send:
        case "json":
            return {"Content-Type": "application/json", "Accept": "application/json"}, json.dumps(fields).encode()
        case "form":
            return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode()
        case _:
            return {"Content-Type": "application/x-www-form-urlencoded", **fields}, None
