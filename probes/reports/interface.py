"""How a report is asked for and fetched. The platform's interface for this is not public: everything here is assumed,
and every name is a setting, so that the real ones can be put in.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, FilePath

from probes.bounded_http import MEBIBYTE, Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, ProbeOptions, Reason
from probes.efento.cloud_api import CloudApi
from probes.option_types import BaseUrl, Seconds
from probes.reports.file import Format


class InterfaceOptions(ProbeOptions):
    """Where reports are asked for, and in which words (assumption throughout)."""

    url: BaseUrl = Field(description="The collection of reports, e.g. https://cloud.example.net/api/v2/reports")
    file_path: str = Field("file", description="What follows a report's own URL for its file (assumption)")
    id: str = Field("id", description="Field of the answer that names the report (assumption)")
    state: str = Field("state", description="Field of the answer that says how far it is (assumption)")
    ready: str = Field("ready", description="State of a report that can be fetched (assumption)")
    failed: str = Field("failed", description="State of one that cannot be made (assumption)")
    format: str = Field("format", description="Field of the request for the format (assumption)")
    sensors: str = Field("sensors", description="Field of the request for the serial numbers (assumption)")
    first: str = Field("from", description="Field of the request for the period's beginning (assumption)")
    last: str = Field("to", description="Field of the request for its end (assumption)")
    file_limit: int = Field(20 * MEBIBYTE, description="Largest file accepted, in bytes", ge=1024)
    timeout: Seconds = Field(10.0, description="Longest time for one request, in seconds")
    first_pause: Seconds = Field(0.2, description="Seconds until the state is asked for; each further pause is doubled")
    longest_pause: Seconds = Field(5.0, description="Longest pause in seconds")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")


@dataclass(frozen=True)
class ReportInterface:
    """One check's use of it, in the name that the API knows."""

    options: InterfaceOptions
    api: CloudApi
    journey: Journey

    async def ask(self, form: Format, sensors: tuple[str, ...], first: str, last: str) -> str:
        """Returns what names the report. The times are texts in the zone of the API's requests."""
        names = self.options
        wanted = {names.format: form, names.sensors: list(sensors), names.first: first, names.last: last}
        answer = await self._exchange("POST", "", json.dumps(wanted).encode())
        await self._require(answer, 200, 201, 202)
        number = answer.json_object().get(names.id)
        if not isinstance(number, int | str) or isinstance(number, bool) or not str(number).isalnum():
            raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: the answer does not name the report in {names.id}")
        return str(number)

    async def wait(self, number: str, seconds: float) -> None:
        """Returns when the report is ready. Raises `ProbeFailed`: timeout when it is not within the time."""
        until = self.journey.monotonic() + seconds
        pause = self.options.first_pause
        while True:
            answer = await self._exchange("GET", f"/{number}")
            await self._require(answer, 200)
            state = answer.json_object().get(self.options.state)
            if state == self.options.ready:
                return
            if state == self.options.failed:
                raise ProbeFailed(Reason.CONTENT, f"{answer.name}: the platform says that the report failed")
            if not isinstance(state, str):
                raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no {self.options.state} in the answer")
            left = until - self.journey.monotonic()
            if left <= 0:
                raise ProbeFailed(Reason.TIMEOUT, f"{answer.name}: not ready within {seconds:g} s")
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, self.options.longest_pause)

    async def fetch(self, number: str) -> Answer:
        answer = await self._exchange("GET", f"/{number}/{self.options.file_path}", limit=self.options.file_limit)
        await self._require(answer, 200)
        return answer

    async def _exchange(self, method: str, path: str, body: bytes | None = None, limit: int = MEBIBYTE) -> Answer:
        headers = await self._headers()
        ca_file = str(self.options.ca_file) if self.options.ca_file else None
        request = Request(method, self.options.url + path, headers, body, ca_file)
        answer = await exchange(request, Bounds(self.options.timeout, limit))
        if answer.status >= 400:
            self.journey.evidence("report_error", answer.body[:2048])
        return answer

    async def _headers(self) -> Mapping[str, str]:
        async with self.journey.step("log_in", self.api.options.component):
            identity = await self.api.authorization()
        return {**identity, "Content-Type": "application/json", "Accept": "*/*"}

    async def _require(self, answer: Answer, *statuses: int) -> None:
        """Who is refused here asks the API whether it still knows him: if not, it is the API's failure, not ours."""
        try:
            require_status(answer, *statuses)
        except ProbeFailed as failure:
            if failure.reason is Reason.AUTH:
                async with self.journey.step("ask_api", self.api.options.component):
                    await self.api.organisations()
            raise
