"""Which sensors a fault of one partition of the platform hits."""

from standin.faults import ActiveFault


def is_lost(fault: ActiveFault | None, serial: str) -> bool:
    """Whether the sensor's measurements are thrown away by `lost-partition`; `fault` is None while it is off."""
    if fault is None:
        return False
    if serials := fault.text("serials"):
        return serial in serials.split(",")
    return int(serial, 16) % int(fault.number("of")) == int(fault.number("remainder"))
