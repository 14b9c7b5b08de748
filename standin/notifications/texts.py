"""What alerts say. Pure.

Mails follow the templates of the settings. SMS have the two Polish texts that the platform is known to send, in plain
ASCII, with the alert's time in front:

    <time> Alarm! Regula <rule>, czujnik: <sensor> w <organisation> - <location>, wartosc <value>
    <time> Powrot do normalnego stanu. Regula <rule>, czujnik <sensor> w <organisation> - <location>: Wartosc <value>

`<time>` is `YYYY-MM-DD HH:MM:SS`, `<value>` e.g. `85.3C` (in mails `85.3 °C`). What is over 160 characters is cut off.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

SMS_CHARACTERS = 160
_UNITS = {
    "TEMPERATURE": "°C",
    "HUMIDITY": "%",
    "HUMIDITY_ACCURATE": "%",
    "SOIL_MOISTURE": "%",
    "PERCENTAGE": "%",
    "ATMOSPHERIC_PRESSURE": "hPa",
    "DIFFERENTIAL_PRESSURE": "Pa",
    "VOLTAGE": "V",
    "CURRENT": "mA",
}
_SMS_ALARM = "{time} Alarm! Regula {rule}, czujnik: {sensor} w {organisation} - {location}, wartosc {value}"
_SMS_ALL_CLEAR = (
    "{time} Powrot do normalnego stanu. Regula {rule}, czujnik {sensor} w {organisation} - {location}: Wartosc {value}"
)
_WITHOUT_DECOMPOSITION = str.maketrans("łŁ", "lL")


@dataclass(frozen=True, slots=True)
class Notice:
    """One start (`alarm`) or end of an alert, as a message is to tell it."""

    alarm: bool
    rule: str
    sensor: str
    organisation: str
    location: str
    parameter: str
    value: float
    moment: datetime

    def filled(self, template: str, zone: ZoneInfo) -> str:
        """The mail's subject or body."""
        number, unit = self._value()
        return template.format(**self._names(zone), value=f"{number} {unit}".strip())

    def sms(self, zone: ZoneInfo) -> str:
        number, unit = self._value()
        text = (_SMS_ALARM if self.alarm else _SMS_ALL_CLEAR).format(**self._names(zone), value=number + unit)
        return ascii_only(text)[:SMS_CHARACTERS]

    def _names(self, zone: ZoneInfo) -> dict[str, str]:
        return {
            # A name of several lines would break a mail's header.
            "rule": " ".join(self.rule.split()),
            "sensor": self.sensor,
            "organisation": self.organisation,
            "location": self.location,
            "time": self.moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        }

    def _value(self) -> tuple[str, str]:
        """At least one decimal, as in 85.0; no more than the finest type has."""
        whole, _, decimals = f"{self.value:.3f}".partition(".")
        return f"{whole}.{decimals.rstrip('0') or '0'}", _UNITS.get(self.parameter, "")


def ascii_only(text: str) -> str:
    """The text without accents; what has no counterpart in ASCII (e.g. the degree sign) is left out."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_WITHOUT_DECOMPOSITION))
    return decomposed.encode("ascii", "ignore").decode()
