"""How SMS providers call a webhook: what a delivery looks like, how it proves its origin, what answer is wanted.

Every format is read into `Sms`. What each is sure of:

- `json`: our own, e.g. for a modem's script and the stand-in. An object with `id`, `from`, `to`, `text` and perhaps
  `sent_at`, or `{"messages": [...]}` of such objects.
- `twilio`: form fields `MessageSid`, `From`, `To`, `Body`. Signed by `X-Twilio-Signature`: Base64 of HMAC-SHA1 with the
  account's auth token over the URL, followed by each field's name and value in the order of names (Twilio's security
  documentation; certain). It has no time in it: a replay is known by its `MessageSid` alone, while the message is kept.
- `vonage`: the fields of the SMS API (`messageId`, `msisdn`, `to`, `text`, `message-timestamp`; certain) or of the
  Messages API (`message_uuid`, `from`, `to`, `text`, `timestamp`; certain). Signed, by the Messages API, with a JWT
  (HS256, the account's signature secret) in `Authorization`, whose claims `iat` and `payload_hash` (SHA-256 of the
  body) bind it to time and content (Vonage's page on signed webhooks; certain but for the exact bytes that are hashed,
  taken to be the body as sent). The older signature of the SMS API, a field `sig`, is not read: use a secret there.
- `smsapi`: form fields `sms_from`, `sms_to`, `sms_text`, `sms_date` (Unix time) and `MsgId`; the answer must be `OK`
  (assumption: not checked against its present documentation). It signs nothing: put a secret into the URL.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn
from urllib.parse import parse_qsl

from probes.sms import Sms

ProviderName = Literal["json", "twilio", "vonage", "smsapi"]
Authentication = Literal["secret", "hmac", "provider"]

_FORM_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook's request. `url` is the public address of the webhook, `now` Unix time in seconds."""

    body: bytes
    headers: Mapping[str, str]
    url: str
    now: int
    tolerance_seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What tells the provider that its delivery was taken."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Provider:
    """`read` raises `ValueError` for a body that is not of this format, and nothing else.

    `is_authentic(delivery, key)` is the provider's own way of signing; it never raises. `authentication` is the way
    used where the configuration names none.
    """

    read: Callable[[bytes], list[Sms]]
    authentication: Authentication
    answer: Answer
    is_authentic: Callable[[Delivery, bytes], bool] | None = None
    signs_url: bool = False


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def _read_json(body: bytes) -> list[Sms]:
    value = _json_object(body)
    listed = value.get("messages", [value])
    if not isinstance(listed, list):
        raise ValueError("messages is not a list")
    return [_from_json(item) for item in listed]


def _from_json(item: Any) -> Sms:
    if not isinstance(item, dict):
        raise ValueError("a message is not an object")
    return Sms(
        _text(item, "id"), _text(item, "from"), _text(item, "to"), _text(item, "text"), _text(item, "sent_at", "")
    )


def _read_twilio(body: bytes) -> list[Sms]:
    form = dict(_form(body))
    return [Sms(_text(form, "MessageSid"), _text(form, "From"), _text(form, "To"), _text(form, "Body"))]


def _read_vonage(body: bytes) -> list[Sms]:
    # The SMS API sends JSON or a form, as the account is set up.
    value = _json_object(body) if body.lstrip()[:1] == b"{" else dict(_form(body))
    if "message_uuid" in value:
        sender, recipient, text = _party(value, "from"), _party(value, "to"), _text(value, "text")
        return [Sms(_text(value, "message_uuid"), sender, recipient, text, _text(value, "timestamp", ""))]
    sent_at = _text(value, "message-timestamp", "")
    return [Sms(_text(value, "messageId"), _text(value, "msisdn"), _text(value, "to"), _text(value, "text"), sent_at)]


def _party(value: Mapping[str, Any], name: str) -> str:
    """A number as the Messages API writes it: text, or in its first version an object."""
    party = value.get(name)
    return _text(party, "number") if isinstance(party, dict) else _text(value, name)


