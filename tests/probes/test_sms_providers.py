"""What SMS providers deliver is read as their documentation says, and proves its origin as it says."""

import base64
import hashlib
import hmac
import json
from typing import Any, get_args
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.sms import Sms
from probes.sms.providers import PROVIDERS, Delivery, Provider, ProviderName, unique_keys

NOW = 1_750_000_000
KEY = b"12345678901234567890"
URL = "https://uptime.example/inbound/sms/orders"

JSON = {"id": "7", "from": "Efento", "to": "+48500100200", "text": "Czujnik ąę", "sent_at": "2026-11-23T04:00:00Z"}
TWILIO = {"MessageSid": "SM1", "From": "+48500", "To": "+48600", "Body": "a b+c", "NumMedia": "0", "Zip": ""}
VONAGE = {
    "messageId": "0A0", "msisdn": "48500", "to": "48600", "text": "a b", "type": "text",
    "message-timestamp": "2026-11-23 04:00:00",
}  # fmt: skip
MESSAGES_API = {
    "message_uuid": "u-1", "from": "48500", "to": "48600", "text": "a b", "channel": "sms",
    "timestamp": "2026-11-23T04:00:00Z",
}  # fmt: skip
SMSAPI = {"MsgId": "m1", "sms_from": "48500", "sms_to": "48600", "sms_text": "a b", "sms_date": "1750000000"}


def test_every_provider_has_a_name_in_the_configuration() -> None:
    assert set(PROVIDERS) == set(get_args(ProviderName))


@pytest.mark.parametrize(
    ("name", "body", "sms"),
    [
        ("json", json.dumps(JSON), [Sms("7", "Efento", "+48500100200", "Czujnik ąę", "2026-11-23T04:00:00Z")]),
        ("json", json.dumps({"messages": [{**JSON, "id": 8}, {**JSON, "id": 9}]}), ["8", "9"]),
        ("json", json.dumps({"messages": []}), []),
        ("twilio", urlencode(TWILIO), [Sms("SM1", "+48500", "+48600", "a b+c")]),
        ("vonage", json.dumps(VONAGE), [Sms("0A0", "48500", "48600", "a b", "2026-11-23 04:00:00")]),
        ("vonage", urlencode(VONAGE), [Sms("0A0", "48500", "48600", "a b", "2026-11-23 04:00:00")]),
        ("vonage", json.dumps(MESSAGES_API), [Sms("u-1", "48500", "48600", "a b", "2026-11-23T04:00:00Z")]),
        (
            "vonage",
            json.dumps({**MESSAGES_API, "from": {"type": "sms", "number": "48500"}, "to": {"number": "48600"}}),
            [Sms("u-1", "48500", "48600", "a b", "2026-11-23T04:00:00Z")],
        ),
        ("smsapi", urlencode(SMSAPI), [Sms("m1", "48500", "48600", "a b", "1750000000")]),
    ],
)
def test_messages_are_read(name: ProviderName, body: str, sms: list[Any]) -> None:
    found = PROVIDERS[name].read(body.encode())
    assert found == sms or [each.id for each in found] == sms


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("json", b""),
        ("json", b"[]"),
        ("json", b"[" * 60_000),
        ("json", b'{"id": ' + b"9" * 5_000 + b"}"),
        ("json", b'{"id": "1", "from": "a", "to": "b"}'),
        ("json", b'{"id": true, "from": "a", "to": "b", "text": "c"}'),
        ("json", b'{"messages": 1}'),
        ("json", b'{"messages": [1]}'),
        ("json", b"\xff\xfe"),
        ("twilio", b"From=a&To=b&Body=c"),
        ("twilio", b"a&" * 20_000),
        ("vonage", b"{}"),
        ("vonage", b'{"message_uuid": "1", "from": [], "to": "b", "text": "c"}'),
        ("smsapi", b"sms_from=1"),
    ],
)
def test_what_is_not_a_message_is_a_value_error(name: ProviderName, body: bytes) -> None:
    with pytest.raises(ValueError):  # whatever it says, it goes to nobody
        PROVIDERS[name].read(body)


_HEADERS = st.dictionaries(st.sampled_from(["Authorization", "X-Twilio-Signature"]), st.text())
_TOKENS = st.tuples(st.binary(), st.binary(), st.binary()).map(
    lambda parts: "Bearer " + ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
@given(body=st.binary(), headers=_HEADERS, token=_TOKENS | st.none())
def test_whatever_comes_is_read_or_refused(
    provider: Provider, body: bytes, headers: dict[str, str], token: str | None
) -> None:
    """And what was read can be kept: encoded, decoded, and stored under its key."""
    delivery = Delivery(body, {**headers, **({"Authorization": token} if token else {})}, URL, NOW, 300.0)
    assert provider.is_authentic is None or not provider.is_authentic(delivery, KEY)
    try:
        messages = provider.read(body)
    except ValueError:
        return
    _can_be_kept(messages)


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner))


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from([*JSON, *MESSAGES_API, *VONAGE, "messages"]), _JSON | st.text()))
def test_whatever_json_comes_is_read_or_refused(value: dict[str, Any]) -> None:
    for provider in (PROVIDERS["json"], PROVIDERS["vonage"]):
        try:
            messages = provider.read(json.dumps(value).encode())
        except ValueError:
            continue
        _can_be_kept(messages)


