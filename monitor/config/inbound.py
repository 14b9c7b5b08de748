"""The daemon's receivers, as an operator sets them: a mail server, and webhooks that SMS providers call.

A receiver's name is its channel: journeys wait for messages on `smtp`, or on the channel named as a webhook.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from monitor.config.fields import Name, Port, Section, a_number, spelt
from monitor.config.urls import PublicUrl
from monitor.config.values import DurationBetween, expected
from probes.sms.providers import PROVIDERS, Authentication, ProviderName

SMTP_CHANNEL = "smtp"

_ADDRESS = r"[!-?A-~]*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"  # printable, one @; nothing before it: the whole domain
_HEADER = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}"  # a token of RFC 9110
_SHORTEST_SECRET = 8


def _a_network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise expected("a network in CIDR notation, e.g. 192.0.2.0/24 or 2001:db8::/32") from None
    return text


def _not_too_short(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise expected(f"a secret of at least {_SHORTEST_SECRET} characters")
    return secret


def _a_channel_of_its_own(name: str) -> str:
    if name == SMTP_CHANNEL:
        raise expected("another name; this one is the mail server's channel")
    return name


WebhookName = Annotated[Name, AfterValidator(_a_channel_of_its_own)]
Recipient = Annotated[str, spelt(_ADDRESS, "an address, or @ and a domain for all addresses in it")]
Network = Annotated[str, AfterValidator(_a_network)]
HeaderName = Annotated[str, spelt(_HEADER, "the name of an HTTP header")]
Secret = Annotated[SecretStr, AfterValidator(_not_too_short)]
Bytes = Annotated[int, Field(ge=1_024, le=67_108_864), BeforeValidator(a_number)]
Count = Annotated[int, Field(ge=1, le=1_000), BeforeValidator(a_number)]


class SmtpSection(Section):
    """A mail server for the daemon alone: it passes nothing on, and takes mail for its recipients only."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for all networks.")
    port: Port = Field(2525, description="Port to listen on; 0 takes any free one.")
    hostname: Annotated[str, spelt(r"[A-Za-z0-9.-]{1,253}", "the name of a host")] = Field(
        "efento-uptime", description="What it calls itself to senders."
    )
    recipients: tuple[Recipient, ...] = Field(
        min_length=1, description="Addresses, or `@domain` for a whole domain. Mail for anybody else is refused."
    )
    networks: tuple[Network, ...] = Field(
        (), description="Networks in CIDR notation that may connect. Default: any that reaches the port."
    )
    size_limit: Bytes = Field(8_388_608, description="Largest mail accepted, in bytes.")
    connections: Count = Field(16, description="Most connections at once; more are told to come back later.")
    commands: Count = Field(50, description="How often one connection may give the same command.")
    idle: Annotated[float, DurationBetween("1s", "10m")] = Field(
        60.0,
        description="A connection without a valid command for so long is cut; sending one mail must be done in it.",
    )
    certificate_file: str | None = Field(
        None,
        min_length=1,
        description="PEM file of a certificate and its chain: senders may use STARTTLS. None: no TLS.",
    )
    key_file: str | None = Field(
        None, min_length=1, description="PEM file of the certificate's key. Default: it is in `certificate_file`."
    )
    require_tls: bool = Field(False, description="Take no mail without STARTTLS.")

    @model_validator(mode="after")
    def _tls_needs_a_certificate(self) -> "SmtpSection":
        if self.certificate_file is None and (self.key_file is not None or self.require_tls):
            raise expected("`certificate_file` beside `key_file` and `require_tls`")
        return self


class WebhookSection(Section):
    """Where an SMS provider delivers what came for our number: `POST /inbound/sms/NAME` at the address of `web`."""

    provider: ProviderName = Field("json", description="Format of the messages.")
    authentication: Authentication | None = Field(
        None,
        description="How a delivery proves where it comes from: `secret` sent along, `hmac` over `timestamp.body`, or "
        "`provider`: as the provider itself signs (`twilio`, `vonage`). Default: `provider` for those, "
        "`secret` for `smsapi`, `hmac` for `json`.",
    )
    secret: Secret = Field(
        description="The shared secret, the key of the signature, or Twilio's auth token; at least 8 characters."
    )
    secret_header: HeaderName = Field(
        "X-Webhook-Secret", description="Header with the secret, `Bearer` before it or not; for `secret`."
    )
    secret_parameter: str | None = Field(
        "secret", min_length=1, description="Parameter of the URL that may hold it instead; nothing: none may."
    )
    signature_header: HeaderName = Field(
        "X-Signature", description="Header with `sha256=` and the signature in hexadecimal; for `hmac`."
    )
    timestamp_header: HeaderName = Field(
        "X-Timestamp", description="Header with the Unix time in seconds that is signed too; for `hmac`."
    )
    tolerance: Annotated[float, DurationBetween("1s", "1h")] = Field(
        300.0, description="How far a signed time may be from ours; for `hmac` and `vonage`."
    )
    url: PublicUrl | None = Field(
        None, description="The address that the provider was given, as it was given; Twilio signs it."
    )

    @property
    def authenticates_by(self) -> Authentication:
        return self.authentication or PROVIDERS[self.provider].authentication

    @model_validator(mode="after")
    def _can_be_authenticated(self) -> "WebhookSection":
        if self.authenticates_by != "provider":
            return self
        provider = PROVIDERS[self.provider]
        if provider.is_authentic is None:
            raise expected(f"`secret` or `hmac` as `authentication`: {self.provider} signs nothing itself")
        if provider.signs_url and self.url is None:
            raise expected(f"a `url` in it, the public address of this webhook: {self.provider} signs it")
        return self


class InboundSection(Section):
    smtp: SmtpSection | None = Field(None, description="The mail server, on channel `smtp`. None: there is none.")
    webhooks: dict[WebhookName, WebhookSection] = Field(
        default_factory=dict, description="Webhooks by name; each is the channel of its name."
    )
    # Longer than any tolerance: a signed message that comes again is known by the one that is kept.
    keep: Annotated[float, DurationBetween("1d", "400d")] = Field(
        7 * 86_400.0, description="How long received messages are kept."
    )

    @field_validator("webhooks", mode="before")
    @classmethod
    def _no_webhooks(cls, webhooks: Any) -> Any:
        return {} if webhooks is None else webhooks


@dataclass(frozen=True, slots=True)
class Inbound:
    """The receivers that there are; by default none."""

    smtp: SmtpSection | None = None
    webhooks: Mapping[str, WebhookSection] = field(default_factory=dict)
    keep_seconds: float = 7 * 86_400.0
