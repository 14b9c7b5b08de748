"""The names of what the operations journey makes: whose it is and when it was made can be read from the name alone.

`<prefix>-<mark of the probe>-<yyyymmddhhmmss, UTC>-<random>`. Nothing that is not named exactly so is ever touched.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

MARK_DIGITS = 12
RANDOM_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one probe of one installation."""

    prefix: str
    installation: str
    probe: str

    @property
    def mark(self) -> str:
        return hashlib.sha256(f"{self.installation}\0{self.probe}".encode()).hexdigest()[:MARK_DIGITS]

    @property
    def beginning(self) -> str:
        """What all the names begin with."""
        return f"{self.prefix}-{self.mark}-"

    def fresh(self, now: datetime) -> str:
        stamp = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
        return f"{self.beginning}{stamp}-{secrets.token_hex(RANDOM_DIGITS // 2)}"

    def made_at(self, name: object) -> datetime | None:
        """When the thing of that name was made; None for a name that is not one of ours."""
        if not isinstance(name, str):
            return None
        pattern = rf"{re.escape(self.beginning)}([0-9]{{14}})-[0-9a-f]{{{RANDOM_DIGITS}}}"
        match = re.fullmatch(pattern, name, re.ASCII)
        if match is None:
            return None
        try:
            return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None
