"""HTTP: does a URL answer with the expected status, type and text?"""

from typing import Literal

from pydantic import Field, FilePath

from probes.bounded_http import MEBIBYTE, Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason, probe
from probes.option_types import HeaderSecret, HttpUrl, Seconds


class Options(ProbeOptions):
    url: HttpUrl = Field(description="What to fetch")
    method: Literal["GET", "HEAD", "POST"] = Field("GET", description="Request method")
    headers: dict[str, HeaderSecret] = Field(default_factory=dict, description="Headers to send, e.g. Authorization")
    status: tuple[int, ...] = Field((200,), description="Statuses that count as success", min_length=1)
    contains: str = Field("", description="Text that the body must contain")
    content_type: str = Field("", description="Content type that the answer must have, e.g. text/html")
    max_redirects: int = Field(0, description="Redirects followed before the check fails", ge=0, le=20)
    body_limit: int = Field(MEBIBYTE, description="Largest body accepted, in bytes", ge=1)
    timeout: Seconds = Field(10.0, description="Seconds for the whole exchange")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")


@probe("http", Options)
async def http(options: Options, journey: Journey) -> None:
    headers = {name: value.get_secret_value() for name, value in options.headers.items()}
    ca_file = str(options.ca_file) if options.ca_file else None
    request = Request(options.method, options.url, headers, ca_file=ca_file)
    async with journey.step("request"):
        bounds = Bounds(options.timeout, options.body_limit, options.max_redirects)
        answer = await exchange(request, bounds, journey, final=options.status)
    async with journey.step("answer"):
        try:
            _require_expected(options, answer)
        except ProbeFailed:
            journey.evidence("body", answer.body)
            raise


def _require_expected(options: Options, answer: Answer) -> None:
    require_status(answer, *options.status)
    if options.content_type:
        answer.require_type(options.content_type)
    if options.contains.encode() not in answer.body:
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: the body does not contain the expected text")
