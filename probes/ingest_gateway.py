"""Gateway: is a Bluetooth sensor's measurement, posted as JSON, accepted, and can it be read back?"""

from dataclasses import dataclass

from pydantic import Field, FilePath

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, Reason, probe
from probes.efento.backlog import Batch
from probes.efento.gateway_json import measurements_json
from probes.efento.ingest import Device, IngestOptions, ingest
from probes.efento.signal import SensorSignal
from probes.option_types import HeaderSecret, HttpUrl, Seconds

ANSWER_HEADERS = 10  # a real gateway refuses an answer with more
CREATED = 201


class Options(IngestOptions):
    url: HttpUrl = Field(description="Where gateways post, e.g. https://cloud.example.net/api/v2/measurements")
    token: HeaderSecret | None = Field(None, description="Sent as X-Api-Token")
    answer_timeout: Seconds = Field(5.0, description="Seconds to wait for the answer to one request")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")


@dataclass(frozen=True)
class GatewayDevice:
    options: Options
    journey: Journey
    signal: SensorSignal

    async def deliver(self, batch: Batch) -> None:
        body = measurements_json(batch, self.signal, self.options.channels)
        headers = {"Content-Type": "application/json", "charset": "UTF-8"}
        if self.options.token:
            headers["X-Api-Token"] = self.options.token.get_secret_value()
        ca_file = str(self.options.ca_file) if self.options.ca_file else None
        request = Request("POST", self.options.url, headers, body, ca_file)
        answer = await exchange(request, Bounds(self.options.answer_timeout))
        if answer.status != CREATED:
            self.journey.evidence("gateway_answer", answer.body[:2048])
        _require_accepted(answer, handles=len(batch.times))

    async def obey(self) -> None:
        """A gateway's answer asks for nothing."""


def _require_accepted(answer: Answer, *, handles: int) -> None:
    """Exactly 201, few enough headers for a gateway, and every handle in `Y` (not refused in `N`)."""
    require_status(answer, CREATED)
    if answer.header_count > ANSWER_HEADERS:
        raise ProbeFailed(
            Reason.PROTOCOL, f"{answer.name}: {answer.header_count} headers, gateways take {ANSWER_HEADERS}"
        )
    body = answer.json()
    accepted = body.get("Y") if isinstance(body, dict) else None
    if not isinstance(accepted, list):
        raise ProbeFailed(Reason.SCHEMA, f"{answer.name}: no list Y in the answer")
    left_out = [handle for handle in range(1, handles + 1) if handle not in accepted]
    if left_out:
        named = ", ".join(map(str, left_out[:5]))
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: {len(left_out)} handles not accepted in Y: {named}")


@probe("ingest_gateway", Options)
async def ingest_gateway(options: Options, journey: Journey) -> None:
    def device_of(signal: SensorSignal) -> Device:
        return GatewayDevice(options, journey, signal)

    await ingest(options, journey, device_of)
