"""Faults that only this part has. Faults that it shares with others are in `standin.catalogue`."""

import ipaddress
import re

from standin.fault_model import INGEST, FaultSpec, Interface, Parameter

TLS, DNS = (Interface.TLS,), (Interface.DNS,)


def _is_ipv4(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


_DAYS = Parameter("days", 7.0, "a number of days above 0 and below 3651", lambda value: 0 < value < 3651)
_ADDRESS = Parameter("address", "192.0.2.1", "an IPv4 address", _is_ipv4)
_SERIALS = Parameter(
    "serials",
    "",
    "serial numbers with commas between them, or nothing",
    lambda value: bool(re.fullmatch(r"([0-9A-F]{12}(,[0-9A-F]{12})*)?", value)),
)
_OF = Parameter("of", 2, "a number from 1 to 1000", lambda value: 1 <= value <= 1000)
_REMAINDER = Parameter("remainder", 1, "a number from 0 to 999", lambda value: 0 <= value <= 999)

FAULTS: tuple[FaultSpec, ...] = (
    FaultSpec(
        "lost-partition",
        INGEST,
        "Measurements of some sensors are acknowledged and thrown away: of those in `serials` or, if that is empty, of "
        "those whose serial number divided by `of` leaves `remainder`.",
        (_SERIALS, _OF, _REMAINDER),
    ),
    FaultSpec("expired-certificate", TLS, "The certificate ended an hour ago."),
    FaultSpec("not-yet-valid", TLS, "The certificate begins in an hour."),
    FaultSpec("expiring-certificate", TLS, "The certificate is valid, but ends in so many days.", (_DAYS,)),
    FaultSpec("wrong-host", TLS, "The certificate is for another host."),
    FaultSpec("untrusted-certificate", TLS, "The certificate is signed by an authority that nobody knows."),
    FaultSpec("nxdomain", DNS, "No name exists."),
    FaultSpec("servfail", DNS, "Every question is answered by SERVFAIL."),
    FaultSpec("wrong-answer", DNS, "Questions for A records are answered by that address.", (_ADDRESS,)),
)
