"""Texts of the configuration that stand for numbers: durations (`1h30m`) and percentages (`99.5 %`)."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

_DURATION = re.compile(" ?".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}(?:\.[0-9]{{1,6}})?) ?{unit})?" for unit in UNIT_SECONDS))
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?) ?%")


def expected(text: str) -> PydanticCustomError:
    """The error for a value that is not what `text` says; whoever prints it adds what was found, unless secret."""
    return PydanticCustomError("expected", "expected {expected}", {"expected": text})


def parse_duration(value: object) -> float:
    """Seconds of `30s`, `500ms`, `1h30m`, `1d`, or of a plain number of seconds.

    Raises `ValueError` for anything else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)) and match.lastgroup:
        parts = ((float(number), UNIT_SECONDS[unit]) for unit, number in match.groupdict().items() if number)
        return sum(number * seconds for number, seconds in parts)
    raise ValueError("not a duration")


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration in whole units; `parse_duration` reads it back."""
    rest = round(seconds * 1000)
    text = ""
    for unit, size in UNIT_SECONDS.items():
        count, rest = divmod(rest, round(size * 1000))
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_percentage(value: object) -> Fraction:
    """The exact ratio of a text such as `99.5 %`. Raises `ValueError` for anything else, a bare number included."""
    match = _PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a percentage")
    return Fraction(match[1]) / 100


def percentage_text(ratio: Fraction) -> str:
    """`99.5 %`; exact for every ratio that came from a percentage in decimal digits."""
    scaled = ratio * 100 * 10**12
    whole, decimals = divmod(scaled.numerator // scaled.denominator, 10**12)
    return f"{whole}.{decimals:012d}".rstrip("0").rstrip(".") + " %"


@dataclass(frozen=True, slots=True)
class DurationBetween:
    """Marks a field of seconds that is written as a duration; both limits are allowed values."""

    shortest: str
    longest: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._seconds)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        text = {"type": "string", "pattern": r"^[0-9][0-9.]*( ?(ms|s|m|h|d) ?([0-9][0-9.]*)?)*$"}
        number = {"type": "number", "minimum": parse_duration(self.shortest), "maximum": parse_duration(self.longest)}
        return {"anyOf": [text, number], "x-type": f"duration, {self.shortest} to {self.longest}"}

    def _seconds(self, value: object) -> float:
        wanted = f"a duration from {self.shortest} to {self.longest}, e.g. 30s, 5m, 1h30m or a number of seconds"
        try:
            seconds = parse_duration(value)
        except ValueError:
            raise expected(wanted) from None
        if not parse_duration(self.shortest) <= seconds <= parse_duration(self.longest):
            raise expected(wanted)
        return seconds


class _PercentageText:
    """Marks a field of a ratio that is written as a percentage."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._ratio)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^[0-9]{1,2}(\.[0-9]{1,12})? ?%$", "x-type": "percentage, e.g. 99.5 %"}

    def _ratio(self, value: object) -> Fraction:
        try:
            ratio = parse_percentage(value)
        except ValueError:
            ratio = Fraction(0)
        if not 0 < ratio < 1:
            raise expected("a percentage above 0 % and below 100 %, e.g. 99.5 %")
        return ratio


Percentage = Annotated[Fraction, _PercentageText()]
Every = Annotated[float, DurationBetween("100ms", "7d")]
Timeout = Annotated[float, DurationBetween("10ms", "1d")]
Recheck = Annotated[float, DurationBetween("10ms", "1h")]
StaleAfter = Annotated[float, DurationBetween("100ms", "30d")]
Drain = Annotated[float, DurationBetween("0s", "10m")]
Heartbeat = Annotated[float, DurationBetween("100ms", "1m")]
