"""Options of every kind of probe for the contract test: one module a kind, called as the kind.

A module has `example(tcp, udp, patience)`: options of a probe whose servers are at these ports of 127.0.0.1 and which
waits so many seconds for an answer. `CONNECTING_IS_ENOUGH = True` says that the probe is up as soon as somebody
listens, whatever he says; `REFUSED = "reason"` with which reason the probe ends where nobody listens (`refused`);
`SECONDS = 20` how long a check may take besides its patience (5).
"""

import importlib
from types import ModuleType
from typing import Any


def of(kind: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{kind}")


def example(kind: str, tcp: int, udp: int, patience: float) -> dict[str, Any]:
    options: dict[str, Any] = of(kind).example(tcp, udp, patience)
    return options


def connecting_is_enough(kind: str) -> bool:
    return bool(getattr(of(kind), "CONNECTING_IS_ENOUGH", False))


def refused(kind: str) -> str:
    return str(getattr(of(kind), "REFUSED", "refused"))


def seconds(kind: str) -> float:
    return float(getattr(of(kind), "SECONDS", 5))
