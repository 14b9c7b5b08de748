"""What an operations probe is told of the interface. All of it is an assumption: no public document describes it."""

import string
from typing import Annotated

from pydantic import Field, FilePath, model_validator

from probes.contract import ProbeOptions
from probes.option_types import BaseUrl, HeaderSecret, Seconds

ORDER = ("organization", "user", "device", "rule", "invitation")
PLACEHOLDERS = {"name", "serial", *ORDER}

Path = Annotated[str, Field(pattern=r"^/[^\s?#]*[^\s?#/]$")]
FieldValue = str | int | float | bool


class InterfaceOptions(ProbeOptions):
    """Where the interface is and who asks: with a token, or as a person with login and password."""

    url: BaseUrl = Field(description="Base URL, e.g. https://cloud.example.net/api/v2 (assumption)")
    token: HeaderSecret | None = Field(None, description="API token; instead of login and password")
    login: str | None = Field(None, description="User name or email of an administrator; with password", min_length=1)
    password: HeaderSecret | None = Field(None, description="The administrator's password")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    timeout: Seconds = Field(5.0, description="Longest time for one request, in seconds")
    answer_limit: int = Field(8 * 1024 * 1024, description="Largest answer accepted, in bytes", ge=1024)
    name_filter: str = Field(
        "name", description="Query parameter that narrows a list to names holding a text; empty: none (assumption)"
    )

    @model_validator(mode="after")
    def _one_identity(self) -> "InterfaceOptions":
        if (self.login is None) != (self.password is None) or (self.token is None) == (self.login is None):
            raise ValueError("either token, or login and password")
        return self


class Operation(ProbeOptions):
    """One sort of thing that is created, looked at and deleted."""

    path: Path = Field(description="POST and GET go there, GET and DELETE of one to path/id (assumption)")
    listed_as: str = Field(description="Name of the list in the answer to GET (assumption)", min_length=1)
    name_field: str = Field("name", description="The field that carries the name (assumption)", min_length=1)
    fields: dict[str, FieldValue] = Field(
        description="What is sent. {name} is this round's name, {serial} an unused serial number, {organization}, "
        "{user}, {device} the ids of what was made before; a text that is only an id's placeholder is sent as the id "
        "itself (assumption)"
    )
    checked: tuple[str, ...] | None = Field(
        None, description="Fields that must be answered as they were sent; none: all of them (assumption)"
    )

    @model_validator(mode="after")
    def _usable(self) -> "Operation":
        if "{name}" not in str(self.fields.get(self.name_field, "")):
            raise ValueError(f"fields: {self.name_field} must hold {{name}}, or what was made cannot be found again")
        for field, value in self.fields.items():
            unknown = set(placeholders(value)) - PLACEHOLDERS
            if unknown:
                raise ValueError(f"fields: {field}: unknown placeholder {', '.join(sorted(unknown))}")
        return self


def placeholders(value: FieldValue) -> list[str]:
    """Raises `ValueError` for a text whose braces do not match."""
    if not isinstance(value, str):
        return []
    return [name for _, name, _, _ in string.Formatter().parse(value) if name is not None]


ORGANIZATION = Operation(path="/organizations", listed_as="organizations", fields={"name": "{name}"})
USER = Operation(
    path="/users",
    listed_as="users",
    fields={"name": "{name}", "email": "{name}@example.invalid", "role": "Analyst", "organizationId": "{organization}"},
)
DEVICE = Operation(
    path="/devices",
    listed_as="devices",
    fields={"name": "{name}", "serialNumber": "{serial}", "organizationId": "{organization}"},
)
RULE = Operation(
    path="/rules",
    listed_as="rules",
    fields={
        "name": "{name}",
        "organizationId": "{organization}",
        "parameter": "TEMPERATURE",
        "condition": "MORE_THAN",
        "threshold": 80.0,
    },
)
INVITATION = Operation(
    path="/invitations",
    listed_as="invitations",
    fields={"name": "{name}", "email": "{name}@example.invalid", "role": "Analyst", "organizationId": "{organization}"},
)


class OperationsSet(ProbeOptions):
    """What is done, in this order, and undone in the reverse one; `null` leaves one out."""

    organization: Operation | None = Field(ORGANIZATION, description="Creating an organisation")
    user: Operation | None = Field(USER, description="Creating a user account")
    device: Operation | None = Field(DEVICE, description="Adding a device")
    rule: Operation | None = Field(RULE, description="Setting an alert rule")
    invitation: Operation | None = Field(INVITATION, description="Sending an invitation")

    def chosen(self) -> dict[str, Operation]:
        every = {what: getattr(self, what) for what in ORDER}
        return {what: operation for what, operation in every.items() if operation is not None}

    @model_validator(mode="after")
    def _dependencies(self) -> "OperationsSet":
        chosen = self.chosen()
        if not chosen:
            raise ValueError("at least one operation")
        made: set[str] = {"name", "serial"}
        for what, operation in chosen.items():
            lacking = {name for value in operation.fields.values() for name in placeholders(value)} - made
            if lacking:
                raise ValueError(f"{what}: {', '.join(sorted(lacking))} is not made before it; give an id that exists")
            made.add(what)
        return self
