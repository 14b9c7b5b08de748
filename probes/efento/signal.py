"""The synthetic signal: what a virtual sensor measures at any second, as a pure function of its key and the time.

Because the value can be computed again years later, any history that the platform returns can be verified sample by
sample without remembering what was sent. No clock, no state; see `verification.py` for the judgement.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_KEY = "efento-uptime public signal key"


@dataclass(frozen=True, slots=True)
class ChannelType:
    """A type of measurement: raw = `low` … `low + 2 × levels − 1`; value = raw / `per_unit`. `levels` is prime."""

    name: str
    gateway_name: str
    low: int
    levels: int
    per_unit: int

    def value(self, raw: int) -> float:
        """The value in the type's unit (°C, % RH), as the gateway and the API write it."""
        return raw / self.per_unit if self.per_unit > 1 else raw

    def raw(self, value: float) -> int | None:
        """The whole number behind a value, or None for one that is no multiple of the type's resolution."""
        scaled = value * self.per_unit
        if not math.isfinite(scaled):
            return None
        raw = round(scaled)
        return raw if abs(scaled - raw) < 1e-6 else None


CHANNEL_TYPES = {
    kind.name: kind
    for kind in (
        ChannelType("TEMPERATURE", "temperature", low=-200, levels=449, per_unit=10),  # −20.0 … 69.7 °C
        ChannelType("HUMIDITY", "humidity", low=3, levels=47, per_unit=1),  # 3 … 96 % RH
        ChannelType("HUMIDITY_ACCURATE", "humidity", low=50, levels=449, per_unit=10),  # 5.0 … 94.7 % RH
    )
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One channel's signal. Any two times at most `type.levels` seconds apart have different values.

    Time is cut into blocks of `levels` seconds. Inside a block the values are a keyed permutation of `levels` levels;
    odd blocks use the upper half of the range, so that neighbouring blocks have no level in common.
    """

    serial: str
    key: bytes
    type: ChannelType

    def raw(self, time: int) -> int:
        """The whole number that the sensor measures at `time` (Unix seconds)."""
        levels = self.type.levels
        block, place = divmod(time, levels)
        factor, summand = self._permutation(block)
        return self.type.low + (block % 2) * levels + (factor * place + summand) % levels

    def value(self, time: int) -> float:
        """The measured value at `time` in the type's unit."""
        return self.type.value(self.raw(time))

    def _permutation(self, block: int) -> tuple[int, int]:
        """i → (factor × i + summand) mod levels is a permutation, because levels is prime and factor is not 0."""
        message = f"{self.serial}\0{self.type.name}\0{block}".encode()
        digest = hashlib.blake2s(message, key=self.key, digest_size=16).digest()
        factor = 1 + int.from_bytes(digest[:8], "big") % (self.type.levels - 1)
        return factor, int.from_bytes(digest[8:], "big") % self.type.levels


@dataclass(frozen=True, slots=True)
class SensorSignal:
    """All channels of one virtual sensor, in the order of their numbers (the first is channel 1)."""

    serial: str
    channels: tuple[Signal, ...]

    def raws(self, time: int) -> tuple[int, ...]:
        return tuple(channel.raw(time) for channel in self.channels)


def sensor_signal(serial: str, key: str, channels: Sequence[str]) -> SensorSignal:
    """The signal of a sensor with these channel types. A key of any length is hashed down to what blake2s takes."""
    digest = hashlib.blake2s(key.encode()).digest()
    return SensorSignal(serial, tuple(Signal(serial, digest, CHANNEL_TYPES[name]) for name in channels))
