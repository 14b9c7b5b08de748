"""No spelling of a secret gets through."""

import base64
import io
import json
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor import logs
from monitor.redaction import MASK, Redactor

SECRET = 'p@ss "wörd"/+1'


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ],
)
def test_a_secret_is_removed_in_every_usual_spelling(spelling: str) -> None:
    cleaned = Redactor([SECRET]).clean(f"before {spelling} after")
    assert MASK in cleaned
    assert spelling not in cleaned


def test_of_two_secrets_that_begin_alike_the_longer_leaves_no_tail() -> None:
    assert Redactor(["token", "token-of-admin"]).clean("token-of-admin") == MASK


def test_nothing_to_hide_changes_nothing() -> None:
    assert Redactor(["", ""]).clean("plain") == "plain"


@given(st.text(min_size=1, max_size=20), st.text(max_size=50), st.text(max_size=50))
def test_whatever_the_secret_it_is_gone(secret: str, before: str, after: str) -> None:
    cleaned = Redactor([secret]).clean(before + secret + after)
    assert secret not in cleaned.replace(MASK, "\x00" if "\x00" not in secret else "\x01")


def test_log_lines_with_tracebacks_and_nested_fields_are_cleaned() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", Redactor([SECRET]), stream)
    try:
        raise ValueError(f"cannot log in with {SECRET}")
    except ValueError:
        logs.get().exception("check.crashed", headers={"Authorization": SECRET}, path=[SECRET])
    structlog.reset_defaults()
    line = json.loads(stream.getvalue())
    assert SECRET not in stream.getvalue()
    assert json.dumps(SECRET)[1:-1] not in stream.getvalue()
    assert line["event"] == "check.crashed"
    assert line["level"] == "error"
    assert line["headers"] == {"Authorization": MASK}
