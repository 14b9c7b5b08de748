"""What a fault is: its name, the interfaces it fits, its parameters. The faults themselves are in `catalogue`."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Interface(StrEnum):
    COAP = "coap"  # cellular sensors
    GATEWAY = "gateway"  # gateways with Bluetooth sensors
    MQTT = "mqtt"  # sensors that publish to a broker
    API = "api"  # customers' integrations
    WEB = "web"  # the web application
    REPORTS = "reports"  # report jobs and their files
    MAIL = "mail"  # mails that the platform sends
    SMS = "sms"  # SMS that the platform sends, and the provider that receives them
    BACKUPS = "backups"  # backups and restores
    OPERATIONS = "operations"  # users, organisations, devices, rules, invitations
    TLS = "tls"  # an encrypted front door with a certificate
    DNS = "dns"  # the name server of the platform's zone
    REFERENCE = "reference"  # no part of the platform: a place on the internet that answers


COAP, GATEWAY, API, MQTT = Interface.COAP, Interface.GATEWAY, Interface.API, Interface.MQTT
SENSORS = (COAP, GATEWAY)
INGEST = (*SENSORS, MQTT)
HTTP = (GATEWAY, API, Interface.WEB, Interface.REPORTS, Interface.BACKUPS, Interface.OPERATIONS)
STREAMS = (*HTTP, MQTT, Interface.TLS)
EVERY = (COAP, *STREAMS, Interface.DNS)
SAMPLES = (*INGEST, API)

Value = bool | int | float | str


class FaultError(ValueError):
    """A fault that does not exist, does not fit the interface, or has a wrong parameter; the text is for people."""


class UnknownFault(FaultError):
    """No interface or fault of that name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`accepts` judges a value of the default's type; `expected` says in words what it wants."""

    name: str
    default: Value
    expected: str
    accepts: Callable[[Any], bool]
    interfaces: tuple[Interface, ...] = tuple(Interface)

    def checked(self, value: object) -> Value:
        """The value in the default's type; raises `FaultError` when it is not one."""
        if type(self.default) is float and type(value) is int:
            value = float(value)
        if type(value) is not type(self.default) or not self.accepts(value):
            raise FaultError(f"{self.name} must be {self.expected}, not {value!r}")
        return value


@dataclass(frozen=True, slots=True)
class FaultSpec:
    name: str
    interfaces: tuple[Interface, ...]
    meaning: str
    parameters: tuple[Parameter, ...] = ()

    def parameters_of(self, interface: Interface) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if interface in parameter.interfaces)

    def checked(self, interface: Interface, given: Mapping[str, object]) -> dict[str, Value]:
        """All parameters of the fault on that interface, the defaults filled in."""
        known = {parameter.name: parameter for parameter in self.parameters_of(interface)}
        for name in given:
            if name not in known:
                names = ", ".join(known) or "none"
                raise FaultError(f"{self.name} on {interface} has no parameter {name!r}; it has: {names}")
        return {name: known[name].checked(given.get(name, known[name].default)) for name in known}


def seconds(name: str, default: float) -> Parameter:
    return Parameter(name, default, "a number of seconds, 0 or more", lambda value: 0 <= value < math.inf)


def number(name: str, default: float) -> Parameter:
    return Parameter(name, default, "a finite number", math.isfinite)
