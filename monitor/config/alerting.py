"""Who is told of an outage: the Alertmanagers that the daemon pushes to, and what stands in every alert."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from monitor.config.alert_rules import AlertRules
from monitor.config.fields import Section, spelt
from monitor.config.urls import BaseUrl
from monitor.config.values import DurationBetween, duration_text, expected

_LABEL = "[a-zA-Z_][a-zA-Z0-9_]{0,62}"
LabelName = Annotated[str, spelt(_LABEL, "the name of a label, e.g. site")]
LabelValue = Annotated[str, Field(min_length=1, max_length=200)]
RESERVED = frozenset({"alertname", "component", "severity"})


def _for_a_header(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable():
        raise expected("one line of text")
    return secret


def _without_user(url: str) -> str:
    if "@" in urlsplit(url).netloc:
        raise expected("a URL without a user; there are `user` and `password` for that")
    return url


Credential = Annotated[SecretStr, AfterValidator(_for_a_header)]


class AlertmanagerEntry(Section):
    """An Alertmanager. Of a cluster name each, as Prometheus does: they agree among themselves who sends the page."""

    url: Annotated[BaseUrl, AfterValidator(_without_user)] | None = Field(
        description="Its address, e.g. http://127.0.0.1:9093; `/api/v2/alerts` is added. None: the entry is left out."
    )
    token: Credential | None = Field(None, description="Bearer token, where it wants one.")
    user: Annotated[str, spelt(r"[^:\x00-\x1f]+", "a name without a colon")] | None = Field(
        None, description="Name for basic authentication, where it wants that."
    )
    password: Credential | None = Field(None, description="The password of `user`.")

    @model_validator(mode="after")
    def _one_way_to_prove_who_we_are(self) -> "AlertmanagerEntry":
        if (self.user is None) != (self.password is None):
            raise expected("`user` and `password` together")
        if self.user is not None and self.token is not None:
            raise expected("either a `token` or `user` and `password`")
        return self

    @property
    def name(self) -> str:
        """Host and port, as metrics and logs call it; with the path, where the address has one."""
        parts = urlsplit(self.url or "")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}{parts.path}"


class AlertingSection(Section):
    alertmanagers: tuple[AlertmanagerEntry, ...] = Field(
        (),
        description="Where a confirmed outage is pushed to at once. Default: nowhere; Prometheus alone raises alerts.",
    )
    labels: dict[LabelName, LabelValue] = Field(
        default_factory=dict,
        description="Added to every alert that is pushed: exactly the `external_labels` of the Prometheus that raises "
        "the same alerts, else they are two.",
    )
    resend: Annotated[float, DurationBetween("1s", "5m")] = Field(
        15.0, description="How often what still holds is pushed again; also how soon after an Alertmanager is back."
    )
    outlive: Annotated[float, DurationBetween("1m", "1d")] = Field(
        900.0,
        validate_default=True,
        description="An alert stays so long when this daemon falls silent: longer than a restart takes, so that it is "
        "one page.",
    )
    settle: Annotated[float, DurationBetween("1s", "10m")] = Field(
        90.0,
        validate_default=True,
        description="After a recovery an alert is ended once nobody else has told of it for so long: longer than "
        "Prometheus' resend delay (1m) and evaluation interval together, and than `resend` of other daemons. "
        "Prometheus ends it sooner.",
    )
    timeout: Annotated[float, DurationBetween("100ms", "1m")] = Field(
        5.0, description="Time limit of one push to one Alertmanager."
    )
    runbooks: BaseUrl | None = Field(
        None, description="Where the runbooks are, one page an alert. Default: this daemon's own, below `web.url`."
    )
    dashboards: BaseUrl | None = Field(None, description="Grafana's address, for links. Default: no links.")
    rules: AlertRules = AlertRules()

    @field_validator("alertmanagers", mode="before")
    @classmethod
    def _nobody(cls, entries: Any) -> Any:
        return () if entries is None else entries

    @field_validator("alertmanagers")
    @classmethod
    def _each_once(cls, entries: tuple[AlertmanagerEntry, ...]) -> tuple[AlertmanagerEntry, ...]:
        there = tuple(entry for entry in entries if entry.url is not None)
        if len({entry.name for entry in there}) < len(there):
            raise expected("each Alertmanager once")
        return there

    @field_validator("outlive", "settle")
    @classmethod
    def _longer_than_resend(cls, seconds: float, info: ValidationInfo) -> float:
        resend = info.data.get("resend")
        least = 2 * resend if resend is not None and info.field_name == "outlive" else resend
        if least is not None and seconds <= least:
            raise expected(
                f"more than {duration_text(least)} as `{info.field_name}`: else what holds would end between pushes"
            )
        return seconds

    @field_validator("labels", mode="before")
    @classmethod
    def _no_labels(cls, labels: Any) -> Any:
        return {} if labels is None else labels

    @field_validator("labels")
    @classmethod
    def _none_of_ours(cls, labels: dict[str, str]) -> dict[str, str]:
        if taken := sorted(RESERVED & labels.keys()):
            raise expected(f"other names than those every alert has: {', '.join(taken)}")
        return labels
