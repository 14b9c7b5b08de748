"""What a browser notices while it shows a page: failed requests, errors of scripts, the console. Used by `worker`.

Imports nothing of ours, and Playwright only for types: the worker runs by path.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import ConsoleMessage, Error, Page, Request, Response

LINES = 50
LINE_CHARACTERS = 300
SECRETS = 20

_CODE = re.compile(r"\bERR_[A-Z0-9_]+")
_QUERY = re.compile(r"(\bhttps?://[^\s?#'\"]*)[?#][^\s'\")]*")
# Beginning of Chromium's name for a network error → reason; the first that fits. None: our own machine's trouble.
_REASONS: tuple[tuple[str, str | None], ...] = (
    ("ERR_CONNECTION_REFUSED", "refused"),
    ("ERR_CONNECTION_TIMED_OUT", "timeout"),
    ("ERR_TIMED_OUT", "timeout"),
    ("ERR_CONNECTION_", "reset"),
    ("ERR_EMPTY_RESPONSE", "reset"),
    ("ERR_SOCKET_NOT_CONNECTED", "reset"),
    ("ERR_NAME_", "dns"),
    ("ERR_DNS_", "dns"),
    ("ERR_CERT", "tls"),
    ("ERR_SSL_", "tls"),
    ("ERR_BAD_SSL_", "tls"),
    ("ERR_ECH_", "tls"),
    ("ERR_TOO_MANY_REDIRECTS", "redirect"),
    ("ERR_UNSAFE_REDIRECT", "redirect"),
    ("ERR_INVALID_REDIRECT", "redirect"),
    ("ERR_INVALID_", "protocol"),
    ("ERR_CONTENT_", "protocol"),
    ("ERR_INCOMPLETE_CHUNKED_ENCODING", "protocol"),
    ("ERR_RESPONSE_", "protocol"),
    ("ERR_HTTP", "protocol"),
    ("ERR_ABORTED", "content"),  # what should be a page became a download
    ("ERR_BLOCKED_BY_", "content"),
    ("ERR_TOO_MANY_RETRIES", "network"),
    ("ERR_ADDRESS_", "network"),
    ("ERR_NETWORK_ACCESS_DENIED", None),
    ("ERR_NETWORK_", None),  # changed, suspended: of this machine
    ("ERR_INTERNET_DISCONNECTED", None),
    ("ERR_INSUFFICIENT_RESOURCES", None),
    ("ERR_OUT_OF_MEMORY", None),
    ("ERR_UNSAFE_PORT", None),  # the browser refuses to go there: the option is wrong
    ("ERR_", "network"),
)


def reason_of_code(message: str) -> tuple[str, str | None]:
    """The network error's name in a message (empty: none), and the reason that it means."""
    found = _CODE.search(message)
    if found is None:
        return "", None
    code = found.group()
    return code, next(reason for beginning, reason in _REASONS if code.startswith(beginning))


def without_query(text: str) -> str:
    """URLs lose what may hold a secret."""
    return _QUERY.sub(r"\1", text)


@dataclass(frozen=True, slots=True)
class Trouble:
    reason: str
    text: str


class Troubles:
    """Listens to a page from its beginning."""

    def __init__(self, page: "Page") -> None:
        self.crashed = False
        self.secrets: set[str] = set()
        self._lines: list[str] = []
        self._scripts: list[Trouble] = []  # scripts that did not come
        self._errors: list[Trouble] = []  # scripts that failed while running
        self._fetches: list[Trouble] = []  # what scripts asked for and did not get
        self._pending: dict[Request, str] = {}
        page.on("crash", lambda _: self._crash())
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.on("request", self._request)
        page.on("requestfailed", self._request_failed)
        page.on("requestfinished", self._request_finished)
        page.on("response", self._response)

    def lines(self) -> list[str]:
        return list(self._lines)

    def gravest(self) -> Trouble | None:
        """What most likely keeps the page from working; None where nothing was noticed."""
        for troubles in (self._scripts, self._errors, self._fetches):
            if troubles:
                return troubles[-1]
        if self._pending:
            return Trouble("timeout", f"still waiting for {next(iter(self._pending.values()))}")
        return None

    def _note(self, line: str) -> str:
        text = without_query(" ".join(line.split()))[:LINE_CHARACTERS]
        if len(self._lines) < LINES:
            self._lines.append(text)
        return text

    def _crash(self) -> None:
        self.crashed = True
        self._note("the page's process crashed")

    def _console(self, message: "ConsoleMessage") -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text}")

    def _page_error(self, error: "Error") -> None:
        self._errors.append(Trouble("content", self._note(f"error in a script: {error}")))

    def _request(self, request: "Request") -> None:
        self._pending[request] = _name(request)
        authorization = request.headers.get("authorization", "")
        if authorization and len(self.secrets) < SECRETS:
            self.secrets.add(authorization.rpartition(" ")[2])

    def _request_finished(self, request: "Request") -> None:
        self._pending.pop(request, None)

    def _request_failed(self, request: "Request") -> None:
        self._pending.pop(request, None)
        failure = request.failure or "failed"
        text = self._note(f"{_name(request)}: {failure}")
        code, reason = reason_of_code(failure)
        if reason is not None and code != "ERR_ABORTED":  # aborted by the page itself
            self._sort(request, Trouble(reason, text))

    def _response(self, response: "Response") -> None:
        if response.status >= 400:
            text = self._note(f"{_name(response.request)}: status {response.status}")
            reason = "auth" if response.status in (401, 403) else "status"
            self._sort(response.request, Trouble(reason, text))

    def _sort(self, request: "Request", trouble: Trouble) -> None:
        match request.resource_type:
            case "script":
                self._scripts.append(trouble)
            case "fetch" | "xhr" | "document":
                self._fetches.append(trouble)


def _name(request: "Request") -> str:
    return f"{request.method} {without_query(request.url)}"
