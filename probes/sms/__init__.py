"""Short messages as providers hand them over. Imports nothing of the platform's languages."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Sms:
    """One message as it arrived. `id` and `sent_at` are texts of the provider's, or empty."""

    id: str
    sender: str
    recipient: str
    text: str
    sent_at: str = ""

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, content: bytes) -> "Sms":
        """Raises `ValueError` for what `encoded` did not make."""
        try:
            return cls(**json.loads(content))
        except TypeError as error:
            raise ValueError("not an SMS as this program keeps it") from error
