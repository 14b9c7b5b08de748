"""The prepaid pool that an organisation's SMS are taken from."""

from collections.abc import Callable

from standin.fault_model import Interface
from standin.faults import Faults

WARNINGS = (10, 5, 0)


class Pool:
    """`warn` is called with what is left whenever an SMS takes the pool down to one of `WARNINGS`."""

    def __init__(self, credit: int, faults: Faults, warn: Callable[[int], None]) -> None:
        self._credit = credit
        self._faults = faults
        self._warn = warn

    @property
    def credit(self) -> int:
        return 0 if self._faults.active(Interface.SMS, "empty-pool") else self._credit

    def put(self, credit: int) -> None:
        self._credit = credit

    def take(self) -> bool:
        """Takes one SMS out of the pool; False where there is none."""
        if self.credit == 0:
            return False
        self._credit -= 1
        if self._credit in WARNINGS:
            self._warn(self._credit)
        return True
