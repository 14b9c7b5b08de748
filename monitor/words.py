"""How the product says things to people, on pages and in reports alike: times, floors, causes."""

from collections.abc import Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from monitor.clock import from_milliseconds
from monitor.sla.availability import percent
from monitor.sla.model import Cause

NOTHING = "–"

CAUSES: Mapping[Cause, str] = {
    Cause.NOT_IN_SERVICE: "not monitored: no probe was in service",
    Cause.DAEMON_STOPPED: "the monitor was stopped",
    Cause.DAEMON_KILLED: "the monitor was killed, or its machine stood still",
    Cause.DAEMON_LATE: "the monitor ran, but no result came",
    Cause.UNCONFIRMED: "a failure that nothing confirmed or cleared",
    Cause.BLOCKED: "another component failed first",
    Cause.OFFLINE: "the monitor's own network was out",
    Cause.NO_CREDIT: "the prepaid pool of messages was empty",
    Cause.CAPPED: "the monitor's own limit on spending was reached",
    Cause.PROBE_BUG: "a fault of the monitor's probe",
    Cause.WRONG_ZONE: "the time zone of the answers was set wrongly",
    Cause.NOTHING_TO_VERIFY: "there was nothing to verify",
    Cause.OTHER: "no cause is on record",
}


def local_time(milliseconds: int, zone: ZoneInfo) -> str:
    """Local time to the second, with its zone: the hour that comes twice must not look the same twice."""
    return from_milliseconds(milliseconds).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def promised(floor: Fraction | None) -> str:
    """A floor with as many places as it has, two at least: `99.50 %`."""
    if floor is None:
        return NOTHING
    places = 2
    while places < 9 and (floor * 100 * 10**places).denominator != 1:
        places += 1
    return percent(floor, places)
