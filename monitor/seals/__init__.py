"""Proof that nothing on record was changed afterwards: seals are made and verified here.

`canonical` says which bytes stand for a row, `sealing` drafts seals and `making` makes them, `verifying` looks whether
they hold, `keys` keeps the key. `docs/seal-format.md` specifies it all for whoever writes a verifier of their own.
Heavy, by NumPy and
cryptography: a module is imported only when something of it is asked for, because a daemon, which needs `process`
alone, must not stand still for the others.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.seals.findings import Finding, Verified
    from monitor.seals.keys import KeyProblem
    from monitor.seals.making import seal
    from monitor.seals.process import SealFailed, seal_in_process
    from monitor.seals.sealed import Sealed
    from monitor.seals.verifying import verify

__all__ = ["Finding", "KeyProblem", "SealFailed", "Sealed", "Verified", "seal", "seal_in_process", "verify"]

_MODULES = {
    "Finding": "findings",
    "KeyProblem": "keys",
    "SealFailed": "process",
    "Sealed": "sealed",
    "Verified": "findings",
    "seal": "making",
    "seal_in_process": "process",
    "verify": "verifying",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
