"""The journeys: what a customer of the platform does, one file each.

Recipe for a new probe: add one module here and one entry to the configuration. The module holds its options (a
subclass of `ProbeOptions`) and one coroutine function under `@probe(name, Options)`. The function returns when the
journey worked and raises `ProbeFailed` when it did not; each stage of it stands in `async with journey.step(...)`.
It does not time, retry, log, store or export anything: the runner does. The contract test takes up every kind by
itself. Nothing in this package imports from `monitor` or `standin`.
"""

import importlib
import pkgutil

from probes.contract import KINDS, ProbeKind

__all__ = ["KINDS", "ProbeKind", "discover"]


def discover() -> dict[str, ProbeKind]:
    """Imports every sibling module, so that each registers its kind, and returns the kinds by name."""
    for module in pkgutil.iter_modules(__path__):
        if not module.ispkg:
            importlib.import_module(f"{__name__}.{module.name}")
    return KINDS
