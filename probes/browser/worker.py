"""Drives Chromium as it is told: a command is a line of JSON on the standard input, its reply one on the output.

A reply is `{"done": …}`, `{"failed": reason, "detail": …}` for what the platform answers for, or `{"blocked": detail}`
for what it does not: our browser, our machine. Run by path inside `cage.py`; imports nothing of ours but `troubles`,
which stands beside it. The end of the process is the end of the browser.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from playwright.async_api import Browser, BrowserContext, Error, Locator, Page, async_playwright
from playwright.async_api import TimeoutError as TimeIsOver

if TYPE_CHECKING:
    from probes.browser.troubles import Troubles, reason_of_code, without_query
else:  # run by path, this file's folder is where modules are looked for
    from troubles import Troubles, reason_of_code, without_query

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
)
COMMAND_BYTES = 1_048_576
ALIVE_SECONDS = 3.0
PICTURE_BYTES = 524_288
PICTURE_MILLISECONDS = 1500
TELLING = ("FATAL", "sandbox", "No such", "doesn't exist", "error while loading")
ROWS = 500
ROW_CHARACTERS = 500
READ_ROWS = """(rows, [names, most, characters]) => rows.slice(0, most).map(row => ({
    text: (row.innerText || "").slice(0, characters),
    attributes: names.map(name => row.getAttribute(name)),
}))"""


class Failed(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Blocked(Exception):
    """Not the platform's fault."""


