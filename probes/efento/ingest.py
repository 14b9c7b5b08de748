"""The journey that all ways of sending measurements share: send what is due, then find it in the platform's history.

A kind gives its `Device`: how one message is delivered, and how the platform's wishes are obeyed afterwards.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from pydantic import Field, SecretStr, model_validator

from probes.contract import Blocked, Journey, ProbeFailed, ProbeOptions
from probes.efento.backlog import Batch, batches, unsent
from probes.efento.cloud_api import ApiOptions
from probes.efento.read_back import ReadBackOptions, read_back
from probes.efento.samples import SampleState
from probes.efento.signal import CHANNEL_TYPES, DEFAULT_KEY, SensorSignal, sensor_signal
from probes.efento.standing import remembered_standing
from probes.efento.verification import utc_text
from probes.option_types import Seconds, Serial

TURN = "turn"

ChannelName = Literal["TEMPERATURE", "HUMIDITY", "HUMIDITY_ACCURATE"]


class SensorOptions(ProbeOptions):
    """The virtual sensors and their signal."""

    sensors: tuple[Serial, ...] = Field(
        description="Serial numbers of the virtual sensors, 12 hexadecimal digits beginning with 282C02", min_length=1
    )
    channels: tuple[ChannelName, ...] = Field(
        ("TEMPERATURE",), description="What each sensor measures, channel 1 first", min_length=1, max_length=6
    )
    signal_key: SecretStr | None = Field(
        None, description="Key of the synthetic signal; none: a public one. Changed, it makes all older samples wrong"
    )
    api: ApiOptions = Field(description="The API through which samples are read back")

    @model_validator(mode="after")
    def _sensors_once(self) -> "SensorOptions":
        if len(set(self.sensors)) < len(self.sensors):
            raise ValueError("the same sensor is named twice")
        return self

    def signal(self, serial: str) -> SensorSignal:
        key = self.signal_key.get_secret_value() if self.signal_key else DEFAULT_KEY
        return sensor_signal(serial, key, self.channels)


class IngestOptions(SensorOptions):
    """What every kind of sending is configured with."""

    period: int = Field(
        10, description="Seconds between two samples of a sensor; shorter than the probe's timeout", ge=2, le=3600
    )
    attempts: int = Field(3, description="How often a message is tried before the check fails", ge=1, le=10)
    retry_pause: Seconds = Field(1.0, description="Seconds between two tries")
    max_batches: int = Field(5, description="Most messages of up to 60 samples in one check", ge=1, le=100)
    read_back: ReadBackOptions = Field(
        default_factory=ReadBackOptions, description="When and how an acknowledged sample must be found again"
    )

    @model_validator(mode="after")
    def _no_repeated_value(self) -> "IngestOptions":
        limit = min(CHANNEL_TYPES[name].levels for name in self.channels)
        if self.period > limit:
            raise ValueError(f"period: at most {limit} s with these channels, or a value might come twice in a row")
        return self

    def longest_seconds(self) -> float:
        """Seconds that the journey may take by these options; the probe's timeout must not be shorter."""
        return self.period + self.read_back.deadline

    def claims(self) -> set[str]:
        """What no other probe may use: two that send for one sensor would double its samples."""
        return set(self.sensors)


class Device(Protocol):
    """One virtual sensor's way to the platform during one check."""

    async def deliver(self, batch: Batch) -> None:
        """Returns when the platform has acknowledged the batch. Raises `ProbeFailed`."""

    async def obey(self) -> None:
        """Does what the platform's replies asked for. Raises `ProbeFailed`."""


async def ingest(options: IngestOptions, journey: Journey, device_of: Callable[[SensorSignal], Device]) -> None:
    """One check of one sensor, which is the next in turn.

    After a failure the same sensor is asked again: if the next one answered for it, a fault that hits a part of the
    sensors would never be confirmed.
    """
    turn, now = _turn(options.sensors, journey), _unix(journey)
    serial = options.sensors[turn]
    try:
        with remembered_standing(journey, serial, options.sensors, now):
            await _check(options, journey, options.signal(serial), now, device_of)
    except (ProbeFailed, Blocked) as failure:
        if not _is_ours(failure, journey):  # what this one cannot tell, the next one may
            _move_on(turn, options.sensors, journey)
        raise
    _move_on(turn, options.sensors, journey)


async def _check(
    options: IngestOptions,
    journey: Journey,
    signal: SensorSignal,
    now: int,
    device_of: Callable[[SensorSignal], Device],
) -> None:
    due = await _due(options, journey, signal.serial, now)
    device = device_of(signal)
    async with journey.step("send"):
        for batch in due:
            await _send(options, journey, device, batch)
    await device.obey()
    fresh = [time for batch in due for time in batch.times]
    await read_back(options.read_back, options.api, journey, signal, options.channels, options.period, fresh)


def _turn(sensors: Sequence[str], journey: Journey) -> int:
    known = journey.recall(TURN) or ""
    return (int(known) if known.isdecimal() else 0) % len(sensors)


def _is_ours(failure: ProbeFailed | Blocked, journey: Journey) -> bool:
    step = journey.failed_step
    return isinstance(failure, ProbeFailed) and (step is None or step.component == journey.component)


def _move_on(turn: int, sensors: Sequence[str], journey: Journey) -> None:
    if not journey.one_shot:
        journey.remember(TURN, str((turn + 1) % len(sensors)))


async def _due(options: IngestOptions, journey: Journey, serial: str, now: int) -> list[Batch]:
    """What to send now; waits for the next time on the grid if everything up to now was acknowledged."""
    if journey.one_shot:  # off the daemon's grid, so that nothing of its is sent twice
        time = now if now % options.period else now - 1
        return [Batch(serial, range(time, time + 1, options.period))]
    runs = journey.sample_runs(serial)
    gaps = unsent(runs, options.period, now)
    if not gaps:
        async with journey.step("wait_for_sample"):
            now = await _next_on_grid(options.period, journey)
        gaps = unsent(runs, options.period, now)
    if not gaps:
        raise Blocked(f"the clock went back: samples of {serial} up to {utc_text(runs[-1].last)} are on record")
    return batches(serial, gaps, options.max_batches)


async def _next_on_grid(period: int, journey: Journey) -> int:
    now = journey.now().timestamp()
    following = (int(now) // period + 1) * period
    while now < following:
        await asyncio.sleep(following - now)
        now = journey.now().timestamp()
    return int(now)


async def _send(options: IngestOptions, journey: Journey, device: Device, batch: Batch) -> None:
    """Tries as the device does: the same message again, with its retry count raised."""
    for attempt in range(1, options.attempts + 1):
        journey.figure("attempts", max(attempt, journey.figures.get("attempts", 0)))
        try:
            await device.deliver(batch)
            break
        except ProbeFailed as failure:
            journey.evidence(f"attempt_{attempt}", f"{failure.reason}: {failure.detail}")
            if attempt == options.attempts:
                raise
        await asyncio.sleep(options.retry_pause)
    if not journey.one_shot:
        journey.mark(batch.serial, options.period, SampleState.PENDING, batch.times)


def _unix(journey: Journey) -> int:
    return int(journey.now().timestamp())
