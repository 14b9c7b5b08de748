"""Receivers and reference targets in the configuration: defaults, refusals, secrets, what is shown."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import SecretStr

from monitor.config import Config, ConfigError, Inbound, load
from monitor.config.schema import json_schema, markdown
from monitor.config.showing import as_yaml
from monitor.yaml_source import parse
from probes.contract import ProbeKind, ProbeOptions
from tests.monitor.config_kinds import KINDS as SIMPLE
from tests.monitor.config_kinds import Door


class Awaiting(ProbeOptions):
    """Of a journey that waits for messages."""

    receiver: str

    def channels_needed(self) -> set[str]:
        return {self.receiver}


class Ordinary(ProbeOptions):
    """A field of the same name is no list of receivers."""

    channels: tuple[str, ...] = ("temperature",)


class Reporting(Ordinary):
    """The other name of the method, for options with such a field."""

    receiver: str

    def channels_needed(self) -> set[str]:
        return {self.receiver}


async def _nothing(_options: Any, _journey: Any) -> None:
    """Always up."""


KINDS = {
    **SIMPLE,
    "awaiting": ProbeKind("awaiting", Awaiting, _nothing, "Waits."),
    "reporting": ProbeKind("reporting", Reporting, _nothing, "Waits, too."),
    "ordinary": ProbeKind("ordinary", Ordinary, _nothing, "Does not."),
}

_BASE = """\
components: {gate: {}}
probes:
  - {id: front, component: gate, kind: ordinary}