def _can_be_kept(messages: list[Sms]) -> None:
    assert [Sms.decoded(message.encoded()) for message in messages] == messages
    for message, key in zip(messages, unique_keys(messages), strict=True):
        assert 0 < len(key) <= 128 and key.isascii() and key.isprintable()
        assert "\0" not in message.text
        message.text.encode()


def test_lone_surrogates_and_nul_become_storable() -> None:
    [sms] = PROVIDERS["json"].read(rb'{"id": "\ud800", "from": "a", "to": "b", "text": "x\u0000\udfffy"}')
    assert (sms.id, sms.text) == ("?", "x�?y")


def test_a_key_is_the_providers_id_or_tells_contents_apart() -> None:
    one, other = Sms("", "a", "b", "text"), Sms("", "a", "b", "text", "later")
    plain, odd, long = Sms("SM1", "a", "b", "c"), Sms("ą", "a", "b", "c"), Sms("x" * 200, "a", "b", "c")
    keys = unique_keys([one, other, plain, odd, long])
    assert keys[2] == "SM1" and len(set(keys)) == 5
    assert keys == unique_keys([one, other, plain, odd, long])
    assert unique_keys([Sms("ą", "z", "z", "z")]) == [keys[3]]


def _twilio(body: bytes = urlencode(TWILIO).encode(), url: str = URL, key: bytes = KEY) -> Delivery:
    fields = "".join(name + value for name, value in sorted(TWILIO.items()))
    signature = base64.b64encode(hmac.digest(key, (url + fields).encode(), "sha1")).decode()
    return Delivery(body, {"X-Twilio-Signature": signature}, URL, NOW, 300.0)


def test_twilios_signature() -> None:
    is_authentic = PROVIDERS["twilio"].is_authentic
    assert is_authentic is not None
    assert is_authentic(_twilio(), KEY)
    assert not is_authentic(_twilio(), KEY + b"x")
    assert not is_authentic(_twilio(url=URL + "x"), KEY)
    assert not is_authentic(_twilio(body=urlencode({**TWILIO, "Body": "a b+d"}).encode()), KEY)
    assert not is_authentic(Delivery(b"", {}, URL, NOW, 300.0), KEY)


def test_twilios_own_example() -> None:
    """The example of its security documentation, with its published auth token and signature."""
    fields = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310",
        "To": "+18005551212",
    }  # fmt: skip
    url, headers = "https://mycompany.com/myapp.php?foo=1&bar=2", {"X-Twilio-Signature": "GvWf1cFY/Q7PnoempGyD5oXAezc="}
    delivery = Delivery(urlencode(fields).encode(), headers, url, NOW, 300.0)
    is_authentic = PROVIDERS["twilio"].is_authentic
    assert is_authentic is not None
    assert is_authentic(delivery, b"12345")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


_BODY = json.dumps(MESSAGES_API).encode()
_CLAIMS: dict[str, Any] = {"iat": NOW - 10, "iss": "Vonage", "payload_hash": hashlib.sha256(_BODY).hexdigest()}


def _vonage(claims: Any = _CLAIMS, head: Any = None, key: bytes = KEY, scheme: str = "Bearer") -> Delivery:
    parts = [{"typ": "JWT", "alg": "HS256"} if head is None else head, claims]
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    signature = _base64url(hmac.digest(key, signed.encode(), "sha256"))
    return Delivery(_BODY, {"Authorization": f"{scheme} {signed}.{signature}"}, URL, NOW, 300.0)


@pytest.mark.parametrize(
    ("delivery", "authentic"),
    [
        (_vonage(), True),
        (_vonage(scheme="bearer"), True),
        (_vonage({**_CLAIMS, "exp": NOW + 60}), True),
        (_vonage(scheme="Basic"), False),
        (_vonage(key=KEY + b"x"), False),
        (_vonage({**_CLAIMS, "iat": NOW - 301}), False),
        (_vonage({**_CLAIMS, "iat": NOW + 301}), False),
        (_vonage({**_CLAIMS, "iat": float("nan")}), False),
        (_vonage({**_CLAIMS, "iat": float("inf")}), False),
        (_vonage({**_CLAIMS, "iat": 10**400}), False),
        (_vonage({**_CLAIMS, "iat": True}), False),
        (_vonage({**_CLAIMS, "exp": NOW - 301}), False),
        (_vonage({**_CLAIMS, "exp": "soon"}), False),
        (_vonage({**_CLAIMS, "payload_hash": hashlib.sha256(b"other").hexdigest()}), False),
        (_vonage({key: value for key, value in _CLAIMS.items() if key != "payload_hash"}), False),
        (_vonage({key: value for key, value in _CLAIMS.items() if key != "iat"}), False),
        (_vonage([]), False),
        (_vonage(head={"alg": "none"}), False),
        (_vonage(head={"alg": "HS512"}), False),
        (_vonage(head=[]), False),
    ],
)
def test_vonages_token(delivery: Delivery, authentic: bool) -> None:
    is_authentic = PROVIDERS["vonage"].is_authentic
    assert is_authentic is not None
    assert is_authentic(delivery, KEY) is authentic


def test_a_token_without_signature_is_refused() -> None:
    token = _vonage(head={"alg": "none"}).headers["Authorization"].rpartition(".")[0] + "."
    is_authentic = PROVIDERS["vonage"].is_authentic
    assert is_authentic is not None
    assert not is_authentic(Delivery(_BODY, {"Authorization": token}, URL, NOW, 300.0), KEY)