def _read_smsapi(body: bytes) -> list[Sms]:
    form = dict(_form(body))
    sent_at = _text(form, "sms_date", "")
    sender, recipient, text = _text(form, "sms_from"), _text(form, "sms_to"), _text(form, "sms_text")
    return [Sms(_text(form, "MsgId", ""), sender, recipient, text, sent_at)]


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _form(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=_FORM_FIELDS)


def _text(value: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A field that is text or a whole number, made storable: no lone surrogates, no NUL."""
    found = value.get(name, default)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str):
        raise ValueError(f"{name} is missing or not text")
    return found.encode("utf-8", "replace").decode().replace("\0", "�")


def _is_twilio(delivery: Delivery, key: bytes) -> bool:
    try:
        fields = sorted(set(_form(delivery.body)))
    except ValueError:
        return False
    signed = delivery.url + "".join(name + value for name, value in fields)
    digest = hmac.digest(key, signed.encode("utf-8", "surrogateescape"), "sha1")
    return same(delivery.headers.get("X-Twilio-Signature", ""), base64.b64encode(digest).decode())


def _is_vonage(delivery: Delivery, key: bytes) -> bool:
    scheme, _, token = delivery.headers.get("Authorization", "").partition(" ")
    try:
        claims = _verified_claims(token.strip(), key) if scheme.lower() == "bearer" else {}
    except (ValueError, RecursionError):
        return False
    issued: Any = claims.get("iat")
    expires: Any = claims.get("exp", delivery.now)
    if not (_is_number(issued) and _is_number(expires)):
        return False
    # Not the other way round: a comparison with "not a number" must come out as false.
    is_fresh = abs(delivery.now - issued) <= delivery.tolerance_seconds
    is_valid = expires >= delivery.now - delivery.tolerance_seconds
    return is_fresh and is_valid and same(str(claims.get("payload_hash")), hashlib.sha256(delivery.body).hexdigest())


def _verified_claims(token: str, key: bytes) -> dict[str, Any]:
    """The claims of a JWT that is signed with HS256 and this key. Raises `ValueError` for any other."""
    signed, _, signature = token.rpartition(".")
    head, _, claims = signed.partition(".")
    expected = hmac.digest(key, signed.encode("utf-8", "surrogatepass"), "sha256")
    # Only what is signed is looked into; and the algorithm is ours to choose, not the token's.
    if not hmac.compare_digest(_base64url(signature), expected) or _json_object(_base64url(head)).get("alg") != "HS256":
        _refuse()
    return _json_object(_base64url(claims))


def _base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not Base64") from error


def _refuse() -> NoReturn:
    raise ValueError("not a token that is signed with this key")


def _is_number(value: Any) -> bool:
    # Bounded, because a huge whole number cannot be compared with a fraction.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def unique_keys(messages: Iterable[Sms]) -> list[str]:
    """For each message a text that is the same whenever the provider delivers that message again.

    The provider's id, or a digest of the content where there is none (or none that can be kept as it is).
    """
    return [_unique_key(message) for message in messages]


def _unique_key(message: Sms) -> str:
    if 0 < len(message.id) <= 128 and message.id.isascii() and message.id.isprintable():
        return message.id
    known = message.id or json.dumps([message.sender, message.recipient, message.text, message.sent_at])
    return "sha256:" + hashlib.sha256(known.encode()).hexdigest()


_TWIML = Answer(200, "<Response/>", "text/xml")  # "do nothing"; Twilio reports an empty answer as a mistake

PROVIDERS: Mapping[ProviderName, Provider] = {
    "json": Provider(_read_json, "hmac", Answer(204)),
    "twilio": Provider(_read_twilio, "provider", _TWIML, _is_twilio, signs_url=True),
    "vonage": Provider(_read_vonage, "provider", Answer(200, "OK\n"), _is_vonage),
    "smsapi": Provider(_read_smsapi, "secret", Answer(200, "OK")),
}
