"""The messages of a virtual cellular sensor: what it sends as bytes, and what the server's replies ask of it.

Pure encoding and decoding of the sensors' published protobuf interface. Who sends them when is `virtual_sensor.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from probes.contract import ProbeFailed, Reason
from probes.efento.proto import efento_pb2 as pb

ASK_FOR_ACK_ALWAYS = 0xFFFFFFFF
CHANNELS = 6
FIRMWARE = 0x0702
MEMORY_BYTES = 4_194_304
MODEM_BC660 = 4
NEVER = 4294967295
RETRIES_MAX = 31  # five bits


@dataclass(frozen=True, slots=True)
class SensorChannel:
    """The raw values of one channel in a message, the oldest first; `type` as in `MeasurementType`, e.g. `HUMIDITY`."""

    type: str
    raws: Sequence[int]


@dataclass(frozen=True, slots=True)
class SensorConfiguration:
    """The part of a sensor's configuration that a server may change, in seconds; `hash` changes with each change."""

    period_base: int
    period_factor: int
    transmission_interval: int
    ack_interval: int
    hash: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class SensorCounters:
    """What device information tells of a sensor's life."""

    up_time: int
    attempts: int
    successes: int


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What a server's reply asks of the sensor; None and False where it says nothing. Times in seconds."""

    current_time: int | None = None
    device_info_request: bool = False
    configuration_request: bool = False
    transmission_interval: int | None = None
    ack_interval: int | None = None
    period_base: int | None = None
    period_factor: int | None = None


def transfer_reason(*, retries: int, first_after_reset: bool) -> int:
    """Bit 0: first message after a reset; bits 3 to 7: retries since the last success, in five bits."""
    return (retries & RETRIES_MAX) << 3 | first_after_reset


def measurements_message(
    serial: str,
    *,
    period: int,
    first: int,
    channels: Sequence[SensorChannel],
    next_transmission_at: int,
    reason: int,
    configuration_hash: int,
    cloud_token: str = "",
) -> bytes:
    """Samples at `first`, `first + period`, … (Unix seconds) of continuous channels."""
    message = pb.ProtoMeasurements(
        serial_number=bytes.fromhex(serial),
        battery_status=True,
        measurement_period_base=period,
        next_transmission_at=next_transmission_at,
        transfer_reason=reason,
        measurement_period_factor=1,
        configuration_hash=configuration_hash,
        cloud_token=cloud_token,
    )
    for channel in channels:
        start = channel.raws[0]
        message.channels.add(
            type=_measurement_type(channel.type),
            timestamp=first,
            start_point=start,
            sample_offsets=[raw - start for raw in channel.raws],
        )
    return message.SerializeToString(deterministic=True)


def device_info_message(serial: str, *, now: int, counters: SensorCounters, cloud_token: str = "") -> bytes:
    """A plausible healthy device. Receivers refuse one without all its 22 memory statistics, three counters and 22
    parameters of a BC660 modem."""
    message = pb.ProtoDeviceInfo(
        serial_number=bytes.fromhex(serial),
        sw_version=FIRMWARE,
        runtime_info=pb.ProtoRuntime(
            up_time=counters.up_time,
            message_counters=[counters.attempts, 0, counters.successes],
            mcu_temperature=21,
            battery_voltage=3600,
            min_battery_mcu_temperature=20,
            max_mcu_temperature=25,
            min_mcu_temperature=18,
        ),
        modem=pb.ProtoModem(type=MODEM_BC660, parameters=_modem_parameters()),
        commit_id="0000000",
        cloud_token=cloud_token,
        memory_statistics=_memory_statistics(now),
        last_update_info=pb.ProtoUpdateInfo(status=1),
    )
    return message.SerializeToString(deterministic=True)


def configuration_message(
    serial: str, *, configuration: SensorConfiguration, channel_types: Sequence[str], cloud_token: str = ""
) -> bytes:
    """The complete configuration, not split; the cloud token is told only where there is one (1), else 255."""
    types = [*channel_types, *["NO_SENSOR"] * (CHANNELS - len(channel_types))]
    message = pb.ProtoConfig(
        measurement_period_base=configuration.period_base,
        measurement_period_factor=configuration.period_factor,
        transmission_interval=configuration.transmission_interval,
        ack_interval=configuration.ack_interval,
        transfer_limit=65535,
        transfer_limit_timer=65535,
        configuration_hash=configuration.hash,
        configuration_hash_timestamp=configuration.changed_at,
        cloud_token_config=1 if cloud_token else 255,
        cloud_token=cloud_token,
        serial_number=bytes.fromhex(serial),
        channel_types=[_measurement_type(name) for name in types],
        supervision_period=ASK_FOR_ACK_ALWAYS,
        cloud_token_coap_option=65000,
        payload_signature_coap_option=65000,
    )
    return message.SerializeToString(deterministic=True)


def parse_reply(payload: bytes) -> ServerReply:
    """Raises `ProbeFailed` (protocol) for bytes that are no configuration message. An empty payload asks nothing."""
    try:
        message = pb.ProtoConfig.FromString(payload)
    except DecodeError as error:
        raise ProbeFailed(Reason.PROTOCOL, f"the reply's {len(payload)} bytes are no configuration message") from error
    return ServerReply(
        current_time=message.current_time or None,
        device_info_request=message.device_info_request,
        configuration_request=message.configuration_request,
        transmission_interval=message.transmission_interval or None,
        ack_interval=message.ack_interval or None,
        period_base=message.measurement_period_base or None,
        period_factor=message.measurement_period_factor or None,
    )


def _measurement_type(name: str) -> str:
    return f"MEASUREMENT_TYPE_{name}"


def _memory_statistics(now: int) -> list[int]:
    """22 positions: state, end of collection, capacity, used, invalid and corrupt bytes, valid, invalid and corrupt
    packets, samples of channels 1 to 6, first/last/last sent time of binary and of continuous samples, NvM writes."""
    return [0, NEVER, MEMORY_BYTES, 4096, 0, 0, 1, 0, 0, *[1, 0, 0, 0, 0, 0], NEVER, NEVER, NEVER, now, now, now, 1]


def _modem_parameters() -> list[int]:
    """22 positions of a BC660; known are 5 RSRP, 6 RSRQ, 7 RSSI, 8 SINR, 9 band, 11 coverage level, 18 to 20 times."""
    parameters = [0] * 22
    parameters[4:9] = [-95, -8, -67, 12, 20]
    return parameters
