"""Who notices that this daemon has died: a URL that it calls, and other daemons that it waits for in turn."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from monitor.config.fields import Section
from monitor.config.urls import a_public_url
from monitor.config.values import DurationBetween


def _a_secret_url(secret: SecretStr) -> SecretStr:
    a_public_url(secret.get_secret_value())
    return secret


SecretUrl = Annotated[SecretStr, AfterValidator(_a_secret_url)]


class PingSection(Section):
    """A URL that is called regularly, as healthchecks and its likes expect it: `/start` and `/fail` are added."""

    url: SecretUrl | None = Field(None, description="The address to call; whoever has it can call it. None: nobody.")
    every: Annotated[float, DurationBetween("1s", "1h")] = Field(60.0, description="How often it is called.")
    timeout: Annotated[float, DurationBetween("100ms", "1m")] = Field(10.0, description="Time limit of one call.")


class PeerEntry(Section):
    """Another daemon that calls this one at `/ping/TOKEN`."""

    token: SecretStr = Field(description="The secret part of the address that it calls.")
    every: Annotated[float, DurationBetween("1s", "1h")] = Field(60.0, description="How often it calls.")
    grace: Annotated[float, DurationBetween("1s", "1d")] = Field(
        60.0, description="So much later it may call before it counts as silent."
    )
