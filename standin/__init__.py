"""A loopback Efento Cloud that speaks the real protocols and can be made to fail in every way a real one does.

`async with StandIn.start(StandInSettings(...)) as platform:` runs one; `platform.addresses` says where it listens and
`platform.faults` breaks it. It stores what it receives and answers from what it stored.
"""

from standin.faults import Faults
from standin.platform import StandIn
from standin.settings import AlertRule, StandInSettings

__all__ = ["AlertRule", "Faults", "StandIn", "StandInSettings"]
