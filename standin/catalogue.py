"""Every fault that can be switched on: its name, where it fits, its parameters. Data, and its table for the docs."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Interface(StrEnum):
    COAP = "coap"
    GATEWAY = "gateway"
    API = "api"


COAP, GATEWAY, API = Interface.COAP, Interface.GATEWAY, Interface.API
EVERY = (COAP, GATEWAY, API)
HTTP = (GATEWAY, API)
INGEST = (COAP, GATEWAY)

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
    interfaces: tuple[Interface, ...] = EVERY

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


def _seconds(name: str, default: float) -> Parameter:
    return Parameter(name, default, "a number of seconds, 0 or more", lambda value: 0 <= value < math.inf)


def _number(name: str, default: float) -> Parameter:
    return Parameter(name, default, "a finite number", math.isfinite)


_STATUS = Parameter("status", 500, "an HTTP status from 200 to 599", lambda value: 200 <= value <= 599, HTTP)
_CODE = Parameter(
    "code", "5.00", "a CoAP code such as 5.00", lambda value: bool(re.fullmatch(r"[245]\.[0-3]\d", value)), (COAP,)
)
_CONTENT_TYPE = Parameter(
    "content_type", "text/html", "a content type", lambda value: bool(re.fullmatch(r"[\w.+-]+/[\w.+-]+", value))
)
_MEBIBYTES = Parameter("mebibytes", 100, "a number from 1 to 1024", lambda value: 1 <= value <= 1024)
_NEW_TOKENS = Parameter("new_tokens_too", False, "true or false", lambda _value: True)

CATALOGUE: Mapping[str, FaultSpec] = {
    spec.name: spec
    for spec in (
        FaultSpec("refuse", EVERY, "The socket is closed: TCP connection refused, UDP port unreachable."),
        FaultSpec("timeout", EVERY, "Connections are accepted, requests read and dropped; no answer ever comes."),
        FaultSpec("reset", EVERY, "Requests are dropped and answered by a TCP reset or a CoAP Reset message."),
        FaultSpec("slow", EVERY, "Every answer comes that much later.", (_seconds("seconds", 5.0),)),
        FaultSpec("wrong-status", EVERY, "Requests are dropped and answered by that status.", (_STATUS, _CODE)),
        FaultSpec(
            "fail-first",
            INGEST,
            "The first attempt of each message is dropped and answered by 5.00 or 500; its repetition succeeds.",
        ),
        FaultSpec("redirect-loop", HTTP, "Requests are dropped and redirected to where they came from."),
        FaultSpec("garbage", EVERY, "The answer is random bytes that are not of the protocol."),
        FaultSpec("wrong-schema", EVERY, "The answer is valid JSON or protobuf, but of a wrong shape."),
        FaultSpec("wrong-content-type", HTTP, "The right body under a wrong content type.", (_CONTENT_TYPE,)),
        FaultSpec("truncated", EVERY, "The answer's body ends half-way: the connection closes, the protobuf is cut."),
        FaultSpec("half-open", EVERY, "Half an answer (CoAP: an empty acknowledgement), then silence for ever."),
        FaultSpec("endless", HTTP, "The answer's body begins and never ends."),
        FaultSpec("gzip-bomb", (API,), "A small gzip body that inflates to that size.", (_MEBIBYTES,)),
        FaultSpec("empty", EVERY, "Ingest answers have no payload; the API's histories have no measurements."),
        FaultSpec("unknown-token", (COAP,), "The reply carries a message token that nobody sent."),
        FaultSpec(
            "expired-token",
            (API,),
            "The API token and all access tokens given out so far are refused; a new login works, unless told not to.",
            (_NEW_TOKENS,),
        ),
        FaultSpec("accept-and-drop", INGEST, "Measurements are acknowledged and thrown away."),
        FaultSpec(
            "delay",
            INGEST,
            "Measurements accepted while this is on become visible in the API that much later.",
            (_seconds("seconds", 60.0),),
        ),
        FaultSpec(
            "alter",
            EVERY,
            "That amount is added to each value: stored so for ever, or in the API's answers while this is on.",
            (_number("amount", 1.0),),
        ),
        FaultSpec("double", EVERY, "Each sample is there twice: stored so for ever, or in the API's answers."),
        FaultSpec(
            "shift",
            EVERY,
            "Each sample's time is moved by so much: stored so for ever, or in the API's answers.",
            (_number("seconds", 3600.0),),
        ),
        FaultSpec(
            "lost-history",
            (API,),
            "Samples older than that are missing from the API's answers while this is on; 0: all of them.",
            (_seconds("older_than_seconds", 0.0),),
        ),
    )
}


def find(interface: str, fault: str) -> tuple[Interface, FaultSpec]:
    """Raises `FaultError` when there is no such interface or fault, or the fault does not fit the interface."""
    if interface not in list(Interface):
        raise UnknownFault(f"there is no interface {interface!r}; there are: {', '.join(Interface)}")
    if fault not in CATALOGUE:
        raise UnknownFault(f"there is no fault {fault!r}; there are: {', '.join(CATALOGUE)}")
    spec, place = CATALOGUE[fault], Interface(interface)
    if place not in spec.interfaces:
        raise FaultError(f"{fault} does not fit {interface}; it fits: {', '.join(spec.interfaces)}")
    return place, spec


def as_json() -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "interfaces": list(spec.interfaces),
            "meaning": spec.meaning,
            "parameters": [
                {
                    "name": parameter.name,
                    "default": parameter.default,
                    "expected": parameter.expected,
                    "interfaces": [place for place in spec.interfaces if place in parameter.interfaces],
                }
                for parameter in spec.parameters
            ],
        }
        for spec in CATALOGUE.values()
    ]


def markdown_table() -> str:
    """The table of `docs/standin.md`."""
    lines = ["| fault | interfaces | parameters and defaults | what it does |", "| --- | --- | --- | --- |"]
    for spec in CATALOGUE.values():
        parameters = ", ".join(f"`{parameter.name}={_shown(parameter.default)}`" for parameter in spec.parameters)
        lines.append(f"| `{spec.name}` | {', '.join(spec.interfaces)} | {parameters or '–'} | {spec.meaning} |")
    return "\n".join(lines) + "\n"


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
