"""Who may read the REST API: the organisation's API token, and the access tokens that a login gives out."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from standin.fault_model import Interface
from standin.faults import Faults
from standin.settings import LiveSettings

_BEARER = "Bearer "


class Tokens:
    def __init__(self, faults: Faults, live: LiveSettings) -> None:
        self._faults = faults
        self._live = live
        self._issued: dict[str, datetime] = {}
        self._expired_by_fault: set[str] = set()
        faults.watch(Interface.API, "expired-token", self._expire_issued)

    def log_in(self, login: str, password: str) -> str | None:
        """A fresh access token, or None for wrong credentials."""
        settings = self._live.current
        right = _equal(login, settings.login) & _equal(password, settings.password)
        if not right:
            return None
        self._forget_old()
        token = secrets.token_urlsafe(24)
        self._issued[token] = settings.now()
        return token

    def allows(self, headers: Mapping[str, str]) -> bool:
        """The API token is sent bare, an access token behind `Bearer `."""
        given = headers.get("Authorization", "")
        fault = self._faults.active(Interface.API, "expired-token")
        if fault and fault.parameters["new_tokens_too"]:
            return False
        if not given.startswith(_BEARER):
            return fault is None and _equal(given, self._live.current.api_token)
        self._forget_old()
        token = given.removeprefix(_BEARER)
        return token in self._issued and token not in self._expired_by_fault

    def _expire_issued(self, on: bool) -> None:
        self._expired_by_fault = set(self._issued) if on else set()

    def _forget_old(self) -> None:
        settings = self._live.current
        oldest = settings.now() - timedelta(seconds=settings.token_lifetime_seconds)
        self._issued = {token: issued for token, issued in self._issued.items() if issued > oldest}


def _equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
