"""Faults that only this part has. Faults that it shares with others are in `standin.catalogue`."""

from standin.fault_model import MQTT, FaultSpec, Parameter

_CODE = Parameter("code", 5, "a CONNACK code from 1 to 5", lambda value: 1 <= value <= 5)

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec("refuse-login", (MQTT,), "The connection is acknowledged with that code, and closed.", (_CODE,)),
    FaultSpec("cut-off", (MQTT,), "Clients are let in; the connection is closed in place of an acknowledgement."),
    FaultSpec("unknown-packet", (MQTT,), "The acknowledgement carries a packet identifier that nobody sent."),
)
