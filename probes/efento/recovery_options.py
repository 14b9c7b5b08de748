"""What a recovery probe is told of backups and restores. All shapes are assumptions: no public document has them."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FilePath, SecretStr, WithJsonSchema, model_validator

from probes.contract import ProbeOptions
from probes.option_types import BaseUrl, HeaderSecret, HttpUrl, Seconds

DAY = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([smhd])")


def _duration(value: object) -> object:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * _UNITS[match[2]] if match else value


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    Field(ge=0, le=3660 * DAY, allow_inf_nan=False),
    WithJsonSchema({"type": ["number", "string"], "x-type": "duration, e.g. 24h, 7d or a number of seconds"}),
]


class ManifestFields(ProbeOptions):
    """Names in the list of backups."""

    backups: str = Field("backups", description="The list; empty: the whole document is the list (assumption)")
    id: str = Field("id", description="What a restore calls the backup (assumption)")
    taken_at: str = Field("taken_at", description="When it was begun: RFC 3339, or Unix seconds (assumption)")
    location: str = Field("location", description="Where it is kept (assumption)")
    source_location: str = Field("source_location", description="Beside the list: where the data are (assumption)")
    bytes: str = Field("bytes", description="Its size (assumption)")
    sha256: str = Field("sha256", description="Its SHA-256 in hexadecimal digits (assumption)")
    file: str = Field("file", description="Its path, for a drill by a command (assumption)")


class ManifestOptions(ProbeOptions):
    """The platform's list of its backups: at a URL, or in a file that it leaves on this machine."""

    url: HttpUrl | None = Field(None, description="Where the list is served; instead of file (assumption)")
    token: HeaderSecret | None = Field(None, description="Sent as Authorization: Bearer (assumption)")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    file: str | None = Field(None, description="Path of the list on this machine; instead of url", min_length=1)
    timeout: Seconds = Field(5.0, description="Longest time for the request, in seconds")
    limit: int = Field(1024 * 1024, description="Largest list accepted, in bytes", ge=1024, le=16 * 1024 * 1024)
    fields: ManifestFields = Field(default_factory=ManifestFields, description="Names in the list")

    @model_validator(mode="after")
    def _one_place(self) -> "ManifestOptions":
        if (self.url is None) == (self.file is None):
            raise ValueError("either url or file")
        return self


class RestoreFields(ProbeOptions):
    """Names in requests for a restore and their answers."""

    backup: str = Field("backup", description="In the request: which backup (assumption)")
    id: str = Field("id", description="The restore's number or name (assumption)")
    state: str = Field("state", description="How far it is (assumption)")
    seconds: str = Field("seconds", description="How long it took, as the platform says (assumption)")
    url: str = Field("url", description="Where the restored history can be read (assumption)")


class EndpointOptions(ProbeOptions):
    """Restores by HTTP: POST begins one, GET …/id tells how far it is, DELETE …/id removes what was restored."""

    url: BaseUrl = Field(description="Where restores are asked for (assumption)")
    token: HeaderSecret | None = Field(None, description="Sent as Authorization: Bearer (assumption)")
    ca_file: FilePath | None = Field(None, description="Certificates of the authorities to trust, PEM; none: system's")
    timeout: Seconds = Field(5.0, description="Longest time for one request, in seconds")
    fields: RestoreFields = Field(default_factory=RestoreFields, description="Names in requests and answers")
    running: tuple[str, ...] = Field(("running", "queued"), description="States of one under way (assumption)")
    done: tuple[str, ...] = Field(("done",), description="States of one that succeeded (assumption)")
    failed: tuple[str, ...] = Field(("failed",), description="States of one that failed (assumption)")
    restored_url: BaseUrl | None = Field(
        None,
        description="Base URL of an API over what was restored; {id} is the restore's. None: as the answer says, "
        "which must be on the same host (assumption)",
    )
    restored_token: HeaderSecret | None = Field(None, description="API token for it; none: the token above")


class OutputFields(ProbeOptions):
    """Names in each line of a command's output: one value of one channel of one sensor."""

    serial: str = Field("serial", description="The sensor's serial number")
    time: str = Field("time", description="The sample's time: Unix seconds, or RFC 3339")
    channel: str = Field("channel", description="The channel's number, 1 being the first")
    value: str = Field("value", description="The value in the channel's unit")


class CommandOptions(ProbeOptions):
    """A program of this machine that restores into a directory and prints the samples that it finds there."""

    argv: tuple[str, ...] = Field(
        description="Program and arguments, without a shell. Replaced in them: {backup} the backup's file or id, {id}, "
        "{scratch} an empty directory, {first} and {last} the stretch of time to print, in Unix seconds",
        min_length=1,
    )
    output: Literal["json_lines", "csv"] = Field("json_lines", description="How it prints; CSV with a heading")
    fields: OutputFields = Field(default_factory=OutputFields, description="Names in its output")
    limit: int = Field(32 * 1024 * 1024, description="Largest output accepted, in bytes", ge=1024, le=2**30)
    environment: dict[str, SecretStr] = Field(
        default_factory=dict, description="Variables for it; it sees these and PATH, nothing else of the daemon's"
    )
    scratch_parent: str | None = Field(None, description="Where the empty directory is made; none: the system's place")
    checksum: bool = Field(False, description="Compare the backup's file with the SHA-256 in the list first")


class DrillOptions(ProbeOptions):
    """A restore for practice into a scratch place, which proves that data would come back."""

    every: Duration = Field(7 * DAY, description="How often; 0: at every check")
    grace: Duration = Field(DAY, description="A drill that does not succeed for so long after it was due is overdue")
    max_restore: Duration = Field(DAY, description="The longest that a restore may take, by the agreement")
    wait: Seconds = Field(
        5.0,
        description="Seconds that one check waits for a restore; below the check's timeout. An endpoint's restore goes "
        "on until a later check, a command is ended",
    )
    window: int = Field(600, description="Seconds of history that are verified at a time", ge=1, le=DAY)
    ages: tuple[Annotated[int, Field(ge=0, le=36_500)], ...] = Field(
        (0, 1, 7, 30, 365), description="Ages in days, as seen from the backup, of the stretches verified", min_length=1
    )
    clock_tolerance: Duration = Field(60.0, description="How far the platform's clock may be from ours")
    margin: int = Field(7200, description="Seconds asked for on both sides, for samples that moved", ge=0, le=DAY)
    command: CommandOptions | None = Field(None, description="Restore by a program; instead of endpoint")
    endpoint: EndpointOptions | None = Field(None, description="Restore by HTTP; instead of command")

    @model_validator(mode="after")
    def _one_way(self) -> "DrillOptions":
        if (self.command is None) == (self.endpoint is None):
            raise ValueError("either command or endpoint")
        return self
