"""Who notices that this daemon has died: a URL that it calls, and other daemons that it waits for in turn."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from monitor.config.fields import Name, Section, spelt
from monitor.config.urls import a_public_url
from monitor.config.values import DurationBetween, expected

SHORTEST_TOKEN = 16

_SUFFIX = r"(/[!-~]*|\?[!-~]+)"  # what may follow the address: a path, parameters, or both


def _a_secret_url(secret: SecretStr) -> SecretStr:
    a_public_url(secret.get_secret_value())
    return secret


def _a_token(secret: SecretStr) -> SecretStr:
    # Only what stands in an address as it is: else caller and called could write it in two ways.
    if not re.fullmatch(f"[A-Za-z0-9_-]{{{SHORTEST_TOKEN},}}", secret.get_secret_value()):
        raise expected(f"a secret of at least {SHORTEST_TOKEN} letters, digits, hyphens and underscores")
    return secret


def _each_of_its_own(peers: dict[str, "PeerEntry"]) -> dict[str, "PeerEntry"]:
    tokens = [peer.token.get_secret_value() for peer in peers.values() if peer.token is not None]
    if len(set(tokens)) < len(tokens):
        raise expected("another token for each peer: else nobody could tell who called")
    return peers


SecretUrl = Annotated[SecretStr, AfterValidator(_a_secret_url)]
PeerToken = Annotated[SecretStr, AfterValidator(_a_token)]
Suffix = Annotated[str, spelt(_SUFFIX, "what is added to the address, e.g. /fail or ?status=down")]


class PingSection(Section):
    """A URL that is called regularly. The defaults suit healthchecks and its likes, and another such daemon."""

    url: SecretUrl | None = Field(None, description="The address to call; whoever has it can call it. None: nobody.")
    method: Literal["POST", "GET", "HEAD"] = Field(
        "POST", description="How. Only with POST the service learns why the daemon is not well."
    )
    every: Annotated[float, DurationBetween("1s", "1h")] = Field(60.0, description="How often it is called.")
    retry: Annotated[float, DurationBetween("1s", "10m")] = Field(
        15.0,
        description="How soon a call that failed is repeated, and it is told that the daemon is not well any more, or "
        "is again; at the latest after `every`.",
    )
    timeout: Annotated[float, DurationBetween("100ms", "1m")] = Field(10.0, description="Time limit of one call.")
    settle: Annotated[float, DurationBetween("0s", "1h")] = Field(
        120.0,
        description="So long after its start it may be busy with first checks: nothing is said before it is well.",
    )
    well_suffix: Suffix | None = Field(None, description="Added to the address while all is well. Default: nothing.")
    start_suffix: Suffix | None = Field(
        "/start", description="Added to the address when the daemon has started. None: it is not called then."
    )
    fail_suffix: Suffix | None = Field(
        "/fail", description="Added to the address while the daemon is not well. None: it is not called then."
    )


class PeerEntry(Section):
    """Another daemon that calls this one at `/ping/TOKEN`."""

    token: PeerToken | None = Field(description="The secret part of the address that it calls. None: there is no peer.")
    every: Annotated[float, DurationBetween("1s", "1h")] = Field(60.0, description="How often it calls.")
    grace: Annotated[float, DurationBetween("1s", "1d")] = Field(
        60.0, description="So much later it may call before it counts as silent."
    )


Peers = Annotated[dict[Name, PeerEntry], AfterValidator(_each_of_its_own)]
