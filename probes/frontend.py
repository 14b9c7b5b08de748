"""Frontend: does a person get the page, its scripts, a login and current data?"""

import re
from collections.abc import Sequence
from urllib.parse import urljoin

from pydantic import Field, FilePath, field_validator

from probes.bounded_http import MEBIBYTE, Answer, Bounds, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.efento.web_data import ShownOptions, ShownRow, require_shown
from probes.efento.web_login import LoginOptions, WebSession, at, same_origin, script_sources
from probes.option_types import HttpUrl, Seconds

SCRIPT_TYPES = frozenset(
    {"application/javascript", "text/javascript", "application/x-javascript", "application/ecmascript"}
)
HTML = "text/html"


class DataOptions(ShownOptions):
    """Where the shown data come from; all of it assumed, because the application's own interface is not public."""

    path: str = Field("/app/data", description="Where the application fetches its data (assumption)", pattern="^/")
    rows: str = Field("points", description="Where in the JSON the list of rows is, e.g. data.rows (assumption)")
    serial: str = Field("serial", description="Where in a row the sensor's serial number is (assumption)")
    value: str = Field("value", description="Where in a row the current value is (assumption)")
    time: str = Field("measuredAt", description="Where in a row the value's time is (assumption)")


class Options(ProbeOptions):
    url: HttpUrl = Field(description="The page that a person opens, e.g. https://cloud.example.net/")
    script: str = Field(
        r"\.m?js(\?|$)", description="Regular expression that the application's scripts are known by; one must be there"
    )
    max_scripts: int = Field(20, description="Most scripts fetched in one check", ge=1, le=100)
    max_redirects: int = Field(3, description="Redirects followed to the page", ge=0, le=20)
    page_limit: int = Field(MEBIBYTE, description="Largest page accepted, in bytes", ge=1024)
    script_limit: int = Field(16 * MEBIBYTE, description="Largest script accepted, in bytes", ge=1024)
    timeout: Seconds = Field(10.0, description="Longest time for one request, in seconds")
    login: LoginOptions = Field(description="Who logs in, and how")
    data: DataOptions = Field(default_factory=lambda: DataOptions(), description="What must be shown after the login")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")

    @field_validator("script")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return 3 * self.timeout  # the page with its scripts, the login, the data


@probe("frontend", Options)
async def frontend(options: Options, journey: Journey) -> None:
    ca_file = str(options.ca_file) if options.ca_file else None
    session = WebSession(options.url, journey, Bounds(options.timeout), ca_file)
    async with journey.step("page"):
        scripts = await _page(options, session)
    async with journey.step("script"):
        for script in scripts:
            await _script(options, session, script)
    async with journey.step("login"):
        await session.log_in(options.login)

    async def look() -> Sequence[ShownRow]:
        async with journey.step("data"):
            return await _data(options, session)

    await require_shown(options.data, journey, look)


async def _page(options: Options, session: WebSession) -> list[str]:
    """The URLs of the application's own scripts."""
    bounds = Bounds(options.timeout, options.page_limit, options.max_redirects)
    answer = await session.get(options.url, HTML, bounds=bounds, timed=True)
    try:
        require_status(answer, 200)
        answer.require_type(HTML)
        return _own_scripts(options, answer)
    except ProbeFailed:
        session.journey.evidence("page", answer.body[:4096])
        raise


def _own_scripts(options: Options, answer: Answer) -> list[str]:
    base = answer.name.partition(" ")[2]
    found = []
    for source in script_sources(answer.body.decode("utf-8", "replace")):
        try:
            url = urljoin(base, source).partition("#")[0]
            own = same_origin(url, base)
        except ValueError:  # no URL at all
            continue
        if own and re.search(options.script, url):
            found.append(url)
    if not found:
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: no script of its own that matches {options.script}")
    return found[: options.max_scripts]


async def _script(options: Options, session: WebSession, url: str) -> None:
    answer = await session.get(url, "*/*", bounds=Bounds(options.timeout, options.script_limit))
    require_status(answer, 200)
    if answer.content_type() not in SCRIPT_TYPES:
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: content type {answer.content_type()[:100]}, not a script")
    if not answer.body.strip():
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: the script is empty")


async def _data(options: Options, session: WebSession) -> list[ShownRow]:
    where = options.data
    answer = await session.get(urljoin(options.url, where.path), "application/json")
    require_status(answer, 200)
    answer.require_type("application/json")
    rows = at(answer.json(), where.rows)
    if not isinstance(rows, list):
        raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no list at {where.rows or 'the top'}")
    # A measurement point whose device was taken away has no serial number.
    shown = [found for row in rows if (found := _row(where, row)) is not None]
    if rows and not shown:
        raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no row has a text at {where.serial}")
    session.journey.figure("rows_shown", len(shown))
    return shown


def _row(where: DataOptions, row: object) -> ShownRow | None:
    serial = at(row, where.serial)
    return ShownRow(serial, at(row, where.value), at(row, where.time)) if isinstance(serial, str) else None
