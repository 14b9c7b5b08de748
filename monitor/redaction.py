"""Removes secrets from whatever leaves a check: details, evidence, log lines."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "[redacted]"


class Redactor:
    """Replaces each secret, also in its usual encodings, by a mask.

    Secrets may be added later; texts that were cleaned before keep what they had.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if secret)
        self._pattern = _pattern(self._secrets)

    def with_more(self, secrets: Iterable[str]) -> "Redactor":
        """This redactor, or one that knows the further secrets too."""
        more = self._secrets.union(secret for secret in secrets if secret)
        return self if more == self._secrets else Redactor(more)

    def clean(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def clean_all(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: self.clean(text) for name, text in texts.items()}

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """As a structlog processor: the last one before rendering, so that tracebacks are text already."""
        return {key: self._clean_value(value) for key, value in event.items()}

    def _clean_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, Mapping):
            return {key: self._clean_value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self._clean_value(item) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.clean(str(value))


def _pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    # Longest first: of two secrets that begin alike the longer one must not leave its tail behind.
    ordered = sorted(spellings, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _spellings(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")  # a header may have brought bytes that are no text
    return {
        secret,
        quote(raw, safe=""),
        quote_plus(raw),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
    }