"""
_INBOUND = """\
inbound:
  smtp: {port: 0, recipients: [probe@uptime.example, "@whole.example"], networks: [192.0.2.0/24]}
  webhooks:
    own: {secret: env:SMS_SECRET}
    calls: {provider: twilio, secret: file:token, url: https://uptime.example/inbound/sms/calls}
  keep: 30d
references:
  - {kind: door, options: {host: a.example.net, port: 443}}
  - {kind: ordinary, timeout: 500ms}
"""


def _load(folder: Path, text: str, base: str = _BASE) -> Config:
    (folder / "token").write_text("hunter2-of-twilio\n")
    path = folder / "monitor.yaml"
    path.write_text(base + text)
    return load(path, {"SMS_SECRET": "hunter2-of-ours"}, KINDS)


def _messages(folder: Path, text: str, base: str = _BASE) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, base)
    return [str(problem).removeprefix(f"{folder}/monitor.yaml:") for problem in caught.value.problems]


@pytest.mark.parametrize("text", ["", "inbound:\nreferences:\n", "inbound: {smtp: , webhooks: }\nreferences: []\n"])
def test_by_default_nothing_is_received_and_nothing_asked(tmp_path: Path, text: str) -> None:
    config = _load(tmp_path, text)
    assert config.inbound == Inbound(None, {}, 7 * 86_400.0)
    assert config.reference_targets == ()


def test_receivers_reach_the_daemon(tmp_path: Path) -> None:
    inbound = _load(tmp_path, _INBOUND).inbound
    assert inbound.keep_seconds == 30 * 86_400.0
    assert inbound.smtp is not None
    assert (inbound.smtp.host, inbound.smtp.port, inbound.smtp.size_limit, inbound.smtp.idle) == (
        "127.0.0.1", 0, 8_388_608, 60.0,
    )  # fmt: skip
    assert {name: webhook.authenticates_by for name, webhook in inbound.webhooks.items()} == {
        "own": "hmac",
        "calls": "provider",
    }
    assert inbound.webhooks["own"].secret.get_secret_value() == "hunter2-of-ours"
    assert inbound.webhooks["own"].tolerance == 300.0


def test_reference_targets_are_probes_of_no_component_of_the_agreement(tmp_path: Path) -> None:
    door, ordinary = _load(tmp_path, _INBOUND).reference_targets
    assert (door.id, door.component, door.kind.name, door.timeout_seconds) == ("reference-1", "reference", "door", 2.0)
    assert door.options == Door(host="a.example.net", port=443)
    assert (ordinary.id, ordinary.timeout_seconds, ordinary.options) == ("reference-2", 0.5, Ordinary())


def test_secrets_are_known_and_shown_nowhere(tmp_path: Path) -> None:
    text = _INBOUND.replace(
        "kind: ordinary, timeout: 500ms", "kind: secretive, options: {password: hunter2-of-reference}"
    )

    class Secretive(ProbeOptions):
        password: SecretStr

    path = tmp_path / "monitor.yaml"
    (tmp_path / "token").write_text("hunter2-of-twilio\n")
    path.write_text(_BASE + text)
    kinds = {**KINDS, "secretive": ProbeKind("secretive", Secretive, _nothing, "Knows.")}
    config = load(path, {"SMS_SECRET": "hunter2-of-ours"}, kinds)
    assert config.secrets() == {"hunter2-of-ours", "hunter2-of-twilio", "hunter2-of-reference"}
    shown = as_yaml(config)
    assert "hunter2" not in shown + repr(config)
    assert parse(shown, "shown").value["inbound"]["webhooks"]["own"]["secret"] == "env:SMS_SECRET (masked)"


@pytest.mark.parametrize(
    "slip",
    ["[%s]", "{%s: }", "{value: %s}", "!!int %s", "!%s", "*%s", "|\n%s", "[%s", "{token:%s}", '""', "12345678", "%s x"],
)
def test_no_message_has_a_secret_that_was_written_wrongly(tmp_path: Path, slip: str) -> None:
    written = slip.replace("%s", "hunter2-private")
    path = tmp_path / "monitor.yaml"
    path.write_text(_BASE + _INBOUND.replace("env:SMS_SECRET", written, 1))
    try:
        said = as_yaml(load(path, {}, KINDS))
    except ConfigError as problems:
        said = f"{problems}{problems!r}"
    assert "hunter2" not in said and "12345678" not in said


def test_what_is_shown_reads_back(tmp_path: Path) -> None:
    config = _load(tmp_path, _INBOUND)
    shown = as_yaml(config)
    assert "idle: 1m\n" in shown and "tolerance: 5m\n" in shown and "timeout: 500ms\n" in shown
    again = tmp_path / "again.yaml"
    again.write_text(shown.replace("(masked)", "").replace("env:SMS_SECRET ", "env:SMS_SECRET"))
    again.write_text(again.read_text().replace("file:token ", "file:token"))
    loaded = load(again, {"SMS_SECRET": "hunter2-of-ours"}, KINDS)
    assert (loaded.inbound.smtp, loaded.inbound.keep_seconds) == (config.inbound.smtp, config.inbound.keep_seconds)
    assert loaded.reference_targets == config.reference_targets
    for name, webhook in config.inbound.webhooks.items():
        filled_in = webhook.model_copy(update={"authentication": webhook.authenticates_by})
        assert loaded.inbound.webhooks[name] == filled_in


def test_the_schema_agrees_with_the_loader() -> None:
    validator = Draft202012Validator(json_schema(KINDS))
    assert list(validator.iter_errors(parse(_BASE + _INBOUND, "file").value)) == []
    for right, wrong in (
        ("recipients", "recipient"),
        ("provider: twilio", "provider: telegraph"),
        ("secret: env:SMS_SECRET", "secrets: env:SMS_SECRET"),
        ("keep: 30d", "keep: a month"),
        ("kind: door", "kind: virtual"),
        ("kind: door", "kind: awaiting"),
        ("kind: door", "kind: reporting"),
        ("port: 443", "prot: 443"),
    ):
        assert list(validator.iter_errors(parse(_BASE + _INBOUND.replace(right, wrong, 1), "file").value)), wrong


def test_the_tables_have_every_key() -> None:
    text = markdown(KINDS)
    for heading in ("### Receivers", "### A webhook", "### Reference targets"):
        assert heading in text
    for key in (
        "smtp.recipients",
        "smtp.certificate_file",
        "webhooks",
        "keep",
        "secret_header",
        "tolerance",
        "timeout",
    ):
        assert f"| `{key}` |" in text
    assert "| `keep` | duration, 1d to 400d | `7d` |" in text
    assert "| `secret` | text, secret | required |" in text


_AWAITING = "components: {gate: {}}\nprobes:\n  - {id: a, component: gate, kind: awaiting, options: {receiver: %s}}\n"


@pytest.mark.parametrize("receiver", ["own", "calls", "smtp"])
def test_a_probe_may_wait_for_what_is_received(tmp_path: Path, receiver: str) -> None:
    _load(tmp_path, _INBOUND, _AWAITING % receiver)


def test_a_probe_that_waits_for_what_nothing_receives_is_refused(tmp_path: Path) -> None:
    assert _messages(tmp_path, _INBOUND, _AWAITING % "owm") == [
        "3: probes[0].options: waits for messages of the receiver owm, which is not there; did you mean own? "
        "expected it in inbound.webhooks"
    ]
    assert _messages(tmp_path, "inbound: {smtp: null}\n", _AWAITING % "smtp") == [
        "3: probes[0].options: waits for messages of the receiver smtp, which is not there; expected it in inbound.smtp"
    ]
    assert len(_messages(tmp_path, _INBOUND, (_AWAITING % "owm").replace("awaiting", "reporting"))) == 1
    [message] = _messages(tmp_path, "", _AWAITING % "env:SMS_SECRET")
    assert "hunter2" not in message


@pytest.mark.parametrize("port", ["8080", "2525", "'2525'"])
def test_mails_and_pages_have_ports_of_their_own(tmp_path: Path, port: str) -> None:
    text = f"inbound: {{smtp: {{recipients: [a@b.example], port: {port}}}}}\nweb: {{port: {port}}}\n"
    assert _messages(tmp_path, text) == [
        "4: inbound.smtp.port: the same port as that of `web`; expected one of its own"
    ]


def test_free_ports_do_not_clash(tmp_path: Path) -> None:
    _load(tmp_path, "inbound: {smtp: {recipients: [a@b.example], port: 0}}\nweb: {port: 0}\n")