class _Limit:
    """What is left of a command's time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + seconds

    def milliseconds(self) -> float:
        return max(1.0, (self._until - self._loop.time()) * 1000)  # for Playwright 0 means for ever


class Visit:
    """A person at a fresh browser: no cookie, no cache."""

    def __init__(self, browser: Browser, context: BrowserContext, page: Page) -> None:
        self._browser = browser
        self.context = context
        self.page = page
        self.troubles = Troubles(page)

    async def open(self, url: str, visible: str, seconds: float) -> None:
        """Opens the page and waits until the element that a person needs next can be seen."""
        name, limit = f"GET {without_query(url)}", _Limit(seconds)
        try:
            response = await self.page.goto(url, wait_until="commit", timeout=limit.milliseconds())
        except TimeIsOver:
            await self._require_alive()
            raise Failed("timeout", f"{name}: no answer within {seconds:g} s") from None
        except Error as error:
            raise _of_navigation(error, name) from None
        if response is not None:
            _require_page(response.status, response.headers.get("content-type", ""), name)
        await self._seen(self.page.locator(visible), f"{name}: {visible}", limit)

    async def log_in(self, fields: list[list[str]], button: str, inside: str, refused: str, seconds: float) -> None:
        """Fills the fields, presses the button and waits for the one or the other outcome."""
        limit = _Limit(seconds)
        for selector, text in fields:
            filling = self.page.locator(selector).first.fill(text, timeout=limit.milliseconds())
            await self._do(filling, selector, limit)
        await self._do(self.page.locator(button).first.click(timeout=limit.milliseconds()), button, limit)
        entered, turned_away = self._visible(inside), self._visible(refused)
        await self._seen(entered.or_(turned_away), f"after the login: {inside}", limit)
        if not await entered.count():
            text = " ".join((await turned_away.first.inner_text(timeout=1000)).split())
            raise Failed("auth", f"the login was refused: {text[:200]}")

    async def rows(self, selector: str, attributes: list[str], expected: str, seconds: float) -> list[Any]:
        """The rows that can be seen; none where the page works, but shows none."""
        rows, limit = self._visible(selector), _Limit(seconds)
        try:
            await rows.first.wait_for(timeout=limit.milliseconds())
        except TimeIsOver:
            await self._require_alive()
            self._blame_troubles(f"{selector} is not shown")
            return []
        if expected:
            await self._seen(self.page.get_by_text(expected), f"the text {expected!r}", limit)
        found: list[Any] = await rows.evaluate_all(READ_ROWS, [attributes, ROWS, ROW_CHARACTERS])
        return found

    async def evidence(self, seconds: float) -> dict[str, Any]:
        """What the browser noticed, what it shows, and the secrets that it learnt, so that they can be removed."""
        secrets = [cookie.get("value", "") for cookie in await self.context.cookies()]
        found = {"console": self.troubles.lines(), "secrets": [*secrets, *self.troubles.secrets]}
        with contextlib.suppress(Error):
            return {**found, **await self._picture(_Limit(seconds))}
        return found

    async def _picture(self, limit: _Limit) -> dict[str, str]:
        try:
            return await self._screenshot(PICTURE_MILLISECONDS)
        except TimeIsOver:  # a page that is still being loaded lets the screenshot wait
            devtools = await self.context.new_cdp_session(self.page)
            await devtools.send("Page.stopLoading")
            return await self._screenshot(limit.milliseconds())  # a busy machine takes its time to paint

    async def _screenshot(self, milliseconds: float) -> dict[str, str]:
        for how in ({"type": "png"}, {"type": "jpeg", "quality": 60}, {"type": "jpeg", "quality": 20}):
            picture = await self.page.screenshot(**how, timeout=milliseconds)
            if len(picture) <= PICTURE_BYTES:
                return {"picture": base64.b64encode(picture).decode(), "picture_type": f"image/{how['type']}"}
        return {}

    def _visible(self, selector: str) -> Locator:
        return self.page.locator(selector).filter(visible=True)

    async def _seen(self, what: Locator, name: str, limit: _Limit) -> None:
        await self._do(what.filter(visible=True).first.wait_for(timeout=limit.milliseconds()), name, limit)

    async def _do(self, action: Awaitable[None], name: str, limit: _Limit) -> None:
        try:
            await action
        except TimeIsOver:
            await self._require_alive()
            self._blame_troubles(f"{name} cannot be used")
            raise Failed("content", f"{name}: not there, visible and enabled within {limit.seconds:g} s") from None

    def _blame_troubles(self, what: str) -> None:
        trouble = self.troubles.gravest()
        if trouble is not None:
            raise Failed(trouble.reason, f"{what}: {trouble.text}")

    async def _require_alive(self) -> None:
        """Before a page is called slow: does the browser itself still answer on this machine?"""
        if self.troubles.crashed:
            raise Blocked("the page's process crashed: out of memory on this machine?")
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                context = await self._browser.new_context()
                page = await context.new_page()
                await page.evaluate("1 + 1")
                await context.close()
        except (Error, TimeoutError):
            raise Blocked(f"the browser itself does not answer within {ALIVE_SECONDS:g} s") from None


def _of_navigation(error: Error, name: str) -> Exception:
    code, reason = reason_of_code(error.message)
    if reason is None:
        return Blocked(f"{name}: {code or _first_line(error)}")
    return Failed(reason, f"{name}: {code}")


def _require_page(status: int, content_type: str, name: str) -> None:
    if status != 200:
        raise Failed("auth" if status in (401, 403) else "status", f"{name}: status {status}, expected 200")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("text/html", "application/xhtml+xml"):
        raise Failed("content", f"{name}: content type {kind[:100] or 'none'}, expected text/html")


def _first_line(error: Error) -> str:
    return error.message.partition("\n")[0][:300]


class Worker:
    def __init__(self) -> None:
        self._playwright: Any = None
        self._browser: Browser | None = None
        self._viewport: dict[str, int] = {}
        self._visit: Visit | None = None

    async def do(self, command: dict[str, Any]) -> object:
        action = command.pop("do")
        match action:
            case "launch":
                return await self._launch(**command)
            case "open":
                visit = await self._fresh_visit()
                await visit.open(**command)
                return None
            case _:
                assert self._visit
                actions: dict[str, Callable[..., Awaitable[object]]] = {
                    "log_in": self._visit.log_in,
                    "rows": self._visit.rows,
                    "evidence": self._visit.evidence,
                }
                return await actions[action](**command)

    async def _launch(self, executable: str | None, sandbox: bool, viewport: list[int], seconds: float) -> str:
        self._viewport = {"width": viewport[0], "height": viewport[1]}
        own = next((path for name in BROWSERS if (path := shutil.which(name))), None)
        try:
            self._playwright = await async_playwright().start()
            self._browser = await self._playwright.chromium.launch(
                executable_path=executable or own,
                chromium_sandbox=sandbox,
                args=list(FLAGS),
                env=_environment(),
                timeout=seconds * 1000,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            raise Blocked(f"the browser could not be started: {_reason_of_launch(error)}") from None
        assert self._browser
        return self._browser.version

    async def _fresh_visit(self) -> Visit:
        assert self._browser
        if self._visit:
            await self._visit.context.close()
        context = await self._browser.new_context(viewport=self._viewport, accept_downloads=False)  # type: ignore[arg-type]
        self._visit = Visit(self._browser, context, await context.new_page())
        return self._visit


def _environment() -> dict[str, str | float | bool]:
    """All that Chromium keeps for its user goes where the cage removes it."""
    folder = os.environ["TMPDIR"]
    homes = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
    return {**os.environ, **dict.fromkeys(homes, folder)}


def _reason_of_launch(error: Error) -> str:
    """The lines that say why, out of pages of logs."""
    first, *lines = [line.strip() for line in error.message.splitlines()]
    logged = [line.rpartition("[err] ")[2] for line in lines if "<launching>" not in line]
    telling = [line for line in dict.fromkeys(logged) if any(word in line for word in TELLING)]
    return "; ".join([first, *telling[:2]])[:400]


async def _reply(worker: Worker, line: bytes) -> dict[str, Any]:
    try:
        return {"done": await worker.do(json.loads(line))}
    except Failed as failure:
        return {"failed": failure.reason, "detail": failure.detail}
    except Blocked as blocked:
        return {"blocked": str(blocked)}
    except Error as error:  # the browser is gone, or Playwright could not do it
        return {"blocked": f"the browser could not do it: {_first_line(error)}"}
    except Exception as error:  # told to the probing side, where it is reported as our own mistake
        return {"bug": f"{type(error).__name__}: {error}"}


async def _serve(replies: int) -> None:
    reader = asyncio.StreamReader(limit=COMMAND_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    worker = Worker()
    while line := await reader.readline():
        text = json.dumps(await _reply(worker, line)) + "\n"
        with os.fdopen(os.dup(replies), "wb") as pipe:
            pipe.write(text.encode())


def _output_of_our_own() -> int:
    """Nothing that the driver or the browser prints gets between the replies."""
    own = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return own


if __name__ == "__main__":
    asyncio.run(_serve(_output_of_our_own()))
    os._exit(0)
