"""Measurements as Efento gateways word them: one JSON object, the same over HTTP and over MQTT."""

import json
from collections.abc import Sequence
from typing import Any

from probes.efento.backlog import Batch
from probes.efento.signal import CHANNEL_TYPES, SensorSignal
from probes.efento.verification import wall_text

RSSI_DBM = -67


def measurements_json(batch: Batch, signal: SensorSignal, channels: Sequence[str]) -> bytes:
    """The message of a batch; its samples have the handles 1, 2, … in their order."""
    measurements = [
        {
            "serial": batch.serial,
            "response_handle": handle,
            "battery": "ok",
            "signal": RSSI_DBM,
            "measured_at": f"{wall_text(time)} UTC",
            "measurement_interval": batch.period,
            "next_measurement_at": f"{wall_text(time + batch.period)} UTC",
            "params": _params(time, signal, channels),
        }
        for handle, time in enumerate(batch.times, start=1)
    ]
    return json.dumps({"measurements": measurements}).encode()


def _params(time: int, signal: SensorSignal, channels: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"channel": number, "type": CHANNEL_TYPES[name].gateway_name, "value": channel.value(time)}
        for number, (name, channel) in enumerate(zip(channels, signal.channels, strict=True), start=1)
    ]
