"""What is told of a seal once it is made. Imports nothing heavy: a daemon, which has others seal for it, reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sealed:
    """The newest seal after sealing. `made` is how many seals were made: 0 where another process was faster.

    `rows` is how many rows that seal covers, `key` the fingerprint of the key that signed it. Results that began
    before `runs_before_ms` may be deleted, because the seal proves the runs that they make; None: none may.
    """

    number: int
    sealed_ms: int
    digest: str
    key: str
    rows: int
    made: int
    runs_before_ms: int | None = None
