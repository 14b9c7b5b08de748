"""What a configuration file may hold: keys, defaults, limits. Checks that need more than one entry are in `checks`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from monitor.config.agreement import (
    Date,
    DeadlinesSection,
    MaintenanceEntry,
    MaintenanceTerms,
    RestoreTerms,
    SupportSection,
    TimeOfDay,
)
from monitor.config.alerting import AlertingSection
from monitor.config.fields import (
    ComponentKey,
    ConfirmAfter,
    Factor,
    Name,
    Port,
    Quorum,
    Section,
    StoreUrl,
    Title,
    Zone,
)
from monitor.config.heartbeats import Peers, PingSection
from monitor.config.inbound import InboundSection
from monitor.config.urls import BaseUrl
from monitor.config.values import (
    Drain,
    DurationBetween,
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
SHORTEST_TOKEN = 16


def _a_token(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise expected(f"a secret of at least {SHORTEST_TOKEN} characters of ASCII, without spaces")
    return secret


Token = Annotated[SecretStr, AfterValidator(_a_token)]


class Store(Section):
    url: StoreUrl = Field(
        "sqlite:///uptime.db",
        description="Database of the results. A relative path counts from the directory that the daemon is started in.",
    )


class Web(Section):
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for all networks.")
    port: Port = Field(8080, description="Port to listen on; 0 takes any free one.")
    url: BaseUrl | None = Field(
        None, description="Where people reach the pages, for links in alerts, e.g. https://uptime.example.net."
    )
    tokens: dict[Name, Token | None] = Field(
        default_factory=dict,
        description="Bearer tokens by the name of who uses them; they may declare windows and put on record what was "
        "done about outages. Default: none, and nobody can.",
    )

    @field_validator("tokens", mode="before")
    @classmethod
    def _no_tokens(cls, tokens: Any) -> Any:
        return {} if tokens is None else tokens

    @field_validator("tokens")
    @classmethod
    def _each_of_its_own(cls, tokens: dict[str, SecretStr | None]) -> dict[str, SecretStr | None]:
        given = [token.get_secret_value() for token in tokens.values() if token is not None]
        if len(set(given)) < len(given):
            raise expected("another token for each name: else nobody could tell who it was")
        return tokens


class Sla(Section):
    confirm_after: ConfirmAfter = Field(2, description="So many failures in a row make a probe down.")
    recheck: Recheck = Field(5.0, description="Pause before a failed check is repeated, and between checks while down.")
    stale_factor: Factor = Field(2.5, description="A result speaks for at most so many intervals of its probe.")
    maintenance_counts: bool = Field(
        True, description="Whether downtime inside maintenance is downtime; `maintenance` says how much, if not."
    )
    maintenance: MaintenanceTerms = MaintenanceTerms()
    restore: RestoreTerms = RestoreTerms()


class Seal(Section):
    """Once a day, what was recorded since the last seal is digested and signed."""

    enabled: bool = Field(True, description="Whether the daemon seals; `efento-uptime seal` does it at any time.")
    key: str | None = Field(
        None,
        min_length=1,
        description="File of the private key, made if it is not there. Default: `seal-key.pem` beside the database.",
    )
    at: TimeOfDay = Field("00:10", description="Wall time, in the agreement's zone, at which it is done every day.")


class Retention(Section):
    results: Annotated[float, DurationBetween("2d", "7320d")] | None = Field(
        400 * 86_400.0,
        description="Single results that are older are deleted, once they are sealed; no figure depends on them. "
        "None: they are kept for ever.",
    )


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
    since: Date | None = Field(None, description="Promised from the beginning of this day on. Default: always.")
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
    enabled: bool = Field(True, description="Whether it is asked at all; if not, its options are not looked at either.")
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


class ReferenceEntry(Section):
    """Something that can be reached whenever our own network works, and that the platform has no part in."""

    kind: str = Field(description="What is asked of it; a kind of probe that owns no sensor and awaits no message.")
    timeout: Timeout = Field(2.0, description="Time limit of the question.")
    options: dict[str, Any] = Field(default_factory=dict, description="What its kind wants to know; see below.")

    @field_validator("options", mode="before")
    @classmethod
    def _empty_options(cls, options: Any) -> Any:
        return {} if options is None else options


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
    maintenance: tuple[MaintenanceEntry, ...] = Field((), description="Maintenance that comes by a rule.")
    support: SupportSection = Field(SupportSection(), description="When errors that are no blockers are worked on.")
    deadlines: DeadlinesSection = Field(
        DeadlinesSection(), description="Within which time outages of each severity are to be dealt with."
    )
    seal: Seal = Seal()
    retention: Retention = Retention()
    inbound: InboundSection = Field(
        InboundSection(), description="What the daemon itself receives: mails and SMS that the platform sent."
    )
    alerting: AlertingSection = AlertingSection()
    ping: PingSection = PingSection()
    peers: Peers = Field(
        default_factory=dict, description="Other daemons that call this one, by a name; silence of theirs is an alert."
    )
    references: tuple[ReferenceEntry, ...] = Field(
        (), description="Asked after a failure: if none of them answers either, our own network is out."
    )

    @field_validator("references", "maintenance", mode="before")
    @classmethod
    def _empty_lists(cls, entries: Any) -> Any:
        return () if entries is None else entries

    @field_validator("peers", mode="before")
    @classmethod
    def _no_peers(cls, peers: Any) -> Any:
        return {} if peers is None else peers
