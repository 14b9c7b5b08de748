"""The virtual sensor of a notification probe: sends single values as a gateway does, and asks what became of them."""

import asyncio
import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from probes.bounded_http import Answer, Bounds, Request, exchange, require_status
from probes.contract import Journey, ProbeFailed, Reason
from probes.efento.alarm_options import RoundOptions
from probes.efento.alarm_record import SentValue
from probes.efento.cloud_api import CloudApi
from probes.efento.signal import CHANNEL_TYPES
from probes.efento.verification import ReturnedSample, utc_text, wall_text

CREATED = 201
INTERVAL_SECONDS = 60  # announced with each value; nothing depends on it
RSSI_DBM = -67
MARGIN_SECONDS = 900  # asked for around the wanted times, for clocks that differ


class AlarmSensor:
    def __init__(self, options: RoundOptions, journey: Journey) -> None:
        self._options = options
        self._journey = journey
        self._type = CHANNEL_TYPES[options.channel]

    def shown(self, raw: int) -> str:
        return f"{self._type.value(raw):g}"

    def raw(self, value: float) -> int | None:
        return self._type.raw(value)

    async def send(self, raw: int, time: int) -> None:
        """Returns when the platform has accepted the value. Raises `ProbeFailed` after the last try."""
        gateway = self._options.gateway
        for left in reversed(range(gateway.attempts)):
            try:
                await self._post(raw, time)
                return
            except ProbeFailed as failure:
                self._journey.evidence(f"attempt_{gateway.attempts - left}", f"{failure.reason}: {failure.detail}")
                if not left:
                    raise
            await asyncio.sleep(gateway.retry_pause)

    async def _post(self, raw: int, time: int) -> None:
        gateway = self._options.gateway
        headers = {"Content-Type": "application/json", "charset": "UTF-8"}
        if gateway.token:
            headers["X-Api-Token"] = gateway.token.get_secret_value()
        ca_file = str(gateway.ca_file) if gateway.ca_file else None
        request = Request("POST", gateway.url, headers, self._message(raw, time), ca_file)
        _require_accepted(await exchange(request, Bounds(gateway.timeout)))

    def _message(self, raw: int, time: int) -> bytes:
        measurement = {
            "serial": self._options.sensor,
            "response_handle": 1,
            "battery": "ok",
            "signal": RSSI_DBM,
            "measured_at": f"{wall_text(time)} UTC",
            "measurement_interval": INTERVAL_SECONDS,
            "next_measurement_at": f"{wall_text(time + INTERVAL_SECONDS)} UTC",
            "params": [{"channel": 1, "type": self._type.gateway_name, "value": self._type.value(raw)}],
        }
        return json.dumps({"measurements": [measurement]}).encode()

    async def require_as_sent(self, values: Sequence[SentValue], last: int) -> None:
        """Whether the platform holds from the first of the values up to `last` exactly what was sent.

        Raises `ProbeFailed`, at the step of the API where it does not answer, else at that of those who answer for
        ingest: a value that was lost or changed on the way in, or sent by somebody else, excuses the notifications.
        """
        first = values[0].time
        async with self._journey.step("history", self._options.api.component):
            api = CloudApi(self._options.api, self._journey)
            rows = await api.history(
                self._options.sensor, first - MARGIN_SECONDS, last + MARGIN_SECONDS, (self._options.channel,)
            )
        problem = _difference(rows, values, last, ZoneInfo(self._options.api.answer_zone))
        if problem:
            async with self._journey.step("stored_as_sent", self._options.ingest_component):
                raise ProbeFailed(Reason.CONTENT, f"{self._options.sensor}: {problem}")


def _require_accepted(answer: Answer) -> None:
    require_status(answer, CREATED)
    body = answer.json()
    accepted = body.get("Y") if isinstance(body, dict) else None
    if not isinstance(accepted, list) or 1 not in accepted:
        raise ProbeFailed(Reason.CONTENT, f"{answer.name}: the value is not accepted in Y")


def _difference(rows: Sequence[ReturnedSample], values: Sequence[SentValue], last: int, zone: ZoneInfo) -> str:
    """What is wrong with the history, for people; empty where nothing is."""
    wanted = {value.time: value for value in values}
    counts = dict.fromkeys(wanted, 0)
    for row in rows:
        times = {int(row.wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
        known = next((time for time in times if time in wanted), None)
        if known is not None:
            counts[known] += 1
            if row.raws != (wanted[known].raw,):
                return f"{wanted[known]} stands in the history with another value"
        elif any(values[0].time < time <= last for time in times):
            return f"the history has a value of {utc_text(min(times))}, which this probe did not send"
    for time, count in counts.items():
        if count != 1:
            return f"{wanted[time]} of {utc_text(time)} stands {count} times in the history"
    return ""
