"""Frontend in a browser: does a person at a real Chromium get the page, a login and current data?"""

import base64
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import Field, FilePath, model_validator

from probes.browser.process import Conversation, worker
from probes.contract import MONITOR, Blocked, Journey, ProbeFailed, ProbeOptions, probe
from probes.efento.web_data import ShownOptions, ShownRow, require_shown
from probes.option_types import HeaderSecret, HttpUrl, Seconds

SECRET_CHARACTERS = 8  # a shorter value is no secret, and removing it from all texts would make them unreadable


class Selectors(ProbeOptions):
    """What to look for on the page, as CSS selectors; all of it assumed, because the real page is not public."""

    login: str = Field('input[name="login"]', description="Field for the login (assumption)")
    password: str = Field('input[type="password"]', description="Field for the password (assumption)")
    button: str = Field('button[type="submit"]', description="Button that logs in (assumption)")
    logged_in: str = Field("#logout", description="Seen only by who is logged in (assumption)")
    refused: str = Field('[role="alert"]', description="Seen when a login is refused (assumption)")
    row: str = Field("tbody tr[data-serial]", description="A sensor's row of data (assumption)")


class Limits(ProbeOptions):
    """Longest times of the steps, in seconds. Together they should stay below the check's timeout, which leaves no
    screenshot."""

    launch: Seconds = Field(10.0, description="Seconds for the browser's start; exceeded, the check is unknown")
    page: Seconds = Field(8.0, description="Seconds until the page's form is seen")
    login: Seconds = Field(8.0, description="Seconds until the person is inside")
    data: Seconds = Field(8.0, description="Seconds until rows are seen")


class DataOptions(ShownOptions):
    """Which rows must be shown."""

    serial: str | None = Field(
        "data-serial", description="A row's attribute with the serial number; none: it stands in its text (assumption)"
    )
    value: str | None = Field(
        "data-value", description="A row's attribute with the current value; none: not looked at (assumption)"
    )
    time: str | None = Field(
        "data-time", description="A row's attribute with the value's time; none: its age is not looked at (assumption)"
    )
    expected: str = Field("", description="Text that must be seen beside the rows, e.g. the organisation's name")

    @model_validator(mode="after")
    def _age_needs_time(self) -> "DataOptions":
        if self.time is None and self.max_age is not None:
            raise ValueError("max_age must be null where time is, or nobody could tell the age")
        return self


class Options(ProbeOptions):
    url: HttpUrl = Field(description="The page that a person opens, e.g. https://cloud.example.net/")
    login: str = Field(description="User name or email of a person", min_length=1)
    password: HeaderSecret = Field(description="The person's password")
    selectors: Selectors = Field(default_factory=lambda: Selectors(), description="What to look for on the page")
    data: DataOptions = Field(default_factory=lambda: DataOptions(), description="What must be shown after the login")
    limits: Limits = Field(default_factory=lambda: Limits(), description="Time limits of the steps")
    executable: FilePath | None = Field(
        None,
        description="The browser; none: chromium, chromium-browser or google-chrome on the PATH, else Playwright's own",
    )
    sandbox: bool = Field(
        True, description="Chromium's own protection of this machine; it cannot be used by root or in most containers"
    )
    width: int = Field(1280, description="Width of the window, in pixels", ge=200, le=4000)
    height: int = Field(800, description="Height of the window, in pixels", ge=200, le=4000)

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.limits.launch + self.limits.page + self.limits.login + self.limits.data

    @model_validator(mode="after")
    def _can_run_here(self) -> "Options":
        if not PLAYWRIGHT_IS_INSTALLED:
            raise ValueError("needs Playwright, which is not installed here: pip install 'efento-uptime[browser]'")
        if not sys.platform.startswith("linux"):
            raise ValueError("runs on Linux only, where processes that detached themselves can be found again")
        return self


EVIDENCE_SECONDS = 6.0  # beside the time that the journey itself may take
# Asked when the kinds are gathered: it looks at the disk, but loads nothing.
PLAYWRIGHT_IS_INSTALLED = importlib.util.find_spec("playwright") is not None


@probe("frontend_browser", Options)
async def frontend_browser(options: Options, journey: Journey) -> None:
    async with worker() as browser:
        async with journey.step("launch", MONITOR):  # of our own machine, however long it takes
            version = await _launch(options, browser)

        async def look() -> Sequence[ShownRow]:
            return await _visit(options, journey, browser)

        try:
            await require_shown(options.data, journey, look)
        except (ProbeFailed, Blocked):
            journey.evidence("browser", f"Chromium {version}")
            await _keep_evidence(journey, browser)
            raise


async def _launch(options: Options, browser: Conversation) -> str:
    version: str = await browser.tell(
        "launch",
        options.limits.launch,
        executable=str(options.executable) if options.executable else None,
        sandbox=options.sandbox,
        viewport=[options.width, options.height],
    )
    return version


async def _visit(options: Options, journey: Journey, browser: Conversation) -> list[ShownRow]:
    """A visit from the beginning: no cookie, no cache."""
    selectors, limits = options.selectors, options.limits
    async with journey.step("page"):
        await browser.tell("open", limits.page, url=options.url, visible=selectors.login)
    async with journey.step("login"):
        fields = [[selectors.login, options.login], [selectors.password, options.password.get_secret_value()]]
        outcome = {"inside": selectors.logged_in, "refused": selectors.refused}
        await browser.tell("log_in", limits.login, fields=fields, button=selectors.button, **outcome)
    async with journey.step("data"):
        names = [name for name in (options.data.serial, options.data.value, options.data.time) if name]
        wanted = {"selector": selectors.row, "attributes": names, "expected": options.data.expected}
        rows = await browser.tell("rows", limits.data, **wanted)
    journey.figure("rows_shown", len(rows))
    return [_row(options.data, dict(zip(names, row["attributes"], strict=True)), row["text"]) for row in rows]


def _row(where: DataOptions, attributes: dict[str, Any], text: str) -> ShownRow:
    if where.serial is None:
        serial = next((serial for serial in where.sensors if serial in text.upper()), text)
    else:
        serial = attributes[where.serial] or ""
    value = text if where.value is None else attributes[where.value]
    return ShownRow(serial, value, attributes[where.time] if where.time else None)


async def _keep_evidence(journey: Journey, browser: Conversation) -> None:
    """A failure to get it must not hide the failure that it is about."""
    try:
        found = await browser.tell("evidence", EVIDENCE_SECONDS)
    except (ProbeFailed, Blocked):
        return
    for secret in found["secrets"]:
        if len(secret) >= SECRET_CHARACTERS:
            journey.secret(secret)
    journey.evidence("console", "\n".join(found["console"]))
    if "picture" in found:
        journey.picture("screenshot", base64.b64decode(found["picture"]), found["picture_type"])
