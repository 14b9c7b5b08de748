"""Every fault that can be switched on, and its table for the docs. What only one part has is declared beside it."""

import re
from collections.abc import Mapping
from typing import Any

from standin.backups.faults import FAULTS as BACKUP_FAULTS
from standin.fault_model import (
    API,
    COAP,
    EVERY,
    GATEWAY,
    HTTP,
    INGEST,
    MQTT,
    SAMPLES,
    SENSORS,
    STREAMS,
    FaultError,
    FaultSpec,
    Interface,
    Parameter,
    UnknownFault,
    Value,
    number,
    seconds,
)
from standin.mqtt.faults import FAULTS as MQTT_FAULTS
from standin.network.faults import FAULTS as NETWORK_FAULTS
from standin.notifications.faults import FAULTS as NOTIFICATION_FAULTS
from standin.operations.faults import FAULTS as OPERATION_FAULTS
from standin.reports.faults import FAULTS as REPORT_FAULTS
from standin.webapp.faults import FAULTS as WEB_FAULTS

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
        FaultSpec(
            "refuse",
            (*EVERY, Interface.REFERENCE),
            "The socket is closed: TCP connection refused, UDP port unreachable.",
        ),
        FaultSpec(
            "timeout",
            (*EVERY, Interface.REFERENCE),
            "Connections are accepted, requests read and dropped; no answer ever comes.",
        ),
        FaultSpec(
            "reset", (COAP, *STREAMS), "Requests are dropped and answered by a TCP reset or a CoAP Reset message."
        ),
        FaultSpec("slow", EVERY, "Every answer comes that much later.", (seconds("seconds", 5.0),)),
        FaultSpec("wrong-status", (COAP, *HTTP), "Requests are dropped and answered by that status.", (_STATUS, _CODE)),
        FaultSpec(
            "fail-first",
            SENSORS,
            "The first attempt of each message is dropped and answered by 5.00 or 500; its repetition succeeds.",
        ),
        FaultSpec("redirect-loop", HTTP, "Requests are dropped and redirected to where they came from."),
        FaultSpec("garbage", EVERY, "The answer is random bytes that are not of the protocol."),
        FaultSpec("wrong-schema", (COAP, *HTTP), "The answer is valid JSON or protobuf, but of a wrong shape."),
        FaultSpec("wrong-content-type", HTTP, "The right body under a wrong content type.", (_CONTENT_TYPE,)),
        FaultSpec(
            "truncated",
            (COAP, *HTTP),
            "The answer's body ends half-way: the connection closes, the protobuf is cut.",
        ),
        FaultSpec(
            "half-open",
            (COAP, *HTTP, MQTT),
            "Half an answer (CoAP: an empty acknowledgement, MQTT: the connection's), then silence for ever.",
        ),
        FaultSpec("endless", HTTP, "The answer's body begins and never ends."),
        FaultSpec("gzip-bomb", (API,), "A small gzip body that inflates to that size.", (_MEBIBYTES,)),
        FaultSpec(
            "empty",
            (COAP, GATEWAY, API),
            "Ingest answers have no payload; the API's histories have no measurements.",
        ),
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
            (seconds("seconds", 60.0),),
        ),
        FaultSpec(
            "alter",
            SAMPLES,
            "That amount is added to each value: stored so for ever, or in the API's answers while this is on.",
            (number("amount", 1.0),),
        ),
        FaultSpec("double", SAMPLES, "Each sample is there twice: stored so for ever, or in the API's answers."),
        FaultSpec(
            "shift",
            SAMPLES,
            "Each sample's time is moved by so much: stored so for ever, or in the API's answers.",
            (number("seconds", 3600.0),),
        ),
        FaultSpec(
            "lost-history",
            (API,),
            "Samples older than that are missing from the API's answers while this is on; 0: all of them.",
            (seconds("older_than_seconds", 0.0),),
        ),
        *MQTT_FAULTS,
        *WEB_FAULTS,
        *REPORT_FAULTS,
        *NOTIFICATION_FAULTS,
        *BACKUP_FAULTS,
        *OPERATION_FAULTS,
        *NETWORK_FAULTS,
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
