"""Kinds of probes for tests of the configuration; not registered, so that nothing else finds them."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from probes.contract import Journey, ProbeKind, ProbeOptions


class Access(ProbeOptions):
    url: str
    token: SecretStr | None = None
    login: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "Access":
        if (self.token is None) == (self.login is None):
            raise ValueError(f"expected either a token or a login at {self.url}")
        return self


class Door(ProbeOptions):
    host: str = Field(description="Name or address.")
    port: int = Field(ge=1, le=65535, description="TCP port.")


class Virtual(ProbeOptions):
    sensors: tuple[str, ...] = Field(min_length=1, description="Serial numbers.")
    api: Access | None = None
    token: SecretStr | None = Field(None, max_length=36, description="Cloud token.")
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    pace: Literal["slow", "fast"] = "slow"
    share: float = Field(0.5, gt=0, lt=1)
    strict: bool = False

    @field_validator("token")
    @classmethod
    def _no_spaces(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and " " in token.get_secret_value():
            raise ValueError(f"a token without spaces, not {token.get_secret_value()}")
        return token

    def claims(self) -> set[str]:
        return {f"sensor {serial}" for serial in self.sensors}


async def _nothing(options: ProbeOptions, journey: Journey) -> None:
    """Always up."""


KINDS = {
    "door": ProbeKind("door", Door, _nothing, "A door that opens."),
    "virtual": ProbeKind("virtual", Virtual, _nothing, "A sensor that is not there."),
}
