"""Proof that nothing on record was changed afterwards: seals are made and verified here.

`canonical` says which bytes stand for a row, `sealing` makes seals, `verifying` looks whether they hold, `keys` keeps
the key. `docs/seal-format.md` specifies it all for whoever writes a verifier of their own. Heavy, by NumPy and
cryptography: nothing imports this package but what is about to seal or to verify.
"""

from monitor.seals.keys import KeyProblem
from monitor.seals.process import SealFailed, seal_in_process
from monitor.seals.sealing import Sealed, seal
from monitor.seals.verifying import Finding, Verified, verify

__all__ = ["Finding", "KeyProblem", "SealFailed", "Sealed", "Verified", "seal", "seal_in_process", "verify"]
