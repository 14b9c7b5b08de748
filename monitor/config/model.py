"""What a configuration file may hold: keys, defaults, limits. Checks that need more than one entry are in `loading`."""

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from monitor.config.values import (
    Drain,
    Every,
    Heartbeat,
    Percentage,
    Recheck,
    StaleAfter,
    Timeout,
    duration_text,
    expected,
    percentage_text,
)
from monitor.sla.model import DownWhen

DEFAULT_TIMEOUT_SECONDS = 20.0


class Sensitive:
    """Marks a text that may hold a password and yet is no `SecretStr`: it is in no message."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        """A section of which all lines are commented out reads as nothing, and means its defaults."""
        return {} if value is None else value


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # also the name of a folder of zones, or of no file at all
        raise expected("the IANA name of a time zone, e.g. Europe/Warsaw") from None
    return name


def _a_title(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise expected("one line of text")
    return text


def _a_number(value: Any) -> Any:
    # By default pydantic takes true for 1; texts such as "5683" it must take, because references yield them.
    if isinstance(value, bool):
        raise expected("a number")
    return value


def _spelt(pattern: str, wanted: str) -> AfterValidator:
    """Like a `pattern`, but its message says in words what is wanted."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise expected(wanted)
        return text

    return AfterValidator(check)


_NAME = "[a-z][a-z0-9-]{0,62}"
_KEY = "[a-z][a-z0-9_-]{0,62}"
_URL = r"(sqlite|postgresql)(\+[a-z0-9]+)?://.+"

Name = Annotated[
    str,
    _spelt(_NAME, "at most 63 lower-case letters, digits and hyphens, a letter first"),
    Field(json_schema_extra={"pattern": f"^{_NAME}$"}),
]
ComponentKey = Annotated[
    str,
    _spelt(_KEY, "a key of at most 63 lower-case letters, digits, hyphens and underscores, a letter first"),
    Field(json_schema_extra={"pattern": f"^{_KEY}$"}),
]
StoreUrl = Annotated[
    str,
    Sensitive(),
    _spelt(_URL, "the URL of a database, e.g. sqlite:///uptime.db"),
    Field(json_schema_extra={"pattern": f"^{_URL}$"}),
]
Title = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_a_title)]
Zone = Annotated[str, AfterValidator(_a_zone)]
Port = Annotated[int, Field(ge=0, le=65535), BeforeValidator(_a_number)]
Factor = Annotated[float, Field(ge=1.1, le=100, allow_inf_nan=False), BeforeValidator(_a_number)]
ConfirmAfter = Annotated[int, Field(ge=1, le=10), BeforeValidator(_a_number)]
Quorum = Annotated[int, Field(ge=1, le=100), BeforeValidator(_a_number)]


class Store(Section):
    url: StoreUrl = Field(
        "sqlite:///uptime.db",
        description="Database of the results. A relative path counts from the directory that the daemon is started in.",
    )


class Web(Section):
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for all networks.")
    port: Port = Field(8080, description="Port to listen on; 0 takes any free one.")


class Sla(Section):
    confirm_after: ConfirmAfter = Field(2, description="So many failures in a row make a probe down.")
    recheck: Recheck = Field(5.0, description="Pause before a failed check is repeated, and between checks while down.")
    stale_factor: Factor = Field(2.5, description="A result speaks for at most so many intervals of its probe.")


class Stop(Section):
    drain: Drain = Field(10.0, description="How long a stop waits for the checks that are under way.")


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least important level shown.")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="`auto`: for people where the output is a terminal, else JSON, one object a line."
    )


class Component(Section):
    title: Title | None = Field(None, description="Name for people. Default: the key.")
    floor: Percentage | None = Field(None, description="Yearly uptime that must be reached; nothing: none is promised.")
    upper: Percentage | None = Field(None, description="Upper edge of the promised band.")
    severity: Literal["blocker", "major", "minor"] = Field("blocker", description="What an outage of it is.")
    down_when: DownWhen = Field(DownWhen.ANY, description="How many of its probes must be down for it to be down.")
    quorum: Quorum | None = Field(
        None, description="So many locations must see a probe down. Default: more than half of those that know."
    )

    @field_validator("upper")
    @classmethod
    def _not_below_floor(cls, upper: Any, info: ValidationInfo) -> Any:
        floor = info.data.get("floor")
        if upper is not None and floor is not None and upper < floor:
            raise expected(f"at least the floor, {percentage_text(floor)}")
        return upper


class ProbeEntry(Section):
    id: Name = Field(description="Its identity for ever; all else may change. Unique.")
    component: str = Field(description="Key of the component that it asks about.")
    kind: str = Field(description="What it does; one of the kinds below.")
    title: Title | None = Field(None, description="Name for people. Default: the id.")
    every: Every = Field(30.0, description="From the start of a check to the start of the next.")
    timeout: Timeout | None = Field(
        None, description="Time limit of a whole check. Default: 20s, or `every` where that is shorter."
    )
    confirm_after: ConfirmAfter | None = Field(None, description="Default: that of `sla`.")
    recheck: Recheck | None = Field(None, description="Default: that of `sla`, or `every` where that is shorter.")
    stale_after: StaleAfter | None = Field(
        None, description="A result speaks for at most so long. Default: `sla.stale_factor` times `every`."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="What its kind wants to know; see below.")

    @field_validator("options", mode="before")
    @classmethod
    def _empty_options(cls, options: Any) -> Any:
        return {} if options is None else options

    @field_validator("timeout", "recheck")
    @classmethod
    def _within_the_interval(cls, seconds: Any, info: ValidationInfo) -> Any:
        every = info.data.get("every")
        if seconds is not None and every is not None and seconds > every:
            raise expected(f"at most the interval `every`, {duration_text(every)}")
        return seconds

    @field_validator("stale_after")
    @classmethod
    def _beyond_the_interval(cls, seconds: Any, info: ValidationInfo) -> Any:
        every = info.data.get("every")
        if seconds is not None and every is not None and seconds <= every:
            raise expected(f"more than the interval `every`, {duration_text(every)}")
        return seconds


class ConfigFile(Section):
    """A whole file."""

    zone: Zone = Field("Europe/Warsaw", description="Time zone of the agreement: its days, months and years.")
    location: Name = Field("local", description="Where this daemon runs, e.g. frankfurt; part of every result.")
    store: Store = Store()
    web: Web = Web()
    sla: Sla = Sla()
    stop: Stop = Stop()
    heartbeat: Heartbeat = Field(5.0, description="How often the daemon puts on record that it is running.")
    log: Log = Log()
    components: dict[ComponentKey, Component] = Field(min_length=1, description="The lines of the agreement, by key.")
    probes: tuple[ProbeEntry, ...] = Field(min_length=1, description="What is checked, and how often.")
