"""What alerts send, to which mail server and receiver: templates, addresses, the SMS provider's secrets."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

TEMPLATE_FIELDS = ("rule", "sensor", "organisation", "location", "value", "time")


def _template(text: str) -> str:
    try:
        text.format(**dict.fromkeys(TEMPLATE_FIELDS, ""))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ValueError(f"a template may name {', '.join(TEMPLATE_FIELDS)} in braces, and nothing else") from error
    return text


Line = Annotated[str, Field(pattern=r"^[^\r\n]+$")]
Template = Annotated[str, AfterValidator(_template)]
Subject = Annotated[Line, AfterValidator(_template)]
Address = Annotated[str, Field(pattern=r"^[!-?A-~]+@[!-?A-~]+$")]  # printable ASCII without a second @

_FACTS = """
Rule: {rule}
Sensor: {sensor}
Organisation: {organisation}
Location: {location}
Value: {value}
Time: {time}
"""


class NotificationSettings(BaseModel):
    """The wording of mails, the zone and the delay are assumptions: the platform's own are not public.

    The templates may name `{rule}`, `{sensor}` (serial number), `{organisation}`, `{location}`, `{value}` (with its
    unit) and `{time}` (`YYYY-MM-DD HH:MM:SS` in `zone`). The texts of SMS are fixed; `texts` has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    smtp_host: str | None = Field(
        default=None, min_length=1, description="Mail server that takes the platform's mails; null: mails wait."
    )
    smtp_port: int = Field(default=25, ge=1, le=65535, description="Its port.")
    attempts: int = Field(default=6, ge=1, le=20, description="Tries of a mail or webhook before it is given up.")
    retry_seconds: float = Field(
        default=0.5, gt=0, allow_inf_nan=False, description="Pause after the first try; doubled after each further one."
    )
    delay_seconds: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="How long after the alert a message goes out (assumption)."
    )
    zone: Literal["Europe/Warsaw", "UTC"] = Field(
        default="Europe/Warsaw", description="Zone of the times in messages (assumption)."
    )
    organisation: Line = Field(default="Stand-in", description="Name of the organisation in messages.")
    location: Line = Field(default="Loopback", description="Name of the location in messages.")
    owner_email: Address = Field(default="customer@example.com", description="Who is warned of a low SMS balance.")

    mail_from: Line = Field(default="Efento Cloud <alerts@standin.example>", description="Sender (assumption).")
    alarm_subject: Subject = Field(default="Alarm! Rule {rule}, sensor {sensor}", description="(assumption)")
    alarm_body: Template = Field(default="Alarm!\n" + _FACTS, description="(assumption)")
    all_clear_subject: Subject = Field(
        default="Back to normal. Rule {rule}, sensor {sensor}", description="(assumption)"
    )
    all_clear_body: Template = Field(default="Back to normal.\n" + _FACTS, description="(assumption)")

    sms_from: Line = Field(default="Efento", description="Sender of SMS (assumption).")
    sms_credit: int = Field(default=1_000_000, ge=0, description="SMS in the organisation's prepaid pool at the start.")
    sms_token: SecretStr = Field(
        default=SecretStr("standin-sms-token"),
        min_length=1,
        description="Bearer token of the SMS provider's interface.",
    )
    sms_webhook_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Where the SMS provider posts each SMS; null: nowhere."
    )
    sms_format: Literal["json"] = Field(default="json", description="Format of the webhook's body.")
    sms_secret: SecretStr = Field(
        default=SecretStr("standin-sms-secret"), min_length=1, description="Key of the webhook's signature."
    )
